"""Case 17 of what broke others: goods that are sold elsewhere too, by a shop that hears late and is heard late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

import pytest

from entrepot import channels, inventory, logistics
from entrepot.channels import Sold
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, parse
from entrepot.world.auditor import audit
from tests.shop import Shop, open_shop

LIST = "/v1/seller/channels"


@pytest.fixture(scope="module")
async def shop(db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(db_url) as opened:
        yield opened
        assert (await audit(opened.db)).findings == []


class Undone(Exception):  # noqa: N818
    """Rolls back what a test has done."""


class Elsewhere:
    """A shop of `seller` elsewhere, and what connects it."""

    def __init__(self, shop: Shop, seller: UUID, path: str, sku: str) -> None:
        self.shop, self.path, self.sku = shop, path, sku
        self.headers = shop.session(Role.SELLER, NIL, seller)

    async def level(self) -> int:
        told = await self.shop.http.get(f"{self.path}/levels", headers=self.headers)
        (level,) = told.json()["items"]
        assert level["sku"] == self.sku
        return int(level["quantity"])

    async def sell(self, number: str, quantity: int = 1, **more: Any) -> Any:
        body = {"number": number, "lines": [{"sku": self.sku, "quantity": quantity}]} | more
        return await self.shop.http.post(f"{self.path}/sales", json=body, headers=self.headers)

    async def end(self, sale: dict[str, Any], how: str) -> Any:
        return await self.shop.http.post(f"{self.path}/sales/{sale['id']}/{how}", headers=self.headers)


async def elsewhere(shop: Shop, units: int, buffer: int) -> tuple[Elsewhere, int, UUID]:
    """A new seller of one thing, its shop elsewhere, and its offer here."""
    seller = await shop.seller()
    offer = await shop.offer(seller, 500, units)
    headers = shop.session(Role.SELLER, NIL, seller)
    opened = await shop.http.post(LIST, json={"name": "Out there", "buffer": buffer}, headers=headers)
    assert opened.status_code == 201, opened.text
    async with shop.db.read() as tx:
        sku = await tx.conn.fetchval(
            "select v.sku from catalog.offer o join catalog.variant v on v.id = o.variant_id where o.id = $1", offer
        )
    return Elsewhere(shop, seller, f"{LIST}/{opened.json()['id']}", sku), offer, seller


async def test_case_17_one_unit_at_two_channels(shop: Shop) -> None:
    """By the buffer the other one never offers what may be gone. Without it both sell the one unit: ours is the first,
    the other's is refused whole, is known, and is told the seller; what is on stock stays as it is."""
    other, offer, _ = await elsewhere(shop, 1, buffer=1)
    assert await other.level() == 0

    other, offer, seller = await elsewhere(shop, 1, buffer=0)
    assert await other.level() == 1
    buyer = await shop.buyer()
    await buyer.buy([(offer, 1)])
    before = await shop.stock(offer)
    assert before == (1, 0, 1)
    late = (await other.sell("A-1")).json()
    assert (late["status"], late["lines"]) == ("oversold", [{"sku": other.sku, "quantity": 1, "left": 0}])
    assert await shop.stock(offer) == before
    (mine,) = (await shop.http.get(LIST, headers=other.headers)).json()["items"]
    assert mine["oversold"] == 1
    async with shop.db.read() as tx:
        events = await tx.conn.fetch(
            "select data ->> 'number' from kit.event where kind = 'channel_oversold' and key = $1", seller
        )
    assert [row[0] for row in events] == ["A-1"]

    # Goods come in, and it is told again: the same sale, taken now.
    async with shop.db.write() as tx:
        stock = await tx.conn.fetchval("select stock_id from catalog.offer where id = $1", offer)
        await inventory.receive(tx, 0, [inventory.Goods(stock, 2, new_id(tx.now))])
    taken = (await other.sell("A-1")).json()
    assert (taken["id"], taken["status"]) == (late["id"], "taken")
    assert await shop.stock(offer) == (3, 0, 2)
    assert (await other.end(taken, "send")).json()["status"] == "sent"
    assert await shop.stock(offer) == (2, 0, 1)


async def test_case_17_a_sale_is_taken_once(shop: Shop) -> None:
    """Five that tell of one number at once are one sale; another content of the number is refused; a cancel gives back
    once; what is sent is not canceled. Another seller's channel is not there, and a closed one is told of nothing."""
    other, offer, _ = await elsewhere(shop, 5, buffer=2)
    assert await other.level() == 3
    told = await asyncio.gather(*(other.sell("B-1", 2) for _ in range(5)))
    assert {one.status_code for one in told} == {201}
    assert len({one.json()["id"] for one in told}) == 1
    assert (await shop.stock(offer), await other.level()) == ((5, 0, 2), 1)
    state = await shop.state()
    assert (await other.sell("B-1", 3)).json()["type"] == "/problems/sale_conflict"
    unknown = await other.sell("B-2", lines=[{"sku": "nobody's", "quantity": 1}])
    assert (unknown.status_code, unknown.json()["type"]) == (409, "/problems/sku_unknown")
    assert await shop.state() == state
    sale = told[0].json()
    canceled = await asyncio.gather(*(other.end(sale, "cancel") for _ in range(3)))
    assert {one.json()["status"] for one in canceled} == {"canceled"}
    assert await shop.stock(offer) == (5, 0, 0)
    assert (await other.sell("B-1", 2)).json()["status"] == "canceled"
    assert (await other.end(sale, "send")).json()["sale_status"] == "canceled"
    assert await shop.stock(offer) == (5, 0, 0)

    mine = {"sku": other.sku, "buffer": 4}
    assert (await shop.http.put(f"{other.path}/buffers", json=mine, headers=other.headers)).status_code == 204
    assert await other.level() == 1
    stranger = Elsewhere(shop, await shop.seller(), other.path, other.sku)
    state = await shop.state()
    assert [
        (await stranger.sell("C-1")).status_code, (await stranger.end(sale, "cancel")).status_code,
        (await shop.http.get(f"{other.path}/levels", headers=stranger.headers)).status_code,
        (await shop.http.put(other.path, json={"buffer": 0}, headers=stranger.headers)).status_code,
    ] == [404] * 4  # fmt: skip
    assert await shop.state() == state
    closed = await shop.http.put(other.path, json={"buffer": 0, "closed": True}, headers=other.headers)
    assert closed.json()["closed_at"] is not None
    assert (await other.level(), (await other.sell("B-3")).json()["type"]) == (0, "/problems/channel_closed")


async def test_case_17_goods_lie_at_several_locations(shop: Shop) -> None:
    """What one location has all of is taken there; more is taken from several, and goes back to each."""
    seller = await shop.seller()
    async with shop.db.write() as tx:
        second = (await logistics.add_location(tx, 0, seller, "second", "Second", "US")).id
    offer = await shop.offer(seller, 500, 2)
    async with shop.db.write() as tx:
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", offer)
        (there,) = await inventory.open_stock(tx, 0, [seller], [variant], [second])
        await inventory.receive(tx, 0, [inventory.Goods(there, 3, new_id(tx.now))])
        channel = await channels.open_channel(tx, 0, seller, "Out there", 0)
        id_ = parse("chn", channel.id)
        (level,) = await channels.levels(tx, 0, seller, id_)
        assert (level.quantity, level.available) == (5, 5)
        await channels.sell(tx, 0, seller, id_, "one", [Sold(level.sku, 2), Sold(level.sku, 1)])
        assert (await inventory.available(tx, 0, [there]))[there] == 0
        (few,) = [await channels.sell(tx, 0, seller, id_, "few", [Sold(level.sku, 3)])]
        assert (few.status, few.lines[0].left) == ("oversold", 2)
        await inventory.receive(tx, 0, [inventory.Goods(there, 2, new_id(tx.now))])
        both = await channels.sell(tx, 0, seller, id_, "both", [Sold(level.sku, 4)])
        assert both.status == "taken"
        assert (await channels.levels(tx, 0, seller, id_))[0].available == 0
        await channels.cancel(tx, 0, seller, id_, parse("chs", both.id))
        assert (await inventory.available(tx, 0, [there]))[there] == 2
    assert await shop.stock(offer) == (2, 0, 0)


async def test_case_17_whatever_the_lag(shop: Shop) -> None:
    """It asks whenever it likes and is heard up to three turns later. As long as here no more are sold than the buffer
    between its asking and our hearing of its sale, and it takes off what it has sold and not told yet, nothing that it
    sells is not there. When more are sold here, what is too much is refused, and never sold twice."""
    tame = [await _refused_under_lag(shop, seed, buffer=1 + seed % 3, wild=False) for seed in range(8)]
    wild = [await _refused_under_lag(shop, seed, buffer=seed % 3, wild=True) for seed in range(8)]
    assert tame == [0] * 8
    assert sum(wild) > 0


async def _refused_under_lag(shop: Shop, seed: int, buffer: int, *, wild: bool) -> int:
    """How many of its sales were refused. Tame: here are sold as many as the buffer allows in each window."""
    chance = Random(seed)
    units, lag = chance.randint(4, 12), chance.randint(0, 3)
    other, offer, seller = await elsewhere(shop, units, buffer)
    id_ = parse("chn", other.path.rpartition("/")[2])
    untold: list[tuple[int, str]] = []  # what it has sold: when it is heard, and its number
    sold_here: list[int] = []
    there = refused = 0
    with suppress(Undone):
        async with shop.db.write() as tx:
            stock = await tx.conn.fetchval("select stock_id from catalog.offer where id = $1", offer)
            for turn in range(12):
                while untold and untold[0][0] <= turn:
                    sale = await channels.sell(tx, 0, seller, id_, untold.pop(0)[1], [Sold(other.sku, 1)])
                    there += sale.status == "taken"
                    refused += sale.status == "oversold"
                (level,) = await channels.levels(tx, 0, seller, id_)
                offered = max(level.quantity - len(untold), 0)
                untold += [(turn + lag + 1, f"{turn}-{n}") for n in range(min(offered, chance.randint(0, 2)))]
                left = (await inventory.available(tx, 0, [stock]))[stock]
                window = sum(sold_here[-lag:]) if lag else 0  # what a sale that is heard next has not heard of
                here = min(left, chance.randint(0, 3) if wild else buffer - window)
                if here:
                    await inventory.allocate(tx, 0, [inventory.Want([stock], here)], new_id(tx.now))
                sold_here.append(here)
                left = (await inventory.available(tx, 0, [stock]))[stock]
                assert left == units - sum(sold_here) - there >= 0
            raise Undone  # what was sold here has no order
    assert await shop.stock(offer) == (units, 0, 0)
    return refused


async def test_case_17_it_tells_before_it_asks_again(shop: Shop) -> None:
    """Its own sales, too, are not known here until they are told: a shop that asks again before is offered the one unit
    again; the second sale is refused, though nothing was sold here."""
    other, offer, _ = await elsewhere(shop, 1, buffer=0)
    assert (await other.level(), await other.level()) == (1, 1)
    assert (await other.sell("D-1")).json()["status"] == "taken"
    assert (await other.sell("D-2")).json()["status"] == "oversold"
    assert await shop.stock(offer) == (1, 0, 1)
