"""A statement of account, and what is refused about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, NamedTuple
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem
from entrepot.sellers import Identity

Month = str
"""As in 2026-03."""


class Desk(NamedTuple):
    """Whose account it is: a seller's in a currency, in the seller's cell."""

    cell: int
    seller_id: UUID
    currency: str


class Period(msgspec.Struct, frozen=True):
    """The days from `first` to `last` by the clock of `zone`: from `starts_at` to before `ends_at`."""

    first: date
    last: date
    zone: str
    starts_at: datetime
    ends_at: datetime


class KindTotal(msgspec.Struct, frozen=True):
    """All movements of one code."""

    code: str
    entries: int
    amount_minor: int


class GroupTotal(msgspec.Struct, frozen=True):
    """All movements of a group, one of payments.GROUPS."""

    group: str
    entries: int
    amount_minor: int
    kinds: list[KindTotal]


class DayTotal(msgspec.Struct, frozen=True):
    """What a day moved, by group, and what the account had at its end."""

    day: date
    by_group: dict[str, int]
    amount_minor: int
    closing_minor: int


class Reserved(msgspec.Struct, frozen=True):
    """What of a release is held back as a reserve, `until` when."""

    at: datetime
    cause: str
    amount_minor: int
    until: datetime


class MonthStatement(msgspec.Struct, frozen=True):
    """opening_minor + the groups' amounts == closing_minor, of which `reserved_minor` were held back at the end, the
    next to be free first in `reserves` (not all of very many). `number` is null until the books of the month are
    closed: until then more may come. Days without movement are left out."""

    number: str | None
    seller_id: str
    currency: str
    month: Month
    zone: str
    starts_at: datetime
    ends_at: datetime
    opening_minor: int
    closing_minor: int
    entries: int
    groups: list[GroupTotal]
    days: list[DayTotal]
    reserved_minor: int
    reserves: list[Reserved]


class LineView(msgspec.Struct, frozen=True):
    """A movement: positive is the seller's. `cause` is the order, part of an order, payout ... that it comes from;
    `local` is `at` as clocks showed it, `place` what `after` takes."""

    at: datetime
    local: datetime
    code: str
    group: str
    cause: str
    amount_minor: int
    balance_minor: int
    place: str


class Issued(msgspec.Struct, frozen=True):
    """A month of which there is a statement."""

    month: Month
    currency: str
    number: str | None


class Zone(msgspec.Struct, frozen=True):
    """From `valid_from`, the first of a month, months in a currency begin by the clock of `zone` (IANA's name)."""

    currency: str
    valid_from: date
    zone: str
    source: str


@dataclass(eq=False)
class ZoneUnknown(Problem):
    """The database knows no time zone of this name."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ZoneNotLater(Problem):
    """A zone holds from a month that has not begun, after those that are there."""

    status: ClassVar[int] = 409
    soonest: date


class Threshold(msgspec.Struct, frozen=True):
    """From a year to a year; who stays at or below it (DAC7: below the number of sales) need not be told of."""

    first_year: int
    last_year: int
    transactions: int
    amount_minor: int
    currency: str
    source: str


class Quarter(msgspec.Struct, frozen=True):
    """`consideration_minor` is after fees and taxes, which were withheld or charged."""

    activities: int
    consideration_minor: int
    fees_minor: int
    taxes_minor: int


class Dac7Account(msgspec.Struct, frozen=True):
    """A currency in which a seller was credited: the four quarters, and the bank account that payouts go to."""

    currency: str
    holder: str
    iban: str
    quarters: list[Quarter]


class Dac7Seller(msgspec.Struct, frozen=True):
    """A seller, whether it must be told of and `why`: reportable, not_in_the_eu, few_sales. `missing` is what of its
    identification is not known; `correct_earlier`: a quarter is below nothing. The sum in euro, for the threshold, is
    null where a rate is not known: then the seller is told of."""

    seller_id: str
    shop: str
    reportable: bool
    why: str
    missing: list[str]
    correct_earlier: bool
    activities: int
    consideration_eur_minor: int | None
    identity: Identity | None
    accounts: list[Dac7Account]


class FormSeller(msgspec.Struct, frozen=True):
    """A seller, whether it gets a Form 1099-K and `why`: reportable, not_in_the_us, below_threshold. `by_month` are the
    gross amounts of the twelve months, in US cents."""

    seller_id: str
    shop: str
    reportable: bool
    why: str
    missing: list[str]
    transactions: int
    gross_minor: int
    by_month: list[int]
    identity: Identity | None


class Dac7Report(msgspec.Struct, frozen=True):
    """`next` is the `after` of the page that follows, null on the last."""

    year: int
    threshold: Threshold
    rules: list[str]
    items: list[Dac7Seller]
    next: str | None


class FormReport(msgspec.Struct, frozen=True):
    """`next` is the `after` of the page that follows, null on the last."""

    year: int
    threshold: Threshold
    rules: list[str]
    items: list[FormSeller]
    next: str | None
