"""Time slots, raced over two cells: places are moved from one to the other, taken, given back and made fewer at once.

The first buyer's home is cell 0, the rival's cell 2; seller 0 is in cell 0 and seller 1 in cell 2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from uuid import UUID

import pytest

from entrepot import accounts, catalog, orders, payments, pricing
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import new_id
from entrepot.orders import Place, Verdict
from tests.orders.counter import NOW
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

CELLS = (0, 2)
FIRST = NOW.date() + timedelta(days=2)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, cells=CELLS) as opened:
        async with opened.db.write() as tx:
            await pricing.add_shipping_service(tx, pricing.ShippingService("us", "bike", "Bike", 0, 0, 7_200, 3))
        yield opened


def run(day: date, hour: int, capacity: int) -> pricing.NewSlots:
    return pricing.NewSlots("us", "bike", [day], time(hour), time(hour + 1), capacity, 60)


async def quote(tx: Tx, ground: Ground, home: int, buyer: UUID, slot: int, *offers: int) -> UUID:
    wanted = [ground.counter.offers[offer] for offer in offers]
    facts = {one.offer_id: one for cell in CELLS for one in await catalog.offers_for_quote(tx, cell, wanted)}
    lines = [pricing.Line(facts[offer], 1) for offer in wanted]
    return (await orders.quote_many(tx, home, [orders.Purchase(buyer, "us", "bike", lines, slot=slot)]))[0]


def place(home: int, buyer: UUID, quote_id: UUID) -> Work:
    async def work(db: Database) -> Verdict:
        return (await orders.place(db, home, [Place(buyer, f"k{quote_id}", quote_id, "wallet")]))[0]

    return work


async def rival(ground: Ground) -> UUID:
    """A buyer of cell 2 with money."""
    buyer = new_id(ground.clock.now())
    async with ground.db.write() as tx:
        await accounts.import_buyers(tx, [buyer], 2)
        await payments.top_up(tx, 2, buyer, "USD", 100, new_id(tx.now))
    return buyer


async def places(ground: Ground, slot: int) -> tuple[int, int, int]:
    """What all cells have granted and used, and how many orders have the slot."""
    async with ground.db.read() as tx:
        row = await tx.conn.fetchrow(
            "select sum(granted)::int, sum(used)::int, (select count(*)::int from orders.order where slot_id = $1 "
            "and status <> 'canceled') from pricing.quota where name = 'slot:' || $1",
            slot,
        )
    assert row is not None
    return row[0], row[1], row[2]


def buys(ground: Ground, home: int, buyer: UUID, slot: int, *offers: int) -> Work:
    """Asks for the price, which may move places to the buyer's cell, and places."""

    async def work(db: Database) -> str:
        try:
            wanted = await db.transact(lambda tx: quote(tx, ground, home, buyer, slot, *offers))
        except (pricing.SlotFull, pricing.SlotClosed) as refused:
            return refused.code()
        verdict: Verdict = await place(home, buyer, wanted)(db)
        return verdict.verdict

    return work


async def test_the_last_place_is_moved_and_taken_once_or_closed(ground: Ground) -> None:
    """The one place that is left lies in cell 0. A buyer there takes it, one of cell 2 has it moved, and the operator
    closes the slot: one order at most has it, whatever comes first."""
    seen = set()
    for number, seed in enumerate(SEEDS[:18]):
        await ground.fresh(units=3)
        near, far = ground.counter.buyers[0], await rival(ground)
        async with ground.db.write() as tx:
            (slot,) = await pricing.add_slots(tx, run(FIRST + timedelta(days=number), 10, 1))
            first, second = buys(ground, 0, near, slot, 0), buys(ground, 2, far, slot, 2)
            if seed % 3 == 1:  # one of them has asked before
                first = place(0, near, await quote(tx, ground, 0, near, slot, 0))
            if seed % 3 == 2:
                second = place(2, far, await quote(tx, ground, 2, far, slot, 2))
        close: Work = lambda db, slot=slot: db.transact(  # type: ignore[misc] # noqa: E731
            lambda tx: pricing.set_slot(tx, slot, 1, closed=True)
        )
        async with ground.race(seed, first, second, close) as (*told, _):
            one, two = (verdict if isinstance(verdict, str) else verdict.verdict for verdict in told)
            taken = (one == "placed") + (two == "placed")
            assert {one, two} <= {"placed", "slot_full", "slot_closed"}
            assert await places(ground, slot) == (1, taken, taken)
        seen.add((one, two))
    assert {"placed"} < {one for one, _ in seen}
    assert {"placed"} < {two for _, two in seen}


async def test_orders_of_one_basket_canceled_at_once_give_their_places_back_once(ground: Ground) -> None:
    for number, seed in enumerate(SEEDS[:8]):
        await ground.fresh(units=3)
        near = ground.counter.buyers[0]
        async with ground.db.write() as tx:
            (slot,) = await pricing.add_slots(tx, run(FIRST + timedelta(days=number), 12, 4))
            basket = await quote(tx, ground, 0, near, slot, 0, 2)
        assert (await place(0, near, basket)(ground.db)).verdict == "placed"
        async with ground.db.read() as reading:
            rows = await reading.conn.fetch(
                "select cell, id from orders.order where group_id = $1 order by cell", basket
            )

        def cancel(cell: int, order: UUID) -> Work:
            return lambda db: db.transact(lambda tx: orders.cancel(tx, cell, [order]))

        works = [cancel(*row) for row in rows]
        again = [cancel(*rows[seed % 2])]
        async with ground.race(seed, *works, *again) as told:
            assert sum(one is None for one in told) == 2  # the third finds it done
            assert await places(ground, slot) == (4, 0, 0)


async def test_of_two_who_add_a_run_one_adds_it(ground: Ground) -> None:
    for number, seed in enumerate(SEEDS[:4]):
        day = FIRST + timedelta(days=number)

        def add(capacity: int, day: date = day) -> Work:
            async def work(db: Database) -> int:
                try:
                    return len(await db.transact(lambda tx: pricing.add_slots(tx, run(day, 14, capacity))))
                except pricing.SlotExists:
                    return -1

            return work

        async with ground.race(seed, add(3), add(3), add(5)) as told:
            assert sorted(told) in ([-1, 0, 1], [-1, -1, 1])
