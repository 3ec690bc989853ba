"""How a dispute goes on: who may do what when, and what it means for the money. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from entrepot.catalog import Alternative
from entrepot.disputes.types import (
    FILE_MAX_BYTES,
    MAGIC,
    Act,
    AmountNotInDispute,
    Dispute,
    DisputeStatusIs,
    DisputeTooLate,
    File,
    FileNotTaken,
    Party,
    ReplacementDearer,
    ReturnNotTaken,
    ReturnTooLate,
    Status,
)
from entrepot.orders import SoldLine
from entrepot.sellers import EVERY_DAY, Calendar, Terms, working_time

Grant = Literal["nothing", "claimed", "offered", "amount", "granted"] | None
"""What a step grants: what it names, or (None) it is open. `amount` is that of the step itself."""

MOVES: dict[tuple[str, Party, Act], tuple[Status, Grant]] = {
    ("returning", "buyer", "send_back"): ("sent_back", None),
    ("returning", "timer", "wait"): ("closed", "nothing"),  # who does not send it back keeps it
    ("returning", "buyer", "withdraw"): ("closed", "nothing"),
    ("sent_back", "seller", "inspect"): ("answered", None),  # all that was paid: closed at once
    ("sent_back", "seller", "replace"): ("replaced", None),  # only where something else was wanted instead
    ("replaced", "buyer", "accept"): ("closed", "offered"),
    ("replaced", "timer", "wait"): ("closed", "offered"),  # who does not object has it
    ("replaced", "buyer", "escalate"): ("escalated", None),
    ("sent_back", "timer", "wait"): ("decided", "claimed"),  # who does not look at it has taken it
    ("opened", "seller", "answer"): ("answered", None),  # all that is claimed: closed at once
    ("opened", "timer", "wait"): ("decided", "claimed"),  # who does not answer has lost
    ("answered", "buyer", "accept"): ("closed", "offered"),
    ("answered", "timer", "wait"): ("closed", "offered"),  # who does not object has accepted
    ("answered", "buyer", "escalate"): ("escalated", None),
    ("escalated", "operator", "decide"): ("decided", "amount"),
    ("decided", "buyer", "appeal"): ("appealed", "granted"),
    ("decided", "seller", "appeal"): ("appealed", "granted"),
    ("decided", "timer", "wait"): ("closed", "granted"),
    ("appealed", "operator", "decide"): ("closed", "amount"),  # there is one appeal
    ("opened", "buyer", "withdraw"): ("closed", "nothing"),
    ("answered", "buyer", "withdraw"): ("closed", "nothing"),
    ("escalated", "buyer", "withdraw"): ("closed", "nothing"),
}
"""Notes aside, which the buyer and the seller may add until the dispute is closed."""


def acts(status: str, party: Party, *, is_exchange: bool = True) -> list[Act]:
    """What a party may do now. Only in an exchange something is sent instead."""
    notes: list[Act] = ["note"] if status not in ("at_bank", "closed") and party in ("buyer", "seller") else []
    return notes + [act for (at, by, act) in MOVES if (at, by) == (status, party) and (is_exchange or act != "replace")]


def next_state(
    dispute: Dispute, party: Party, act: Act, amount_minor: int | None, terms: Terms, now: datetime
) -> Dispute:
    """The dispute after somebody's act. Raises DisputeStatusIs, AmountNotInDispute."""
    if act not in acts(dispute.status, party):
        raise DisputeStatusIs(dispute.status)
    if act == "note":
        return dispute
    claimed, offered = dispute.claimed_minor, dispute.offered_minor
    if act in ("answer", "inspect", "replace", "decide") and (amount_minor is None or not 0 <= amount_minor <= claimed):
        raise AmountNotInDispute(claimed)
    status, grant = MOVES[dispute.status, party, act]
    if act in ("answer", "inspect", "replace"):
        offered = amount_minor
        if offered == claimed and act != "replace":
            status, grant = "closed", "offered"
    granted = {
        None: None, "nothing": 0, "claimed": claimed, "offered": offered, "amount": amount_minor,
        "granted": dispute.granted_minor,
    }[grant]  # fmt: skip
    return msgspec.structs.replace(
        dispute, status=status, offered_minor=offered, granted_minor=granted, due_at=due_at(status, terms, now),
        closed_at=now if status == "closed" else None,
    )  # fmt: skip


def back_of(line: SoldLine, offer: Alternative, units: int, paid_minor: int) -> int:
    """What goes back of `paid_minor`, which was paid for so many units, when an offer is had instead. The same variant
    costs what it did; of another the shelf's price is held against the frozen one, and as large a part goes back as it
    is cheaper: 10.00 that cost 9.00 with a discount, for 8.00: 1.80. Raises ReplacementDearer."""
    if offer.variant_id == line.variant_id:
        return 0
    frozen_minor = line.unit_price_minor * units // line.price_per
    price_minor = offer.unit_price_minor * units // offer.price_per
    if price_minor > frozen_minor:
        raise ReplacementDearer(price_minor, frozen_minor)
    return paid_minor * (frozen_minor - price_minor) // frozen_minor if frozen_minor else 0


def due_at(status: str, terms: Terms, now: datetime) -> datetime | None:
    """When the turn of who is to speak is over: None when that is the operator, or nobody."""
    if status in ("returning", "sent_back", "replaced"):
        return now + timedelta(seconds=terms.send_back_within_s)
    if status in ("opened", "answered"):
        return now + timedelta(seconds=terms.answer_within_s)
    return now + timedelta(seconds=terms.appeal_within_s) if status == "decided" else None


def require_in_time(
    kind: str,
    delivered_at: datetime | None,
    released_at: datetime | None,
    terms: Terms,
    now: datetime,
    calendar: Calendar = EVERY_DAY,
) -> None:
    """An order that is not released yet can always be disputed; one that has not come can be sent back. A time that
    would end on a day off ends on the next working day. Raises
    DisputeTooLate, ReturnTooLate, ReturnNotTaken."""
    if kind == "unwanted":
        came_at = delivered_at or released_at
        if terms.return_within_s == 0:
            raise ReturnNotTaken
        until = came_at and working_time(calendar, came_at + timedelta(seconds=terms.return_within_s))
        if until is not None and now > until:
            raise ReturnTooLate(until)
    elif released_at is not None:
        until = working_time(calendar, released_at + timedelta(seconds=terms.dispute_within_s))
        if now > until:
            raise DisputeTooLate(until)


def evidence(name: str, content: bytes) -> File:
    """A file is what its beginning says that it is. Raises FileNotTaken."""
    type_ = next((type_ for type_, magic in MAGIC.items() if content.startswith(magic)), None)
    if type_ is None or len(content) > FILE_MAX_BYTES:
        raise FileNotTaken(FILE_MAX_BYTES)
    return File(name, type_, content)
