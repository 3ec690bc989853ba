"""Who is told of what, and what of it can be muted. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from entrepot.notify.types import Party, Topic

NEWS = timedelta(days=7)
"""What is older is no news: a replay, a restored backup or a server that was away for weeks tells nobody of it."""
REMIND_BEFORE = timedelta(days=1)
"""The end of a party's turn in a dispute."""
TRIES = 12
"""With the pauses between them nearly seven hours; then a message has failed, and the operator is shown it."""
PAUSE, PAUSE_MAX = timedelta(minutes=1), timedelta(hours=1)
PER_HOUR = 30
"""Messages that one account gets in an hour by one way: the others wait."""

TOLD: dict[str, tuple[tuple[str, Party], ...]] = {
    "email_to_prove": (("prove_email", "buyer"),),
    "group_awaiting_payment": (("to_pay", "buyer"),),
    "group_paid": (("paid", "buyer"), ("new_order", "seller")),
    "group_expired": (("not_paid", "buyer"),),
    "group_canceled": (("purchase_canceled", "buyer"),),
    "installments_due": (("installments_due", "buyer"),),
    "order_shipped": (("shipped", "buyer"),),
    "order_delivered": (("delivered", "buyer"),),
    "order_canceled": (("order_canceled", "buyer"), ("order_canceled", "seller")),
    "order_refunded": (("refunded", "buyer"),),
    "refund_credited": (("refund_credited", "buyer"),),
    "order_part_ended": (("part_back", "buyer"), ("part_back", "seller")),
    "declaration_rejected": (("declaration_rejected", "seller"),),
    "order_held": (("held", "buyer"),),
    "order_hold_released": (("hold_released", "buyer"),),
    "dispute_opened": (("dispute_opened", "buyer"), ("dispute_opened", "seller")),
    "dispute_sent_back": (("dispute_sent_back", "seller"),),
    "dispute_replaced": (("dispute_replaced", "buyer"),),
    "dispute_answered": (("dispute_answered", "buyer"),),
    "dispute_escalated": (("dispute_escalated", "seller"),),
    "dispute_decided": (("dispute_decided", "buyer"), ("dispute_decided", "seller")),
    "dispute_appealed": (("dispute_appealed", "buyer"), ("dispute_appealed", "seller")),
    "dispute_closed": (("dispute_closed", "buyer"), ("dispute_closed", "seller")),
    "order_charged_back": (("charged_back", "seller"),),
    "order_charge_decided": (("charge_decided", "seller"),),
    "plan_defaulted": (("plan_defaulted", "buyer"),),
    "payout_sent": (("payout_sent", "seller"),),
    "payout_returned": (("payout_returned", "seller"),),
    "fee_invoice_issued": (("fee_invoice_issued", "seller"),),
    "deposit_deducted": (("deposit_deducted", "seller"),),
    "channel_oversold": (("channel_oversold", "seller"),),
    "bank_account_added": (("bank_account_added", "seller"),),
    "webhook_disabled": (("webhook_disabled", "seller"),),
    "review_written": (("review_written", "seller"),),
    "review_answered": (("review_answered", "buyer"),),
    "review_hidden": (("review_hidden", "buyer"),),
}
"""By the event's kind: which message goes to whom."""
SUBJECTS = {
    "payout_sent": "payout_id", "payout_returned": "payout_id", "fee_invoice_issued": "invoice_id",
    "deposit_deducted": "charge_id", "bank_account_added": "bank_account_id", "webhook_disabled": "endpoint_id",
    "channel_oversold": "sale_id",
}  # fmt: skip
"""Of events that are a seller's, and of no order: what they are about, by the name it has in their data."""

TOPICS: dict[tuple[str, str], Topic] = {
    ("delivered", "buyer"): "deliveries",
    ("hold_released", "buyer"): "deliveries",
    ("new_order", "seller"): "sales",
    ("payout_sent", "seller"): "sales",
    ("fee_invoice_issued", "seller"): "sales",
    ("review_written", "seller"): "sales",
    ("digest", "operator"): "digest",
}
"""What can be muted."""

TEXTED = frozenset({("shipped", "buyer"), ("delivered", "buyer"), ("dispute_reminder", "buyer"),
                    ("dispute_reminder", "seller"), ("not_paid", "buyer")})  # fmt: skip
"""What also goes out as a text message to who wants these."""

TURNS: dict[str, tuple[Party, ...]] = {
    "returning": ("buyer",),
    "sent_back": ("seller",),
    "opened": ("seller",),
    "replaced": ("buyer",),
    "answered": ("buyer",),
    "decided": ("buyer", "seller"),
}
"""Who loses something by saying nothing, by a dispute's status."""


def topics_of(party: str) -> list[Topic]:
    """What a party can mute."""
    return sorted({topic for (_, to), topic in TOPICS.items() if to == party})


def pause(attempts: int) -> timedelta:
    """How long to wait after so many tries."""
    return min(PAUSE * (1 << (attempts - 1)), PAUSE_MAX)


def too_many(lately: Mapping[UUID, int], users: Sequence[UUID]) -> list[bool]:
    """Of messages to these users in their order, who got `lately` so many in this hour: which are too many."""
    seen = dict(lately)
    found = []
    for user in users:
        seen[user] = seen.get(user, 0) + 1
        found.append(seen[user] > PER_HOUR)
    return found


def remind_at(due_at: datetime, now: datetime) -> datetime | None:
    """When a party is reminded that its turn ends at `due_at`; None when it was told only a moment before."""
    at = due_at - REMIND_BEFORE
    return at if at > now else None
