"""Terms and locked rates, and why nothing is exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

import msgspec

from entrepot.kit.problem import Problem


class ExchangeTerms(msgspec.Struct, frozen=True):
    """How a market takes part in the exchange of currencies from `valid_from` on: the operator keeps `spread_bp` basis
    points, and a rate of more than `max_age_d` days ago is none. Where it `converts`, offers of other markets may be
    offered at a converted price. `source` says where that was decided."""

    market: str
    valid_from: datetime
    spread_bp: int
    max_age_d: int
    converts: bool
    source: str


class Lock(msgspec.Struct, frozen=True):
    """The rates of a day between two currencies: one euro is `per_euro` of `currency` and `other_per_euro` of `other`.
    `source` is who told them."""

    currency: str
    other: str
    day: date
    per_euro: Decimal
    other_per_euro: Decimal
    source: str
    spread_bp: int


@dataclass(eq=False)
class NotExchanged(Problem):
    """Nothing is sold here that is settled or priced in this other currency."""

    status: ClassVar[int] = 409
    currency: str
    other: str
    reason: str  # no_terms, no_rate
    remedy: str


@dataclass(eq=False)
class ExchangeTermsNotLater(Problem):
    """New terms must begin after those that the market has."""

    status: ClassVar[int] = 409
    last_valid_from: datetime
