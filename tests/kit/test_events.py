"""Consumers: in order, a batch at a time, effect and cursor together. (Late committers: tests/races.)"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from entrepot import worker
from entrepot.kit import events
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import BATCH, Consumer, Event, consume, news

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Reader:
    """Notes numbers it is handed, in the list and as rows; raises at the number `trips`."""

    def __init__(self, name: str, *kinds: str) -> None:
        self.handed: list[int] = []
        self.trips: int | None = None
        self.consumer = Consumer(name, frozenset(kinds), self.handle)

    async def handle(self, tx: Tx, _: int, events: Sequence[Event]) -> None:
        for event in events:
            await tx.conn.execute(
                "insert into kit.secret values ($1, '', $2)", f"{self.consumer.name} {event.data['n']}", tx.now
            )
            if event.data["n"] == self.trips:
                raise RuntimeError("tripped")
        self.handed += [event.data["n"] for event in events]


@pytest.fixture(scope="module")
async def db(db_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(db_url, VirtualClock(NOW))
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
async def empty(db: Database) -> None:
    async with db.write() as tx:
        await tx.conn.execute("truncate kit.event, kit.cursor, kit.secret")


async def tell(db: Database, kind: str, *numbers: int, cell: int = 0) -> None:
    async with db.write() as tx:
        for n in numbers:
            tx.emit(kind, UUID(int=n), {"n": n}, cell)


async def rows(db: Database) -> list[str]:
    async with db.read() as tx:
        return [row[0] for row in await tx.conn.fetch("select name from kit.secret order by name")]


async def test_each_consumer_gets_its_kinds_in_order_once(db: Database) -> None:
    a, both = Reader("a", "a"), Reader("both", "a", "b")
    for n, kind in enumerate("abaab"):
        await tell(db, kind, n)
    assert [await consume(db, a.consumer, 0) for _ in range(2)] == [3, 0]
    assert [await consume(db, both.consumer, 0) for _ in range(2)] == [5, 0]
    assert (a.handed, both.handed) == ([0, 2, 3], [0, 1, 2, 3, 4])
    await tell(db, "b", 5)
    assert [await consume(db, reader.consumer, 0) for reader in (a, both)] == [0, 1]
    assert (a.handed, both.handed[5:]) == ([0, 2, 3], [5])


async def test_an_event_is_whole(db: Database) -> None:
    seen: list[Event] = []

    async def handle(_: Tx, __: int, events: Sequence[Event]) -> None:
        seen.extend(events)

    await tell(db, "a", 7)
    await consume(db, Consumer("whole", frozenset("a"), handle), 0)
    assert [(e.kind, e.version, e.key, e.at, e.data) for e in seen] == [("a", 1, UUID(int=7), NOW, {"n": 7})]


async def test_a_batch_ends_in_the_middle_of_a_transaction(db: Database) -> None:
    reader = Reader("long", "a")
    await tell(db, "a", *range(BATCH + 3))
    assert [await consume(db, reader.consumer, 0) for _ in range(3)] == [BATCH, 3, 0]
    assert reader.handed == list(range(BATCH + 3))


async def test_a_handler_that_fails_is_handed_the_same_again(db: Database) -> None:
    """It gets up to the event that it fails at, and what it did with that one leaves nothing."""
    reader, other = Reader("trips", "a"), Reader("other", "a")
    await tell(db, "a", 1, 2, 3)
    reader.trips = 2
    assert await consume(db, reader.consumer, 0) == 1
    for _ in range(2):
        with pytest.raises(RuntimeError, match="tripped"):
            await consume(db, reader.consumer, 0)
    assert len(await rows(db)) == 1
    assert await consume(db, other.consumer, 0) == 3  # nobody else is held up
    reader.trips = None
    assert await consume(db, reader.consumer, 0) == 2
    assert reader.handed == [1, 2, 3]
    assert len(await rows(db)) == 6


async def test_a_transaction_that_is_rolled_back_tells_nothing(db: Database) -> None:
    reader = Reader("rolled", "a")

    async def fail(tx: Tx) -> None:
        tx.emit("a", UUID(int=1), {"n": 1})
        await tx.flush()
        raise KeyError

    with pytest.raises(KeyError):
        await db.transact(fail)
    await tell(db, "a", 2)
    await consume(db, reader.consumer, 0)
    assert reader.handed == [2]


async def test_each_cell_has_its_own_log(db: Database) -> None:
    reader = Reader("cells", "a")
    await tell(db, "a", 1, cell=1)
    await tell(db, "a", 0)
    assert await consume(db, reader.consumer, 0) == 1
    assert reader.handed == [0]
    assert await consume(db, reader.consumer, 1) == 1
    assert reader.handed == [0, 1]


async def test_whoever_writes_on_the_server_holds_the_log_back_and_loses_nothing(db: Database, pg_url: str) -> None:
    """A limit to know: the oldest transaction with a number counts, in whatever database of the server it runs."""
    reader, elsewhere = Reader("back", "a"), await asyncpg.connect(pg_url)
    async with elsewhere.transaction():
        await elsewhere.execute("select pg_current_xact_id()")
        await tell(db, "a", 1)
        assert await consume(db, reader.consumer, 0) == 0
    await elsewhere.close()
    assert await consume(db, reader.consumer, 0) == 1
    assert reader.handed == [1]


async def test_news_names_who_has_something_to_read_and_moves_the_others_past_the_rest(db: Database) -> None:
    sales, parcels, never = Reader("sales", "sold", "paid"), Reader("parcels", "sent"), Reader("never", "nothing")
    consumers = [one.consumer for one in (sales, parcels, never)]
    assert await news(db, consumers, 0) == consumers  # none has begun
    for one in consumers:
        await consume(db, one, 0)
    assert await news(db, consumers, 0) == []
    await tell(db, "sold", 1)
    await tell(db, "sent", 2, cell=1)
    await tell(db, "paid", 3)
    assert await news(db, consumers, 0) == [sales.consumer]
    async with db.read() as tx:
        last = await tx.conn.fetchval("select max(id) from kit.event where cell = 0")
        cursors = await tx.conn.fetch("select consumer, id from kit.cursor where cell = 0 order by consumer")
    assert [tuple(row) for row in cursors] == [("never", last), ("parcels", last), ("sales", 0)]
    async with db.write() as tx:  # who reads already is not asked to, and nobody waits for it
        await tx.conn.fetch("select from kit.cursor where consumer = 'sales' for update")
        assert await news(db, consumers, 0) == []
    assert await consume(db, sales.consumer, 0) == 2
    assert (sales.handed, await news(db, consumers, 0)) == ([1, 3], [])


async def test_whoever_has_much_before_it_reads_for_itself(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOKED", 3)
    never = Reader("never", "nothing").consumer
    await consume(db, never, 0)
    await tell(db, "sold", 1, 2, 3)
    assert await news(db, [never], 0) == []
    await tell(db, "sold", 4, 5, 6, 7)
    assert await news(db, [never], 0) == [never]
    assert (await consume(db, never, 0), await news(db, [never], 0)) == (0, [])


async def test_a_cell_in_which_nothing_can_be_read_holds_up_no_other(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales = Reader("sales", "sold")
    for cell in (0, 1, 2):
        await tell(db, "sold", cell, cell=cell)

    async def spoiled(db: Database, consumers: Sequence[Consumer], cell: int) -> list[Consumer]:
        assert cell != 1, "a row that no one thought of"
        return await news(db, consumers, cell)

    async def there(_: Database) -> list[int]:
        return [0, 1, 2]

    monkeypatch.setattr(worker, "CONSUMERS", [sales.consumer])
    monkeypatch.setattr(worker, "FAULT_S", 0)
    monkeypatch.setattr(worker, "_cells", there)
    monkeypatch.setattr(worker, "news", spoiled)
    assert (await worker.follow(db), sales.handed) == (2, [0, 2])
