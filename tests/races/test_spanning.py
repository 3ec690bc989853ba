"""Baskets that span cells, raced against each other and against all that may happen to them: nobody waits in a circle,
and whoever comes first, the books of all cells tie.

The buyers' home is cell 1, seller 0 is in cell 2 and seller 1 in cell 0: above it and below."""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from entrepot import accounts, disputes, inventory, orders, payments
from entrepot.inventory import Goods
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from entrepot.logistics import NewShipment
from entrepot.orders import Place, Verdict
from entrepot.orders.actions import expire_groups, record_paid
from entrepot.orders.types import WrongStatus
from entrepot.world.auditor import audit
from entrepot.world.faults import Unlucky
from tests.orders.counter import NOW, Counter, Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

HOME, CELLS = 1, (2, 0)
SOME = SEEDS[:12]
BOTH = Wanted(0, ((0, 1), (2, 1)))  # 3 in cell 2 and 4 in cell 0
MINUTES_20 = timedelta(minutes=20)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, home=HOME, cells=CELLS) as opened:
        yield opened


def place(buyer: UUID, key: str, quote: UUID, method: str = "wallet", home: int = HOME) -> Work:
    async def work(db: Database) -> Verdict:
        return (await orders.place(db, home, [Place(buyer, key, quote, method)]))[0]

    return work


def cancel(cell: int, order: UUID) -> Work:
    return lambda db: db.transact(lambda tx: orders.cancel(tx, cell, [order]))


async def expire(db: Database) -> int:
    return await db.transact(lambda tx: expire_groups(tx, HOME))


async def bought(ground: Ground, wanted: Wanted, method: str = "wallet") -> tuple[UUID, UUID]:
    """The orders of a basket of both sellers, that of cell 0 first."""
    ids = await ground.bought(wanted, method=method)
    cells = [await ground.value("select cell from orders.order where id = $1", id_) for id_ in ids]
    (first, low), (second, high) = sorted(zip(cells, ids, strict=True))
    assert (first, second) == (0, 2)
    return low, high


async def rival(ground: Ground, home: int) -> tuple[UUID, UUID]:
    """A buyer of another home who wants the same; the quote."""
    buyer = new_id(ground.clock.now())
    counter = Counter(home, CELLS)
    counter.buyers, counter.offers = [buyer], ground.counter.offers
    async with ground.db.write() as tx:
        await accounts.import_buyers(tx, [buyer], home)
        await payments.top_up(tx, home, buyer, "USD", 100, new_id(tx.now))
        (quote,) = await counter.quote(tx, [BOTH])
    return buyer, quote.id


def begun(ground: Ground) -> int:
    """Transactions that were begun, and those that were begun again."""
    return sum("begin" in statement for _, statement in ground.stage.trace)


async def test_baskets_over_the_same_cells_from_any_home_never_deadlock(ground: Ground) -> None:
    for seed in SOME:
        await ground.fresh(units=2)
        (mine,) = await ground.quotes(BOTH)
        works = [place(ground.counter.buyers[0], "k", mine.id)]
        for home in (0, 2):
            buyer, quote = await rival(ground, home)
            works.append(place(buyer, "k", quote, home=home))
        async with ground.race(seed, *works) as told:
            assert sorted(verdict.verdict for verdict in told) == ["placed", "placed", "sold_out"]
            for number in (0, 1):
                on_hand, held, allocated = await ground.stock(number)
                assert on_hand - held - allocated == 0
        assert begun(ground) == 6  # each looked for what spans, and placed it; nobody had to begin again


async def test_one_key_and_one_quote_at_once_are_one_purchase(ground: Ground) -> None:
    for seed in SOME:
        await ground.fresh(units=5)
        (quote,) = await ground.quotes(BOTH)
        a = ground.counter.buyers[0]
        works = place(a, "k", quote.id), place(a, "k", quote.id), place(a, "l", quote.id)
        async with ground.race(seed, *works) as told:
            verdicts = sorted((verdict.verdict, verdict.replayed) for verdict in told)
            assert verdicts in (
                [("placed", False), ("placed", True), ("quote_placed", False)],
                [("placed", False), ("quote_placed", False), ("quote_placed", False)],
            )
            assert await ground.wallet() == 93


async def test_place_and_cancel_and_expire_share_the_stock_of_two_cells(ground: Ground) -> None:
    """Two units in each cell: one of a paid order that is canceled, one held for a payment that does not come. One
    wants both of cell 2, and one of cell 0."""
    ground.clock.advance(MINUTES_20)
    await expire(ground.db)  # what other tests left waiting
    seen = set()
    for seed, order in [*((seed, None) for seed in SOME), (-1, [1] * 99 + [2] * 99)]:
        await ground.fresh(units=2)
        _, paid = await bought(ground, BOTH)
        low, high = await bought(ground, Wanted(1, ((0, 1), (2, 1))), method="sandbox")
        ground.clock.advance(MINUTES_20)
        (both,) = await ground.quotes(Wanted(1, ((0, 2), (2, 1))))
        works = place(ground.counter.buyers[1], "k", both.id), cancel(2, paid), expire
        async with ground.race(seed, *works, order=order) as (verdict, canceled, expired):
            assert (canceled, expired) == (None, 1)
            assert verdict.verdict in ("placed", "sold_out")
            assert [await ground.status(id_) for id_ in (paid, low, high)] == ["canceled", "expired", "expired"]
            placed = verdict.verdict == "placed"
            assert (await ground.wallet(0), await ground.wallet(1)) == (96, 90 if placed else 100)
        assert begun(ground) == 5  # the timer has a savepoint
        seen.add(verdict.verdict)
    assert seen == {"placed", "sold_out"}


async def test_a_payment_comes_in_time_or_it_does_not(ground: Ground) -> None:
    """The gateway captures while the buyer takes it back and the timer ends it: in all cells the same happened."""
    seen = set()
    for seed in SOME:
        await ground.fresh(units=2)
        ids = await bought(ground, BOTH, method="sandbox")
        group = await ground.value("select group_id from orders.order where id = $1", ids[0])
        ground.clock.advance(MINUTES_20)

        async def pay(db: Database, group: UUID = group) -> list[UUID]:
            return await db.transact(lambda tx: record_paid(tx, HOME, [group]))

        async def take_back(db: Database, group: UUID = group) -> None:
            await db.transact(lambda tx: orders.cancel_unpaid(tx, HOME, group, ground.counter.buyers[0]))

        async with ground.race(seed, pay, take_back, expire) as (paid, taken_back, expired):
            status = await ground.status(ids[0])
            assert await ground.status(ids[1]) == status
            assert (paid == [group], taken_back is None, expired == 1) == (
                status == "paid", status == "canceled", status == "expired",
            )  # fmt: skip
            assert taken_back is None or isinstance(taken_back, WrongStatus)
        if status == "paid":  # as the gateway's answer is recorded with it
            async with ground.db.write() as tx:
                assert await payments.mark_captured(tx, HOME, group, f"ext-{group}")
        seen.add(status)
    assert seen == {"paid", "canceled", "expired"}


async def test_goods_that_come_back_and_a_basket_never_deadlock(ground: Ground) -> None:
    """What is inspected in cell 2 goes on stock there and its money to the buyer at home, who buys there meanwhile. So
    it is with what was held to be sent instead, and is free again."""
    for seed in SOME[:6]:
        await ground.fresh(units=3)
        _, order = await bought(ground, BOTH)
        async with ground.db.write() as tx:
            await orders.ship_many(tx, 2, [NewShipment(order, "house", order.hex)])
            claim = disputes.Claim("unwanted", {1: 1}, "No.", instead=ground.counter.offers[0] if seed % 2 else None)
            dispute = await disputes.open_dispute(tx, HOME, order, ground.counter.buyers[0], claim)
            await disputes.act(tx, 2, dispute, "buyer", disputes.Word("send_back"))
        (again,) = await ground.quotes(BOTH)
        inspect: Work = lambda db, id_=dispute: db.transact(  # type: ignore[misc] # noqa: E731
            lambda tx: disputes.act(tx, 2, id_, "seller", disputes.Word("inspect", amount_minor=3))
        )
        async with ground.race(seed, inspect, place(ground.counter.buyers[0], "k", again.id)) as (told, verdict):
            assert (told, verdict.verdict) == (None, "placed")
            assert await ground.wallet() == 100 - 7 + 3 - 7
        assert begun(ground) == 3  # the basket was looked for, and placed; nobody had to begin again


async def test_orders_of_two_cells_canceled_at_once_give_the_promotion_back_once(ground: Ground) -> None:
    used = "select used from pricing.quota where name = 'promotion:once:buyer' and owner = $1"
    await ground.fresh(units=5)
    one_by_one = await bought(ground, Wanted(0, ((0, 1), (2, 1)), "once"))
    for cell, order, left in ((0, one_by_one[0], 1), (2, one_by_one[1], 0)):
        await cancel(cell, order)(ground.db)
        assert await ground.value(used, ground.counter.buyers[0]) == left
    for seed in SOME:
        await ground.fresh(units=5)
        a = ground.counter.buyers[0]
        (again,) = await ground.quotes(Wanted(0, ((1, 1), (2, 1)), "once"))
        low, high = await bought(ground, Wanted(0, ((0, 1), (2, 1)), "once"))
        works = cancel(0, low), cancel(2, high), place(a, "k", again.id)
        async with ground.race(seed, *works) as (one, other, verdict):
            assert (one, other) == (None, None)
            assert verdict.verdict in ("placed", "limit_reached")
            assert await ground.value(used, a) == (verdict.verdict == "placed")
        assert begun(ground) == 4


async def test_a_quote_that_lacks_the_part_of_a_cell_sells_nothing(ground: Ground) -> None:
    """Each cell forgets its part by itself, long after it expired. Before that, one that is lost takes no money."""
    await ground.fresh(units=2)
    (quote,) = await ground.quotes(BOTH)
    buy = place(ground.counter.buyers[0], "k", quote.id)
    async with ground.db.write() as tx:
        await tx.conn.execute("delete from orders.quote where cell = 0 and id = $1", quote.id)
        before = await ground.counter.state(tx)
    with pytest.raises(AssertionError, match="has its part"):
        await buy(ground.db)
    ground.clock.advance(timedelta(hours=1))
    assert (await buy(ground.db)).verdict == "quote_expired"
    async with ground.db.write() as tx:
        assert await ground.counter.state(tx) == before


class Crowd:
    """Clients of four cells: each places baskets of one cell and of several, and something becomes of most of them."""

    def __init__(self, db: Unlucky, clock: VirtualClock) -> None:
        self.db, self.clock, self.chance = db, clock, Random(7)
        self.counters = [Counter(home, (2, 0)) for home in range(4)]
        self.told: Count[str] = Count()

    async def open(self) -> None:
        first = self.counters[0]
        async with self.db.write() as tx:
            await tx.conn.execute("insert into kit.cell values (1), (3)")
            await first.open(tx)
            for stock, cell in zip(first.stocks, (2, 0, 0), strict=True):
                await inventory.receive(tx, cell, [Goods(stock, 250, new_id(NOW))])
            for counter in self.counters:
                counter.buyers, counter.offers = [new_id(NOW)], first.offers
                await accounts.import_buyers(tx, counter.buyers, counter.home)
                await payments.top_up(tx, counter.home, counter.buyers[0], "USD", 900, new_id(NOW))

    def wanted(self) -> Wanted:
        chance = self.chance
        return Wanted(0, tuple((n, chance.randrange(1, 4)) for n in chance.sample(range(6), chance.choice((1, 2)))))

    async def client(self, counter: Counter) -> None:
        for _ in range(10):
            wanted = [self.wanted() for _ in range(6)]
            quotes = await self.db.transact(lambda tx, wanted=wanted: counter.quote(tx, wanted))  # type: ignore[misc]
            methods = self.chance.choices(("wallet", "wallet", "sandbox"), k=6)
            commands = [
                Place(counter.buyers[0], q.id.hex, q.id, method) for q, method in zip(quotes, methods, strict=True)
            ]
            verdicts = await orders.place(self.db, counter.home, commands)
            self.told.update(verdict.verdict for verdict in verdicts)
            for command, verdict in zip(commands, verdicts, strict=True):
                if verdict.group_id is not None:
                    await self.go_on(counter, verdict.group_id, command.method)

    async def go_on(self, counter: Counter, group: UUID, method: str) -> None:
        home, fate, db = counter.home, self.chance.random(), self.db
        if method == "sandbox" and fate < 0.4:
            await db.transact(lambda tx: orders.cancel_unpaid(tx, home, group, counter.buyers[0]))
        elif method == "sandbox" and fate < 0.8:
            due = payments.Due(group, group, "USD", 0, "created", None, 0)
            await db.transact(lambda tx: orders.settle(tx, home, due, f"ext-{group}"))
        elif method == "wallet" and fate < 0.5:
            async with db.read() as tx:
                rows = await tx.conn.fetch("select cell, id from orders.order where group_id = $1 order by id", group)
            for row in rows[: self.chance.choice((1, 2))]:
                await cancel(*row)(db)


async def test_many_batches_over_four_cells_tie_and_nobody_waits_in_a_circle(own_db_url: str) -> None:
    """Eight clients at once; who comes first is for the machine to say."""
    clock = VirtualClock(NOW)
    db = await Unlucky.open(own_db_url, clock, size=8)
    assert isinstance(db, Unlucky)
    try:
        crowd = Crowd(db, clock)
        await crowd.open()
        await asyncio.gather(*(crowd.client(counter) for counter in crowd.counters * 2))
        assert crowd.told["placed"] > 100
        assert crowd.told["sold_out"] + crowd.told["insufficient_funds"] > 50
        assert db.deadlocks == 0
        clock.advance(MINUTES_20)
        for home in range(4):
            await db.transact(lambda tx, home=home: expire_groups(tx, home))  # type: ignore[misc]
        for cell in range(4):
            findings = (await audit(db, cell)).findings
            assert [f for f in findings if f.check != "fulfillment"] == []  # no worker was there
    finally:
        await db.close()
