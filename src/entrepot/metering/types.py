"""Meters, what they cost, what is reported of their use and what it is billed as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

Combine = Literal["sum", "count", "max"]
Said = Literal[
    "accepted", "duplicate", "conflict", "unknown_seller", "unknown_market", "unknown_meter", "no_price", "in_future",
    "too_old",
]  # fmt: skip


class Meter(msgspec.Struct, frozen=True):
    """Something that is metered. The use of a month is the sum of the events' quantities, their count, or the largest.
    `filter_by` names the property of an event whose values have prices and tiers of their own; '' is none."""

    code: str
    name: str
    unit: str
    combine: str
    filter_by: str
    added_at: datetime


class Rate(msgspec.Struct, frozen=True):
    """What a meter costs from `valid_from` on: of what is over `over[i]` in a month, up to the next, a unit costs
    `rates_micro[i]` millionths of a minor unit. With a `filter` it is of the events of that value."""

    meter: str
    currency: str
    filter: str
    valid_from: date
    over: list[int]
    rates_micro: list[int]
    source: str


class Report(msgspec.Struct, frozen=True):
    """An event as it is reported: a seller has used so much of a meter, in a market, at a time."""

    seller_id: UUID
    event_id: str
    market: str
    meter: str
    quantity: int
    at: datetime
    properties: dict[str, str]


class Verdict(msgspec.Struct, frozen=True):
    """What became of a report: `accepted`, and of what is stored already `duplicate` (it says the same) or `conflict`
    (it says something else, without effect); all others have no effect either. `month` is whose bill it is on."""

    said: Said
    month: date | None = None


class Event(msgspec.Struct, frozen=True):
    """Use as it is stored; see the database."""

    seller_id: UUID
    event_id: str
    meter: str
    filter: str
    market: str
    quantity: int
    at: datetime
    properties: dict[str, str]
    received_at: datetime
    month: date


class Used(msgspec.Struct, frozen=True):
    """What the events of one day (UTC) come to, of those on one bill: their sum, their number and the largest."""

    seller_id: UUID
    currency: str
    meter: str
    filter: str
    day: date
    total: int
    events: int
    most: int

    def by(self, combine: str) -> int:
        return {"sum": self.total, "count": self.events, "max": self.most}[combine]


class Line(msgspec.Struct, frozen=True):
    """So many units, used in `use_month`, of one tier of one price, and what they cost."""

    meter: str
    filter: str
    use_month: date
    rate_filter: str
    valid_from: date
    over: int
    quantity: int
    rate_micro: int
    net_minor: int


class Bill(msgspec.Struct, frozen=True):
    """What the use of a month cost in a currency; tax as in fees.SellerFacts."""

    id: UUID
    seller_id: UUID
    month: date
    currency: str
    net_minor: int
    tax_minor: int
    tax_bp: int | None
    tax_kind: str | None
    at: datetime


class Use(msgspec.Struct, frozen=True):
    """A seller's use on the bill of a month in a currency. While there is no bill, `lines` are what it would have now,
    before tax."""

    currency: str
    days: list[Used]
    lines: list[Line]
    bill: Bill | None

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)


class Total(msgspec.Struct, frozen=True):
    """What all sellers used of a meter on the bills of a month, and what was billed of it."""

    meter: str
    filter: str
    currency: str
    sellers: int
    events: int
    quantity: int
    net_minor: int


@dataclass(eq=False)
class PriceNotLater(Problem):
    """A price counts from a day that has not begun, after the prices that there are."""

    status: ClassVar[int] = 409
    soonest: date


@dataclass(eq=False)
class MeterExists(Problem):
    """There is a meter of this code."""

    status: ClassVar[int] = 409
