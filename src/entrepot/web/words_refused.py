"""What a refusal means to the one who was refused, and what a form's field asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from entrepot.accounts import AddressNotValid
from entrepot.kit.i18n import N
from entrepot.kit.problem import Problem
from entrepot.trade import Barrier
from entrepot.web import words_address, words_bond
from entrepot.web.words import STATUSES

REFUSALS = {
    "malformed": N("Something in the form is missing or not valid. Please check it."),
    "wrong_credentials": N("This e-mail and password do not fit together."),
    "too_many_requests": N("Too many tries. Wait a few minutes and try again."),
    "account_needed": N("This takes an account. Create one: your cart and orders stay yours."),
    "email_needed": N("Say first where we can write to you about the order."),
    "not_a_guest": N("You have an account already."),
    "email_taken": N("There is an account with this e-mail already. Sign in instead?"),
    "too_many_addresses": N("You have as many addresses as we can keep (%(limit)s)."),
    "cart_empty": N("Your cart is empty."),
    "cart_full": N("Your cart holds as many different items as it can (%(limit)s)."),
    "cart_incomplete": N("Choose an address and a way of shipping first."),
    "offer_unavailable": N("One of the items can no longer be bought. Please take it out of the cart."),
    "price_changed": N("A price has changed since you last looked. Check the new total before you order."),
    "sold_out": N("There are not enough left of one of the items: only %(available)s now."),
    "wallet_too_low": N("Your wallet holds %(available)s, which is not enough for this order."),
    "evidence_too_late": N("The bank takes no evidence for this any more, or has some already."),
    "evidence_full": N("As much is said as the bank will read (%(at_most)s)."),
    "nothing_to_send": N("Say something first that can be sent to the bank."),
    "payment_charged_back": N("The buyer's bank has taken this payment back: it is not given back once more."),
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
    "price_not_later": N("A price counts from a day that has not begun: %(soonest)s at the soonest."),
    "translated_by_another": N("Somebody else has translated this."),
    "text_changed": N("The original has changed meanwhile: read it again, it is shown as it is now."),
    "meter_exists": N("There is a meter of this code already."),
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
    "slot_needed": N("Please choose when it is to come."),
    "slot_not_offered": N("This time is not offered. Please choose another."),
    "slot_closed": N("For this time no more orders are taken. Please choose a later one."),
    "slot_full": N("There are not enough places left in this time: only %(free)s now. Please choose another."),
    "slot_exists": N("One of these time slots is there already, with other places or another cut-off."),
    "places_taken": N("Orders have %(taken)s places of it already: it cannot have fewer."),
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
    "channel_exists": N("You have a channel of this name already."),
    "too_many_channels": N("You have as many channels as we can keep (%(limit)s)."),
    "channel_closed": N("This channel is closed."),
    "sku_unknown": N("You have no goods of this SKU that can be sold elsewhere."),
    "sale_status_is": N("This sale has moved on, so this can no longer be done."),
    "not_failed": N("Only what could not be sent is sent again."),
    "endpoint_not_valid": N("This must be an address that begins with https:// and that everybody can reach."),
    "unknown_types": N("Something of this is told to nobody. Open the page again."),
    "too_many_endpoints": N("You have as many webhooks as you can (%(limit)s)."),
    "endpoint_is": N("It has been turned on or off meanwhile."),
    "delivery_is_due": N("It waits to be sent already."),
    "not_found": N("There is no such thing here, or it is not yours."),
} | words_bond.REFUSALS
"""By a Problem's code."""

FIELDS = {
    "types": N("Please choose at least one."),
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
    "channel": N("Please give the channel a name."),
    "buffer": N("Please give a number of units, such as 0 or 2."),
    "units": N("Please give a number of units, or nothing."),
    "first_day": N("Please choose a day."),
    "last_day": N("Please choose one of the 91 days after the first, or none."),
    "starts": N("Please give a time such as 10:00."),
    "ends": N("Please give a time later than the first, such as 12:00."),
    "capacity": N("Please give a number of places from 1 to 1,000,000."),
    "cutoff_min": N("Please give from 0 to 20,160 minutes."),
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
    if isinstance(problem, AddressNotValid):
        named = text(words_address.KINDS[problem.kind])
        said = words_address.REFUSALS[problem.reason, bool(problem.example)]
        return text(said, field=named, example=problem.example)
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
