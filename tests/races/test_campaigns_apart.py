"""Buying from a campaign from its own cell, from one below it and from one above it, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import accounts, orders, payments
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.test_campaigns import Hall
from tests.races.test_spanning import begun

pytestmark = pytest.mark.anyio
HOME, CAMPAIGN, ABOVE = 0, 1, 2
"""The first two buyers live in cell 0."""
SOME = SEEDS[:15]


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, home=HOME, cells=(CAMPAIGN, ABOVE)) as opened:
        yield opened


async def opened(ground: Ground, units: int, limit: int) -> Hall:
    """With a buyer more of each of the other cells."""
    hall = await Hall(ground, units, limit).open()
    for home in (CAMPAIGN, ABOVE):
        buyer = new_id(ground.clock.now())
        async with ground.db.write() as tx:
            await accounts.import_buyers(tx, [buyer], home)
            await payments.top_up(tx, home, buyer, "USD", 100, new_id(tx.now))
        await hall.welcome(buyer, home)
    return hall


async def used(ground: Ground, hall: Hall) -> int:
    """Of all limits, in all cells."""
    query = "select coalesce(sum(used), 0)::int from pricing.quota where name like $1"
    return int(await ground.value(query, f"campaign:{hall.campaign.hex}:%"))


async def test_the_last_unit_is_sold_once_to_whomever(ground: Ground) -> None:
    winners = set()
    for seed in SOME:
        await ground.fresh(units=1)
        hall = await opened(ground, 1, 1)
        async with ground.race(seed, hall.buy(0), hall.buy(2), hall.buy(3)) as outcomes:
            assert sorted(outcomes) == ["placed", "sold_out", "sold_out"]
            assert (await hall.stock(), await used(ground, hall)) == ((1, 1), 1)
        assert begun(ground) == 3  # nobody waited in a circle
        winners.add(outcomes.index("placed"))
    assert winners == {0, 1, 2}


async def test_the_limit_and_the_key_of_a_buyer_from_elsewhere_hold_at_once(ground: Ground) -> None:
    for seed in SOME:
        await ground.fresh(units=9)
        hall = await opened(ground, 6, 3)
        works = hall.buy(0, "k", 2), hall.buy(0, "k", 2), hall.buy(0, "l", 2)
        async with ground.race(seed, *works) as outcomes:
            assert outcomes in (
                ["placed", "placed", "limit_reached"], ["limit_reached", "limit_reached", "placed"]
            )  # fmt: skip
            assert (await hall.stock(), await used(ground, hall)) == ((6, 2), 2)
            placed = "select count(*) from orders.order_group where buyer_id = $1"
            assert await ground.value(placed, hall.buyers[0][0]) == 1


async def test_what_is_canceled_elsewhere_is_the_next_ones(ground: Ground) -> None:
    for seed in SOME:
        await ground.fresh(units=1)
        hall = await opened(ground, 1, 1)
        assert await hall.buy(0)(ground.db) == "placed"
        order = await ground.value("select id from orders.order where buyer_id = $1", hall.buyers[0][0])

        async def cancel(db: Database, order: UUID = order) -> None:
            await db.transact(lambda tx: orders.cancel(tx, CAMPAIGN, [order]))

        async with ground.race(seed, cancel, hall.buy(2), hall.buy(0, "l")) as (_, other, again):
            count = (other, again).count("placed")
            assert count <= 1
            assert (await hall.stock(), await used(ground, hall)) == ((1, count), count)
