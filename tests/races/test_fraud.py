"""What a service outside says of an order counts once, whoever asks it at the same time and whatever else it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from entrepot.fraud import actions, store
from entrepot.fraud.rules import Answer
from entrepot.fraud.types import Hook
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

KEYS = Keys(b"a secret of the tests, long enough")


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def asker(said: str) -> Work:
    """One who asks what is due, and is told this; silent: there is no answer."""

    async def work(db: Database) -> int:
        due = await db.transact(lambda tx: tx.all(store.CLAIM, cell=0, now=tx.now, again_at=tx.now, limit=1))
        for question in due:
            if said == "silent":
                await db.transact(lambda tx, one=question: actions.be_silent(tx, 0, one))  # type: ignore[misc]
            else:
                await db.transact(lambda tx, one=question: actions.answer(tx, 0, one, Answer(said, "so")))  # type: ignore[misc]
        return len(due)

    return work


async def test_a_question_is_answered_once(ground: Ground) -> None:
    async with ground.db.write() as tx:
        await actions.set_hook(tx, KEYS, Hook("https://judge.test", "closed", 60), NIL)
    seen = set()
    for seed in SEEDS[:20]:
        await ground.fresh(units=1)
        (order,) = await ground.bought(Wanted(0, ((0, 1),)))
        async with ground.db.write() as tx:
            await tx.conn.execute("delete from fraud.question")
            assert await actions.judge(tx, 0, [order]) == 1
        async with ground.race(seed, asker("allow"), asker("hold"), asker("silent")):
            said = await ground.value("select answer from fraud.question where order_id = $1", order)
            holds = await ground.value(
                "select array_agg(ref || coalesce(' ' || decision, '') order by ref) from orders.hold "
                "where order_id = $1",
                order,
            )
        assert holds == {
            "allow": ["waiting released"], "hold": ["told", "waiting released"], "silent": ["waiting"],
        }[said]  # fmt: skip
        seen.add(said)
    assert seen == {"allow", "hold", "silent"}
