"""Where actors race: the counter of the orders' tests, committed, with new buyers and just so much stock each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
from tests.databases import opened
from tests.orders.counter import NOW, STOCK_SELLER, Counter, Quoted, Wanted
from tests.races.books import wrong
from tests.races.interleave import Interleaver, Work

SEEDS = range(30)


class Ground:
    def __init__(self, db: Database, clock: VirtualClock, counter: Counter, stage: Interleaver) -> None:
        self.db, self.clock, self.counter, self.stage, self.race = db, clock, counter, stage, stage.race

    async def fresh(self, units: int = 1, wallet: int = 100) -> None:
        """Two new buyers with `wallet` each, and `units` available of every stock."""
        counter = self.counter
        counter.buyers = [new_id(self.clock.now()) for _ in range(3)]
        async with self.db.write() as tx:
            await accounts.import_buyers(tx, counter.buyers[:2], counter.home)
            left = [on_hand - held - allocated for on_hand, held, allocated in await counter.stock(tx)]
            receipt = new_id(tx.now)
            for number, (stock, n) in enumerate(zip(counter.stocks, left, strict=True)):
                cell = counter.cells[STOCK_SELLER[number]]
                if units > n:
                    await inventory.receive(tx, cell, [Goods(stock, units - n, receipt)])
                if n > units:
                    surplus = [Goods(stock, n - units, receipt)]
                    await inventory.move(tx, cell, "allocate", surplus)
                    await inventory.ship(tx, cell, surplus)
            for buyer in counter.buyers[:2]:
                if wallet:
                    await payments.top_up(tx, counter.home, buyer, "USD", wallet, new_id(tx.now))

    async def quotes(self, *wanted: Wanted) -> list[Quoted]:
        async with self.db.write() as tx:
            return await self.counter.quote(tx, wanted)

    async def bought(self, *wanted: Wanted, method: str = "wallet") -> list[UUID]:
        """The orders of these purchases, placed; by the gateway they await payment."""
        quoted = await self.quotes(*wanted)
        commands = [
            Place(self.counter.buyers[w.buyer], f"bought-{q.id}", q.id, method)
            for w, q in zip(wanted, quoted, strict=True)
        ]
        told = await orders.place(self.db, self.counter.home, commands)
        assert {v.verdict for v in told} == {"placed"}
        async with self.db.read() as tx:
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
            return await ledger.balance(tx, self.counter.home, code, "USD", owner)

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


def place(buyer: UUID, key: str, quote: UUID, method: str = "wallet") -> Work:
    async def work(db: Database) -> Verdict:
        return (await db.transact(lambda tx: orders.place_many(tx, 0, [Place(buyer, key, quote, method)])))[0]

    return work


async def ship(tx: Tx, *order_ids: UUID) -> None:
    await orders.ship_many(tx, 0, [NewShipment(id_, "house", id_.hex) for id_ in order_ids])


@asynccontextmanager
async def open_ground(
    url: str, actors: int = 3, *, tied: bool = True, home: int = 0, cells: tuple[int, int] = (0, 0)
) -> AsyncIterator[Ground]:
    """The books tie when it closes, unless they need not be `tied`. `home` and `cells` are a Counter's."""
    clock, counter = VirtualClock(NOW), Counter(home, cells)
    async with opened(url, clock) as db:
        async with db.write() as tx:
            await counter.open(tx)
        async with Interleaver(url, clock, actors) as stage:
            yield Ground(db, clock, counter, stage)
        async with db.read() as reading:
            assert not tied or await wrong(reading.conn) == {}
