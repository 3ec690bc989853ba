"""Names of codes, as people read them."""

from __future__ import annotations

from entrepot.kit.i18n import N

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
    ("charged_back", "buyer"): N("Taken back by the buyer's bank"),
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
    "at_bank": N("The buyer's bank decides"),
    "closed": N("Closed"),
}
CHARGEBACK_STATES = {
    "heard": N("Just heard of"),
    "inquiry": N("The bank asks"),
    "open": N("Evidence is wanted"),
    "review": N("The bank decides"),
    "won": N("Won"),
    "lost": N("Lost"),
}
LIABLE = {"seller": N("Seller"), "operator": N("Marketplace")}
"""Who bears what a buyer's bank takes."""
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
    "usage_fee": N("Use of services"),
    "deposit": N("Deposit"),
    "deposit_deduction": N("Taken from the deposit"),
    "deposit_back": N("Deposit given back"),
}
COMBINES = {"sum": N("Sum"), "count": N("Number of events"), "max": N("Largest")}
"""What a meter makes of a month's events."""
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
    "guest": N("The buyer has no account"),
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
    "contact": N("With a contact"),
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
    "refunds": N("Money going back through gateways: taken now, sent later"),
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
