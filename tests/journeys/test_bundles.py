"""Bundles over HTTP: made of offers, sold from their stock, shown whole, given back whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import catalog
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, show
from tests.shop import MARKET, START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def variant(shop: Shop, sku: str, price_per: int = 1) -> int:
    async with shop.db.write() as tx:
        category = await tx.conn.fetchval("select min(id) from catalog.category")
        new = catalog.NewProduct(sku.title(), category, [catalog.NewVariant(sku, price_per=price_per)])
        return (await catalog.add_product(tx, new)).variant_ids[0]


async def ask(shop: Shop, seller: UUID, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = shop.session(Role.SELLER, NIL, seller) | {"idempotency-key": new_id(START).hex}
    return await shop.http.request(method, path, json=body, headers=headers)


async def bundle(shop: Shop, seller: UUID, sku: str, price_minor: int, parts: dict[int, int]) -> int:
    """A bundle of so many units of these offers; its offer."""
    components = [{"offer_id": offer, "quantity": n} for offer, n in parts.items()]
    body = {"variant_id": await variant(shop, sku), "unit_price_minor": price_minor, "components": components}
    made = await ask(shop, seller, "POST", "/v1/seller/bundles", body)
    assert made.status_code == 201, made.text
    assert [(part["offer_id"], part["quantity"]) for part in made.json()["components"]] == sorted(parts.items())
    id_: int = made.json()["id"]
    return id_


async def test_a_bundle_is_made_of_offers_of_one_seller_market_and_place(shop: Shop) -> None:
    seller, other = await shop.seller(), await shop.seller()
    camera, battery = await shop.offer(seller, 18_000, 5), await shop.offer(seller, 3_000, 8)
    far, theirs = await shop.offer(seller, 100, 9, location=2), await shop.offer(other, 100, 9)
    kit, liter = await variant(shop, "kit"), await variant(shop, "liter", price_per=1_000)
    pack = await bundle(shop, seller, "pack", 5_000, {battery: 2})
    async with shop.db.write() as tx:
        rush = await catalog.add_offer(tx, 0, catalog.NewOffer(seller, kit, MARKET, 1, 1, 10, "campaign"))
    before = await shop.state()
    for offers, of, status, reason in (
        ([camera, battery, camera], kit, 409, "twice"),
        ([camera, far], kit, 409, "apart"),
        ([camera, pack], kit, 409, "nested"),
        ([camera, rush.id], kit, 409, "campaign"),
        ([camera, battery], liter, 409, "unit"),
        ([camera, theirs], kit, 404, None),
        ([camera, 999], kit, 404, None),
        ([camera], 999, 404, None),
        ([], kit, 400, None),
        (list(range(1, 12)), kit, 400, None),
    ):
        body = {"variant_id": of, "unit_price_minor": 1, "components": [{"offer_id": offer} for offer in offers]}
        refused = await ask(shop, seller, "POST", "/v1/seller/bundles", body)
        assert (refused.status_code, refused.json().get("reason")) == (status, reason), refused.text
    assert await shop.state() == before
    mine = (await ask(shop, seller, "GET", "/v1/seller/offers")).json()["items"]
    assert {offer["id"]: (offer["available"], len(offer["components"])) for offer in mine} == {
        camera: (5, 0), battery: (8, 0), far: (9, 0), pack: (4, 1), rush.id: (5, 0),
    }  # fmt: skip
    assert (await ask(shop, seller, "POST", f"/v1/seller/offers/{pack}/pause")).json()["status"] == "paused"


async def test_two_bundles_and_their_goods_alone_share_one_stock(shop: Shop) -> None:
    """A camera with two batteries, a pack of three batteries, and batteries: ten batteries, whoever sells them. (Case 2
    of docs/guide/proof.md: lines of one cart that share a component.)"""
    seller = await shop.seller()
    camera, battery = await shop.offer(seller, 18_000, 9), await shop.offer(seller, 3_000, 10)
    kit = await bundle(shop, seller, "kit", 20_001, {camera: 1, battery: 2})
    pack = await bundle(shop, seller, "pack", 8_000, {battery: 3})
    buyer = await shop.buyer(1_000_000)
    listed = (await shop.http.get("/v1/products", params={"market": MARKET, "q": "kit"})).json()["items"]
    assert [(card["title"], card["price"]["minor"], card["available"]) for card in listed] == [("Kit", 20_001, True)]
    shown = (await shop.http.get(f"/v1/products/{listed[0]['slug']}", params={"market": MARKET})).json()["offers"][0]
    assert (shown["available"], [(p["offer_id"], p["quantity"]) for p in shown["components"]]) == (
        5, [(camera, 1), (battery, 2)],
    )  # fmt: skip

    # 2 x 2 + 1 x 3 + 4 = 11: what comes last does not fit, and nothing is taken.
    before = await shop.stock(battery)
    refused = (await buyer.place(await buyer.quote([(battery, 4), (kit, 2), (pack, 1)]))).json()
    assert (refused["type"], refused["offer_id"], refused["available"]) == ("/problems/sold_out", pack, 0)
    refused = (await buyer.place(await buyer.quote([(kit, 6)]))).json()
    assert (refused["offer_id"], refused["available"]) == (kit, 5)
    assert await shop.stock(battery) == before
    quote = await buyer.quote([(battery, 3), (kit, 2), (pack, 1)])
    # A parcel of three items; the kit's 20001 are shared 18000 to 6000.
    assert (quote["lines"], quote["items"]["minor"], quote["shipping"]["minor"]) == (3, 9_000 + 40_002 + 8_000, 800)
    placed = (await buyer.place(quote)).json()["id"]
    assert (await shop.stock(camera), await shop.stock(battery)) == ((9, 0, 2), (10, 0, 10))
    listed = (await shop.http.get("/v1/products", params={"market": MARKET, "q": "kit"})).json()["items"]
    assert [card["available"] for card in listed] == [False]

    order = (await buyer.send("GET", f"/v1/groups/{placed}")).json()["orders"][0]["id"]
    lines = (await buyer.send("GET", f"/v1/orders/{order}")).json()["lines"]
    bought = [
        (line["offer_id"], line["quantity"], line["unit_price"]["minor"], line["gross"]["minor"]) for line in lines
    ]
    assert bought == [(battery, 3, 3_000, 9_000), (kit, 2, 20_001, 40_002), (pack, 1, 8_000, 8_000)]
    parts = lines[1]["components"]
    assert [(p["quantity"], p["gross"]["minor"]) for p in parts] == [(2, 2 * 15_001), (4, 2 * 5_000)]
    assert sum(part["paid"]["minor"] for part in parts) == lines[1]["paid"]["minor"]
    for status in (204, 409):
        assert (await buyer.send("POST", f"/v1/orders/{order}/cancel")).status_code == status
    assert (await shop.stock(camera), await shop.stock(battery)) == ((9, 0, 0), (10, 0, 0))
    await shop.audited()


async def test_a_bundle_is_judged_by_its_own_price_and_status(shop: Shop) -> None:
    """Its components' prices only share it out, and one that is paused is only not sold alone."""
    seller = await shop.seller()
    camera, battery = await shop.offer(seller, 18_000, 9), await shop.offer(seller, 3_000, 10)
    kit = await bundle(shop, seller, "kit", 20_000, {camera: 1, battery: 2})
    buyer = await shop.buyer(1_000_000)
    quote = await buyer.quote([(kit, 1)])
    for offer, price in ((battery, 1), (kit, 20_002)):
        await ask(shop, seller, "PUT", f"/v1/seller/offers/{offer}/price", {"unit_price_minor": price})
    await ask(shop, seller, "POST", f"/v1/seller/offers/{camera}/pause")
    refused = (await buyer.place(quote)).json()
    assert (refused["type"], refused["offer_id"], refused["unit_price_minor"]) == (
        "/problems/price_changed", kit, 20_002,
    )  # fmt: skip
    (order,) = await buyer.buy([(kit, 1)])
    lines = (await buyer.send("GET", f"/v1/orders/{show('ord', order)}")).json()["lines"]
    assert [part["gross"]["minor"] for part in lines[0]["components"]] == [20_000, 2]  # by today's 18000 to 2
    quote = await buyer.quote([(kit, 1)])
    await ask(shop, seller, "POST", f"/v1/seller/offers/{kit}/pause")
    refused = (await buyer.place(quote)).json()
    assert (refused["type"], refused["offer_id"]) == ("/problems/offer_unavailable", kit)
    await shop.audited()


async def test_a_campaign_sells_no_bundles(shop: Shop) -> None:
    seller = await shop.seller()
    kit = await bundle(shop, seller, "kit", 20_000, {await shop.offer(seller, 100, 9): 1})
    before = await shop.state()
    offers = [{"offer_id": kit, "unit_price_minor": 1, "units": 1, "max_per_buyer": 1}]
    times = {"starts_at": "2026-03-02T10:00:00Z", "ends_at": "2026-03-02T11:00:00Z"}
    refused = await shop.http.post(
        "/v1/campaigns", json={"market": MARKET, "name": "Rush", "offers": offers} | times,
        headers=shop.operator | {"idempotency-key": "k"},
    )  # fmt: skip
    assert (refused.status_code, refused.json()["detail"]) == (400, "a campaign sells no bundles"), refused.text
    assert await shop.state() == before
