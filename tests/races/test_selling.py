"""A rule of what may be sold and a quote, and an order that is held and sent, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import product
from uuid import UUID

import pytest
from msgspec.structs import replace

from entrepot import accounts, orders
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import NIL, parse
from entrepot.kit.problem import Problem
from entrepot.logistics import NewShipment
from entrepot.orders import selling
from entrepot.orders.holds import hold_by_hand
from entrepot.orders.selling import recheck
from entrepot.trade.classification import set_item
from entrepot.trade.readings import Ruling
from entrepot.trade.restrictions import put, set_category_traits
from entrepot.trade.types import Item, Restriction
from tests.orders.counter import NOW
from tests.races.ground import Ground, open_ground
from tests.races.interleave import Work
from tests.races.test_hands import HOME, ONE, does

SEEDS = range(12)
Change = Callable[[Tx, int], Awaitable[None]]
BANNED = Restriction("race", "prohibited", {"en": "No."}, traits=("race",))
BATTERIES = Restriction("batteries", "prohibited", {"en": "No."}, codes=("8507",))
CUP = Item(0, "691110", {}, "CN", "A cup", 300, None)
TODAY = Ruling("US", BANNED, NOW.date(), None, "tests")


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        async with opened.db.write() as tx:
            await set_category_traits(tx, "things", ["race"])
            await put(tx, "own:code", [Ruling("US", BATTERIES, NOW.date(), None, "tests")])
            await tx.conn.execute(
                "insert into trade.code select 'HS', c, '2022-01-01', null, true, 'tests' "
                "from unnest(array['691110', '850760']) c"
            )
        yield opened


async def filled_cart(ground: Ground) -> UUID:
    """A cart of the first buyer that only needs to be quoted, where no rule of ours is in the way."""
    buyer, offer = ground.counter.buyers[0], ground.counter.offers[0]
    variant = await ground.value("select variant_id from catalog.offer where id = $1", offer)
    async with ground.db.write() as tx:
        await put(tx, "own:race", [])
        await set_item(tx, replace(CUP, variant_id=variant), 0, None)
        address = await accounts.add_address(tx, 0, buyer, HOME)
        cart = await orders.own_cart(tx, 0, buyer, "us")
        await orders.add_line(tx, 0, buyer, cart, offer, 1)
        await orders.set_address(tx, 0, buyer, cart, address)
        await orders.set_shipping(tx, 0, buyer, cart, "free")
    return cart


async def test_a_new_rule_finds_quotes_behind_those_of_other_cells(ground: Ground, monkeypatch: pytest.MonkeyPatch
                                                                   ) -> None:  # fmt: skip
    """A buyer's row of what other cells sell has no lines, and says nothing of the rows after it."""
    monkeypatch.setattr(selling, "LOOKED_AT", 1)
    await ground.fresh(units=9)
    cart = await filled_cart(ground)
    async with ground.db.write() as tx:
        away = parse("quo", (await orders.quote_cart(tx, 0, ground.counter.buyers[0], cart)).id)
        await tx.conn.execute("update orders.quote set line_offers = '{}', line_variants = '{}' where id = $1", away)
        here = parse("quo", (await orders.quote_cart(tx, 0, ground.counter.buyers[0], cart)).id)
        assert await recheck(tx, 0) == 0
        await put(tx, "own:race", [TODAY])
        assert await recheck(tx, 0) == 1
    assert away < here
    assert await ground.value("select expires_at from orders.quote where id = $1", here) == ground.clock.now()


async def a_rule(tx: Tx, _: int) -> None:
    await put(tx, "own:race", [TODAY])


async def another_code(tx: Tx, variant: int) -> None:
    await set_item(tx, replace(CUP, variant_id=variant, hs_code="850760"), 0, None)


async def test_a_quote_has_seen_what_is_new_or_is_ended(ground: Ground) -> None:
    """Who follows up a new rule, or a product's new code, finds every quote that was judged without it, however late
    that was committed."""
    variant = await ground.value("select variant_id from catalog.offer where id = $1", ground.counter.offers[0])
    seen = set()
    for seed, new in product(SEEDS, (a_rule, another_code)):
        await ground.fresh(units=9)
        buyer = ground.counter.buyers[0]
        cart = await filled_cart(ground)

        def quote(buyer: UUID = buyer, cart: UUID = cart) -> Work:
            async def work(tx: Tx) -> str:
                try:
                    return (await orders.quote_cart(tx, 0, buyer, cart)).id
                except Problem as refused:
                    return refused.code()

            return lambda db: db.transact(work)

        async def change(db: Database, turns: int = seed, new: Change = new) -> None:
            for _ in range(turns):  # before it, so that either may be the first
                await db.transact(lambda tx: tx.conn.fetchval("select 1"))
            await db.transact(lambda tx: new(tx, variant))
            await db.transact(lambda tx: recheck(tx, 0, [variant]))

        async with ground.race(seed, quote(), change) as told:
            assert told[1] is None
            seen.add(told[0][:4])
            if told[0] != "not_sold_there":
                ends = await ground.value("select expires_at from orders.quote where id = $1", parse("quo", told[0]))
                assert ends <= ground.clock.now()
    assert seen == {"quo_", "not_"}


async def test_of_two_who_say_what_lies_in_a_category_the_last_has_said_it(ground: Ground) -> None:
    for seed in SEEDS[:6]:
        ways = [does(set_category_traits, "things", traits) for traits in (["race", "a"], ["race", "b"])]
        async with ground.race(seed, *ways) as told:
            assert told == [None, None]
            said = await ground.value("select array_agg(trait order by trait) from trade.category_trait")
            assert said in (["a", "race"], ["b", "race"])


async def test_an_order_is_held_or_sent(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=9)
        (order,) = await ground.bought(ONE)
        send = does(orders.ship_many, 0, [NewShipment(order, "house", order.hex)])
        async with ground.race(seed, does(hold_by_hand, order, "why"), send) as told:
            seen.add(tuple(told))
            held = await ground.value("select count(*) from orders.hold where order_id = $1", order)
            assert (await ground.status(order), held) == (("shipped", 0) if told[1] is None else ("paid", 1))
    assert seen == {("wrong_status", None), (None, "order_held")}


async def test_a_hold_is_decided_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=9)
        (order,) = await ground.bought(ONE)
        await does(hold_by_hand, order, "why")(ground.db)
        ways = [
            does(orders.release_held, order, NIL, "note", ground.clock.now()),
            does(orders.reject_held, order, NIL, "note"),
        ]
        async with ground.race(seed, *ways) as told:
            decision = await ground.value("select decision from orders.hold where order_id = $1", order)
            assert (told, decision, await ground.status(order)) in (
                ([None, "not_found"], "released", "paid"), (["wrong_status", None], "rejected", "canceled"),
            )  # fmt: skip
