"""Time slots: when what is bought by a shipping service may come, with so many places and a cut-off (docs/adr/0035).

A place is one of the slot's quota in the buyer's cell, taken when an order is placed and never before. The places are
shared out among the cells; a cell that has none left gets some of the others', when a price is asked there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.kit.money import allocate
from entrepot.kit.problem import Malformed, NotFound
from entrepot.pricing import actions, store_slots
from entrepot.pricing.types import (
    NewSlots,
    PlacesTaken,
    QuotaUse,
    ShippingNotOffered,
    ShippingService,
    Slot,
    SlotClosed,
    SlotExists,
    SlotFull,
    SlotNeeded,
    SlotNotOffered,
    SlotUse,
    Window,
)

RUN_MAX = 92
"""Days of slots that are added at once."""
CAPACITY_MAX = 1_000_000
CUTOFF_MAX_MIN = 14 * 24 * 60
LISTED_MAX = 200
SHOWN_MAX = 60
"""Slots that a buyer is shown of a service."""


def run_of_days(first: date, last: date | None) -> list[date]:
    """The days from the first to the last, or that one day. Raises Malformed for more than RUN_MAX."""
    days = ((last or first) - first).days + 1
    if not 1 <= days <= RUN_MAX or not 2000 <= first.year < 9999:
        raise Malformed(f"up to {RUN_MAX} days from first_day on, of the years 2000 to 9998 - at `$.last_day`")
    return [first + timedelta(days=n) for n in range(days)]


async def add_slots(tx: Tx, new: NewSlots) -> list[int]:
    """Opens a slot on each of the days, but for those that are closed by now; the new ones. The very same again adds
    nothing. Raises Malformed, ShippingNotOffered, and SlotExists when one of another capacity or cut-off is there."""
    if new.ends <= new.starts:
        raise Malformed("ends must be later than starts, on the same day - at `$.ends`")
    if await tx.maybe(store_slots.LOCK_SERVICE, market=new.market, service=new.shipping) is None:
        raise ShippingNotOffered(new.shipping)
    window = {
        "market": new.market, "service": new.shipping, "days": new.days, "starts": new.starts, "ends": new.ends,
        "capacity": new.capacity, "cutoff_min": new.cutoff_min,
    }  # fmt: skip
    if (other := await tx.maybe(store_slots.OTHERWISE, **window)) is not None:
        raise SlotExists(other)
    added = await tx.all(store_slots.ADD_SLOTS, **window, now=tx.now)
    if not added:  # without a slot nobody could buy by the service any more
        return []
    await tx.run(store_slots.SET_SLOTTED, market=new.market, service=new.shipping)
    names = [_quota(slot) for slot in added]
    there = await cells(tx)
    for cell, places in zip(there, _even(new.capacity, len(there)), strict=True):
        await actions.limits(tx, cell, names, [NIL] * len(names), [places] * len(names))
    return added


async def set_slot(tx: Tx, slot_id: int, capacity: int, *, closed: bool) -> SlotUse:
    """Gives a slot so many places, shared out anew, and closes or opens it; at once, for prices that were asked before,
    too. Raises NotFound and PlacesTaken."""
    if await tx.maybe(store_slots.LOCK_SLOT, id=slot_id) is None:
        raise NotFound
    before = await tx.one(store_slots.SLOT, id=slot_id)
    tx.was(capacity=before.capacity, closed=before.closed_at is not None)
    taken = await _share_out(tx, slot_id, capacity)
    await tx.run(store_slots.SET_SLOT, id=slot_id, capacity=capacity, closed=closed, now=tx.now)
    for cell in await cells(tx):
        await tx.run(store_slots.SET_CLOSED, cell=cell, names=[_quota(slot_id)], closed=closed)
    slot = await tx.one(store_slots.SLOT, id=slot_id)
    return SlotUse(**msgspec.structs.asdict(slot), taken=taken)


async def all_slots(
    tx: ReadTx, market: str, shipping: str | None = None, since: datetime | None = None
) -> list[SlotUse]:  # fmt: skip
    """The slots of a market, or of one of its services, that are not over, with what is taken; at most LISTED_MAX."""
    asked = {"market": market, "service": shipping, "since": since or tx.now}
    found = await tx.all(store_slots.SLOTS, **asked, limit=LISTED_MAX)
    return await _with_taken(tx, found)


async def free_slots(tx: ReadTx, market: str, shipping: str) -> list[SlotUse]:
    """The next slots of a service in which an order still has a place, at a glance; at most SHOWN_MAX. However many
    before them are full."""
    free, after, after_id = list[SlotUse](), tx.now, 0
    while len(free) < SHOWN_MAX:
        found = await tx.all(
            store_slots.OPEN_SLOTS, market=market, service=shipping, now=tx.now, after=after, after_id=after_id,
            limit=LISTED_MAX,
        )  # fmt: skip
        free += [slot for slot in await _with_taken(tx, found) if slot.free > 0]
        if len(found) < LISTED_MAX:
            break
        after, after_id = found[-1].starts_at, found[-1].slot
    return free[:SHOWN_MAX]


async def windows(tx: ReadTx, ids: Sequence[int | None]) -> dict[int | None, Window]:
    """When what was bought for these slots is delivered; whatever has none is absent."""
    chosen = sorted({id_ for id_ in ids if id_ is not None})
    return {one.slot: one for one in await tx.all(store_slots.WINDOWS, ids=chosen)} if chosen else {}


async def choose(tx: ReadTx, service: ShippingService, slot_id: int | None) -> None:
    """Whether an order may have a place of the slot, at a glance. Raises SLOT_PROBLEMS."""
    slot = await _chosen(tx, service, slot_id)
    if slot is not None and (await _with_taken(tx, [slot]))[0].free < 1:
        raise SlotFull(slot.slot, 0)


async def places(
    tx: Tx, cell: int, service: ShippingService, slot_id: int | None, orders: int
) -> tuple[Slot, QuotaUse] | None:
    """What so many orders, sent by a service to a buyer of `cell`, will use of a slot; None where goods come whenever
    they come. Whether there still are so many, placing judges. Raises SLOT_PROBLEMS."""
    slot = await _chosen(tx, service, slot_id)
    if slot is None:
        return None
    here = await tx.one(store_slots.PLACES, cell=cell, name=_quota(slot.slot))
    if here.free < orders and (await _with_taken(tx, [slot]))[0].free >= orders:
        await _share_out(tx, slot.slot, first=cell, wanted=orders)
        here = await tx.one(store_slots.PLACES, cell=cell, name=_quota(slot.slot))
    if here.free < orders:
        raise SlotFull(slot.slot, here.free)
    return slot, QuotaUse(here.quota_id, orders)


async def give_back(tx: Tx, cell: int, group_id: UUID, slot_id: int) -> None:
    """An order of a purchase of this cell was canceled: its place is free, unless all that the purchase used was given
    back. The caller holds the lock of the quota."""
    await tx.run(store_slots.RETURN_PLACE, cell=cell, group_id=group_id, name=_quota(slot_id))


async def _chosen(tx: ReadTx, service: ShippingService, slot_id: int | None) -> Slot | None:
    if slot_id is None:
        if service.slotted:
            raise SlotNeeded(service.code)
        return None
    slot: Slot | None = await tx.maybe(store_slots.SLOT, id=slot_id)
    if slot is None or (slot.market, slot.shipping) != (service.market, service.code):
        raise SlotNotOffered(slot_id)
    if slot.closed_at is not None or slot.closes_at <= tx.now:
        raise SlotClosed(slot_id, slot.closes_at)
    return slot


async def _with_taken(tx: ReadTx, found: Sequence[Slot]) -> list[SlotUse]:
    names = [_quota(slot.slot) for slot in found]
    taken = {row.slot: row.used for row in await tx.all(store_slots.USED, names=names)} if found else {}
    return [SlotUse(**msgspec.structs.asdict(slot), taken=taken.get(slot.slot, 0)) for slot in found]


async def _share_out(
    tx: Tx, slot_id: int, capacity: int | None = None, *, first: int | None = None, wanted: int = 0
) -> int:
    """Shares the places that are free, of so many or of those that there are, among the cells, evenly, but so many
    `wanted` of them to the cell `first`; how many are taken. Quotas are locked cell by cell, in ascending order. Raises
    PlacesTaken."""
    there = [
        (cell, part)
        for cell in await cells(tx)
        if (part := await tx.maybe(store_slots.LOCK_PLACES, cell=cell, name=_quota(slot_id))) is not None
    ]
    taken = sum(part.used for _, part in there)
    free = (sum(part.granted for _, part in there) if capacity is None else capacity) - taken
    if free < 0:
        raise PlacesTaken(slot_id, taken)
    ahead = min(wanted, free)
    for (cell, part), places in zip(there, _even(free - ahead, len(there)), strict=True):
        granted = part.used + places + (ahead if cell == first else 0)
        await tx.run(store_slots.SET_PLACES, cell=cell, id=part.quota_id, granted=granted)
    return taken


def _even(total: int, parts: int) -> list[int]:
    return allocate(total, [1] * parts)


def _quota(slot_id: int) -> str:
    return f"slot:{slot_id}"
