"""Time slots in the simulated world: few places every few days, which the operator makes more or fewer, closes and
opens. One purchase of five is to come in a slot, the first that has room, or by another service when none has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta

from entrepot import pricing
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.pricing import SlotUse
from entrepot.world.scene import World, ask

SERVICE = "slot"
AHEAD, EACH = 90, 3
"""So many days ahead there is a slot on each third day."""


async def open_slots(tx: Tx, world: World) -> None:
    """Slots for a season, after those that there are."""
    today = tx.now.date()
    for market in world.markets:
        service = pricing.ShippingService(market, SERVICE, "In a slot", 300, 0, 7_200, 3)
        await pricing.add_shipping_service(tx, service)
        days = _days(await pricing.all_slots(tx, market, SERVICE), today)
        await pricing.add_slots(tx, pricing.NewSlots(market, SERVICE, days, time(10), time(20), 4, 60))


def _days(there: Sequence[SlotUse], today: date) -> list[date]:
    first = there[-1].starts.date() + timedelta(days=EACH) if there else today
    return [first + timedelta(days=n) for n in range(0, AHEAD - (first - today).days, EACH)]


async def choose(tx: Tx, market: str, shipping: str) -> tuple[str, int | None]:
    """The service by which something comes, and the slot."""
    if shipping != SERVICE:
        return shipping, None
    free = await pricing.free_slots(tx, market, SERVICE)
    return (SERVICE, free[0].slot) if free else ("free", None)


async def change(world: World) -> None:
    """The operator gives one of the next slots other places than it has, or closes or opens it."""
    chance = world.chance
    market, nth = chance.choice(sorted(world.markets)), chance.randrange(3)
    capacity, closed = chance.choice((1, 3, 6)), chance.random() < 0.2
    async with world.db.read() as reading:
        there = await pricing.all_slots(reading, market, SERVICE)
    if nth < len(there):
        await ask(
            world, NIL, "set_slot", lambda tx: pricing.set_slot(tx, there[nth].slot, capacity, closed=closed)
        )  # fmt: skip
