"""Names of codes, as people read them, and what a refusal means to the one who was refused.

`N` marks a text for the translators; it is translated where it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from entrepot.kit.problem import Problem
from entrepot.trade import Barrier
from entrepot.web import words_bond


def N(message: str) -> str:  # noqa: N802 - the mark that message extraction looks for
    return message


STATUSES = {
    "awaiting_payment": N("Awaiting payment"),
    "placed": N("Placed"),
    "paid": N("Paid, being packed"),
    "shipped": N("On its way"),
    "delivered": N("Delivered"),
    "completed": N("Completed"),
    "canceled": N("Canceled"),
    "expired": N("Not paid in time"),
    "refunded": N("Refunded"),
    "active": N("Active"),
    "suspended": N("Suspended"),
    "paused": N("Paused"),
    "third_party": N("Seller"),
    "own": N("Own goods"),
}
"""Of groups, orders, sellers and offers."""

EVENTS = {
    "placed": N("Order placed"),
    "shipped": N("Handed to the carrier"),
    "in_transit": N("On its way"),
    "out_for_delivery": N("Out for delivery"),
    "delivered": N("Delivered"),
    "completed": N("Completed, the seller is paid"),
    "canceled": N("Canceled; whatever was paid goes back"),
    "expired": N("Not paid in time"),
    "refunded": N("Refunded, money returned"),
    "confirmed_by_timer": N("Completes by itself if nothing is said"),
}
"""Steps of an order's timeline."""

ORDER_PARTS = {
    ("canceled", "buyer"): N("Canceled by the buyer"),
    ("canceled", "seller"): N("Canceled by the seller"),
    ("refunded", "seller"): N("Refunded by the seller"),
    ("disputed", "buyer"): N("Disputed"),
    ("returned", "buyer"): N("Returned"),
}
"""Parts of orders that go their own way, by their kind and whose doing they are."""

DISPUTE_KINDS = {
    "not_received": N("It did not come"),
    "not_as_described": N("It is not as described"),
    "wrong_or_damaged": N("It is wrong or damaged"),
    "unwanted": N("It is sent back unwanted"),
}
DISPUTE_STATES = {
    "returning": N("The buyer is to send it back"),
    "sent_back": N("The seller is to look at it"),
    "replaced": N("Something else was sent; the buyer is to say whether it is there"),
    "opened": N("The seller is to answer"),
    "answered": N("The buyer is to answer"),
    "escalated": N("The marketplace decides"),
    "decided": N("Decided; open to appeal"),
    "appealed": N("The marketplace decides again"),
    "closed": N("Closed"),
}
DISPUTE_ACTS = {
    "open": N("Open a dispute"),
    "note": N("Add a note"),
    "send_back": N("I have sent it back"),
    "inspect": N("It came back; offer this amount"),
    "replace": N("It came back; I have sent what is wanted instead"),
    "answer": N("Offer this amount"),
    "accept": N("Accept the offer"),
    "escalate": N("Ask the marketplace to decide"),
    "withdraw": N("Withdraw the dispute"),
    "appeal": N("Appeal"),
    "decide": N("Decide"),
    "wait": N("Nothing was said in time"),
}
REPLACEMENT_STATES = {"held": N("held for you"), "sent": N("on its way"), "freed": N("not given")}
PARTIES = {"buyer": N("Buyer"), "seller": N("Seller"), "operator": N("Marketplace"), "timer": N("Time")}
"""Of a dispute: what is wrong, whose turn it is, what was done, by whom."""

TAX_WHY = {
    "reportable": N("Is told of"),
    "few_sales": N("Few sales"),
    "not_in_the_eu": N("Not in the EU"),
    "below_threshold": N("Below the threshold"),
    "not_in_the_us": N("Not in the US"),
}
TAX_LACKS = {
    "identity": N("who it is"),
    "tax_id": N("tax id"),
    "first_name": N("first name"),
    "birth_date": N("date of birth"),
    "register_number": N("number in the register of companies"),
    "bank_account": N("bank account"),
}
"""Of what tax offices are told of sellers: why, and what is missing for it."""
FEES = {"commission": N("Commission"), "payment_fee": N("Payment fee")}
CHARGES = {
    "opening_fee": N("Opening of the shop"),
    "monthly_fee": N("Monthly fee"),
    "deposit": N("Deposit"),
    "deposit_deduction": N("Taken from the deposit"),
    "deposit_back": N("Deposit given back"),
}
FEE_TAXES = {
    "standard": N("VAT"),
    "reverse_charge": N("reverse charge"),
    "outside": N("not taxable here"),
    "": N("no tax"),
}
WHY_NOT = {
    "market": N("another market"),
    "category": N("another category"),
    "volume": N("too little was sold in the month before"),
}
"""Of fees: their kinds, the tax on them, and why a rule does not fit."""

PAYOUT_STATES = {"sent": N("on its way"), "settled": N("paid out"), "returned": N("returned by the bank")}

REPORT_REASONS = {  # why a review should not stand there
    "insult": N("It insults somebody"),
    "advertising": N("It advertises something"),
    "personal_data": N("It says who somebody is"),
    "not_about_it": N("It is not about this product"),
    "other": N("Something else"),
}

FRAUD_KINDS = {  # what a rule finds odd
    "new_account": N("The account is new"),
    "buyer": N("Many purchases of one buyer"),
    "address": N("Many purchases to one address"),
    "country": N("To another country than the market's"),
    "failed_payments": N("Many payments that failed"),
}

APPROVED_ACTIONS = {
    "top_up": N("Top up a wallet"),
    "write_off": N("Write off a debt"),
    "settle_payout": N("Payout delivered"),
    "return_payout": N("Payout came back"),
    "credit_refund": N("Refund into the wallet"),
    "house_account": N("The house's bank account"),
    "connect_account": N("A seller's account at Stripe"),
    "payout_terms": N("Terms of payouts"),
    "reserve": N("Reserve of a seller"),
    "pay_tax_return": N("Pay a tax return"),
    "pay_broker_invoice": N("Pay a broker's invoice"),
    "accept_broker_line": N("Accept a line of a broker's invoice"),
    "deduct_deposit": N("Deduct from a deposit"),
    "credit_invoice": N("Credit an invoice"),
    "verdict": N("Verdict of a dispute"),
    "loosen_limit": N("A higher limit"),
}
"""What may need a second person."""

EFFECTS = {
    "prohibited": N("Not sold"),
    "permit": N("With a permit"),
    "age": N("Of age"),
}
"""Of a rule of what may be sold."""

DISCREPANCIES = {
    "missing_in_report": N("The provider does not tell of it"),
    "missing_in_books": N("The provider tells of it, and our books do not"),
    "duplicate_in_report": N("The provider tells of it again"),
    "wrong_amount_in_report": N("The provider tells another amount"),
    "fee_difference": N("The provider's fee is not as agreed"),
    "settlement_sum": N("The provider's settlement is not the sum of what it is for"),
    "missing_at_bank": N("The bank has not booked it"),
    "unknown_at_bank": N("The bank has booked what nobody knows of"),
    "duplicate_at_bank": N("The bank has booked it again"),
    "wrong_amount_at_bank": N("The bank has booked another amount"),
    "wrong_currency": N("It was told in another currency"),
    "payout_returned": N("A payout came back; ask the seller for its bank account"),
}
"""What the books, the provider and the bank do not agree on."""

REASONS = {
    "counted": N("Counted anew"),
    "damaged": N("Damaged"),
    "expired": N("Past its date"),
    "lost": N("Lost or stolen"),
    "found": N("Found again"),
}
"""Why a count was corrected."""

SWITCHES = {
    "facets": N("Categories and likeness in search"),
    "recommendations": N("Recommendations"),
    "reports": N("Figures by day"),
    "reviews": N("Reviews and ratings"),
    "statements": N("Statements of account"),
}
"""What can be switched off."""

LACKS = {
    "customs": N("its customs data: code, origin, description, weight"),
    "hs_code": N("a code of today's nomenclature; the one it has is out of date"),
    "sender": N("the address that it is sent from"),
    "recipient": N("the buyer's address, which was erased"),
}
"""What papers for customs lack."""

SCORE_REASONS = {
    "start": N("everybody begins with it"),
    "member_days": N("here for %(n)s days"),
    "on_time": N("payments in time: %(n)s"),
    "late": N("installments paid late: %(n)s"),
    "overdue": N("installments that are late now: %(n)s"),
    "default": N("plans that were given up: %(n)s"),
    "used": N("percent of the last limit in use: %(n)s"),
}
"""What a credit score is made of."""

REFUSALS = {
    "malformed": N("Something in the form is missing or not valid. Please check it."),
    "wrong_credentials": N("This e-mail and password do not fit together."),
    "too_many_requests": N("Too many tries. Wait a few minutes and try again."),
    "email_taken": N("There is an account with this e-mail already. Sign in instead?"),
    "too_many_addresses": N("You have as many addresses as we can keep (%(limit)s)."),
    "address_not_valid": N("This country has no such postal code, region, phone or tax number. Please check them."),
    "cart_empty": N("Your cart is empty."),
    "cart_full": N("Your cart holds as many different items as it can (%(limit)s)."),
    "cart_incomplete": N("Choose an address and a way of shipping first."),
    "offer_unavailable": N("One of the items can no longer be bought. Please take it out of the cart."),
    "price_changed": N("A price has changed since you last looked. Check the new total before you order."),
    "sold_out": N("There are not enough left of one of the items: only %(available)s now."),
    "wallet_too_low": N("Your wallet holds %(available)s, which is not enough for this order."),
    "insufficient_funds": N("There is not enough money in the account."),
    "quote_expired": N("This total was only good for a while. Here is where you get a new one."),
    "quote_placed": N("You have placed this order already."),
    "key_conflict": N("This form was used for something else already. Open the page again."),
    "payout_not_sent": N("The bank has answered for this payout already."),
    "file_not_read": N("This is no bank statement or report that can be read. Nothing of it was taken in: %(detail)s."),
    "sealed_otherwise": N("Our bank accounts were encrypted with another ENTREPOT_SECRET than this one."),
    "not_our_account": N("This statement is of an account that is not ours (it ends in %(ending)s)."),
    "told_otherwise": N("%(name)s was taken in before, and said something else."),
    "discrepancy_ended": N("Somebody has resolved this already, or it is no longer there."),
    "tax_id_not_valid": N("Its country gives out no such number. Please check it for a typing mistake."),
    "country_not_valid": N("Please check the countries; a tax id needs the country that gave it."),
    "zone_unknown": N("There is no such time zone. Its name is as in Europe/Berlin."),
    "zone_not_later": N("A time zone holds from a month that has not begun: %(soonest)s at the soonest."),
    "bank_account_not_valid": N("Please check the IBAN and the holder's name, in Latin letters."),
    "day_not_over": N("Only a day that is over can be closed."),
    "refund_not_failed": N("Somebody has dealt with this refund already."),
    "refund_came_back": N("The buyer's bank has sent this back. It can only be paid to the wallet."),
    "installments_not_offered": N("This cannot be paid in so many installments here."),
    "credit_refused": N("This is more than you may owe now. Below stands why."),
    "nothing_owed": N("Nothing of this is owed now."),
    "rule_shadowed": N("This would never apply: the rule “%(name)s” comes first and fits all that it fits."),
    "rule_ended": N("This rule has ended already."),
    "not_later": N("Something that begins later is there already."),
    "shop_is_open": N("You have a shop in this market already."),
    "shop_is_closed": N("This shop is closed already."),
    "no_shop_terms": N("Nobody has said yet what a shop costs here."),
    "deposit_is": N("Of the deposit only %(deposit)s are left."),
    "line_is": N("Of this line only %(left)s are left."),
    "not_an_invoice": N("Only an invoice can be credited."),
    "debt_is": N("The seller owes only %(owed)s."),
    "reserve_terms_not_later": N("Terms that begin later are there already."),
    "dispute_status_is": N("The dispute has moved on, so this can no longer be done."),
    "return_too_late": N("This could be sent back until %(until)s."),
    "return_not_taken": N("Nothing is taken back here that is only unwanted."),
    "dispute_too_late": N("This order could be disputed until %(until)s."),
    "amount_not_in_dispute": N("Between nothing and what was paid for the disputed goods can be given back."),
    "dispute_full": N("Nothing more can be added to this dispute."),
    "file_not_taken": N("A file must be a JPEG, PNG or WebP picture or a PDF of at most a megabyte."),
    "line_not_there": N("The order has no such item."),
    "units_taken": N("Only %(left)s of these are left: each can be canceled, returned or disputed once."),
    "amount_not_left": N("Only %(left)s of what was paid for this are left."),
    "nothing_paid": N("Nothing was paid for these, so nothing can be given back."),
    "order_held": N("This order waits until the marketplace has looked at who gets it."),
    "wrong_status": N("The order has moved on, so this can no longer be done. It is now: %(order_status)s."),
    "quantity_not_valid": N("This quantity is too small or too large (at most %(limit)s)."),
    "promotion_not_valid": N("This promotion code does not apply to this purchase."),
    "limit_reached": N("This has been used up, or you have as much of it as one buyer can."),
    "campaign_not_started": N("This begins at %(starts_at)s."),
    "campaign_over": N("This ended at %(ends_at)s."),
    "ticket_needed": N("Many want to buy here. Please join the line first."),
    "not_sent_abroad": N("This is only sent within one country: %(country)s."),
    "not_your_turn": N("It is not your turn yet: %(ahead)s are before you."),
    "no_line": N("Nobody needs to wait here any more."),
    "switched_off": N("So many are shopping that we have put this aside. It is back at %(until)s at the latest."),
    "item_missing": N("One of the items cannot be sent to this country: its seller has not given its customs data."),
    "rate_missing": N("One of the items cannot be sent to this country: we do not know its duty there."),
    "quantity_missing": N("One of the items cannot be sent to this country: we do not know its duty there."),
    "law_missing": N("We do not sell to this country from abroad yet."),
    "code_unknown": N("There is no such code today. Find another by words."),
    "origin_missing": N("Please say with two letters in which country it was made."),
    "said_by_another": N("Another seller has said it. Ask the operator to put it right."),
    "address_not_latin": N(
        "Something comes from abroad: please give an address in Latin letters, as the post needs it."
    ),
    "papers_incomplete": N("Something is missing for its papers at the border. The order's page says what."),
    "not_imported": N("It crosses no border, and needs no papers."),
    "currency_rate_missing": N("We cannot tell the duties of this country today."),
    "not_exchanged": N("One of the items cannot be sold in your currency today. Please try it again later."),
    "not_followed": N("The price of this offer cannot be followed in that market."),
    "currency_not_taken": N("Nothing is paid in this currency here."),
    "period_not_over": N("The period is not over yet."),
    "period_not_valid": N("No period of this scheme begins on that day."),
    "return_filed": N("There is a return of this period already."),
    "return_paid": N("This return was paid already."),
    "not_let_in": N("This cannot be imported so: take less of it, or another way of shipping."),
    "identity_needed": N(
        "The country counts what each person brings in. Please say in your account who you are there."
    ),
    "identity_not_valid": N("Please check the number: it is none of a person in this country."),
    "identity_elsewhere": N("Another account of yours has said this number. Please buy with that one."),
    "not_sold_there": N("One of the items is not sold there: %(rule)s"),
    "age_needed": N("Please give your date of birth in your account first: %(rule)s"),
    "too_young": N("Please check your date of birth."),
    "shipping_not_offered": N("This way of shipping is not offered here."),
    "amount_too_large": N("This amount is larger than we can take."),
    "too_many_lines": N("A purchase can have at most %(limit)s lines."),
    "gateway_away": N("The payment service does not answer now. Try again in a moment."),
    "method_not_offered": N("This way of paying is not offered here now."),
    "seller_status_is": N("The seller's status has changed meanwhile."),
    "offer_status_is": N("It is not on sale, or it is already."),
    "stock_promised": N("Of these only %(available)s can be taken away: the others are sold, or held for a payment."),
    "stock_currency_is": N("These goods are bought and sold in %(currency)s."),
    "location_code_taken": N("One of your locations has this code already."),
    "overloaded": N("So much is being bought right now that we could not take this. Please try again in a moment."),
    "database_away": N("We cannot reach our books right now. Please try again in a moment."),
    "form_expired": N("This form was open for too long or came from elsewhere. Nothing was changed; please try again."),
    "not_instead": N("This cannot be had instead: choose another of the same product, for one item at a time."),
    "replacement_dearer": N(
        "This costs more than what was paid for it: send it back for its money, and buy the other."
    ),
    "not_failed": N("Only what could not be sent is sent again."),
    "not_found": N("There is no such thing here, or it is not yours."),
} | words_bond.REFUSALS
"""By a Problem's code."""

FIELDS = {
    "email": N("Please give an e-mail address, like ada@example.org."),
    "password": N("A password needs at least 10 characters."),
    "name": N("Please tell us your name."),
    "recipient": N("Who is to receive it?"),
    "line1": N("Please give a street and number."),
    "city": N("Please give a town."),
    "postal_code": N("Please give a postal code of at most 20 characters."),
    "country": N("Choose a country."),
    "quantity": N("Please give a quantity from 1 to 1,000,000."),
    "amount": N("Please give an amount such as 25.00."),
    "user_id": N("Please give the buyer's id; it begins with usr_."),
    "carrier": N("Who carries it?"),
    "tracking_number": N("Please give the carrier's tracking number."),
    "address_id": N("Choose an address."),
    "shipping": N("Choose a way of shipping."),
    "sku": N("There are no goods of this SKU."),
    "location_id": N("Choose a location."),
    "cost": N("Please say what all of them cost, such as 25.00 (or 0)."),
    "place": N("Please give the location a name."),
    "through": N("Please choose a day."),
    "text": N("Please say in at most 4,000 characters what happened."),
    "note": N("Please say what you have found out."),
    "seller_id": N("Please give the seller's id; it begins with sel_."),
    "number": N("Please give the number of the permit."),
    "valid_to": N("Please give a day, or none."),
    "birth_date": N("Please check your date of birth."),
    "tax_id": N("A number has letters, digits, spaces, dots, slashes and dashes, at most 40 of them."),
    "vat_id": N("A number has letters, digits, spaces, dots, slashes and dashes, at most 40 of them."),
    "register_number": N("A number has letters, digits, spaces, dots, slashes and dashes, at most 40 of them."),
    "tax_country": N("Please give two letters, such as DE."),
    "branches": N("Please give two letters for each country, such as FR NL."),
    "month": N("Please choose a month."),
    "zone": N("There is no such time zone. Its name is as in Europe/Berlin."),
    "percent": N("Please give a percentage from 0 to 100, such as 12.5."),
    "hold_days": N("Please give from 1 to 730 days."),
    "source": N("Please say why, in at most 200 characters."),
    "reason": N("Please say why, in at most 500 characters."),
    "file": N("Choose a file of at most 5 MB."),
    "code": N("A code has small letters, digits and dashes, at most 40 of them."),
}
"""By the name of a form's field that is not valid."""

DONE = {
    "approved": N("It is approved and done."),
    "not_approved": N("It is refused: nothing was done."),
    "limit_set": N("The limit is set."),
    "reviewed": N("Thank you for your review."),
    "answered": N("Your answer is published."),
    "reported": N("Thank you. Somebody will look at it."),
    "moderated": N("It is decided."),
    "fraud_rule_added": N("Orders that are paid from now on are judged by it."),
    "fraud_rule_ended": N("The rule is ended."),
    "sessions_ended": N("All sessions of this user are ended."),
    "asked": N("It needs a second person: it waits for another operator to approve it."),
    "wishes_noted": N("It is noted."),
    "message_resent": N("It is on its way again."),
    "added": N("It is in your cart."),
    "address_added": N("The address is saved."),
    "confirmed": N("Thank you! The seller is paid now."),
    "order_canceled": N("The order is canceled and the money is on its way back."),
    "installment_paid": N("Thank you, it is paid."),
    "installment_asked": N("The payment page is being made; look again in a moment."),
    "written_off": N("It is written off."),
    "reserve_set": N("The reserve is set."),
    "terms_set": N("It holds from now on."),
    "fee_rule_added": N("The rule is added. What was sold before keeps its own."),
    "fee_rule_ended": N("The rule has ended."),
    "fee_entity_added": N("From now on fees in this currency are charged by it."),
    "shop_terms_set": N("From now on shops cost so much."),
    "deposit_deducted": N("It is taken from the deposit."),
    "invoice_credited": N("The credit note is issued, and its amount is the seller's."),
    "shop_opened": N("The shop is open."),
    "shop_closed": N("The shop is closed. What is left of its deposit goes back later."),
    "part_canceled": N("It is canceled and the money is on its way back."),
    "purchase_canceled": N("The purchase is canceled. Nothing more has to be paid."),
    "shipped": N("The order is marked as shipped."),
    "refunded": N("The buyer gets the money back."),
    "refund_retried": N("The gateway is asked again."),
    "refund_credited": N("The money is in the buyer's wallet."),
    "bank_file_read": N("It is taken in and matched."),
    "bank_file_known": N("It was taken in before; nothing has changed."),
    "settlement_set": N("From the next quotes on you are paid like this."),
    "who_said": N("It is saved."),
    "zone_set": N("The time zone is set."),
    "bank_account_added": N("From now on payouts go to this account."),
    "payout_settled": N("The payout has left the seller's account."),
    "payout_returned": N("The money is the seller's again; the next payout has it."),
    "topped_up": N("The money is in the wallet."),
    "suspended": N("The seller is suspended; nothing of it can be bought."),
    "reinstated": N("The seller can sell again."),
    "placed": N("Thank you! Your order is placed."),
    "received": N("The goods are on stock."),
    "corrected": N("The count is corrected."),
    "location_added": N("The location is added."),
    "customs_said": N("It is saved: it can be sent abroad now."),
    "address_said": N("The address of the location is saved."),
    "off_sale": N("It is off sale. What was ordered is not touched."),
    "on_sale": N("It is on sale again."),
    "joined": N("You are in the line."),
    "campaign_opened": N("The goods are set aside and the campaign is announced."),
    "campaign_ended": N("The campaign is over; what is left goes back on the shelf."),
    "admission_set": N("Buyers are let in at the new rate."),
    "closed": N("The books of these days are closed."),
    "disputed": N("The dispute is open. What was paid is set aside until it is settled."),
    "said": N("It is noted."),
    "hold_released": N("The order may be sent."),
    "hold_rejected": N("The order is canceled; its goods and its money are on their way back."),
    "permit_granted": N("The permit is noted: the seller can sell there."),
    "permit_withdrawn": N("The permit is withdrawn: the seller cannot sell there any more."),
    "age_given": N("Thank you, your age is noted."),
    "registered": N("It is noted: from its day on the tax is collected."),
    "return_filed": N("The return is made: take its file, and pay it."),
    "return_paid": N("The payment of the return is noted."),
    "identity_said": N("Customs knows you now."),
    "switched": N("It is done. All processes know within a second."),
} | words_bond.DONE
"""What was just done."""


def refusal(
    problem: Problem,
    field: str | None,
    text: Callable[..., str],
    money: Callable[[int], str],
    time: Callable[[datetime], str],
    rule: Callable[[Barrier], str],
) -> str:
    """A problem in the reader's words; `field` is the form field that was not valid, if it was one."""
    if field in FIELDS:
        return text(FIELDS[field])
    message = REFUSALS.get(problem.code())
    if message is None:
        return problem.title()
    values: Mapping[str, Any] = problem.document()
    shown = {name: time(value) if isinstance(value, datetime) else value for name, value in values.items()}
    if "available_minor" in values:
        shown["available"] = money(values["available_minor"])
    if isinstance(values.get("rule"), Barrier):
        shown["rule"] = rule(values["rule"])
    if "owed_minor" in values:
        shown["owed"] = money(values["owed_minor"])
    if "deposit_minor" in values:
        shown["deposit"] = money(values["deposit_minor"])
    if "left_minor" in values:
        shown["left"] = money(values["left_minor"])
    if "order_status" in values:
        shown["order_status"] = text(STATUSES.get(values["order_status"], values["order_status"]))
    return text(message, **shown)
