"""Chargebacks: what buyers' banks take back of payments, on whom that falls, and what is said to the bank.

The gateway tells (payments.chargeback). What it takes is shared over the orders that the payment paid for, by what is
left of each, and frozen there as a part of the order (orders.charge_back): in escrow, or called back from a seller who
is liable by dated rules. What the buyer disputes here meanwhile the bank decides instead. In the end each share is
paid by what is frozen, or it is the operator's loss; what the bank gives back is released again, at the rates of the
sale.

Invariants (the auditor re-derives them):
  the shares of a chargeback are what was withdrawn less what it was over; the account chargebacks holds exactly what
  was withdrawn of those that are not decided; of a share that ended what is lost was paid by its parts or is the
  operator's loss; a payment's refunds and chargebacks are together no more than it.

Events: chargeback_taken, chargeback_closed (key: the chargeback; data: payment_id, status), order_charged_back,
order_charge_decided (key: the share; data: order_id, seller_id, chargeback_id, amount_minor, currency, liable; once
decided lost_minor, of which paid_minor was paid by what was frozen of the order).
"""

from entrepot.chargebacks.actions import add_evidence, add_rule, send_evidence, settle_shares
from entrepot.chargebacks.jobs import CONSUMERS
from entrepot.chargebacks.reads import (
    ChargebackListed,
    ChargebackView,
    file_of,
    latest,
    latest_of_seller,
    view,
    wanting_evidence,
)
from entrepot.chargebacks.types import TEXT_MAX, Rule

__all__ = [
    "CONSUMERS", "TEXT_MAX", "ChargebackListed", "ChargebackView", "Rule", "add_evidence", "add_rule", "file_of",
    "latest", "latest_of_seller", "send_evidence", "settle_shares", "view", "wanting_evidence",
]  # fmt: skip
