"""A key is used once: the same answer for the same body, a conflict for another, nothing kept of a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.idempotency import KEPT, Done, Spent, forget_old, once
from entrepot.kit.problem import DatabaseAway, KeyConflict, NotFound
from tests.databases import opened

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SPENT = Spent(0, UUID(int=1), "POST /v1/things", "key", b'{"a":1}')
OTHERS = [  # each differs in one thing
    Spent(1, UUID(int=1), "POST /v1/things", "key", b"other"),
    Spent(0, UUID(int=2), "POST /v1/things", "key", b"other"),
    Spent(0, UUID(int=1), "PUT /v1/things", "key", b"other"),
    Spent(0, UUID(int=1), "POST /v1/things", "Key", b"other"),
]


class Effect:
    """Work that leaves an event, answers `answer`, and raises the errors it was given first."""

    def __init__(self, answer: Any = None, *errors: Exception) -> None:
        self.answer, self.errors, self.tries = answer, list(errors), 0

    async def __call__(self, tx: Tx) -> Any:
        self.tries += 1
        tx.emit("effect", UUID(int=9), {})
        if self.errors:
            raise self.errors.pop(0)
        return self.answer


@pytest.fixture(scope="module")
async def db(db_url: str) -> AsyncIterator[Database]:
    async with opened(db_url, VirtualClock(START)) as db:
        yield db


@pytest.fixture(autouse=True)
async def empty(db: Database) -> None:
    async with db.write() as tx:
        await tx.conn.execute("truncate kit.idempotency_key, kit.event")


def ask(db: Database, spent: Spent, work: Callable[[Tx], Awaitable[Any]]) -> Awaitable[Done]:
    return once(db, spent, work, 201, durable=True)


async def effects(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.conn.fetchval("select count(*) from kit.event"))


async def test_again_is_the_same_answer_and_no_second_effect(db: Database) -> None:
    work = Effect({"id": "ord_7"})
    first = await ask(db, SPENT, work)
    assert first == Done(SPENT.body_hash, 201, b'{"id":"ord_7"}')
    work.answer = {"id": "ord_8"}
    assert await ask(db, SPENT, work) == first
    assert (work.tries, await effects(db)) == (1, 1)


async def test_no_answer_is_204_again_too(db: Database) -> None:
    work = Effect()
    assert [await ask(db, SPENT, work) for _ in range(2)] == [Done(SPENT.body_hash, 204, b"")] * 2
    assert work.tries == 1


async def test_another_body_is_a_conflict_and_changes_nothing(db: Database) -> None:
    await ask(db, SPENT, Effect(1))
    other = Effect(2)
    with pytest.raises(KeyConflict):
        await ask(db, Spent(SPENT.cell, SPENT.caller, SPENT.route, SPENT.key, b"{}"), other)
    assert (other.tries, await effects(db)) == (0, 1)


async def test_a_key_is_one_callers_on_one_route_in_one_cell(db: Database) -> None:
    await ask(db, SPENT, Effect(0))
    answers = [(await ask(db, other, Effect(n))).answer for n, other in enumerate(OTHERS, 1)]
    assert answers == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("error", [NotFound(), DatabaseAway(), RuntimeError("bug")])
async def test_a_refusal_keeps_no_key_and_is_judged_anew(db: Database, error: Exception) -> None:
    work = Effect(7, error)
    with pytest.raises(type(error)):
        await ask(db, SPENT, work)
    assert await effects(db) == 0
    assert (await ask(db, SPENT, work)).answer == b"7"
    assert (work.tries, await effects(db)) == (2, 1)


async def test_keys_are_kept_for_seven_days(db: Database) -> None:
    work = Effect(7)
    await ask(db, SPENT, work)
    for after, forgotten, tries in ((KEPT, 0, 1), (KEPT + timedelta(microseconds=1), 1, 2)):
        async with db.write() as tx:
            tx.now = START + after
            assert await forget_old(tx, 0) == forgotten
        await ask(db, SPENT, work)
        assert work.tries == tries
