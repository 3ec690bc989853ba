"""Two hands on what is wanted instead of money: the last ones are promised once, and sent once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import disputes, orders
from entrepot.disputes import Claim, Word
from entrepot.disputes.types import DisputeStatusIs
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work
from tests.races.test_disputes import act

TEN = Wanted(0, ((0, 10),))


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def exchange(ground: Ground, order: UUID, units: int) -> Work:
    claim = Claim("unwanted", {1: units}, "Too small.", instead=ground.counter.offers[0])
    buyer = ground.counter.buyers[0]
    return lambda db: db.transact(lambda tx: disputes.open_dispute(tx, 0, order, buyer, claim))


async def test_the_last_ones_are_promised_and_sent_once(ground: Ground) -> None:
    """7 are left; 4 and 5 of what was bought are to be had once more. What is promised is then sent by two hands."""
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=17)
        (order,) = await ground.bought(TEN)
        await ground.ship(order)
        async with ground.race(seed, exchange(ground, order, 4), exchange(ground, order, 5)) as told:
            (promised,) = [one for one in told if isinstance(one, UUID)]
            (refused,) = [one for one in told if not isinstance(one, UUID)]
            held = 4 if told[0] == promised else 5
            assert isinstance(refused, orders.SoldOut)
            assert refused.available == 7 - held
        seen.add(held)
        await act(promised, "buyer", Word("send_back"))(ground.db)
        send = act(promised, "seller", Word("replace"))
        async with ground.race(seed, send, send) as told:
            assert [type(one) for one in told if one is not None] == [DisputeStatusIs]
            left = await ground.value(
                "select (s.on_hand, s.held, s.allocated)::text from inventory.stock s join disputes.replacement r "
                "on r.cell = s.cell and r.stock_id = s.id where r.id = $1", promised,
            )  # fmt: skip
            assert left == "(7,0,0)"  # what came back, less what went
    assert seen == {4, 5}
