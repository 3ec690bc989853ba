"""Transactions: all or nothing, whatever ends them; a lost connection has one name; a retry begins at the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import RETRIES, Database, Tx
from entrepot.kit.outside import call
from entrepot.kit.problem import DatabaseAway
from entrepot.kit.sql import QUERIES, sql

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = UUID(int=7)


class Pair(msgspec.Struct, frozen=True):
    a: int
    b: str


ROWS = sql("select * from (values (1, 'x'), (2, 'y')) as t (a, b) where a <= :most order by a", Pair)
COUNT = sql("select count(*) from kit.secret", int)
PUT = sql("insert into kit.secret (name, ciphertext, updated_at) values (:name, '', :now)")
del QUERIES[-3:]  # these are not of the program


@pytest.fixture(scope="module")
async def db(db_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(db_url, VirtualClock(NOW), size=2)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
async def empty(db: Database) -> None:
    async with db.write() as tx:
        await tx.conn.execute("truncate kit.secret, kit.event")


async def count(db: Database) -> int:
    async with db.read() as tx:
        return await tx.one(COUNT)


async def test_the_four_verbs(db: Database) -> None:
    async with db.write() as tx:
        assert await tx.all(ROWS, most=2) == [Pair(1, "x"), Pair(2, "y")]
        assert await tx.maybe(ROWS, most=0) is None
        assert await tx.one(ROWS, most=1) == Pair(1, "x")
        with pytest.raises(LookupError, match="no row"):
            await tx.one(ROWS, most=0)
        assert await tx.run(PUT, name="a", now=tx.now) == "INSERT 0 1"
        assert tx.now == NOW


async def test_arrays_of_our_types_and_of_anybodys(db: Database) -> None:
    """asyncpg asks what they are: of PostgreSQL's own another question than of a domain or a composite."""
    async with db.write() as tx:
        await tx.conn.execute("create domain grams as int; create type parcel as (label text, weight_grams grams)")
        mine = "select array['{}'::jsonb, '[1]'], array[$1::uuid], array[$2::timestamptz]"
        assert list(await tx.conn.fetchrow(mine, KEY, NOW)) == [[{}, [1]], [KEY], [NOW]]
        (found,) = await tx.conn.fetchval("select array[row('a', 3)::parcel]")
        assert tuple(found) == ("a", 3)
        await tx.conn.execute("drop type parcel; drop domain grams")


async def test_an_exception_leaves_nothing(db: Database) -> None:
    async def fail(tx: Tx) -> None:
        await tx.run(PUT, name="a", now=tx.now)
        tx.emit("never", KEY, {})
        raise KeyError

    with pytest.raises(KeyError):
        await db.transact(fail)
    async with db.read() as reading:
        assert await reading.conn.fetchval("select count(*) from kit.event") == 0
    assert await count(db) == 0


async def test_events_are_told_with_the_commit_cell_by_cell(db: Database) -> None:
    async with db.write() as tx:
        tx.emit("late", KEY, {"n": 3}, cell=1)
        tx.emit("first", KEY, {"n": 1})
        tx.emit("second", KEY, {"n": 2})
        assert await tx.conn.fetchval("select count(*) from kit.event") == 0
    async with db.read() as reading:
        rows = await reading.conn.fetch("select cell, kind, data, at from kit.event order by cell, id")
    assert [tuple(row) for row in rows] == [
        (0, "first", {"n": 1}, NOW), (0, "second", {"n": 2}, NOW), (1, "late", {"n": 3}, NOW),
    ]  # fmt: skip


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with db.read() as reading:
            await reading.conn.execute("delete from kit.secret")


async def test_a_canceled_writer_leaves_a_clean_connection(db: Database) -> None:
    """Canceled at a statement, a hundred times over two connections: nothing stays, and the pool stays whole."""

    async def write(name: str) -> None:
        async with db.write() as tx:
            await tx.run(PUT, name=name, now=tx.now)
            await tx.conn.execute("select pg_sleep(5)")

    for n in range(10):
        tasks = [asyncio.create_task(write(f"{n} {name}")) for name in "ab"]
        await asyncio.sleep(0.003 * n)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await count(db) == 0
    async with db.write() as first, db.write() as second:
        assert [await tx.conn.fetchval("select 1") for tx in (first, second)] == [1, 1]


async def test_a_new_connection_is_in_no_transaction(db_url: str) -> None:
    """What asks for the array types is done with, also on the second connection, to which they are known."""
    db = await Database.open(db_url, VirtualClock(NOW))
    async with db.read() as first, db.read() as second:
        for tx in (first, second):
            async with tx.conn.transaction(isolation="repeatable_read"):
                assert await tx.conn.fetchval("show transaction_isolation") == "repeatable read"
    await db.close()


async def test_a_killed_connection_is_the_database_away_and_the_next_one_works(db: Database) -> None:
    async def fall(tx: Tx) -> None:
        await tx.run(PUT, name="a", now=tx.now)
        pid = await tx.conn.fetchval("select pg_backend_pid()")
        async with db.read() as reading:
            await reading.conn.execute("select pg_terminate_backend($1)", pid)
        await tx.run(PUT, name="b", now=tx.now)

    with pytest.raises(DatabaseAway):
        await db.transact(fall)
    assert await count(db) == 0
    async with db.write() as tx:
        await tx.run(PUT, name="c", now=tx.now)
    assert await count(db) == 1


async def test_a_server_that_is_not_there_is_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = await Database.open(f"postgresql://entrepot@/none?host={tmp_path_factory.mktemp('none')}")
    with pytest.raises(DatabaseAway):
        async with nowhere.write():
            pass
    await nowhere.close()


async def test_our_own_mistakes_are_not_the_servers_absence(db: Database) -> None:
    with pytest.raises(asyncpg.DataError):
        async with db.write() as tx:
            await tx.run(PUT, name=7, now=tx.now)


@pytest.mark.parametrize(("failures", "works"), [(0, True), (RETRIES, True), (RETRIES + 1, False)])
async def test_a_victim_of_a_deadlock_begins_again_a_few_times(db: Database, failures: int, works: bool) -> None:
    tries = 0

    async def work(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        await tx.run(PUT, name=f"try {tries}", now=tx.now)
        if tries <= failures:
            await tx.conn.execute("do $$ begin raise exception using errcode = '40P01'; end $$")
        return tries

    if works:
        assert await db.transact(work) == failures + 1
        assert await count(db) == 1
    else:
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await db.transact(work)
        assert (tries, await count(db)) == (RETRIES + 1, 0)


async def test_a_refusal_is_not_tried_again(db: Database) -> None:
    tries = 0

    async def work(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        await tx.run(PUT, name="same", now=tx.now)
        await tx.run(PUT, name="same", now=tx.now)

    with pytest.raises(asyncpg.UniqueViolationError):
        await db.transact(work)
    assert (tries, await count(db)) == (1, 0)


async def test_nothing_outside_is_called_inside_a_transaction(db: Database) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with httpx.AsyncClient(transport=transport) as client:
        async with db.write():
            with pytest.raises(RuntimeError, match="inside a transaction"):
                await call(client, "POST", "http://elsewhere.test", key="k")
        assert (await call(client, "POST", "http://elsewhere.test", key="k")).status_code == 200
