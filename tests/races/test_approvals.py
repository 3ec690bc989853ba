"""What needs a second person is done once, by one of those who decide at once; and of two that one operator does at
once both do not take what is left of a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import approvals, payments
from entrepot.approvals import ApprovalOver, Asked, NewLimit
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id, parse
from tests.orders.counter import NOW
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

ANN, BOB, CY = (new_id(NOW) for _ in range(3))


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def limit(ground: Ground, minor: int | None) -> None:
    async with ground.db.write() as tx:
        await tx.conn.execute("delete from approvals.alone")
        await tx.conn.execute("delete from approvals.done_alone")
        if minor is not None:
            assert await approvals.set_limit(tx, NewLimit("top_up", "USD", minor), ANN) is None


def top_up(buyer: UUID, minor: int) -> Work:
    async def work(db: Database) -> Asked | None:
        return await db.transact(lambda tx: payments.top_up_by(tx, ANN, 0, buyer, "USD", minor, new_id(tx.now)))

    return work


async def test_a_request_is_done_once_or_never(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS[:15]:
        await ground.fresh(units=1)
        await limit(ground, 0)
        buyer = ground.counter.buyers[0]
        before = await ground.balance("wallet", buyer)
        asked = await top_up(buyer, 70)(ground.db)
        assert asked is not None
        id_ = parse("apr", asked.approval_id)

        def decide(verb: object, who: UUID, id_: UUID = id_) -> Work:
            return lambda db: db.transact(lambda tx: verb(tx, id_, who, ""))  # type: ignore[operator]

        deciders = decide(approvals.approve, BOB), decide(approvals.approve, CY), decide(approvals.refuse, ANN)
        async with ground.race(seed, *deciders) as told:
            assert [type(one) for one in told].count(ApprovalOver) == 2
            done = told.index(None)
            assert await ground.balance("wallet", buyer) == before + (70 if done < 2 else 0)
        seen.add(done)
    assert seen == {0, 1, 2}
    await limit(ground, None)


async def test_a_day_s_limit_is_spent_once(ground: Ground) -> None:
    """Ann may top up 100 alone: of twice 60 at once one waits for somebody else, unless the limit is looser by then."""
    seen = set()
    for seed in SEEDS[:15]:
        await ground.fresh(units=1)
        await limit(ground, 100)
        buyer = ground.counter.buyers[0]
        before = await ground.balance("wallet", buyer)
        tighter: Work = lambda db: db.transact(  # noqa: E731
            lambda tx: approvals.set_limit(tx, NewLimit("top_up", "USD", 50), BOB)
        )
        async with ground.race(seed, top_up(buyer, 60), top_up(buyer, 60), tighter) as told:
            done = told[:2].count(None)
            assert await ground.balance("wallet", buyer) == before + 60 * done
            assert all(one is None or isinstance(one, Asked) for one in told)
        seen.add(done)
    assert seen == {0, 1}
    await limit(ground, None)
