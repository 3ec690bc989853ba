"""What is kept for a time only goes when its time is over, and events not before everyone has read them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from entrepot import orders, payments, worker
from entrepot.kit import events
from entrepot.orders import carts
from entrepot.payments.actions import WEBHOOKS_KEPT, store_webhook
from tests.shop import MARKET, Buyer, Shop, open_shop

MOMENT = timedelta(seconds=1)


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened
        await opened.audited()


async def tidy(shop: Shop) -> int:
    return sum([await chore() for chore in await worker.chores(shop.db)])


async def new_cart(buyer: Buyer, offer: int) -> str:
    cart: str = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    assert (await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": offer})).status_code == 204
    return cart


async def test_carts_that_nobody_touches_go_after_ninety_days(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carts, "FORGOTTEN", 1)
    offer, buyer = await shop.offer(await shop.seller(), 500, 10), await shop.buyer()
    old = [await new_cart(buyer, offer) for _ in range(2)]
    used = await new_cart(buyer, offer)
    shop.clock.advance(carts.KEPT)
    assert await tidy(shop) == 0
    assert (await buyer.send("POST", f"/v1/carts/{used}/lines", {"offer_id": offer})).status_code == 204
    shop.clock.advance(MOMENT)
    assert [await tidy(shop) for _ in range(3)] == [1, 1, 0]  # a batch at a time
    assert [(await buyer.send("GET", f"/v1/carts/{cart}")).status_code for cart in [*old, used]] == [404, 404, 200]
    async with shop.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from orders.cart_line") == 1


async def test_webhooks_are_known_for_ninety_days(shop: Shop) -> None:
    async with shop.db.write() as tx:
        assert await store_webhook(tx, "sandbox", "evt_1")
    shop.clock.advance(WEBHOOKS_KEPT)
    assert await tidy(shop) == 0
    shop.clock.advance(MOMENT)
    assert await tidy(shop) == 1
    async with shop.db.write() as tx:
        assert await store_webhook(tx, "sandbox", "evt_1")
        assert await payments.forget_webhooks(tx) == 0


async def test_events_go_after_four_hundred_days_once_everyone_has_read_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget() -> int:
        async with shop.db.write() as tx:
            return await events.forget(tx, 0, orders.CONSUMERS)

    async def log() -> int:
        async with shop.db.read() as tx:
            found: int = await tx.conn.fetchval("select count(*) from kit.event where cell = 0")
            return found

    offer, buyer = await shop.offer(await shop.seller(), 500, 10), await shop.buyer()
    await buyer.buy([(offer, 1)])
    told = await log()
    assert told > 2
    shop.clock.advance(events.KEPT + MOMENT)
    assert await forget() == 0  # nobody has begun to read
    *most, last = orders.CONSUMERS
    for consumer in most:
        await events.consume(shop.db, consumer, 0)
    assert await forget() == 0  # one has not
    async with shop.db.write() as tx:
        await tx.conn.execute("insert into kit.cursor (cell, consumer) values (0, 'of another release')")
    await events.consume(shop.db, last, 0)
    assert await forget() == 0
    async with shop.db.write() as tx:
        await tx.conn.execute("delete from kit.cursor where consumer = 'of another release'")
        tx.emit("young", buyer.id, {})
    monkeypatch.setattr(events, "FORGOTTEN", told - 1)
    assert [await forget() for _ in range(3)] == [told - 1, 1, 0]
    assert await log() == 1
    await worker.run_until_idle(shop.db)
