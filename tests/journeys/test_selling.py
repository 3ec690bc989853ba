"""From an operator's welcome to a sold parcel, over HTTP only: a seller's first day, and the operator's own shop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from entrepot.kit.ids import new_id, parse
from tests.shop import MARKET, START, Shop, open_shop

PASSWORD = "correct horse battery"


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


class Staff:
    """Somebody who has signed in to work for a seller."""

    def __init__(self, shop: Shop, token: str) -> None:
        self.shop = shop
        self.headers = {"authorization": f"Bearer {token}"}

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.shop.http.get(path, params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None) -> Any:
        key = {"idempotency-key": new_id(START).hex}
        answer = await self.shop.http.post(path, json=body, headers=self.headers | key)
        assert answer.status_code in (201, 204), answer.text
        return answer.json() if answer.content else None


async def sign_up(shop: Shop, slug: str, kind: str = "third_party") -> Staff:
    """The operator opens a seller and lets the first of its people in, who then signs in."""
    seller = await shop.http.post(
        "/v1/sellers", json={"slug": slug, "name": slug.title(), "kind": kind}, headers=shop.operator
    )
    who = {"email": f"{slug}@example.org", "password": PASSWORD}
    added = await shop.http.post(
        f"/v1/sellers/{seller.json()['id']}/staff", json=who | {"name": "Sam"}, headers=shop.operator
    )
    assert added.status_code == 201, added.text
    assert added.json()["seller_id"] == seller.json()["id"]
    session = await shop.http.post("/v1/sessions", json=who)
    assert session.status_code == 201, session.text
    return Staff(shop, session.json()["token"])


async def put_on_sale(staff: Staff, sku: str, price_minor: int, **receipt: Any) -> dict[str, Any]:
    """A product, a place, an offer and eight units on the shelf; the offer."""
    category = (await staff.get("/v1/categories"))["items"][0]["id"]
    body = {"title": "Blue Jug", "category_id": category, "variants": [{"sku": sku}]}
    (variant,) = (await staff.post("/v1/seller/products", body))["variant_ids"]
    jug = {"hs_code": "691200", "country_of_origin": "PT", "customs_description": "Jug of clay", "weight_g": 900}
    said = await staff.shop.http.put(f"/v1/variants/{variant}/customs", json=jug, headers=staff.shop.operator)
    assert said.status_code == 200, said.text
    place = await staff.post("/v1/seller/locations", {"code": "pier-9", "name": "Pier 9", "country": "NL"})
    where = {"line1": "Kade 9", "city": "Rotterdam"}
    told = await staff.shop.http.put(f"/v1/seller/locations/{place['id']}/address", json=where, headers=staff.headers)
    assert told.status_code == 200, told.text
    offer = {"variant_id": variant, "market": MARKET, "location_id": place["id"], "unit_price_minor": price_minor}
    made: dict[str, Any] = await staff.post("/v1/seller/offers", offer)
    line = {"variant_id": variant, "quantity": 8} | ({"cost_minor": 2_000} if receipt else {})
    await staff.post("/v1/seller/receipts", {"location_id": place["id"], "lines": [line]} | receipt)
    return made


async def test_a_new_seller_sells(shop: Shop) -> None:
    staff = await sign_up(shop, "jugs")
    offer = await put_on_sale(staff, "JUG-BLUE", 1_500)
    buyer = await shop.buyer(20_000)

    found = (await shop.http.get("/v1/products", params={"market": MARKET, "q": "blue jug"})).json()["items"]
    assert [(card["title"], card["price"]["minor"], card["available"]) for card in found] == [("Blue Jug", 1_500, True)]
    product = (await shop.http.get(f"/v1/products/{found[0]['slug']}", params={"market": MARKET})).json()
    (shown,) = product["offers"]
    assert (shown["id"], shown["seller"], shown["ship_from"], shown["ship_from_country"], shown["available"]) == (
        offer["id"], "Jugs", "Pier 9", "NL", 8,
    )  # fmt: skip

    (order,) = await buyer.buy([(offer["id"], 3)])
    (shelf,) = (await staff.get("/v1/seller/stock"))["items"]
    assert (shelf["on_hand"], shelf["held"], shelf["allocated"], shelf["available"]) == (8, 0, 3, 5)
    assert (shelf["sku"], shelf["title"], shelf["location"], shelf["cost"]) == ("JUG-BLUE", "Blue Jug", "Pier 9", None)

    await shop.run()
    (waiting,) = (await staff.get("/v1/seller/orders", status="paid"))["items"]
    assert parse("ord", waiting["id"]) == order
    await staff.post(f"/v1/seller/orders/{waiting['id']}/ship", {"carrier": "house", "tracking_number": "J1"})
    # Two broke while the parcel was packed.
    broken = {"direction": "fewer", "units": 2, "reason": "damaged"}
    await staff.post(f"/v1/seller/stock/{shelf['id']}/adjustments", broken)
    detail = await staff.get(f"/v1/seller/stock/{shelf['id']}")
    assert (detail["stock"]["on_hand"], detail["stock"]["available"]) == (3, 3)
    assert [(a["on_hand_delta"], a["reason"]) for a in detail["adjustments"]] == [(-2, "damaged")]

    await buyer.send("POST", f"/v1/orders/{waiting['id']}/confirm")
    # 3 x 15.00 + shipping 6.00; less 10 % commission on the goods and 1.5 % fee on all
    seller = parse("sel", (await staff.get("/v1/accounts/me"))["seller_id"])
    assert await shop.balance("seller", seller) == 5_100 - 450 - 77
    await shop.audited()


async def test_the_operator_buys_for_its_own_shop(shop: Shop) -> None:
    """Eight jugs for 20.00: two are sold, one breaks."""
    staff = await sign_up(shop, "house", "own")
    offer = await put_on_sale(staff, "JUG-OWN", 1_500, currency="USD")
    assert (await shop.balance("own_stock"), await shop.balance("supplier")) == (-2_000, 2_000)
    (shelf,) = (await staff.get("/v1/seller/stock", sku="JUG-OWN"))["items"]
    assert shelf["cost"] == {"minor": 2_000, "currency": "USD"}

    buyer = await shop.buyer(20_000)
    await buyer.buy([(offer["id"], 2)])
    await shop.run()
    (waiting,) = (await staff.get("/v1/seller/orders", status="paid"))["items"]
    await staff.post(f"/v1/seller/orders/{waiting['id']}/ship", {"carrier": "house", "tracking_number": "O1"})
    assert (await shop.balance("own_stock"), await shop.balance("cost_of_goods")) == (-1_500, -500)
    broken = {"direction": "fewer", "units": 1, "reason": "damaged"}
    await staff.post(f"/v1/seller/stock/{shelf['id']}/adjustments", broken)
    assert (await shop.balance("own_stock"), await shop.balance("cost_of_goods")) == (-1_250, -750)
    await shop.audited()
