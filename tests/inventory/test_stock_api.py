"""Locations, receipts and corrections over HTTP: whose they are, what is refused, and that it changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import sellers
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


class Staff:
    def __init__(self, shop: Shop, seller: UUID) -> None:
        self.shop, self.seller = shop, seller
        self.headers = shop.session(Role.SELLER, new_id(START), seller)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.shop.http.get(path, params=query, headers=self.headers)

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        headers = self.headers | {"idempotency-key": key or new_id(START).hex}
        return await self.shop.http.post(path, json=body, headers=headers)

    async def receive(self, lines: list[dict[str, Any]], location: int = 1, **more: Any) -> httpx.Response:
        return await self.post("/v1/seller/receipts", {"location_id": location, "lines": lines} | more)

    async def adjust(self, stock: int, direction: str, units: int, reason: str = "counted") -> httpx.Response:
        body = {"direction": direction, "units": units, "reason": reason}
        return await self.post(f"/v1/seller/stock/{stock}/adjustments", body)

    async def counts(self) -> list[tuple[int, int, int]]:
        """(location, on_hand, available) of each row of stock."""
        items = (await self.get("/v1/seller/stock")).json()["items"]
        return [(item["location_id"], item["on_hand"], item["available"]) for item in items]


async def staff_of(shop: Shop, kind: str = "third_party") -> Staff:
    return Staff(shop, await shop.seller(kind))


async def variant(shop: Shop) -> int:
    """A variant in the shared catalog."""
    offer = await shop.offer(await shop.seller(), 100, 0)
    async with shop.db.read() as tx:
        return int(await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", offer))


def kind(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_a_location_is_its_sellers_own_or_shared(shop: Shop) -> None:
    one, other = await staff_of(shop), await staff_of(shop)
    new = {"code": "depot", "name": "Depot", "country": "DE"}
    mine = (await one.post("/v1/seller/locations", new)).json()
    assert mine == {
        "id": 3, "code": "depot", "name": "Depot", "country": "DE", "line1": "", "postal_code": "", "city": "",
        "shared": False, "bonded": False,
    }  # fmt: skip
    theirs = (await other.post("/v1/seller/locations", new)).json()  # codes are everybody's own business
    shared = await shop.http.post("/v1/locations", json=new, headers=shop.operator)
    assert (shared.status_code, shared.json()["shared"]) == (201, True)

    before = await shop.state()
    assert kind(await one.post("/v1/seller/locations", new)) == (409, "location_code_taken")
    again = await shop.http.post("/v1/locations", json=new, headers=shop.operator)
    assert kind(again) == (409, "location_code_taken")
    assert await shop.state() == before

    def ids(page: httpx.Response) -> list[int]:
        return [item["id"] for item in page.json()["items"]]

    assert ids(await one.get("/v1/seller/locations")) == [mine["id"], 1, 2, shared.json()["id"]]
    assert ids(await other.get("/v1/seller/locations")) == [theirs["id"], 1, 2, shared.json()["id"]]
    assert ids(await shop.http.get("/v1/locations", headers=shop.operator)) == [1, 2, shared.json()["id"]]
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await one.get("/v1/seller/locations", limit=1, after=after)
        seen, after = seen + ids(page), page.json()["next"]
    assert seen == [mine["id"], 1, 2, shared.json()["id"]]


async def test_goods_are_received_where_the_seller_may_keep_them(shop: Shop) -> None:
    one, other = await staff_of(shop), await staff_of(shop)
    theirs = (await other.post("/v1/seller/locations", {"code": "d", "name": "D", "country": "DE"})).json()["id"]
    first, second = await variant(shop), await variant(shop)
    before = await shop.state()
    lines = [{"variant_id": first, "quantity": 1}]
    for location in (theirs, 10**9):
        assert kind(await one.receive(lines, location)) == (404, "not_found")
        offer = {"variant_id": first, "market": "us", "location_id": location, "unit_price_minor": 1}
        assert kind(await one.post("/v1/seller/offers", offer)) == (404, "not_found")
    assert kind(await one.receive([*lines, {"variant_id": 10**9, "quantity": 1}])) == (404, "not_found")
    for spoiled in (0, -1, 1_000_001, 1.5, "1", None):
        assert kind(await one.receive([{"variant_id": first, "quantity": spoiled}])) == (400, "malformed")
    assert kind(await one.receive([])) == (400, "malformed")
    assert kind(await one.receive(lines * 101)) == (400, "malformed")
    assert await shop.state() == before

    taken = await one.receive([*lines, {"variant_id": second, "quantity": 1_000_000}, *lines])
    assert taken.status_code == 201, taken.text
    stocks = taken.json()["stock_ids"]
    assert stocks[0] == stocks[2] != stocks[1]
    assert await one.counts() == [(1, 2, 2), (1, 1_000_000, 1_000_000)]
    await one.receive(lines, 2)
    await one.receive(lines)
    assert await one.counts() == [(1, 3, 3), (2, 1, 1), (1, 1_000_000, 1_000_000)]
    assert await other.counts() == []
    await shop.audited()


async def test_a_receipt_counts_once(shop: Shop) -> None:
    staff = await staff_of(shop)
    body = {"location_id": 1, "lines": [{"variant_id": await variant(shop), "quantity": 7}]}
    sent = await asyncio.gather(*(staff.post("/v1/seller/receipts", body, "the same") for _ in range(4)))
    assert [answer.status_code for answer in sent] == [201] * 4
    assert len({answer.content for answer in sent}) == 1
    assert await staff.counts() == [(1, 7, 7)]
    async with shop.db.read() as tx:
        told = await tx.conn.fetch("select key, data from kit.event where kind = 'goods_received'")
    assert [(row["key"], row["data"]["stock_ids"]) for row in told] == [(staff.seller, sent[0].json()["stock_ids"])]


async def test_only_own_goods_have_a_cost_and_they_must(shop: Shop) -> None:
    third, own = await staff_of(shop), await staff_of(shop, "own")
    plain = {"variant_id": await variant(shop), "quantity": 2}
    priced = plain | {"cost_minor": 500}
    before = await shop.state()
    assert kind(await third.receive([priced], currency="USD")) == (409, "cost_not_taken")
    assert kind(await third.receive([plain, priced])) == (409, "cost_not_taken")
    assert kind(await third.receive([plain], currency="USD")) == (409, "cost_not_taken")
    assert kind(await own.receive([plain])) == (409, "cost_needed")
    assert kind(await own.receive([priced, plain], currency="USD")) == (409, "cost_needed")
    assert kind(await own.receive([priced])) == (409, "cost_needed")
    assert kind(await own.receive([priced], currency="CHF")) == (404, "not_found")
    for spoiled in (-1, 10**13 + 1, 0.5):
        assert kind(await own.receive([plain | {"cost_minor": spoiled}], currency="USD")) == (400, "malformed")
    assert await shop.state() == before
    assert (await own.receive([priced, plain | {"cost_minor": 0}], currency="USD")).status_code == 201
    assert (await shop.balance("own_stock"), await shop.balance("supplier")) == (-500, 500)
    await shop.audited()


async def test_own_goods_are_bought_and_sold_in_one_currency(shop: Shop) -> None:
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("jp", "Japan", "JPY", "ja"))
    own, goods = await staff_of(shop, "own"), await variant(shop)
    line = {"variant_id": goods, "quantity": 1, "cost_minor": 100}
    offer = {"variant_id": goods, "market": "us", "location_id": 1, "unit_price_minor": 900}
    assert (await own.post("/v1/seller/offers", offer)).status_code == 201
    before = await shop.state()
    assert kind(await own.receive([line], currency="JPY")) == (409, "stock_currency_is")
    refused = await own.post("/v1/seller/offers", offer | {"market": "jp"})
    assert (kind(refused), refused.json()["currency"]) == ((409, "stock_currency_is"), "USD")
    assert await shop.state() == before
    # From another location they are other goods.
    assert (await own.receive([line], 2, currency="JPY")).status_code == 201
    assert (await own.post("/v1/seller/offers", offer | {"market": "jp", "location_id": 2})).status_code == 201
    assert (await own.receive([line], currency="USD")).status_code == 201
    third = await staff_of(shop)
    for market in ("us", "jp"):  # sellers' goods have no cost, and go where they like
        assert (await third.post("/v1/seller/offers", offer | {"market": market})).status_code == 201
    await shop.audited()


async def test_a_count_is_corrected_but_not_below_what_was_promised(shop: Shop) -> None:
    staff, rival = await staff_of(shop), await staff_of(shop)
    offer, buyer = await shop.offer(staff.seller, 1_000, 10), await shop.buyer()
    await buyer.buy([(offer, 4)])
    (stock,) = (item["id"] for item in (await staff.get("/v1/seller/stock")).json()["items"])
    before = await shop.state()
    refused = await staff.adjust(stock, "fewer", 7, "lost")
    assert (kind(refused), refused.json()["available"]) == ((409, "stock_promised"), 6)
    for path in (f"/v1/seller/stock/{stock}", f"/v1/seller/stock/{10**9}"):
        assert kind(await rival.get(path)) == (404, "not_found")
    assert kind(await rival.adjust(stock, "more", 1)) == (404, "not_found")
    assert kind(await rival.adjust(10**9, "more", 1)) == (404, "not_found")
    for direction, units, reason in (
        ("fewer", 0, "lost"), ("fewer", -1, "lost"), ("more", 1_000_001, "found"), ("less", 1, "lost"),
        ("fewer", 1, "stolen"),
    ):  # fmt: skip
        assert kind(await staff.adjust(stock, direction, units, reason)) == (400, "malformed")
    assert await shop.state() == before

    made = [await staff.adjust(stock, "fewer", 6, "expired"), await staff.adjust(stock, "more", 1, "found")]
    assert [(m.status_code, m.json()["on_hand_delta"], m.json()["reason"]) for m in made] == [
        (201, -6, "expired"), (201, 1, "found"),
    ]  # fmt: skip
    detail = (await staff.get(f"/v1/seller/stock/{stock}")).json()
    assert detail["adjustments"] == [made[1].json(), made[0].json()]
    assert (detail["stock"]["on_hand"], detail["stock"]["allocated"], detail["stock"]["available"]) == (5, 4, 1)
    await shop.audited()


async def test_two_corrections_at_once_take_no_more_than_there_is(shop: Shop) -> None:
    staff = await staff_of(shop)
    (stock,) = (await staff.receive([{"variant_id": await variant(shop), "quantity": 5}])).json()["stock_ids"]
    answers = await asyncio.gather(*(staff.adjust(stock, "fewer", 3, "lost") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await staff.counts() == [(1, 2, 2)]
    await shop.audited()


async def test_stock_is_told_page_by_page_and_by_sku(shop: Shop) -> None:
    staff = await staff_of(shop)
    variants = [await variant(shop) for _ in range(3)]
    for location in (2, 1):
        await staff.receive([{"variant_id": id_, "quantity": 1} for id_ in reversed(variants)], location)
    await (await staff_of(shop)).receive([{"variant_id": id_, "quantity": 9} for id_ in variants])
    seen: list[tuple[int, int, int]] = []
    after: int | None = 0
    while after is not None:
        page = (await staff.get("/v1/seller/stock", limit=4, after=after)).json()
        seen += [(item["variant_id"], item["location_id"], item["on_hand"]) for item in page["items"]]
        after = page["next"]
    assert seen == [(id_, location, 1) for id_ in variants for location in (1, 2)]
    sku = (await staff.get("/v1/seller/stock", limit=3)).json()["items"][2]["sku"]
    found = (await staff.get("/v1/seller/stock", sku=sku)).json()
    assert [(item["sku"], item["location"]) for item in found["items"]] == [(sku, "Warehouse 1"), (sku, "Warehouse 2")]
    assert (await staff.get("/v1/seller/stock", sku="no such")).json() == {"items": [], "next": None}
