"""Where goods are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import catalog
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound
from entrepot.logistics import store
from entrepot.logistics.store import ShipmentRow, TrackingEvent
from entrepot.logistics.types import Location, Stock

__all__ = [
    "PAGE_MAX", "ShipmentView", "TrackingEvent", "location_countries", "location_names", "location_of", "locations",
    "parcels_of", "shipments_of", "stock", "stock_of",
]  # fmt: skip

PAGE_MAX = 100
SCANS_MAX = 200
MAX_BIGINT = 2**63 - 1


class ShipmentView(msgspec.Struct, frozen=True):
    carrier: str
    tracking_number: str
    status: str
    shipped_at: datetime
    delivered_at: datetime | None
    events: list[TrackingEvent]


async def location_names(tx: ReadTx, cell: int, ids: Sequence[int]) -> dict[int, str]:
    """Names of locations by id; those that are not there are left out."""
    return {row.id: row.name for row in await tx.all(store.LOCATION_NAMES, cell=cell, ids=list(ids))}


async def location_countries(tx: ReadTx, cell: int, ids: Sequence[int]) -> dict[int, str]:
    """Where locations are, by id; those that are not there are left out."""
    return {row.id: row.name for row in await tx.all(store.LOCATION_COUNTRIES, cell=cell, ids=list(ids))}


async def location_of(tx: ReadTx, cell: int, seller_id: UUID, location_id: int) -> Location:
    """A location that a seller may use: its own, or a shared one. Raises NotFound, also for another seller's."""
    found = await tx.maybe(store.LOCATION, cell=cell, location_id=location_id, seller_id=seller_id)
    if found is None:
        raise NotFound
    return found


async def locations(tx: ReadTx, cell: int, seller_id: UUID | None, after: int, limit: int) -> list[Location]:
    """The locations that a seller may use, its own first (without a seller: the shared ones), from the one after the
    location `after` (0: the first) on, at most `limit`."""
    return await tx.all(store.LOCATIONS, cell=cell, seller_id=seller_id, after=after, limit=limit)


async def stock(tx: ReadTx, cell: int, seller_id: UUID, after: int, limit: int, sku: str | None = None) -> list[Stock]:
    """A page of what a seller has, variant by variant, from the row after the row `after` (0: the first) on; with
    `sku` of that variant only."""
    first, last = 1, MAX_BIGINT
    if sku is not None:
        variant = (await catalog.variants_by_sku(tx, [sku])).get(sku)
        if variant is None:
            return []
        first = last = variant
    rows = await tx.all(
        store.STOCKS, cell=cell, seller_id=seller_id, first=first, last=last, after=after, limit=min(limit, PAGE_MAX)
    )
    return [_stock(row) for row in rows]


async def stock_of(tx: ReadTx, cell: int, seller_id: UUID, stock_id: int) -> Stock:
    """A row of a seller's stock. Raises NotFound, also for another seller's and for what is set aside."""
    row = await tx.maybe(store.STOCK, cell=cell, seller_id=seller_id, stock_id=stock_id, limit=1)
    if row is None:
        raise NotFound
    return _stock(row)


def _stock(row: store.StockRow) -> Stock:
    cost = None if row.currency is None else Price(row.cost_minor, row.currency)
    return Stock(
        row.id, row.variant_id, row.sku, row.title, row.unit, row.location_id, row.location, row.on_hand, row.held,
        row.allocated, row.available, cost,
    )  # fmt: skip


async def parcels_of(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> dict[UUID, ShipmentRow]:
    """The shipments of orders by order, without what the carriers said on their way."""
    return {row.order_id: row for row in await tx.all(store.SHIPMENTS_OF, cell=cell, order_ids=order_ids)}


async def shipments_of(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> dict[UUID, ShipmentView]:
    """The shipments of orders by order, each with its first SCANS_MAX scans in time order; an order that is not shipped
    is left out."""
    rows = list((await parcels_of(tx, cell, order_ids)).values())
    scans: dict[UUID, list[TrackingEvent]] = {row.id: [] for row in rows}
    for scan in await tx.all(store.SCANS, cell=cell, ids=list(scans), limit=SCANS_MAX) if scans else ():
        scans[scan.shipment_id].append(TrackingEvent(scan.status, scan.at, scan.place))
    return {
        row.order_id: ShipmentView(
            row.carrier, row.tracking_number, row.status, row.shipped_at, row.delivered_at, scans[row.id]
        )
        for row in rows
    }
