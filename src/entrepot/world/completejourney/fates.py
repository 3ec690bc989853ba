"""What becomes of some baskets after the sale. The data say nothing of it, so it is drawn: by a hash of the basket's
number, so that the same basket always has the same fate, whatever window is replayed and however often.

Rates and ways are data. A way says what the parties do on which day, and what has to come of it by the market's terms;
`expected.py` says what that comes to in cents, and the report holds the ledger against it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import NamedTuple

from entrepot.disputes import Act, Party

WHOLE = 10_000

RATES = {"canceled": 300, "refunded": 150, "returned": 150, "disputed": 50}
"""Baskets of ten thousand in which one line is canceled before it is sent, is partly given back, is sent back unwanted,
or is disputed."""
INSTALLMENTS = 200
"""Baskets of ten thousand that are paid in MONTHS installments, where they cost MINIMUM_MINOR or more; of them PAID_OFF
are paid off with the first installment."""
PAID_OFF = 2_500
MONTHS, FEE_BP, MINIMUM_MINOR = 3, 300, 3_000

CANCELED_AFTER = 1
PAID_AT = time(8)
REFUNDED_AFTER = (2, 5, 45)
"""Days after the sale: on its way, when it is there, and long after its payout."""


class Deed(NamedTuple):
    """What a party does so many days after the sale; it offers or grants `bp` of what was paid."""

    after: int
    party: Party
    act: Act
    bp: int = 0


class Way(NamedTuple):
    """How it goes: opened on the first day, it ends so many days after the sale with `back_bp` of what was paid given
    back. Where the last deed is of an earlier day, the market's terms end it."""

    opened: int
    deeds: tuple[Deed, ...]
    ends: int
    back_bp: int
    goods_came: bool = False

    @property
    def by_itself(self) -> bool:
        return not self.deeds or self.deeds[-1].after < self.ends


WAYS = {
    "returned": (
        # Taken back whole; for less, to which the buyer says nothing for three days; never sent within two weeks.
        Way(5, (Deed(7, "buyer", "send_back"), Deed(12, "seller", "inspect", WHOLE)), 12, WHOLE, True),
        Way(5, (Deed(7, "buyer", "send_back"), Deed(12, "seller", "inspect", 6_000)), 15, 6_000, True),
        Way(5, (), 19, 0),
    ),
    "disputed": (
        # An offer that stands after three days; a verdict that is final after a week; an appeal; a seller who is silent
        # for three days and does not appeal for a week; a buyer who takes it back.
        Way(6, (Deed(8, "seller", "answer", 5_000),), 11, 5_000),
        Way(
            6,
            (
                Deed(8, "seller", "answer", 2_500),
                Deed(10, "buyer", "escalate"),
                Deed(12, "operator", "decide", 7_000),
            ),
            19,
            7_000,
        ),
        Way(
            6,
            (
                Deed(8, "seller", "answer"),
                Deed(10, "buyer", "escalate"),
                Deed(12, "operator", "decide", WHOLE),
                Deed(14, "seller", "appeal"),
                Deed(16, "operator", "decide", 3_000),
            ),
            16,
            3_000,
        ),
        Way(6, (), 16, WHOLE),
        Way(6, (Deed(8, "buyer", "withdraw"),), 8, 0),
    ),
}


class Fate(NamedTuple):
    """What becomes of `units` of a basket's line (its index); by whom, where either may; of a refund how much."""

    kind: str
    line: int
    units: int
    party: Party
    amount_minor: int
    draw: int

    @property
    def refunded_after(self) -> int:
        return REFUNDED_AFTER[self.draw % len(REFUNDED_AFTER)]

    @property
    def way(self) -> Way:
        ways = WAYS[self.kind]
        return ways[self.draw % len(ways)]

    @property
    def restocked(self) -> int:
        """Units that are good to be sold again, of those that came back: all, or none."""
        return self.units if self.way.goods_came and self.draw // 16 % 4 else 0


def kind_of(basket_id: int) -> str | None:
    """What becomes of a basket, if anything of it can."""
    drawn = _draw(basket_id, "kind") % WHOLE
    for kind, rate in RATES.items():
        if drawn < rate:
            return kind
        drawn -= rate
    return None


def fate_of(basket_id: int, quantities: Sequence[int], prices_per: Sequence[int], paid: Sequence[int]) -> Fate | None:
    """By what was bought and paid, line by line. Nothing becomes of a line of which a unit cost its buyer nothing, and
    what is sold by measure is dealt with as a whole, and not sent back."""
    kind = kind_of(basket_id)
    if kind is None:
        return None
    line, draw = _draw(basket_id, "line") % len(quantities), _draw(basket_id, "draw")
    quantity, by_measure = quantities[line], prices_per[line] > 1
    units = quantity if by_measure else 1 + _draw(basket_id, "units") % quantity
    if paid[line] * units < quantity or (by_measure and kind == "returned"):
        return None
    party: Party = "buyer" if draw // 8 % 2 else "seller"
    return Fate(kind, line, units, party, 1 + _draw(basket_id, "amount") % paid[line], draw)


def is_lent(basket_id: int, paid_minor: int) -> bool:
    """Whether a basket is paid in installments."""
    return paid_minor >= MINIMUM_MINOR and _draw(basket_id, "installments") % WHOLE < INSTALLMENTS


def is_paid_off(basket_id: int) -> bool:
    """Whether it is paid off with the first installment."""
    return _draw(basket_id, "paid off") % WHOLE < PAID_OFF


def paid_on(basket_id: int, placed_at: datetime) -> list[date]:
    """The days on which a basket's installments are paid: on the first morning after each is due, a calendar month
    after the one before (on the last of the month where it is shorter)."""
    days = []
    for no in range(1, 2 if is_paid_off(basket_id) else MONTHS + 1):
        year, month = placed_at.year + (placed_at.month + no - 1) // 12, (placed_at.month + no - 1) % 12 + 1
        due = date(year, month, min(placed_at.day, monthrange(year, month)[1]))
        days.append(due if placed_at.time() <= PAID_AT else due + timedelta(days=1))
    return days


def _draw(basket_id: int, what: str) -> int:
    return int.from_bytes(blake2b(f"{what} {basket_id}".encode(), digest_size=8).digest())
