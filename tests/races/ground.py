"""Where actors race: the counter of the orders' tests, committed, with new buyers and just so much stock each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from entrepot import accounts, inventory, ledger, orders, payments
from entrepot.inventory import Goods
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.logistics import NewShipment
from entrepot.orders import Place, Verdict
from tests.orders.counter import NOW, Counter, Quoted, Wanted
from tests.races.books import wrong
from tests.races.interleave import Interleaver, Work

SEEDS = range(30)


class Ground:
    def __init__(self, db: Database, clock: VirtualClock, counter: Counter, stage: Interleaver) -> None:
        self.db, self.clock, self.counter, self.stage = db, clock, counter, stage

    async def fresh(self, units: int = 1, wallet: int = 100) -> None:
        """Two new buyers with `wallet` each, and `units` available of every stock."""
        self.counter.buyers = [new_id(self.clock.now()) for _ in range(3)]
        async with self.db.write() as tx:
            await accounts.import_buyers(tx, self.counter.buyers[:2])
            left = [on_hand - held - allocated for on_hand, held, allocated in await self.counter.stock(tx)]
            receipt = new_id(tx.now)
            await inventory.receive(
                tx,
                0,
                [Goods(s, units - n, receipt) for s, n in zip(self.counter.stocks, left, strict=True) if units > n],
            )
            surplus = [
                Goods(s, n - units, receipt) for s, n in zip(self.counter.stocks, left, strict=True) if n > units
            ]
            await inventory.move(tx, 0, "allocate", surplus)
            await inventory.ship(tx, 0, surplus)
            for buyer in self.counter.buyers[:2]:
                if wallet:
                    await payments.top_up(tx, 0, buyer, "USD", wallet, new_id(tx.now))

    async def quotes(self, *wanted: Wanted) -> list[Quoted]:
        async with self.db.write() as tx:
            return await self.counter.quote(tx, wanted)

    async def bought(self, *wanted: Wanted, method: str = "wallet") -> list[UUID]:
        """The orders of these purchases, placed; by the gateway they await payment."""
        quoted = await self.quotes(*wanted)
        async with self.db.write() as tx:
            commands = [
                Place(self.counter.buyers[w.buyer], f"bought-{q.id}", q.id, method)
                for w, q in zip(wanted, quoted, strict=True)
            ]
            assert {v.verdict for v in await orders.place_many(tx, 0, commands)} == {"placed"}
            rows = await tx.conn.fetch(
                "select id from orders.order where group_id = any ($1) order by array_position($1, group_id), id",
                [q.id for q in quoted],
            )
        return [row[0] for row in rows]

    async def ship(self, *order_ids: UUID) -> None:
        async with self.db.write() as tx:
            await ship(tx, *order_ids)

    async def balance(self, code: str, owner: UUID = NIL) -> int:
        async with self.db.read() as tx:
            return await ledger.balance(tx, 0, code, "USD", owner)

    async def wallet(self, buyer: int = 0) -> int:
        return await self.balance("wallet", self.counter.buyers[buyer])

    async def stocks(self) -> list[tuple[int, int, int]]:
        async with self.db.read() as tx:
            return await self.counter.stock(tx)

    async def stock(self, number: int = 0) -> tuple[int, int, int]:
        return (await self.stocks())[number]

    async def value(self, query: str, *args: Any) -> Any:
        async with self.db.read() as tx:
            return await tx.conn.fetchval(query, *args)

    async def status(self, order_id: UUID) -> str:
        return str(await self.value("select status from orders.order where id = $1", order_id))

    @asynccontextmanager
    async def race(self, seed: int, *works: Work, order: Sequence[int] | None = None) -> AsyncIterator[list[Any]]:
        """The outcomes of the race; a failure in the body tells the seed and the schedule."""
        try:
            yield await self.stage.run(seed, *works, order=order)
        except BaseException as failure:
            failure.add_note(f"seed {seed}: {self.stage.trace}")
            raise


def place(buyer: UUID, key: str, quote: UUID, method: str = "wallet") -> Work:
    async def work(db: Database) -> Verdict:
        return (await db.transact(lambda tx: orders.place_many(tx, 0, [Place(buyer, key, quote, method)])))[0]

    return work


async def ship(tx: Tx, *order_ids: UUID) -> None:
    await orders.ship_many(tx, 0, [NewShipment(id_, "house", id_.hex) for id_ in order_ids])


@asynccontextmanager
async def open_ground(url: str, actors: int = 3, *, tied: bool = True) -> AsyncIterator[Ground]:
    """The books tie when it closes, unless they need not be `tied`."""
    clock, counter = VirtualClock(NOW), Counter()
    db = await Database.open(url, clock)
    try:
        async with db.write() as tx:
            await counter.open(tx)
        async with Interleaver(url, clock, actors) as stage:
            yield Ground(db, clock, counter, stage)
        async with db.read() as reading:
            assert not tied or await wrong(reading.conn) == {}
    finally:
        await db.close()
