"""Channels as they are told and tell, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from entrepot.kit.problem import Problem

CHANNELS_MAX = 20
"""Channels that a seller has."""
LINES_MAX = 100
BUFFER_MAX = 1_000_000

ChannelName = Annotated[str, Meta(min_length=1, max_length=80)]
Number = Annotated[str, Meta(min_length=1, max_length=100)]
Sku = Annotated[str, Meta(min_length=1, max_length=64)]
Buffer = Annotated[int, Meta(ge=0, le=BUFFER_MAX)]
Status = Literal["taken", "oversold", "sent", "canceled"]


class Channel(msgspec.Struct, frozen=True):
    """A shop elsewhere; it is told of `buffer` units of each variant fewer than there are. `oversold` counts the sales
    that wait for goods, or for the seller to cancel them."""

    id: str
    name: str
    buffer: int
    opened_at: datetime
    closed_at: datetime | None
    oversold: int


class Level(msgspec.Struct, frozen=True):
    """How many of a variant the channel may offer, of `available` at all locations. `version` is another after each
    change of its stock."""

    variant_id: int
    sku: str
    quantity: int
    available: int
    buffer: int
    version: int


class Sold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many units of a variant."""

    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class Line(msgspec.Struct, frozen=True):
    """`left` is how many there were when it was refused, where there were too few."""

    sku: str
    quantity: int
    left: int | None


class Sale(msgspec.Struct, frozen=True):
    """What a channel has sold, by its own `number` of it: taken from stock, or oversold: refused, for want of goods."""

    id: str
    number: str
    status: Status
    lines: list[Line]
    at: datetime
    ended_at: datetime | None


@dataclass(eq=False)
class ChannelExists(Problem):
    """The seller has a channel of this name."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class TooManyChannels(Problem):
    """A seller has at most so many channels."""

    status: ClassVar[int] = 409
    limit: int


@dataclass(eq=False)
class ChannelClosed(Problem):
    """Nothing is sold at a channel that was closed."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class SkuUnknown(Problem):
    """The seller has no goods of this SKU that a channel may sell: none at all, or only in bond."""

    status: ClassVar[int] = 409
    sku: str


@dataclass(eq=False)
class SaleConflict(Problem):
    """This number stands for a sale of something else."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class SaleStatusIs(Problem):
    """The sale has moved on: what was sent is not canceled, and only what was taken is sent."""

    status: ClassVar[int] = 409
    sale_status: str
