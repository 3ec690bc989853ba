"""Where goods are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.logistics import store
from entrepot.logistics.store import Location, TrackingEvent

__all__ = ["Location", "ShipmentView", "TrackingEvent", "location_names", "shipment_of"]


class ShipmentView(msgspec.Struct, frozen=True):
    carrier: str
    tracking_number: str
    status: str
    shipped_at: datetime
    delivered_at: datetime | None
    events: list[TrackingEvent]


async def location_names(tx: ReadTx, cell: int, ids: Sequence[int]) -> dict[int, str]:
    """Names of locations by id; those that are not there are left out."""
    return {row.id: row.name for row in await tx.all(store.LOCATIONS, cell=cell, ids=list(ids))}


async def shipment_of(tx: ReadTx, cell: int, order_id: UUID) -> ShipmentView | None:
    """The shipment of an order with its scans in time order, or None before it is shipped."""
    row = await tx.maybe(store.SHIPMENT_OF, cell=cell, order_id=order_id)
    if row is None:
        return None
    events = await tx.all(store.SCANS, cell=cell, id=row.id)
    return ShipmentView(row.carrier, row.tracking_number, row.status, row.shipped_at, row.delivered_at, events)
