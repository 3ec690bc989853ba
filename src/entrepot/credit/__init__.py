"""Credit: buying on installments. A funder pays the order now; its buyer owes the funder a schedule.

The purchase, the limit and the funder's money are one transaction: a buyer's line is locked, judged by a score that
every purchase computes anew from how the buyer has paid, and takes the amount. To the seller it is a purchase like any
other. What is due is asked for through the gateway, again and again; what is late costs a fee once; what stays unpaid
for too long is given up. Goods that go back make the schedule shorter, from its end, and give back what was paid.

Invariants (the auditor re-derives them):
  the installments of a plan, with what was cut of them, sum to what was lent and its fee;
  what a buyer's line says is owed is the principal of the open installments, never more than the limit that granted it;
  the account `funder` is below zero by exactly that, and `funder_loss` by what was given up and is still not paid;
  a payment pays exactly the installments that name it, and the rest of it went back;
  an installment is late once, and nobody gets more back than was paid.

Events: plan_opened (months), installments_due and installments_paid (payment_id, amount_minor; due each time that the
gateway is asked), installment_late (no, late_fee_minor), plan_defaulted (principal_minor), plan_ended (status); key:
the group; data besides: group_id, buyer_id.
"""

from entrepot.credit.actions import (
    Back,
    lock,
    look_at_due,
    open_plan,
    pay,
    set_plan_terms,
    set_terms,
    settle,
    take_off,
)
from entrepot.credit.money import Move
from entrepot.credit.reads import (
    Offers,
    PlanView,
    exposure,
    is_offered,
    offers,
    plan_view,
    plans_of,
    standing,
    terms_at,
)
from entrepot.credit.types import (
    COLLECTED_BY,
    INSTALLMENTS,
    MINIMUM_MINOR,
    CreditRefused,
    InstallmentsNotOffered,
    Months,
    NothingOwed,
    Plan,
    PlanTerms,
    Standing,
    Terms,
)

__all__ = [
    "COLLECTED_BY", "INSTALLMENTS", "MINIMUM_MINOR", "Back", "CreditRefused", "InstallmentsNotOffered", "Months",
    "Move", "NothingOwed", "Offers", "Plan", "PlanTerms", "PlanView", "Standing", "Terms", "exposure", "is_offered",
    "lock", "look_at_due", "offers", "open_plan", "pay", "plan_view", "plans_of", "set_plan_terms", "set_terms",
    "settle", "standing", "take_off", "terms_at",
]  # fmt: skip
