"""Words about goods in bond: what declarations say, what is refused, what was done."""

from __future__ import annotations

from entrepot.kit.i18n import N

DECLARATION_STATES = {
    "open": N("Not sent to customs yet"),
    "asked": N("Customs is asked"),
    "released": N("Released by customs"),
    "rejected": N("Rejected by customs"),
    "revoking": N("Being taken back from customs"),
    "ended": N("Taken back"),
}
MESSAGES_DIFFER = {
    "parcel": N("Nobody has said yet with what parcel it goes."),
    "book": N("The account book has less of this."),
    "order": N("The messages are of different orders."),
    "item": N("The goods are something else in the account book."),
    "sum": N("The order's lines do not add up to what was paid."),
    "buyer": N("Somebody else than the buyer has paid."),
    "amount": N("Another amount was paid."),
    "currency": N("The currencies differ."),
    "payment": N("The number of the payment differs."),
    "recipient": N("The parcel goes to somebody else."),
    "freight": N("The price of the transport differs."),
    "units": N("Another number of pieces is in the parcel."),
    "weight": N("The parcel weighs less than what is in it."),
}
"""About what the three messages of an order do not agree."""
SPEAKERS = {
    "order": N("order"),
    "payment": N("payment"),
    "parcel": N("parcel"),
    "book": N("account book"),
    "lines": N("lines"),
}
WHY_OPEN = {
    "unknown": N("nobody knows of which order it is"),
    "currency": N("its order was paid in another currency"),
    "nothing_paid": N("nothing was paid for the border of this order"),
    "settled_before": N("this order was settled before"),
    "differs": N("it differs from what was paid for the border of this order"),
}
"""Why a line of a broker's invoice is not settled by itself."""
REFUSALS = {
    "not_released": N("These goods lie in bond: customs has to let them out before they are sent."),
    "parcel_declared_is": N("Customs was told of another parcel: %(carrier)s %(tracking_number)s."),
    "not_back_into_bond": N("These goods may not lie in bond again: take them back without putting them on stock."),
    "location_bonded": N("Goods lie in bond here: they come in, and are written off, on the page about goods in bond."),
    "location_in_use": N("Goods lie here, or have lain: a bonded warehouse begins empty."),
    "no_book": N("This location is no bonded warehouse."),
    "item_needed": N("Say first what customs calls this in the account book."),
    "item_in_use": N("Goods of it have come in, or lie there: what they are called in the book stays."),
    "declaration_received": N("What this declaration brought in was received already."),
    "book_short": N("The account book has less of %(record_no)s."),
    "not_declared": N("There is nothing to declare of this order."),
    "broker_invoice_recorded": N("This invoice was taken in before."),
    "broker_invoice_paid": N("This invoice was paid already."),
    "broker_lines_open": N("Some of its lines wait for somebody to look at them."),
    "broker_line_decided": N("Somebody has looked at this line already."),
    "released_already": N("Customs was asked already; this can be changed when it has rejected it."),
}
DONE = {
    "parcel_said": N("The parcel is noted, and the messages are compared."),
    "invoice_recorded": N("The invoice is taken in: what fits is settled."),
    "invoice_paid": N("The payment of the invoice is noted."),
    "declared_again": N("The messages are compared again."),
    "book_opened": N("It is a bonded warehouse now."),
    "item_said": N("It is in the account book."),
    "received_in_bond": N("The goods are in bond."),
    "written_off_in_bond": N("The count and the account book are corrected."),
}
