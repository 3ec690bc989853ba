"""What campaigns are told and tell, what a process knows of them, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem
from entrepot.trade import Barrier

MAX_OFFERS = 200
"""Offers of one campaign."""


class NewOffer(msgspec.Struct, frozen=True):
    """`units` of what the listed offer `offer_id` sells, for another price, at most `max_per_buyer` for each buyer."""

    offer_id: int
    unit_price_minor: int
    units: int
    max_per_buyer: int


class NewCampaign(msgspec.Struct, frozen=True):
    """With `admit_per_s` there is a waiting room, which lets so many buyers in each second."""

    market: str
    name: str
    starts_at: datetime
    ends_at: datetime
    offers: list[NewOffer]
    admit_per_s: int | None = None


class Line(msgspec.Struct, frozen=True):
    """The waiting room as it was when it was read; see migration 0013."""

    admit_per_s: int | None
    given: int
    served: int
    served_at: datetime


class Bought(msgspec.Struct, frozen=True):
    """What an idempotency key of a buyer's has placed."""

    body_hash: bytes
    group_id: UUID


class Sale(msgspec.Struct):
    """An offer of a campaign as a process knows it. `left` units were available when its stock was at `version`;
    `bought` and `used` (units by buyer) hold all purchases until then of those buyers that the process has asked for,
    or of all when it is `complete`. A rule that came after the campaign was opened may have `barred` it."""

    offer_id: int
    shelf_offer_id: int
    title: str
    slug: str
    price_minor: int
    shelf_price_minor: int
    units: int
    max_per_buyer: int
    left: int
    version: int
    bought: dict[tuple[UUID, str], Bought]
    used: dict[UUID, int]
    complete: bool = False
    barred: Barrier | None = None


class Campaign(msgspec.Struct, frozen=True):
    """A campaign as a process knows it; `sales` are by the id of what is sold."""

    cell: int
    id: UUID
    market: str
    currency: str
    name: str
    starts_at: datetime
    ends_at: datetime
    line: Line
    sales: dict[int, Sale]

    @property
    def listed(self) -> list[Sale]:
        """What may be sold of it."""
        return [sale for sale in self.sales.values() if sale.barred is None]


@dataclass(eq=False)
class CampaignNotStarted(Problem):
    """The campaign has not started."""

    status: ClassVar[int] = 409
    starts_at: datetime


@dataclass(eq=False)
class CampaignOver(Problem):
    """The campaign is over."""

    status: ClassVar[int] = 409
    ends_at: datetime


@dataclass(eq=False)
class NotSentAbroad(Problem):
    """What a campaign sells is sent only within the country in which it lies."""

    status: ClassVar[int] = 409
    country: str


@dataclass(eq=False)
class TicketNeeded(Problem):
    """So many want to buy that there is a line: join it first. This ticket is none of this session's for it."""

    status: ClassVar[int] = 403


@dataclass(eq=False)
class NotYourTurn(Problem):
    """There are others before you in the line."""

    status: ClassVar[int] = 429
    ahead: int
    retry_after_s: int


@dataclass(eq=False)
class NoLine(Problem):
    """Nobody needs to wait for this campaign."""

    status: ClassVar[int] = 409
