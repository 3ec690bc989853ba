"""Buying from campaigns against buying, ordinary sales, the end and cancelations: the last unit is somebody's, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import accounts, orders
from entrepot.campaigns import NewCampaign, NewOffer, Wish
from entrepot.campaigns.actions import end_campaign, open_campaign, settle
from entrepot.campaigns.selling import Outcome, sell_many
from entrepot.inventory import StockPromised
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from entrepot.kit.problem import Problem
from tests.orders.counter import NOW, Wanted
from tests.races.ground import SEEDS, Ground, open_ground, place
from tests.races.interleave import Work

pytestmark = pytest.mark.anyio
HOME = accounts.NewAddress(
    recipient="Ada", line1="1 Main Street", city="Springfield", postal_code="62701", country="US"
)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


class Hall:
    """A campaign of `units` of the first offer, for 1 instead of 3; buyers, two of them at first, with their homes and
    addresses."""

    def __init__(self, ground: Ground, units: int, limit: int) -> None:
        self.ground, self.units, self.limit = ground, units, limit
        self.campaign = self.ground.counter.buyers[0]
        self.offer = 0
        self.buyers: list[tuple[UUID, int, UUID]] = []

    @property
    def new(self) -> NewCampaign:
        offers = [NewOffer(self.ground.counter.offers[0], 1, self.units, self.limit)]
        return NewCampaign("us", "Rush", NOW - timedelta(1), NOW + timedelta(1), offers)

    async def open(self) -> Hall:
        async with self.ground.db.write() as tx:
            self.campaign = await open_campaign(tx, self.new)
            self.offer = await tx.conn.fetchval(
                "select offer_id from campaigns.offer where campaign_id = $1", self.campaign
            )
        for buyer in self.ground.counter.buyers[:2]:
            await self.welcome(buyer, self.ground.counter.home)
        return self

    async def welcome(self, buyer: UUID, home: int) -> None:
        async with self.ground.db.write() as tx:
            self.buyers.append((buyer, home, await accounts.add_address(tx, home, buyer, HOME)))

    def buy(self, number: int, key: str = "k", quantity: int = 1) -> Work:
        buyer, home, address = self.buyers[number]
        wish = Wish(buyer, key, self.campaign, self.offer, quantity, address, "free", "wallet")
        cell = self.ground.counter.cells[0]

        async def work(db: Database) -> str:
            (outcome,) = await db.transact(lambda tx: sell_many(tx, home, cell, [wish]))
            return told(outcome)

        return work

    async def stock(self) -> tuple[int, int]:
        """On hand and allocated of what was set aside."""
        query = "select row(on_hand, allocated) from inventory.stock where aside_id = $1"
        on_hand, allocated = await self.ground.value(query, self.campaign)
        return (on_hand, allocated)


def told(outcome: Outcome) -> str:
    return outcome.code() if isinstance(outcome, Problem) else "placed"


async def test_the_last_unit_of_a_campaign_is_sold_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=2)
        hall = await Hall(ground, 1, 1).open()
        async with ground.race(seed, hall.buy(0), hall.buy(1), hall.buy(1, "l")) as outcomes:
            assert outcomes.count("placed") == 1
            assert set(outcomes) <= {"placed", "sold_out", "limit_reached"}
            assert await hall.stock() == (1, 1)


async def test_a_buyer_s_limit_holds_at_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=9)
        hall = await Hall(ground, 6, 3).open()
        async with ground.race(seed, hall.buy(0, "k", 2), hall.buy(0, "l", 2), hall.buy(1, "k", 3)) as outcomes:
            assert sorted(outcomes[:2]) == ["limit_reached", "placed"]
            assert outcomes[2] == "placed"
            assert await hall.stock() == (6, 5)


async def test_one_key_at_once_buys_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=9)
        hall = await Hall(ground, 6, 6).open()
        assert await hall.buy(0, "before")(ground.db) == "placed"  # so that nobody waits for the limit to be opened
        async with ground.race(seed, hall.buy(0, "k", 2), hall.buy(0, "k", 2), hall.buy(0, "k", 1)) as outcomes:
            assert outcomes in (["placed", "placed", "key_conflict"], ["key_conflict", "key_conflict", "placed"])
            assert (await hall.stock())[1] in (1 + 1, 1 + 2)
            placed = "select count(*) from orders.order_group where buyer_id = $1"
            assert await ground.value(placed, ground.counter.buyers[0]) == 2


async def test_a_campaign_and_an_ordinary_sale_want_the_last_unit(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=1)
        (quote,) = await ground.quotes(Wanted(0, ((0, 1),)))
        hall = Hall(ground, 1, 1)

        async def open_it(db: Database, new: NewCampaign = hall.new) -> str:
            try:
                await db.transact(lambda tx: open_campaign(tx, new))
            except StockPromised:
                return "promised"
            return "set aside"

        async with ground.race(seed, place(ground.counter.buyers[0], "k", quote.id), open_it) as (sale, opened):
            assert (sale.verdict, opened) in (("placed", "promised"), ("sold_out", "set aside"))
            seen.add(opened)
    assert seen == {"promised", "set aside"}


async def test_the_last_unit_is_bought_or_goes_back(ground: Ground) -> None:
    async def end(db: Database) -> None:
        await db.transact(lambda tx: end_campaign(tx, hall.campaign))
        await db.transact(lambda tx: settle(tx, 0))

    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=1)
        hall = await Hall(ground, 1, 1).open()
        async with ground.race(seed, hall.buy(0), end, hall.buy(1)) as (first, _, second):
            bought = (first, second).count("placed")
            assert await hall.stock() == (bought, bought)
            on_hand, _, allocated = await ground.stock()
            assert on_hand - allocated == 1 - bought
        seen.add(bought)
    assert seen == {0, 1}


async def test_a_canceled_purchase_gives_its_unit_to_the_next(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=1)
        hall = await Hall(ground, 1, 1).open()
        assert await hall.buy(0)(ground.db) == "placed"
        buyer = ground.counter.buyers[0]
        order = await ground.value("select id from orders.order where buyer_id = $1", buyer)

        async def cancel(db: Database, order: UUID = order, buyer: UUID = buyer) -> None:
            await db.transact(lambda tx: orders.cancel(tx, 0, [order], buyer_id=buyer))

        async with ground.race(seed, cancel, hall.buy(1), hall.buy(0, "l")) as (_, other, again):
            assert (other, again).count("placed") <= 1
            assert await hall.stock() == (1, (other, again).count("placed"))
            used = await ground.value(
                "select coalesce(sum(used), 0)::int from pricing.quota where name like $1",
                f"campaign:{hall.campaign.hex}:%",
            )
            assert used == (other, again).count("placed")


async def test_what_comes_back_is_for_all_while_the_rest_is_bought_or_goes_back(ground: Ground) -> None:
    """Of two units one was sent and is returned, the other bought or put back when the campaign ends: the first is on
    the ordinary shelf, whoever comes first, and nothing is in two places."""
    seen = set()
    for seed in SEEDS[:8]:
        await ground.fresh(units=2)
        hall = await Hall(ground, 2, 1).open()
        assert await hall.buy(0)(ground.db) == "placed"
        order = await ground.value("select id from orders.order where buyer_id = $1", hall.buyers[0][0])
        await ground.ship(order)
        part = new_id(NOW)
        async with ground.db.write() as tx:
            await orders.freeze(tx, 0, part, order, {1: 1}, "returned")
        on_hand = (await ground.stock())[0]

        async def comes_back(db: Database, part: UUID = part) -> None:
            await db.transact(lambda tx: orders.restock(tx, 0, part, None))

        async def end(db: Database, hall: Hall = hall) -> None:
            await db.transact(lambda tx: end_campaign(tx, hall.campaign))
            await db.transact(lambda tx: settle(tx, 0))

        async with ground.race(seed, comes_back, end, hall.buy(1)) as (_, _, sale):
            bought = sale == "placed"
            assert await hall.stock() == (bought, bought)
            assert (await ground.stock())[0] == on_hand + 2 - bought
            assert sum(step == "begin" for _, step in ground.stage.trace) == 4  # nobody waited in a circle
        seen.add(sale)
    assert {"placed"} < seen
