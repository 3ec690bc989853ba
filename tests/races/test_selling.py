"""A rule of what may be sold, and a quote, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import accounts, orders
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import parse
from entrepot.kit.problem import Problem
from entrepot.orders.selling import recheck
from entrepot.trade.readings import Ruling
from entrepot.trade.restrictions import put, set_category_traits
from entrepot.trade.types import Restriction
from tests.orders.counter import NOW
from tests.races.ground import Ground, open_ground
from tests.races.interleave import Work
from tests.races.test_hands import HOME

SEEDS = range(12)
BANNED = Restriction("race", "prohibited", {"en": "No."}, traits=("race",))


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        async with opened.db.write() as tx:
            await set_category_traits(tx, "things", ["race"])
        yield opened


async def test_a_quote_has_seen_the_new_rule_or_is_ended(ground: Ground) -> None:
    """Who follows up a new rule finds every quote that was judged without it, however late that was committed."""
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=9)
        buyer, offer = ground.counter.buyers[0], ground.counter.offers[0]
        async with ground.db.write() as tx:
            await put(tx, "own:race", [])
            address = await accounts.add_address(tx, 0, buyer, HOME)
            cart = await orders.own_cart(tx, 0, buyer, "us")
            await orders.add_line(tx, 0, buyer, cart, offer, 1)
            await orders.set_address(tx, 0, buyer, cart, address)
            await orders.set_shipping(tx, 0, buyer, cart, "free")

        def quote(buyer: UUID = buyer, cart: UUID = cart) -> Work:
            async def work(tx: Tx) -> str:
                try:
                    return (await orders.quote_cart(tx, 0, buyer, cart)).id
                except Problem as refused:
                    return refused.code()

            return lambda db: db.transact(work)

        async def change(db: Database) -> None:
            rule = Ruling("US", BANNED, NOW.date(), None, "tests")
            await db.transact(lambda tx: put(tx, "own:race", [rule]))
            await db.transact(lambda tx: recheck(tx, 0))

        async with ground.race(seed, quote(), change) as told:
            assert told[1] is None
            seen.add(told[0][:4])
            if told[0] != "not_sold_there":
                ends = await ground.value("select expires_at from orders.quote where id = $1", parse("quo", told[0]))
                assert ends <= ground.clock.now()
    assert seen == {"quo_", "not_"}
