"""Asking for goods to be sent, sending them, and following them. Each call is a few statements for any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import asyncpg
import msgspec

from entrepot import catalog, inventory, sellers
from entrepot.inventory import Goods, Reason
from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id, show
from entrepot.kit.problem import NotFound, Problem
from entrepot.logistics import reads, store
from entrepot.logistics.types import (
    CostNeeded,
    CostNotTaken,
    Delivered,
    Location,
    LocationAddress,
    LocationBonded,
    LocationCodeTaken,
    LocationInUse,
    Receipt,
)


class NewShipment(msgspec.Struct, frozen=True):
    order_id: UUID
    carrier: str
    tracking_number: str


class Scan(msgspec.Struct, frozen=True):
    """A carrier's word: in_transit, out_for_delivery or delivered, at a time and place."""

    carrier: str
    tracking_number: str
    status: str
    at: datetime
    place: str = ""


@dataclass(eq=False)
class TrackingNumberTaken(Problem):
    """The carrier has this tracking number on another shipment."""

    status: ClassVar[int] = 409


async def import_locations(
    tx: Tx, cell: int, ids: Sequence[int], codes: Sequence[str], names: Sequence[str], countries: Sequence[str]
) -> None:
    """Adds ship-from locations run by the operator; those that are there already stay as they are."""
    await tx.run(store.IMPORT_LOCATIONS, cell=cell, ids=ids, codes=codes, names=names, countries=countries)
    if ids:
        await tx.one(store.PASS_LOCATIONS, high=max(ids))


async def add_location(tx: Tx, cell: int, seller_id: UUID | None, code: str, name: str, country: str) -> Location:
    """A new location of a seller's own or, without a seller, one run by the operator for the goods of all. Codes are
    each seller's own business. Raises LocationCodeTaken."""
    added = await tx.maybe(store.ADD_LOCATION, cell=cell, seller_id=seller_id, code=code, name=name, country=country)
    if added is None:
        raise LocationCodeTaken
    return added


async def set_address(
    tx: Tx, cell: int, seller_id: UUID | None, location_id: int, address: LocationAddress
) -> Location:
    """Says where a location of a seller's own is or, without a seller, one run by the operator. Raises NotFound."""
    before = await tx.maybe(store.LOCATION, cell=cell, seller_id=seller_id, location_id=location_id)
    if before is not None:
        tx.was(line1=before.line1, postal_code=before.postal_code, city=before.city)
    changed = await tx.maybe(
        store.SET_ADDRESS, cell=cell, seller_id=seller_id, location_id=location_id, line1=address.line1,
        postal_code=address.postal_code, city=address.city,
    )  # fmt: skip
    if changed is None:
        raise NotFound
    return changed


async def set_bonded(tx: Tx, cell: int, location_id: int) -> Location:
    """From now on what lies at a location is in bond (room bonded). Raises NotFound, LocationInUse."""
    if await tx.maybe(store.LOCK_LOCATION, cell=cell, location_id=location_id) is None:
        raise NotFound
    changed = await tx.maybe(store.SET_BONDED, cell=cell, location_id=location_id)
    if changed is None:
        raise LocationInUse
    return changed


async def receive(
    tx: Tx,
    cell: int,
    seller_id: UUID,
    location_id: int,
    lines: Sequence[Delivered],
    currency: str | None = None,
    *,
    in_bond: bool = False,
) -> Receipt:
    """Takes goods in at a location; their rows of stock are opened when they are not there yet. Each line of the
    operator's own goods comes with its cost, in `currency`, which is owed to the supplier.

    Raises NotFound for a location that is not the seller's to use, an unknown variant or a currency of no market;
    LocationBonded unless what comes in is known to be `in_bond`; CostNotTaken, CostNeeded, StockCurrencyIs."""
    await reads.location_of(tx, cell, seller_id, location_id)
    if await tx.one(store.BONDED, cell=cell, location_id=location_id) and not in_bond:
        raise LocationBonded
    variants = [line.variant_id for line in lines]
    if await catalog.known_variants(tx, variants) != set(variants):
        raise NotFound
    stocks = await inventory.open_stock(tx, cell, [seller_id] * len(lines), variants, [location_id] * len(lines))
    receipt = new_id(tx.now)
    goods = [Goods(stock, line.quantity, receipt) for stock, line in zip(stocks, lines, strict=True)]
    costs = [line.cost_minor for line in lines if line.cost_minor is not None]
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    if seller.kind != "own":
        if costs or currency is not None:
            raise CostNotTaken
        await inventory.receive(tx, cell, goods)
    else:
        if len(costs) < len(lines) or currency is None:
            raise CostNeeded
        if currency not in await sellers.currencies(tx):
            raise NotFound
        await inventory.buy(tx, cell, goods, costs, currency)
    tx.emit("goods_received", seller_id, {"receipt_id": receipt, "stock_ids": stocks}, cell)
    return Receipt(show("rcp", receipt), stocks)


async def adjust(
    tx: Tx, cell: int, seller_id: UUID, stock_id: int, on_hand_delta: int, reason: Reason, user_id: UUID
) -> UUID:
    """Corrects a count (inventory.adjust), but not of what lies in bond: LocationBonded."""
    stock = await reads.stock_of(tx, cell, seller_id, stock_id)
    if await tx.maybe(store.BONDED, cell=cell, location_id=stock.location_id):
        raise LocationBonded
    return await inventory.adjust(tx, cell, seller_id, stock_id, on_hand_delta, reason, user_id)


async def cancel_requests(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> None:
    """Closes fulfillment orders that have not been shipped."""
    await tx.all(store.CLOSE_REQUESTS, cell=cell, ids=order_ids, status="canceled")


async def ship(tx: Tx, cell: int, shipments: Sequence[NewShipment]) -> None:
    """Hands goods to carriers. Raises NotFound when one of the orders is not open for it, TrackingNumberTaken."""
    asked = [shipment.order_id for shipment in shipments]
    shipped = await tx.all(store.CLOSE_REQUESTS, cell=cell, ids=asked, status="shipped")
    if set(shipped) != set(asked):
        raise NotFound
    try:
        await tx.run(
            store.INSERT_SHIPMENTS, cell=cell, now=tx.now, ids=[new_id(tx.now) for _ in shipments],
            fulfillment_orders=asked, carriers=[s.carrier for s in shipments],
            tracking_numbers=[s.tracking_number for s in shipments],
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "shipment_tracking":  # type: ignore[attr-defined]
            raise
        raise TrackingNumberTaken from None


async def track(tx: Tx, cell: int, scans: Sequence[Scan]) -> list[UUID]:
    """Records scans of a cell's shipments; the order ids that are delivered by them for the first time, each told as an
    event. Raises NotFound, with nothing recorded, when a scan names a shipment that is not there."""
    if len(await _known(tx, cell, scans)) < len(scans):
        raise NotFound
    return await _record(tx, cell, scans)


async def track_anywhere(tx: Tx, scans: Sequence[Scan]) -> list[UUID]:
    """The same for scans of which nobody knows the cell: carriers do not. A number that shipments of two cells bear
    speaks of both."""
    delivered, unknown = [], set(range(len(scans)))
    for cell in await cells(tx):
        here = await _known(tx, cell, scans)
        if here:
            delivered += await _record(tx, cell, [scans[number] for number in here])
            unknown -= set(here)
    if unknown:
        raise NotFound
    return delivered


async def _known(tx: Tx, cell: int, scans: Sequence[Scan]) -> list[int]:
    """The places of those scans whose shipments are in the cell."""
    places = await tx.all(
        store.KNOWN, cell=cell, carriers=[s.carrier for s in scans], tracking_numbers=[s.tracking_number for s in scans]
    )
    return [place - 1 for place in places]


async def _record(tx: Tx, cell: int, scans: Sequence[Scan]) -> list[UUID]:
    carriers, numbers = [s.carrier for s in scans], [s.tracking_number for s in scans]
    statuses, ats = [s.status for s in scans], [s.at for s in scans]
    await tx.run(
        store.INSERT_SCANS, cell=cell, carriers=carriers, tracking_numbers=numbers, statuses=statuses, ats=ats,
        places=[s.place for s in scans],
    )  # fmt: skip
    delivered = await tx.all(
        store.ADVANCE,
        cell=cell,
        stages=store.STAGES,
        carriers=carriers,
        tracking_numbers=numbers,
        statuses=statuses,
        ats=ats,
    )
    for order_id in delivered:
        tx.emit("shipment_delivered", order_id, {}, cell)
    return delivered
