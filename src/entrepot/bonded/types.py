"""What the account book of a bonded warehouse says, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from entrepot.catalog import Price, RowId
from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Problem
from entrepot.logistics import Units

RECEIPT_LINES_MAX = 100
RecordNo = Annotated[str, Meta(pattern=f"^[A-Za-z0-9][A-Za-z0-9-]{{0,39}}{END}", examples=["A001"])]
Milli = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class NewItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What customs calls goods in a book: its record number there, code, origin and unit (kg, item, pair, l), and what
    one whole unit is worth. One unit of the variant is `per_unit_milli` thousandths of the item's unit: a shirt of 180
    g is 180 of a kg, and 1000 of an item."""

    record_no: RecordNo
    variant_id: RowId
    per_unit_milli: Milli
    hs_code: Annotated[str, Meta(pattern=f"^[0-9]{{6,10}}{END}")]
    country_of_origin: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]
    description: Annotated[str, Meta(min_length=1, max_length=200)]
    unit: Annotated[str, Meta(min_length=1, max_length=12)]
    unit_value_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)]
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}")]


class Incoming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a variant that came in; `cost_minor` is what they were bought for (the operator's own goods)."""

    variant_id: RowId
    quantity: Units
    cost_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR // RECEIPT_LINES_MAX)] | None = None


class BookItem(msgspec.Struct, frozen=True):
    """An item of a book. `quantity_milli` is in bond, `asked_milli` of that what customs is asked to let out;
    `received_milli`, `released_milli` and `written_off_milli` are what has come and gone."""

    location_id: int
    location: str
    book: str
    seller: str
    record_no: str
    hs_code: str
    country_of_origin: str
    description: str
    unit: str
    unit_value: Price
    quantity_milli: int
    asked_milli: int
    received_milli: int
    released_milli: int
    written_off_milli: int


class Entry(msgspec.Struct, frozen=True):
    """What changed an item's quantity."""

    kind: str
    cause_id: str
    quantity_milli: int
    at: datetime


@dataclass(eq=False)
class NoBook(Problem):
    """This location is no bonded warehouse."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ItemNeeded(Problem):
    """The book has no item for this variant: say first what customs calls it there."""

    status: ClassVar[int] = 409
    variant_id: int


@dataclass(eq=False)
class ItemInUse(Problem):
    """Goods of this variant have come in, or goods of this item lie in bond: what customs calls them stays."""

    status: ClassVar[int] = 409
    variant_id: int


@dataclass(eq=False)
class DeclarationReceived(Problem):
    """What this inbound declaration brought in was received before."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class BookShort(Problem):
    """The book has less of an item than is to be let out of bond."""

    status: ClassVar[int] = 409
    record_no: str
    left_milli: int


@dataclass(eq=False)
class NotReleased(Problem):
    """Goods of this order lie in bond, and customs has not let out just these."""

    status: ClassVar[int] = 409
    order_id: str


@dataclass(eq=False)
class ParcelDeclaredIs(Problem):
    """Customs has let the goods of this order out for another parcel."""

    status: ClassVar[int] = 409
    order_id: str
    carrier: str
    tracking_number: str


NOT_SENT = (NotReleased, ParcelDeclaredIs)


@dataclass(eq=False)
class NotBackIntoBond(Problem):
    """Goods that were let out of bond come back into it for a time only, which is over, or not at all: take them back
    without putting them on stock."""

    status: ClassVar[int] = 409
