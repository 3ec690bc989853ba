"""Listings, searches, one product, and a seller's own offers."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import catalog, inventory, search, sellers
from entrepot.catalog.translations import translate
from entrepot.inventory import Goods
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.search import Card, reads
from entrepot.search.api import routes
from entrepot.search.store import CANDIDATES
from tests.sellers.stage import Stage

pytestmark = pytest.mark.anyio

CATEGORIES = ("food", "dairy", "bakery")
TITLES = {
    1: ("Whole Milk", "Alpine", "dairy"),
    2: ("Chocolate Milk", "Alpine", "dairy"),
    3: ("Crème Brûlée", "Paris", "dairy"),
    4: ("Milk Bread", "Hearth", "bakery"),
    5: ("苹果手机 牛奶", "", "bakery"),
    6: ("Only in Japan Milk", "", "dairy"),
}


class UndoneError(Exception):
    """Rolls a test's changes back, for the tests after it."""


@pytest.fixture
async def shop(stage: Stage) -> list[sellers.SellerId]:
    """Six products of two sellers: `dear` has stock of all, `cheap` offers 1 and 2 for less and has stock of 1 only."""
    dear, cheap = sellers.SellerId(UUID(int=1)), sellers.SellerId(UUID(int=2))
    if await stage.rows("select 1 from catalog.product"):  # an earlier test of this module made it
        return [dear, cheap]
    async with stage.db.write() as tx:
        await sellers.open_sellers(
            tx, 0, [dear, cheap], ["dear", "cheap"], ["Dear", "Cheap"], ["third_party"] * 2, [None] * 2, ["USD"]
        )
        await tx.conn.execute(
            """insert into logistics.location (cell, id, code, name, seller_id, country)
               values (0, 1, 'w1', 'Warehouse', null, 'US'), (0, 2, 'w2', 'Dear House', $1, 'US')""",
            dear,
        )
        await catalog.import_categories(tx, [1, 2, 3], [None, 1, 1], CATEGORIES, [c.title() for c in CATEGORIES])
        ids = list(TITLES)
        await catalog.import_products(
            tx, ids, [f"p{n}" for n in ids], [TITLES[n][0] for n in ids], [TITLES[n][1] for n in ids],
            [CATEGORIES.index(TITLES[n][2]) + 1 for n in ids],
        )  # fmt: skip
        await catalog.import_variants(
            tx, ids, ids, [f"SKU{n}" for n in ids], [""] * 6, ["each"] * 5 + ["ml"], [1] * 5 + [1000]
        )
        stocks = await inventory.open_stock(tx, 0, [dear] * 6 + [cheap] * 2, [*ids, 1, 2], [1] * 8)
        await catalog.import_offers(
            tx, 0, list(range(1, 9)), [dear] * 6 + [cheap] * 2, [*ids, 1, 2], ["us"] * 5 + ["jp"] + ["us"] * 2,
            [1] * 8, stocks, [500] * 6 + [300, 200],
        )  # fmt: skip
        await inventory.receive(tx, 0, [Goods(stock, 10, new_id(tx.now)) for stock in stocks[:7]])
    return [dear, cheap]


def card(n: int, minor: int, available: bool = True) -> dict[str, Any]:
    return {
        "id": n, "slug": f"p{n}", "title": TITLES[n][0], "brand": TITLES[n][1],
        "price": {"minor": minor, "currency": "USD"}, "price_per": 1, "unit": "each", "available": available,
        "component_slugs": [],
    }  # fmt: skip


async def ask(http: httpx.AsyncClient, **params: Any) -> Any:
    answer = await http.get("/v1/products", params={"market": "us", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_listing_shows_the_cheapest_offer_that_can_be_bought(
    stage: Stage, shop: list[sellers.SellerId]
) -> None:
    async with stage.http(routes) as http:
        assert await ask(http) == {
            "items": [card(1, 300), card(2, 500), card(3, 500), card(4, 500), card(5, 500)],
            "next": None, "total": None, "facets": [],
        }  # fmt: skip
        assert [c["id"] for c in (await ask(http, category="bakery"))["items"]] == [4, 5]
        assert [c["id"] for c in (await ask(http, category="food"))["items"]] == [1, 2, 3, 4, 5]
        assert [c["id"] for c in (await ask(http, market="jp"))["items"]] == [6]

        first = await ask(http, limit=3)
        assert ([c["id"] for c in first["items"]], first["next"]) == ([1, 2, 3], 3)
        second = await ask(http, limit=3, after=first["next"])
        assert ([c["id"] for c in second["items"]], second["next"]) == ([4, 5], None)

        bad: tuple[dict[str, str | int], ...] = (
            {}, {"market": ""}, {"market": "us", "limit": 0}, {"market": "us", "limit": 49},
            {"market": "us", "after": -1}, {"market": "us", "after": 2**63}, {"market": "us", "x": 1},
        )  # fmt: skip
        for params in bad:
            assert (await http.get("/v1/products", params=params)).status_code == 400
        for absent in ({"market": "nowhere"}, {"market": "us", "category": "none"}, {"market": "nowhere", "q": "milk"}):
            assert (await http.get("/v1/products", params=absent)).status_code == 404


async def test_a_listing_follows_price_status_and_stock_at_once(stage: Stage, shop: list[sellers.SellerId]) -> None:
    dear, cheap = shop

    async def try_out() -> None:
        async with stage.db.write() as tx:

            async def first() -> Card:
                return (await search.listing(tx, "us", None, 0, 1)).items[0]

            assert (await first()).price == catalog.Price(300, "USD")
            await catalog.set_prices(tx, 0, [7], [501])
            assert (await first()).price.minor == 500
            await catalog.set_prices(tx, 0, [7], [1])
            assert (await first()).price.minor == 1
            await sellers.suspend(tx, cheap)
            assert (await first()).price.minor == 500
            await tx.conn.execute("update inventory.stock set allocated = on_hand where seller_id = $1", dear)
            assert await first() == Card(
                1, "p1", "Whole Milk", "Alpine", catalog.Price(500, "USD"), 1, "each", False, []
            )
            await catalog.pause_offer(tx, 0, dear, 1)
            page = await search.listing(tx, "us", None, 0, 2)
            assert ([c.id for c in page.items], page.next) == ([2], 2)  # nobody offers 1; the page is one shorter
            raise UndoneError

    with pytest.raises(UndoneError):
        await try_out()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("milk", [1, 2, 4]),
        ("MILK whole", [1, 2, 4]),  # one hit is few, so that what is like it follows
        ("alp", [1, 2]),  # a word not written to its end
        ("creme brulee", [3]),
        ("Brûlée", [3]),
        ("手机", [5]),
        ("choclate", [2]),  # a typing error
        ("hearht bread", [4]),
        ("%", []),
        ("' & | ! ( ) <-> :*", []),
        ("\\", []),
        ("🍎", []),
        ("x" * 200, []),
    ],
)
async def test_a_search_finds(stage: Stage, shop: list[sellers.SellerId], text: str, ids: list[int]) -> None:
    async with stage.http(routes) as http:
        page = await ask(http, q=text)
    assert ([c["id"] for c in page["items"]], page["total"]) == (ids, len(ids))


async def test_a_search_has_facets_pages_and_categories(stage: Stage, shop: list[sellers.SellerId]) -> None:
    async with stage.http(routes) as http:
        page = await ask(http, q="milk", limit=2)
        assert page["facets"] == [
            {"slug": "dairy", "name": "Dairy", "count": 2}, {"slug": "bakery", "name": "Bakery", "count": 1},
        ]  # fmt: skip
        rest = await ask(http, q="milk", limit=2, after=page["next"])
        assert (len(page["items"]), page["next"], len(rest["items"]), rest["next"]) == (2, 2, 1, None)
        assert sorted(c["id"] for c in page["items"] + rest["items"]) == [1, 2, 4]

        bakery = await ask(http, q="milk", category="bakery")
        assert ([c["id"] for c in bakery["items"]], bakery["total"], bakery["facets"]) == ([4], 1, page["facets"])
        assert [c["id"] for c in (await ask(http, q="milk", market="jp"))["items"]] == [6]
        assert (await ask(http, q="   "))["total"] is None  # no words: a listing
        nul = await http.get("/v1/products", params={"market": "us", "q": "a\0b"})
        assert nul.status_code == 400


async def test_a_search_reads_no_more_translations_than_it_may_find(stage: Stage, shop: list[sellers.SellerId]) -> None:
    """A word that is in all of them is not ranked in all of them; who says it in two languages is found once."""

    async def try_out() -> None:
        async with stage.db.write() as tx:
            for language, title in (("de", "Vollmilch"), ("nl", "Vollmilch Vollmilch")):
                await translate(tx, 1, language, title, "", 0, None)
            assert (await search.found(tx, "us", "vollmilch", None, 0, 24)).total == 1
            asked = {
                "text": "vollmilch",
                "market": "us",
                "category": None,
                "few": 0,
                "limit": 9,
                "today": tx.now.date(),
            }
            plan = await tx.conn.fetch(f"explain (costs off) {CANDIDATES.text}", *CANDIDATES.args(asked))
            lines = [row[0].strip() for row in plan]
            steps = [line for line in lines[lines.index("CTE told") :] if line in ("->  Unique", "->  Limit")]
            assert steps[:2] == ["->  Unique", "->  Limit"]  # the inner one is done first
            raise UndoneError

    with pytest.raises(UndoneError):
        await try_out()


async def test_one_product_with_its_offers(stage: Stage, shop: list[sellers.SellerId]) -> None:
    async with stage.http(routes) as http:
        answer = await http.get("/v1/products/p2", params={"market": "us"})
        common = {
            "variant_id": 2, "ship_from": "Warehouse", "ship_from_country": "US", "price_per": 1, "unit": "each",
            "components": [], "converted": None, "contact": None,
        }  # fmt: skip
        assert answer.json() == {
            "id": 2, "slug": "p2", "title": "Chocolate Milk", "brand": "Alpine", "description": "",
            "category": "dairy", "category_name": "Dairy",
            "variants": [{"id": 2, "sku": "SKU2", "gtin": None, "title": ""}],
            "offers": [
                {"id": 8, "seller": "Cheap", "seller_slug": "cheap", "available": 0,
                 "price": {"minor": 200, "currency": "USD"}} | common,
                {"id": 2, "seller": "Dear", "seller_slug": "dear", "available": 10,
                 "price": {"minor": 500, "currency": "USD"}} | common,
            ],
                "rules": [], "language": None, "stale": False, "machine": False,
        }  # fmt: skip
        same = await http.get(
            "/v1/products/p2", params={"market": "us"}, headers={"if-none-match": answer.headers["etag"]}
        )
        assert (same.status_code, same.content) == (304, b"")
        elsewhere = await http.get("/v1/products/p2", params={"market": "jp"})
        assert elsewhere.json()["offers"] == []
        assert (await http.get("/v1/products/none", params={"market": "us"})).status_code == 404


async def test_a_seller_offers_from_its_own_locations(stage: Stage, shop: list[sellers.SellerId]) -> None:
    dear, cheap = shop
    new = {"variant_id": 3, "market": "us", "location_id": 2, "unit_price_minor": 750}
    before = await stage.rows("select count(*) from inventory.stock")
    async with stage.http(routes) as http:
        stranger = stage.as_(Role.SELLER, seller_id=cheap)
        assert (await http.post("/v1/seller/offers", json=new)).status_code == 401
        assert (await http.post("/v1/seller/offers", json=new, headers=stranger)).status_code == 404
        staff = stage.as_(Role.SELLER, seller_id=dear)
        for change in ({"variant_id": 999}, {"market": "nowhere"}, {"location_id": 999}):
            assert (await http.post("/v1/seller/offers", json=new | change, headers=staff)).status_code == 404
        for change in ({"unit_price_minor": -1}, {"variant_id": 0}, {"stock_id": 1}):
            assert (await http.post("/v1/seller/offers", json=new | change, headers=staff)).status_code == 400
        assert await stage.rows("select count(*) from inventory.stock") == before

        made = await http.post("/v1/seller/offers", json=new, headers=staff)
        assert made.status_code == 201
        again = await http.post("/v1/seller/offers", json=new, headers=staff)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/offer_exists")
        assert await stage.rows("select count(*) from inventory.stock") == [(before[0][0] + 1,)]

        mine = (await http.get("/v1/seller/offers", headers=staff)).json()
        assert [offer["id"] for offer in mine["items"]] == [1, 2, 3, 4, 5, 6, made.json()["id"]]
        assert mine["items"][5] == {
            "id": 6, "product_slug": "p6", "title": "Only in Japan Milk", "sku": "SKU6", "market": "jp",
            "location_id": 1, "price": {"minor": 500, "currency": "JPY"}, "price_per": 1000, "unit": "ml",
            "status": "active", "available": 10, "components": [],
        }  # fmt: skip
        page = (await http.get("/v1/seller/offers", params={"limit": 2, "after": 1}, headers=staff)).json()
        assert ([offer["id"] for offer in page["items"]], page["next"]) == ([2, 3], 3)
        theirs = (await http.get("/v1/seller/offers", headers=stranger)).json()
        assert [offer["id"] for offer in theirs["items"]] == [7, 8]


async def test_nothing_is_shown_of_an_unknown_place(stage: Stage, shop: list[sellers.SellerId]) -> None:
    async with stage.db.read() as tx:
        assert await reads.own_offers(tx, 0, NIL, 0, 10) == []
        with pytest.raises(NotFound):
            await search.product(tx, "us", "none")
