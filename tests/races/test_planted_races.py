"""Does the net hold? Defects are planted in the functions of a test database, and a race must find each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.races import test_lives as lives
from tests.races import test_placing as placing
from tests.races.ground import SEEDS, Ground, open_ground, place
from tests.races.planting import Defect, plant

Race = Callable[[Ground], Awaitable[object]]

NO_STOCK_LOCK = ("inventory.lock_many", "for no key update", "")
NO_WALLET_LOCK = ("ledger.lock_many", "for no key update", "")
NO_QUOTA_LOCK = ("pricing.lock_quotas", "for no key update", "")
GLANCE_TRUSTED = ("orders.place_many", "where a.asked > a.available", "where false")
CLAIM_NOT_HEEDED = ("orders.place_many", "if cardinality(claimed) < n then", "if false then")
KEY_FORGOTTEN = ("orders.place_many", "if k_new < n then", "if false then")
HASTY_READER = ("kit.horizon", " and e.xid < pg_snapshot_xmin(pg_current_snapshot())", "")
WALLETS_FIRST = ("orders.lock_all", "begin", "begin\n    perform ledger.lock_many(p_cell, p_wallets);")


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, tied=False) as opened:
        yield opened


@asynccontextmanager
async def planted(ground: Ground, defect: Defect) -> AsyncIterator[None]:
    async with ground.db.write() as tx:
        before = await plant(tx.conn, *defect)
    yield
    async with ground.db.write() as tx:
        await tx.conn.execute(before)


async def place_against_cancel(ground: Ground) -> int:
    """One buyer cancels an order and places another of the same stock: how often they began, and nobody again."""
    began = 0
    for seed in SEEDS:
        await ground.fresh(units=2)
        (paid,) = await ground.bought(placing.ONE)
        (quote,) = await ground.quotes(placing.ONE)
        buyer = ground.counter.buyers[0]
        works = lives.cancel(paid, buyer), place(buyer, "k", quote.id)
        async with ground.race(seed, *works) as (canceled, verdict):
            assert (canceled, verdict.verdict) == (None, "placed")
            once = sum(statement == "begin" for _, statement in ground.stage.trace)
            assert once == 2
        began += once
    return began


async def test_without_a_defect_place_and_cancel_keep_one_order_of_locks(ground: Ground) -> None:
    assert await place_against_cancel(ground) == 2 * len(SEEDS)


@pytest.mark.parametrize(
    ("defect", "race"),
    [
        (NO_STOCK_LOCK, placing.test_the_last_unit_is_sold_once),
        (NO_WALLET_LOCK, placing.test_the_last_of_a_wallet_is_spent_once),
        (NO_QUOTA_LOCK, placing.test_the_last_use_of_a_promotion_is_used_once),
        (GLANCE_TRUSTED, placing.test_the_last_unit_is_sold_once),
        (GLANCE_TRUSTED, placing.test_the_last_of_a_wallet_is_spent_once),
        (CLAIM_NOT_HEEDED, placing.test_one_quote_under_two_keys_is_placed_once),
        (KEY_FORGOTTEN, placing.test_one_key_at_once_is_one_command),
        (WALLETS_FIRST, place_against_cancel),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
async def test_a_race_finds_it(ground: Ground, defect: Defect, race: Race) -> None:
    async with planted(ground, defect):
        with pytest.raises((AssertionError, AttributeError)) as failure:
            await race(ground)
    assert any(note.startswith("seed ") for note in failure.value.__notes__)


async def test_a_race_finds_a_reader_that_overtakes(ground: Ground) -> None:
    async with planted(ground, HASTY_READER):
        with pytest.raises(AssertionError):
            await lives.test_an_event_that_commits_late_is_not_skipped(ground)
