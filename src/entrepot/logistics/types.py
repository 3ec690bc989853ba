"""What logistics is told and tells of places and goods, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from entrepot.catalog import Price, RowId
from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Problem

MAX_RECEIPT_LINES = 100
LINE_COST_MAX = MAX_MINOR // MAX_RECEIPT_LINES
"""So that the costs of a receipt are an amount together."""

LocationCode = Annotated[str, Meta(pattern=f"^[a-z0-9]([a-z0-9-]{{0,38}}[a-z0-9])?{END}", examples=["rotterdam-1"])]
LocationName = Annotated[str, Meta(min_length=1, max_length=120)]
Units = Annotated[int, Meta(ge=1, le=1_000_000)]


class Location(msgspec.Struct, frozen=True):
    """A place that goods are sent from. A `shared` one is run by the operator, for the goods of all sellers. Papers for
    customs name its address; `line1` is empty where nobody has said it. What lies in a `bonded` one is not imported
    yet."""

    id: int
    code: str
    name: str
    country: str
    line1: str
    postal_code: str
    city: str
    shared: bool
    bonded: bool


class LocationAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where in its country a location is, in Latin letters, as the post wants it."""

    line1: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=200)]
    postal_code: Annotated[str, Meta(max_length=20)] = ""


class Delivered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a receipt. `cost_minor` is what the whole line was bought for: needed for the operator's own goods, and
    not taken for others."""

    variant_id: RowId
    quantity: Units
    cost_minor: Annotated[int, Meta(ge=0, le=LINE_COST_MAX)] | None = None


class Receipt(msgspec.Struct, frozen=True):
    """Goods that came in: `stock_ids` are the rows of stock they lie in, in the order of the lines."""

    id: str
    stock_ids: list[int]


class Stock(msgspec.Struct, frozen=True):
    """A seller's stock of a variant at a location; available = on_hand - held - allocated. Held units wait for a
    payment, allocated ones are sold and not shipped yet. `cost` is the purchase cost of what is on hand (own goods)."""

    id: int
    variant_id: int
    sku: str
    title: str
    unit: str
    location_id: int
    location: str
    on_hand: int
    held: int
    allocated: int
    available: int
    cost: Price | None


@dataclass(eq=False)
class LocationCodeTaken(Problem):
    """Another of these locations has this code."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class LocationBonded(Problem):
    """Goods lie in bond here: they come in by a declaration, and what is missing is written off in the account book."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class LocationInUse(Problem):
    """Goods lie here, or have lain, that no declaration has brought into bond."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class CostNotTaken(Problem):
    """Only goods that the operator sells on its own account have a purchase cost here."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class CostNeeded(Problem):
    """Goods that the operator sells on its own account come with the cost of each line, and its currency."""

    status: ClassVar[int] = 409
