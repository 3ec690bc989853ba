"""Time slots over HTTP: those that can be chosen for everyone, all of them for the operator."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

import msgspec
from msgspec import Meta

from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, PUBLIC, get, post, put
from entrepot.kit.ids import END
from entrepot.kit.problem import NotFound
from entrepot.pricing import reads, slots
from entrepot.pricing.types import NewSlots, PlacesTaken, ShippingNotOffered, SlotExists, SlotUse

Code = Annotated[str, Meta(min_length=1, max_length=40)]
MarketCode = Annotated[str, Meta(min_length=1, max_length=20)]
Clock = Annotated[str, Meta(pattern=f"^([01][0-9]|2[0-3]):[0-5][0-9]{END}", examples=["10:00"])]
Capacity = Annotated[int, Meta(ge=1, le=slots.CAPACITY_MAX)]


class FreeSlot(msgspec.Struct, frozen=True):
    """A slot in which `free` orders still have a place. `starts` and `ends` are what a clock in `time_zone` shows;
    until `closes_at` it can be ordered."""

    id: int
    starts_at: datetime
    ends_at: datetime
    starts: datetime
    ends: datetime
    time_zone: str
    closes_at: datetime
    free: int


class FreeSlots(msgspec.Struct, frozen=True):
    items: list[FreeSlot]


class SlotView(msgspec.Struct, frozen=True):
    """A slot with what orders have `taken` of its `capacity`."""

    id: int
    market: str
    shipping: str
    starts_at: datetime
    ends_at: datetime
    starts: datetime
    ends: datetime
    time_zone: str
    closes_at: datetime
    capacity: int
    taken: int
    closed_at: datetime | None


class Slots(msgspec.Struct, frozen=True):
    items: list[SlotView]


class SlotsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those that are not over at `since`, which is now unless it is said."""

    market: MarketCode
    shipping: Code | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.since is not None:
            require_calendar(self.since)


class SlotsToAdd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`starts` to `ends` by the market's clock on each day from the first to the last (without one: on the first), with
    `capacity` places each. It closes `cutoff_min` minutes before it starts."""

    market: MarketCode
    shipping: Code
    first_day: date
    starts: Clock
    ends: Clock
    capacity: Capacity
    cutoff_min: Annotated[int, Meta(ge=0, le=slots.CUTOFF_MAX_MIN)]
    last_day: date | None = None


class Added(msgspec.Struct, frozen=True):
    """The new slots. What was there before, or would be closed by now, is not among them."""

    ids: list[int]


class SlotChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many places, and whether any of them may be taken."""

    capacity: Capacity
    closed: bool = False


async def list_free_slots(tx: ReadTx, market: str, code: str) -> FreeSlots:
    """The next time slots of a shipping service that can be chosen."""
    try:
        await reads.service(tx, market, code)
    except ShippingNotOffered:
        raise NotFound from None
    return FreeSlots([
        FreeSlot(s.slot, s.starts_at, s.ends_at, s.starts, s.ends, s.time_zone, s.closes_at, s.free)
        for s in await slots.free_slots(tx, market, code)
    ])  # fmt: skip


async def list_slots(tx: ReadTx, query: SlotsQuery) -> Slots:
    """The time slots of a market that are not over, with what is taken of them."""
    return Slots([_view(slot) for slot in await slots.all_slots(tx, query.market, query.shipping, query.since)])


async def add_slots(tx: Tx, body: SlotsToAdd) -> Added:
    """Adds a time slot, or one on each of some days. From the first one on who buys by this service chooses one."""
    new = NewSlots(
        body.market, body.shipping, slots.run_of_days(body.first_day, body.last_day), time.fromisoformat(body.starts),
        time.fromisoformat(body.ends), body.capacity, body.cutoff_min,
    )  # fmt: skip
    return Added(await slots.add_slots(tx, new))


async def set_slot(tx: Tx, slot_id: int, body: SlotChange) -> SlotView:
    """Changes how many places a time slot has, closes it or opens it again; at once, for stored quotes, too."""
    return _view(await slots.set_slot(tx, slot_id, body.capacity, closed=body.closed))


def _view(slot: SlotUse) -> SlotView:
    return SlotView(
        slot.slot, slot.market, slot.shipping, slot.starts_at, slot.ends_at, slot.starts, slot.ends, slot.time_zone,
        slot.closes_at, slot.capacity, slot.taken, slot.closed_at,
    )  # fmt: skip


routes = [
    get("/v1/markets/{market}/shipping/{code}/slots", list_free_slots, access=PUBLIC),
    get("/v1/operator/slots", list_slots, access=OPERATOR),
    post(
        "/v1/operator/slots", add_slots, access=OPERATOR, raises=(ShippingNotOffered, SlotExists), status=201,
        key="taken",
    ),
    put("/v1/operator/slots/{slot_id}", set_slot, access=OPERATOR, raises=(PlacesTaken,), key="taken"),
]  # fmt: skip
