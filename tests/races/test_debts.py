"""What is written off of a debt is never more than is owed, whatever is released or given back meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from entrepot import ledger, orders, payments
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from entrepot.ledger import Transfer
from entrepot.payments import DebtIs, ReserveTerms
from tests.orders.counter import NOW, Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

TEN = Wanted(0, ((0, 10),))  # 10 for 3 each: 30, of which 3 are commission and 0.45 -> 0 the fee


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def forgive(ground: Ground) -> Work:
    seller = ground.counter.sellers[0]
    return lambda db: db.transact(lambda tx: payments.write_off(tx, seller, "USD", 20, "It is gone.", NIL))


async def test_no_more_is_written_off_than_is_owed(ground: Ground) -> None:
    """The seller owes 27. Twice 20 are written off while 27 of a sale are released: one of the two finds too little,
    and both do when the release comes first."""
    seller, seen = ground.counter.sellers[0], set()
    for seed in SEEDS[:15]:
        await ground.fresh(units=10)
        (order,) = await ground.bought(TEN)
        await ground.ship(order)
        paid_out = await ground.balance("seller", seller) + 27
        async with ground.db.write() as tx:
            ids = await ledger.account_ids(tx, 0, ["seller", "payout"], [seller, NIL], ["USD"] * 2)
            await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "payout", ids[0], ids[1], paid_out)])
        lost = await ground.balance("bad_debt")

        async def release(db: Database, order: UUID = order) -> int:
            return await db.transact(lambda tx: orders.release_many(tx, 0, [order]))

        order_ = None if seed else [2] * 60  # a release has more to ask, and is seldom first by chance
        async with ground.race(seed, forgive(ground), forgive(ground), release, order=order_) as (
            first, second, released,
        ):  # fmt: skip
            assert released == 1
            assert all(isinstance(told, DebtIs | None) for told in (first, second))
            done = (first, second).count(None)
            assert await ground.balance("bad_debt") == lost - 20 * done
            assert await ground.balance("seller", seller) == 20 * done
        seen.add(done)
    assert seen == {0, 1}


def test_nothing_is_held_back_of_less_than_nothing() -> None:
    """Of 10 with 1 of commission and 1 of fee 9 went back: of the last 1 both fees are left, and the seller pays 1."""
    day = timedelta(days=1)
    terms = ReserveTerms(NIL, NOW, 10_000, 86_400, "tests")
    assert payments.held_back(terms, 1 - 1 - 1, NOW) == (0, NOW + day)
    assert payments.held_back(msgspec.structs.replace(terms, reserve_bp=1_250), 9_441, NOW) == (1_180, NOW + day)
