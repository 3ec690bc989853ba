"""Locations, goods that come in and what lies where, for sellers' staff; carriers' scans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot import inventory
from entrepot.catalog import RowId
from entrepot.inventory import Adjustment, Reason, StockCurrencyIs, StockPromised
from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post, put
from entrepot.kit.problem import NotFound
from entrepot.logistics import actions, reads
from entrepot.logistics.actions import Scan
from entrepot.logistics.types import (
    MAX_RECEIPT_LINES,
    CostNeeded,
    CostNotTaken,
    Delivered,
    Location,
    LocationAddress,
    LocationBonded,
    LocationCode,
    LocationCodeTaken,
    LocationName,
    Receipt,
    Stock,
    Units,
)

MAX_SCANS = 500

After = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Limit = Annotated[int, Meta(ge=1, le=reads.PAGE_MAX)]


class NewLocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`country` is an ISO 3166-1 alpha-2 code."""

    code: LocationCode
    name: LocationName
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{ids.END}", examples=["NL"])]


class LocationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the `next` of the page before."""

    after: After = 0
    limit: Limit = 50


class Locations(msgspec.Struct, frozen=True):
    items: list[Location]
    next: int | None


class StockQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the `next` of the page before."""

    sku: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    after: After = 0
    limit: Limit = 50


class StockPage(msgspec.Struct, frozen=True):
    items: list[Stock]
    next: int | None


class NewReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that came in at one location. `currency` is that of the costs."""

    location_id: RowId
    lines: Annotated[list[Delivered], Meta(min_length=1, max_length=MAX_RECEIPT_LINES)]
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{ids.END}", examples=["USD"])] | None = None


class NewAdjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """There are `units` more or fewer than the books say, on hand and not promised to anybody."""

    direction: Literal["more", "fewer"]
    units: Units
    reason: Reason


class AdjustmentView(msgspec.Struct, frozen=True):
    id: str
    on_hand_delta: int
    reason: Reason
    at: datetime


class StockDetail(msgspec.Struct, frozen=True):
    """A row of stock with its latest corrections."""

    stock: Stock
    adjustments: list[AdjustmentView]


class NewScan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=80)]
    status: Literal["in_transit", "out_for_delivery", "delivered"]
    at: Annotated[datetime, Meta(tz=True)]
    place: Annotated[str, Meta(max_length=120)] = ""

    def __post_init__(self) -> None:
        require_calendar(self.at)


class Scans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scans: Annotated[list[NewScan], Meta(min_length=1, max_length=MAX_SCANS)]


class Taken(msgspec.Struct, frozen=True):
    """How many orders these scans delivered."""

    delivered: int


async def list_locations(tx: ReadTx, caller: Caller, query: LocationsQuery) -> Locations:
    """The locations that the seller may send goods from: its own, then the shared ones."""
    return await _locations(tx, caller, caller.seller, query)


async def add_location(tx: Tx, caller: Caller, body: NewLocation) -> Location:
    """Adds a location of the seller's own."""
    return await actions.add_location(tx, caller.cell, caller.seller, body.code, body.name, body.country)


async def set_location_address(tx: Tx, caller: Caller, location_id: int, body: LocationAddress) -> Location:
    """Says where a location of the seller's own is."""
    return await actions.set_address(tx, caller.cell, caller.seller, location_id, body)


async def set_shared_location_address(tx: Tx, caller: Caller, location_id: int, body: LocationAddress) -> Location:
    """Says where a location that the operator runs is."""
    return await actions.set_address(tx, caller.cell, None, location_id, body)


async def list_shared_locations(tx: ReadTx, caller: Caller, query: LocationsQuery) -> Locations:
    """The locations that the operator runs for the goods of all sellers."""
    return await _locations(tx, caller, None, query)


async def add_shared_location(tx: Tx, caller: Caller, body: NewLocation) -> Location:
    """Adds a location that the operator runs for the goods of all sellers."""
    return await actions.add_location(tx, caller.cell, None, body.code, body.name, body.country)


async def list_stock(tx: ReadTx, caller: Caller, query: StockQuery) -> StockPage:
    """What the seller has, a page at a time: by variant, then by location."""
    items = await reads.stock(tx, caller.cell, caller.seller, query.after, query.limit, query.sku)
    return StockPage(items, items[-1].id if len(items) == query.limit else None)


async def read_stock(tx: ReadTx, caller: Caller, stock_id: int) -> StockDetail:
    """What the seller has of one variant at one location."""
    stock = await reads.stock_of(tx, caller.cell, caller.seller, stock_id)
    adjustments = await inventory.adjustments(tx, caller.cell, stock_id)
    return StockDetail(stock, [_adjustment(adjustment) for adjustment in adjustments])


async def receive_goods(tx: Tx, caller: Caller, body: NewReceipt) -> Receipt:
    """Takes goods in at one of the seller's locations."""
    return await actions.receive(tx, caller.cell, caller.seller, body.location_id, body.lines, body.currency)


async def adjust_stock(tx: Tx, caller: Caller, stock_id: int, body: NewAdjustment) -> AdjustmentView:
    """Corrects a count."""
    delta = body.units if body.direction == "more" else -body.units
    id_ = await actions.adjust(tx, caller.cell, caller.seller, stock_id, delta, body.reason, caller.user_id)
    return AdjustmentView(ids.show("adj", id_), delta, body.reason, tx.now)


async def record_scans(tx: Tx, body: Scans) -> Taken:
    """Takes carriers' scans, in any order; a scan told twice counts once."""
    scans = [Scan(s.carrier, s.tracking_number, s.status, s.at, s.place) for s in body.scans]
    return Taken(len(await actions.track_anywhere(tx, scans)))


async def _locations(tx: ReadTx, caller: Caller, seller_id: UUID | None, query: LocationsQuery) -> Locations:
    items = await reads.locations(tx, caller.cell, seller_id, query.after, query.limit)
    return Locations(items, items[-1].id if len(items) == query.limit else None)


def _adjustment(adjustment: Adjustment) -> AdjustmentView:
    id_ = ids.show("adj", adjustment.id)
    return AdjustmentView(id_, adjustment.on_hand_delta, adjustment.reason, adjustment.at)  # type: ignore[arg-type]


routes = [
    get("/v1/seller/locations", list_locations, access=SELLER),
    post("/v1/seller/locations", add_location, access=SELLER, raises=(LocationCodeTaken,), status=201, key="taken"),
    put("/v1/seller/locations/{location_id}/address", set_location_address, access=SELLER, key="taken"),
    put("/v1/locations/{location_id}/address", set_shared_location_address, access=OPERATOR, key="taken"),
    get("/v1/locations", list_shared_locations, access=OPERATOR),
    post("/v1/locations", add_shared_location, access=OPERATOR, raises=(LocationCodeTaken,), status=201, key="taken"),
    get("/v1/seller/stock", list_stock, access=SELLER),
    get("/v1/seller/stock/{stock_id}", read_stock, access=SELLER),
    post(
        "/v1/seller/stock/{stock_id}/adjustments", adjust_stock, access=SELLER, raises=(StockPromised, LocationBonded),
        status=201,
        key="needed",
    ),
    post(
        "/v1/seller/receipts", receive_goods, access=SELLER,
        raises=(NotFound, CostNotTaken, CostNeeded, StockCurrencyIs, LocationBonded), status=201, key="needed",
    ),
    post("/v1/tracking", record_scans, access=OPERATOR, raises=(NotFound,), key="taken"),
]  # fmt: skip
