"""One bad thing in a batch: the others are done, it is named, and nothing of it stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from prometheus_client import REGISTRY

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import Consumer, Event, consume
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import new_id
from tests.databases import opened
from tests.shop import START

IDS = [new_id(START) for _ in range(100)]


@pytest.fixture
async def db(own_db_url: str) -> AsyncIterator[Database]:
    async with opened(own_db_url, VirtualClock(START)) as db:
        yield db


async def told(db: Database) -> list[UUID]:
    async with db.read() as tx:
        return [row[0] for row in await tx.conn.fetch("select key from kit.event where kind = 'done' order by id")]


def job(tx: Tx, *bad: int, tries: list[int] | None = None) -> Callable[[Sequence[UUID]], Any]:
    """Tells of each id, in SQL and by an event, and fails at those of these numbers."""

    async def work(ids: Sequence[UUID]) -> int:
        if tries is not None:
            tries.append(len(ids))
        for id_ in ids:
            tx.emit("done", id_, {})
        await tx.conn.execute(
            "insert into payments.webhook (gateway, event_id, received_at) select 'test', u::text, $2 "
            "from unnest($1::uuid[]) u",
            ids, tx.now,
        )  # fmt: skip
        if any(IDS[number] in ids for number in bad):
            await tx.conn.execute("select 1 / 0")
        return len(ids)

    return work


@pytest.mark.parametrize("bad", [(), (0,), (99,), (37,), (3, 4, 50), tuple(range(100))])
async def test_the_others_are_done_and_the_culprits_leave_nothing(
    db: Database, bad: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = counted("test")
    async with db.write() as tx:
        done, culprits = await in_halves(tx, "test", IDS, job(tx, *bad))
    good = [id_ for number, id_ in enumerate(IDS) if number not in bad]
    assert (done, culprits) == (len(good), [IDS[number] for number in bad])
    assert await told(db) == good
    async with db.read() as tx:
        rows = await tx.conn.fetch("select event_id from payments.webhook")
    assert sorted(row[0] for row in rows) == sorted(map(str, good))
    logged = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["job"], line["id"], line["error"]) for line in logged] == [
        ("left_behind", "test", str(IDS[number]), "DivisionByZeroError") for number in bad
    ]
    assert counted("test") == before + len(bad)


async def test_one_culprit_costs_few_tries(db: Database) -> None:
    tries: list[int] = []
    async with db.write() as tx:
        await in_halves(tx, "test", IDS, job(tx, 37, tries=tries))
    assert len(tries) <= 15
    async with db.write() as tx:
        tries.clear()
        assert await in_halves(tx, "test", [], job(tx, tries=tries)) == (0, [])
    assert tries == []


@pytest.mark.parametrize("error", [asyncpg.DeadlockDetectedError("x"), ConnectionResetError("x")])
async def test_what_is_nobodys_fault_is_raised(db: Database, error: Exception) -> None:
    tries: list[int] = []

    async def work(ids: Sequence[UUID]) -> int:
        tries.append(len(ids))
        raise error

    async with db.write() as tx:
        with pytest.raises(type(error)):
            await in_halves(tx, "test", IDS, work)
    assert tries == [100]


async def test_a_savepoint_takes_its_events_back(db: Database) -> None:
    first, second, third = IDS[:3]
    async with db.write() as tx:
        tx.emit("done", first, {})
        with suppress(asyncio.CancelledError):
            async with tx.savepoint():
                tx.emit("done", second, {})
                raise asyncio.CancelledError
        async with tx.savepoint():
            tx.emit("done", third, {})
    assert await told(db) == [first, third]


class Reader:
    """Fails at the event of `bad`, after it has done its work."""

    def __init__(self) -> None:
        self.bad: UUID | None = None
        self.consumer = Consumer("reader", frozenset({"asked"}), self.handle)

    async def handle(self, tx: Tx, cell: int, events: Sequence[Event]) -> None:
        for event in events:
            tx.emit("done", event.key, {}, cell)
            if event.key == self.bad:
                raise ZeroDivisionError


async def test_a_consumer_goes_up_to_the_event_that_it_fails_at(
    db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Reader()
    async with db.write() as tx:
        for id_ in IDS:
            tx.emit("asked", id_, {})
    reader.bad = IDS[37]
    before = counted("reader")
    with pytest.raises(ZeroDivisionError):
        await read_all(db, reader)
    assert await told(db) == IDS[:37]
    with pytest.raises(ZeroDivisionError):
        await consume(db, reader.consumer, 0)
    assert await told(db) == IDS[:37]
    logged = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    said = [(line["event"], line["consumer"], line["kind"], line["key"]) for line in logged]
    assert said == [("consumer_stopped", "reader", "asked", str(IDS[37]))] * 2
    assert counted("reader") == before + 2
    reader.bad = None
    await read_all(db, reader)
    assert await told(db) == IDS


async def read_all(db: Database, reader: Reader) -> None:
    while await consume(db, reader.consumer, 0):
        pass


def counted(name: str) -> float:
    return REGISTRY.get_sample_value("entrepot_left_behind_total", {"job": name}) or 0
