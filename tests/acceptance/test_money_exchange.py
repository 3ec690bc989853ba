"""Issue 4, part 3, a return for something else: what is wanted is held while the goods travel, sent when they are back,
and no money moves but the difference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot import catalog, inventory, orders
from entrepot.inventory import Goods
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, show
from entrepot.logistics import NewShipment
from tests.shop import MARKET, START, Buyer, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def shirts(shop: Shop, seller: UUID, prices: dict[str, int], units: int = 1, cost_minor: int = 0) -> list[int]:
    """The offers of a product in several sizes, with so many units each."""
    async with shop.db.write() as tx:
        category = await tx.conn.fetchval("select min(id) from catalog.category")
        sizes = [catalog.NewVariant(sku=f"{new_id(tx.now)}-{size}", title=size) for size in prices]
        product = await catalog.add_product(tx, catalog.NewProduct("Shirt", category, sizes))
        found = []
        for variant, price in zip(product.variant_ids, prices.values(), strict=True):
            (stock,) = await inventory.open_stock(tx, 0, [seller], [variant], [1])
            if cost_minor:
                await inventory.buy(tx, 0, [Goods(stock, units, new_id(tx.now))], [units * cost_minor], "USD")
            else:
                await inventory.receive(tx, 0, [Goods(stock, units, new_id(tx.now))])
            new = catalog.NewOffer(seller, variant, MARKET, 1, stock, price)
            found.append((await catalog.add_offer(tx, 0, new)).id)
    return found


async def sent(shop: Shop, buyer: Buyer, offer: int, units: int = 1) -> UUID:
    (order,) = await buyer.buy([(offer, units)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", order.hex)])
    return order


async def wanted(buyer: Buyer, order: UUID, offer: int, units: int = 1) -> Any:
    claim = {"kind": "unwanted", "lines": [{"line_no": 1, "quantity": units}], "text": "Too small.", "instead": offer}
    return await buyer.send("POST", f"/v1/orders/{show('ord', order)}/disputes", claim)


async def step(shop: Shop, who: Buyer | UUID, order: UUID, dispute: str, body: dict[str, Any]) -> int:
    if isinstance(who, Buyer):
        return (await who.send("POST", f"/v1/orders/{show('ord', order)}/disputes/{dispute}/steps", body)).status_code
    headers = shop.session(Role.SELLER, new_id(START), who)
    return (await shop.http.post(f"/v1/seller/disputes/{dispute}/steps", json=body, headers=headers)).status_code


async def test_3_exchange_a_smaller_price_gives_its_share_back_and_the_rest_is_the_seller_s(shop: Shop) -> None:
    seller, buyer = await shop.seller(), await shop.buyer()
    small, large, dear = await shirts(shop, seller, {"S": 1_000, "L": 800, "XL": 1_001}, units=2)
    order = await sent(shop, buyer, small, 2)
    other, stranger = await shop.offer(seller, 1, 1), await shop.buyer()
    wallet, state = await shop.balance("wallet", buyer.id), await shop.state()
    refused = await wanted(buyer, order, dear)
    assert refused.json()["type"] == "/problems/replacement_dearer"
    assert (refused.json()["price_minor"], refused.json()["frozen_minor"]) == (1_001, 1_000)
    elsewhere = await wanted(buyer, order, other)
    assert elsewhere.json()["type"] == "/problems/not_instead"
    assert (await wanted(stranger, order, large)).status_code == 404
    assert await shop.state() == state

    dispute = (await wanted(buyer, order, large)).json()["id"]
    assert await shop.stock(large) == (2, 1, 0)  # held while the goods travel
    paid = (2_000 + 600) // 2  # with its share of shipping
    view = (await buyer.send("GET", f"/v1/orders/{show('ord', order)}/disputes/{dispute}")).json()
    back = paid // 5
    assert (view["replacement"]["status"], view["replacement"]["back"]["minor"]) == ("held", back)
    assert await step(shop, seller, order, dispute, {"act": "replace"}) == 409  # it is not back yet
    assert await step(shop, buyer, order, dispute, {"act": "send_back"}) == 204
    async with shop.db.write() as tx:  # nothing more is sent for an order that somebody has to look at
        await orders.hold_found(tx, 0, [orders.Found(order, "service", "told", "stolen card", "fraud")])
    assert await step(shop, seller, order, dispute, {"act": "replace"}) == 409
    async with shop.db.write() as tx:
        await orders.let_go(tx, 0, order, "service", "told", "the buyer's own")
    assert await step(shop, seller, order, dispute, {"act": "replace", "text": "T-2"}) == 204
    assert await step(shop, seller, order, dispute, {"act": "replace"}) == 409  # once
    assert (await shop.stock(small), await shop.stock(large)) == ((1, 0, 0), (1, 0, 0))
    assert await shop.balance("wallet", buyer.id) == wallet
    assert await step(shop, buyer, order, dispute, {"act": "accept"}) == 204
    assert await shop.balance("wallet", buyer.id) == wallet + back
    assert await shop.balance("seller", seller) == paid - back - 80 - 16  # a tenth of 8.00, and 1.5 % of 10.40
    await shop.audited()


async def test_3_exchange_what_is_not_sent_back_or_not_taken_back_frees_what_was_held(shop: Shop) -> None:
    seller, buyer = await shop.seller(), await shop.buyer()
    small, large = await shirts(shop, seller, {"S": 1_000, "L": 1_000}, units=3)
    kept, refused, silent = [await sent(shop, buyer, small) for _ in range(3)]
    disputes = [(await wanted(buyer, order, large)).json()["id"] for order in (kept, refused, silent)]
    assert await shop.stock(large) == (3, 3, 0)
    late = await sent(shop, buyer, (await shirts(shop, seller, {"S": 1_000}))[0])
    assert (await wanted(buyer, late, large)).json()["type"] == "/problems/not_instead"
    for order, dispute in zip((refused, silent), disputes[1:], strict=True):
        assert await step(shop, buyer, order, dispute, {"act": "send_back"}) == 204
    assert await step(shop, seller, refused, disputes[1], {"act": "inspect", "amount_minor": 100}) == 204
    assert await shop.stock(large) == (3, 2, 0)  # money is offered instead
    await shop.run(after=timedelta(days=14))  # one is kept, one is not looked at
    assert await shop.stock(large) == (3, 0, 0)
    await shop.run(after=timedelta(days=8))
    await shop.audited()


async def test_3_exchange_the_last_one_is_held_once_and_own_goods_carry_their_cost(shop: Shop) -> None:
    own, buyer = await shop.seller("own"), await shop.buyer()
    small, large = await shirts(shop, own, {"S": 1_000, "L": 1_000}, units=2, cost_minor=300)
    first, second = [await sent(shop, buyer, small) for _ in range(2)]
    await sent(shop, buyer, large)
    dispute = (await wanted(buyer, first, large)).json()["id"]
    gone = await wanted(buyer, second, large)
    assert (gone.json()["type"], gone.json()["available"]) == ("/problems/sold_out", 0)
    assert await step(shop, buyer, first, dispute, {"act": "send_back"}) == 204
    costs = await shop.balance("cost_of_goods")
    assert await step(shop, own, first, dispute, {"act": "replace", "restock": []}) == 204  # what came back is spoiled
    assert await shop.balance("cost_of_goods") == costs - 300
    await shop.run(after=timedelta(days=30))  # who says nothing has it
    assert await shop.balance("escrow") == 0
    await shop.audited()
