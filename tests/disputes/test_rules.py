"""How a dispute goes on, exhaustively: in every status, by every party, with every act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import msgspec
import pytest

from entrepot.catalog import Alternative
from entrepot.disputes import rules
from entrepot.disputes.types import (
    AmountNotInDispute,
    Dispute,
    DisputeStatusIs,
    DisputeTooLate,
    FileNotTaken,
    ReplacementDearer,
    ReturnNotTaken,
    ReturnTooLate,
)
from entrepot.kit.ids import NIL
from entrepot.orders import SoldLine
from entrepot.sellers import Terms

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TERMS = Terms("us", START, 1_000, 150, 1_800, 900, 10 * 86_400, 30 * 86_400, "tests")
CLAIMED, OFFERED, GRANTED, ASKED = 100, 30, 60, 45
DISPUTE = Dispute(
    0,
    NIL,
    NIL,
    UUID(int=1),
    UUID(int=2),
    "us",
    "USD",
    "not_received",
    "opened",
    CLAIMED,
    None,
    None,
    START,
    START,
    None,
)
GRANTS = {"decided": GRANTED, "appealed": GRANTED, "closed": GRANTED}
LATER = START + timedelta(days=1)
ANSWER_BY, APPEAL_BY, PARCEL_BY = (LATER + timedelta(days=days) for days in (3, 7, 14))

# (status, party, act): (status after, granted, the turn ends). Whatever is not here is refused.
WAYS: dict[tuple[str, str, str], tuple[str, int | None, datetime | None]] = {
    ("returning", "buyer", "send_back"): ("sent_back", None, PARCEL_BY),
    ("returning", "timer", "wait"): ("closed", 0, None),
    ("returning", "buyer", "withdraw"): ("closed", 0, None),
    ("sent_back", "seller", "inspect"): ("answered", None, ANSWER_BY),
    ("sent_back", "seller", "replace"): ("replaced", None, PARCEL_BY),
    ("replaced", "buyer", "accept"): ("closed", OFFERED, None),
    ("replaced", "timer", "wait"): ("closed", OFFERED, None),
    ("replaced", "buyer", "escalate"): ("escalated", None, None),
    ("sent_back", "timer", "wait"): ("decided", CLAIMED, APPEAL_BY),
    ("opened", "seller", "answer"): ("answered", None, ANSWER_BY),
    ("opened", "timer", "wait"): ("decided", CLAIMED, APPEAL_BY),
    ("opened", "buyer", "withdraw"): ("closed", 0, None),
    ("answered", "buyer", "accept"): ("closed", OFFERED, None),
    ("answered", "timer", "wait"): ("closed", OFFERED, None),
    ("answered", "buyer", "escalate"): ("escalated", None, None),
    ("answered", "buyer", "withdraw"): ("closed", 0, None),
    ("escalated", "operator", "decide"): ("decided", ASKED, APPEAL_BY),
    ("escalated", "buyer", "withdraw"): ("closed", 0, None),
    ("decided", "buyer", "appeal"): ("appealed", GRANTED, None),
    ("decided", "seller", "appeal"): ("appealed", GRANTED, None),
    ("decided", "timer", "wait"): ("closed", GRANTED, None),
    ("appealed", "operator", "decide"): ("closed", ASKED, None),
}
STATUSES = ("returning", "sent_back", "replaced", "opened", "answered", "escalated", "decided", "appealed", "closed")
ACTS = (
    "open", "note", "send_back", "inspect", "replace", "answer", "accept", "escalate", "withdraw", "appeal", "decide",
    "wait",
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "party", "act"), [*product(STATUSES, ("buyer", "seller", "operator", "timer"), ACTS)]
)
def test_every_step(status: str, party: str, act: str) -> None:
    offered = None if status in ("returning", "sent_back", "opened") else OFFERED
    before = msgspec.structs.replace(DISPUTE, status=status, offered_minor=offered, granted_minor=GRANTS.get(status))

    def step() -> Dispute:
        return rules.next_state(before, party, act, ASKED, TERMS, LATER)  # type: ignore[arg-type]

    if act == "note" and party in ("buyer", "seller") and status != "closed":
        assert step() == before
    elif (way := WAYS.get((status, party, act))) is None:
        with pytest.raises(DisputeStatusIs):
            step()
    else:
        after = step()
        assert (after.status, after.granted_minor, after.due_at) == way
        assert after.closed_at == (LATER if way[0] == "closed" else None)
        assert after.offered_minor == (ASKED if act in ("answer", "inspect", "replace") else offered)


def test_all_that_is_claimed_closes_it_at_once() -> None:
    after = rules.next_state(DISPUTE, "seller", "answer", CLAIMED, TERMS, LATER)
    assert (after.status, after.granted_minor, after.due_at) == ("closed", CLAIMED, None)
    nothing = rules.next_state(DISPUTE, "seller", "answer", 0, TERMS, LATER)
    assert (nothing.status, nothing.offered_minor) == ("answered", 0)


@pytest.mark.parametrize("amount", [None, -1, CLAIMED + 1])
def test_an_amount_lies_in_the_dispute(amount: int | None) -> None:
    with pytest.raises(AmountNotInDispute):
        rules.next_state(DISPUTE, "seller", "answer", amount, TERMS, LATER)
    escalated = msgspec.structs.replace(DISPUTE, status="escalated")
    with pytest.raises(AmountNotInDispute):
        rules.next_state(escalated, "operator", "decide", amount, TERMS, LATER)


@pytest.mark.parametrize(
    ("variant", "price", "units", "paid", "back"),
    [
        (1, 5_000, 2, 1_900, 0),  # the same costs what it did
        (2, 1_000, 2, 1_900, 0),
        (2, 800, 2, 1_900, 380),  # a fifth cheaper: a fifth of what was paid
        (2, 999, 1, 950, 0),  # less than a cent
        (2, 0, 1, 950, 950),
        (2, 1_001, 1, 950, None),
    ],
)
def test_what_is_cheaper_gives_its_share_back_and_what_is_dearer_is_not_had(
    variant: int, price: int, units: int, paid: int, back: int | None
) -> None:
    line, offer = SoldLine(7, 1, 1_000, 1, 0, crossed=False), Alternative(8, variant, 9, "blue", price, 1)
    if back is None:
        with pytest.raises(ReplacementDearer):
            rules.back_of(line, offer, units, paid)
    else:
        assert rules.back_of(line, offer, units, paid) == back


def test_what_was_released_long_ago_is_not_disputed() -> None:
    day = timedelta(days=1)
    rules.require_in_time("not_received", START, None, TERMS, START + 900 * day)
    rules.require_in_time("not_received", START - day, START, TERMS, START + 14 * day)
    with pytest.raises(DisputeTooLate):
        rules.require_in_time("not_received", START, START, TERMS, START + timedelta(days=14, microseconds=1))


def test_what_came_long_ago_is_not_sent_back() -> None:
    """From when it came, else from when it was released; before that at any time, and nowhere when nothing is taken."""
    day, late = timedelta(days=1), START + timedelta(days=14, microseconds=1)
    rules.require_in_time("unwanted", None, None, TERMS, START + 900 * day)
    for came, released in ((START, None), (START, START + day), (None, START)):
        rules.require_in_time("unwanted", came, released, TERMS, START + 14 * day)
        with pytest.raises(ReturnTooLate):
            rules.require_in_time("unwanted", came, released, TERMS, late)
    never = msgspec.structs.replace(TERMS, return_within_s=0)
    with pytest.raises(ReturnNotTaken):
        rules.require_in_time("unwanted", None, None, never, START)


def test_a_file_is_what_it_begins_with() -> None:
    assert rules.evidence("a", b"%PDF-1.4").type == "application/pdf"
    assert rules.evidence("a", b"\xff\xd8\xff\xe0").type == "image/jpeg"
    for content in (b"<svg/>", b"", b"%PDF-" + bytes(1_000_000)):
        with pytest.raises(FileNotTaken):
            rules.evidence("a.pdf", content)
