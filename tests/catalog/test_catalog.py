"""Categories, products, offers, prices, and imports."""

from typing import Any

import asyncpg
import pytest

from entrepot import catalog, sellers
from entrepot.catalog import (
    Category,
    CategorySlugTaken,
    NewOffer,
    NewProduct,
    NewVariant,
    Offer,
    OfferExists,
    OfferFacts,
    OfferStatusIs,
    SkuTaken,
)
from entrepot.catalog.api import routes
from entrepot.catalog.rules import stem
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.sellers import Seller
from tests.sellers.stage import Stage

pytestmark = pytest.mark.anyio


async def goods(stage: Stage, sku: str, **variant: Any) -> catalog.AddedProduct:
    """A product of one variant in a category of its own, which lies in another."""
    async with stage.db.write() as tx:
        top = await catalog.add_category(tx, f"top-{sku}", "Top")
        below = await catalog.add_category(tx, f"below-{sku}", "Below", top)
        new = NewProduct(f"Crème {sku}", below, [NewVariant(sku, **variant)], brand="B")
        return await catalog.add_product(tx, new)


async def offer(stage: Stage, seller: Seller, product: catalog.AddedProduct, price: int = 1299) -> Offer:
    async with stage.db.write() as tx:
        return await catalog.add_offer(tx, 0, NewOffer(seller.id, product.variant_ids[0], "us", 7, 70, price))


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Crème Brûlée 2 %", "creme-brulee-2"), ("苹果", ""), ("--a--", "a"), ("x" * 99, "x" * 80)],
)
def test_the_stem_of_a_slug_is_plain(title: str, expected: str) -> None:
    assert stem(title) == expected


async def test_categories_come_parents_first(stage: Stage) -> None:
    product = await goods(stage, "CAT")
    assert product.slug == f"creme-cat-{product.id}"
    async with stage.db.write() as tx:
        with pytest.raises(CategorySlugTaken):
            await catalog.add_category(tx, "top-CAT", "Again")
        with pytest.raises(NotFound):
            await catalog.add_category(tx, "orphan", "Orphan", 10**12)
    async with stage.db.read() as tx:
        tree = await catalog.categories(tx)
    by_slug = {category.slug: category for category in tree}
    top, below = by_slug["top-CAT"], by_slug["below-CAT"]
    assert below == Category(below.id, top.id, "below-CAT", "Below")
    assert tree.index(top) < tree.index(below)
    assert "orphan" not in by_slug


async def test_a_product_with_a_sku_that_is_taken_is_not_added(stage: Stage) -> None:
    await goods(stage, "SKU-1")
    before = await stage.rows("select count(*) from catalog.product")
    async with stage.db.read() as read:
        (category,) = [found for found in await catalog.categories(read) if found.slug == "below-SKU-1"]
    with pytest.raises(SkuTaken):
        async with stage.db.write() as tx:
            await catalog.add_product(tx, NewProduct("T", category.id, [NewVariant("SKU-2"), NewVariant("SKU-1")]))
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await catalog.add_product(tx, NewProduct("T", 10**12, [NewVariant("SKU-3")]))
    assert await stage.rows("select count(*) from catalog.product") == before
    assert await stage.rows("select 1 from catalog.variant where sku in ('SKU-2', 'SKU-3')") == []


async def test_what_a_quote_needs_of_an_offer(stage: Stage) -> None:
    seller = await stage.seller(commission_bp=250)
    product = await goods(stage, "FACTS", title="Large", unit="ml", price_per=1000)
    made = await offer(stage, seller, product, 899)
    ((category,),) = await stage.rows("select category_id from catalog.product where id = $1", product.id)
    async with stage.db.read() as tx:
        assert await catalog.offers_for_quote(tx, 0, [made.id, 10**12, made.id]) == [
            OfferFacts(
                made.id, seller.id, False, 250, "active", True, product.variant_ids[0], 70, 7, "us", "USD", 899, 1000,
                "ml", "Crème FACTS, Large", product.slug, 0, [], None, category,
            )
        ]  # fmt: skip
        assert await catalog.offers_for_quote(tx, 1, [made.id]) == []

    async with stage.db.write() as tx:
        await sellers.suspend(tx, seller.id)
        facts = (await catalog.offers_for_quote(tx, 0, [made.id]))[0]
        assert (facts.seller_status, facts.buyable) == ("suspended", False)


async def test_an_offer_is_made_once_and_lists_its_product(stage: Stage) -> None:
    seller, product = await stage.seller(), await goods(stage, "ONCE")
    made = await offer(stage, seller, product)
    with pytest.raises(OfferExists):
        await offer(stage, seller, product, 1)
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await catalog.add_offer(tx, 0, NewOffer(seller.id, product.variant_ids[0], "nowhere", 7, 70, 1))
    assert await stage.rows("select id, unit_price_minor from catalog.offer where product_id = $1", product.id) == [
        (made.id, 1299)
    ]
    listed = await stage.rows(
        """select l.market, c.slug from catalog.listed l left join catalog.category c on c.id = l.category_id
            where l.product_id = $1 order by l.category_id""",
        product.id,
    )
    assert listed == [("us", None), ("us", "top-ONCE"), ("us", "below-ONCE")]
    events = await stage.rows("select kind, data from kit.event where key = $1 and kind like 'offer%'", seller.id)
    assert events == [("offer_added", {"offer_id": made.id})]


async def test_prices_are_set_all_or_none_and_only_ones_own(stage: Stage) -> None:
    mine, theirs = await stage.seller(), await stage.seller()
    first = await offer(stage, mine, await goods(stage, "P1"))
    second = await offer(stage, mine, await goods(stage, "P2"))
    other = await offer(stage, theirs, await goods(stage, "P3"))
    for ids in ([first.id, 10**12], [first.id, other.id]):
        with pytest.raises(NotFound):
            async with stage.db.write() as tx:
                await catalog.set_prices(tx, 0, ids, [1, 2], mine.id)
    with pytest.raises(ValueError, match="one price"):
        async with stage.db.write() as tx:
            await catalog.set_prices(tx, 0, [first.id, first.id], [1, 2])
    prices = "select unit_price_minor from catalog.offer where id = any ($1) order by id"
    assert await stage.rows(prices, [first.id, second.id, other.id]) == [(1299,), (1299,), (1299,)]
    assert await stage.rows("select 1 from kit.event where kind = 'offer_prices_changed'") == []

    async with stage.db.write() as tx:
        await catalog.set_prices(tx, 0, [second.id, first.id], [222, 111], mine.id)
        await catalog.set_prices(tx, 0, [other.id], [333])
    assert await stage.rows(prices, [first.id, second.id, other.id]) == [(111,), (222,), (333,)]
    events = await stage.rows("select key, data from kit.event where kind = 'offer_prices_changed' order by xid, id")
    assert events == [(mine.id, {"offer_ids": [second.id, first.id]}), (NIL, {"offer_ids": [other.id]})]


async def test_a_paused_offer_cannot_be_bought(stage: Stage) -> None:
    mine, theirs = await stage.seller(), await stage.seller()
    made = await offer(stage, mine, await goods(stage, "PAUSE"))
    with pytest.raises(NotFound):
        async with stage.db.write() as tx:
            await catalog.pause_offer(tx, 0, theirs.id, made.id)
    async with stage.db.write() as tx:
        assert (await catalog.pause_offer(tx, 0, mine.id, made.id)).status == "paused"
        assert not (await catalog.offers_for_quote(tx, 0, [made.id]))[0].buyable
    with pytest.raises(OfferStatusIs):
        async with stage.db.write() as tx:
            await catalog.pause_offer(tx, 0, mine.id, made.id)
    async with stage.db.write() as tx:
        assert (await catalog.resume_offer(tx, 0, mine.id, made.id)).status == "active"


async def test_imports_can_be_run_again_and_leave_free_ids_behind(stage: Stage) -> None:
    seller = await stage.seller()
    for price in (500, 900):  # the second time nothing changes, not even the price
        async with stage.db.write() as tx:
            await catalog.import_categories(tx, [9002, 9001], [9001, None], ["i2", "i1"], ["Two", "One"])
            await catalog.import_products(tx, [9001, 9002], ["ip1", "ip2"], ["Milk", "Bread"], ["", "B"], [9002, 9001])
            await catalog.import_variants(
                tx, [9001, 9002], [9001, 9002], ["IV1", "IV2"], ["", ""], ["ml", "each"], [1000, 1]
            )
            await catalog.import_offers(
                tx, 0, [9001, 9002], [seller.id] * 2, [9001, 9002], ["us", "jp"], [1, 2], [11, 12], [price, price]
            )
    offers = """select id, product_id, market, stock_id, unit_price_minor, price_per from catalog.offer
                 where id > 9000 order by id"""
    assert await stage.rows(offers) == [(9001, 9001, "us", 11, 500, 1000), (9002, 9002, "jp", 12, 500, 1)]
    listed = await stage.rows("select market, category_id, product_id from catalog.listed where product_id > 9000")
    assert sorted(listed) == [
        ("jp", 0, 9002), ("jp", 9001, 9002), ("us", 0, 9001), ("us", 9001, 9001), ("us", 9002, 9001),
    ]  # fmt: skip

    later = await goods(stage, "AFTER")
    assert later.id > 9002
    assert (await offer(stage, seller, later)).id > 9002

    with pytest.raises(asyncpg.NotNullViolationError):  # an unknown variant is not lost silently
        async with stage.db.write() as tx:
            await catalog.import_offers(tx, 0, [9003], [seller.id], [10**12], ["us"], [1], [13], [1])
    with pytest.raises(asyncpg.UniqueViolationError):  # nor is a slug that another has
        async with stage.db.write() as tx:
            await catalog.import_products(tx, [9009], ["ip1"], ["Other"], [""], [9001])


async def test_sellers_change_their_own_offers_only_over_http(stage: Stage) -> None:
    mine, theirs = await stage.seller(), await stage.seller()
    staff = stage.as_(Role.SELLER, seller_id=mine.id)
    stranger = stage.as_(Role.SELLER, seller_id=theirs.id)
    made = await offer(stage, mine, await goods(stage, "HTTP"))
    at = f"/v1/seller/offers/{made.id}"
    async with stage.http(routes) as http:
        new = {"unit_price_minor": 1500}
        assert (await http.put(f"{at}/price", json=new)).status_code == 401
        assert (await http.put(f"{at}/price", json=new, headers=stage.as_(Role.BUYER))).status_code == 403
        assert (await http.put(f"{at}/price", json=new, headers=stranger)).status_code == 404
        assert (await http.get(at, headers=stranger)).status_code == 404
        for bad in (-1, 10**15 + 1, 1.5, "1", None):
            answer = await http.put(f"{at}/price", json={"unit_price_minor": bad}, headers=staff)
            assert answer.status_code == 400
        assert (await http.get(at, headers=staff)).json()["unit_price_minor"] == 1299

        assert (await http.put(f"{at}/price", json=new, headers=staff)).json()["unit_price_minor"] == 1500
        assert (await http.post(f"{at}/pause", headers=stranger)).status_code == 404
        assert (await http.post(f"{at}/pause", headers=staff)).json()["status"] == "paused"
        assert (await http.post(f"{at}/resume", headers=staff)).json()["status"] == "active"

        category = (await http.get("/v1/categories")).json()["items"][0]["id"]
        product = {"title": "Tea", "category_id": category, "variants": [{"sku": "TEA-1", "gtin": "4006381333931"}]}
        added = await http.post("/v1/seller/products", json=product, headers=staff)
        assert (added.status_code, added.json()["slug"]) == (201, f"tea-{added.json()['id']}")
        assert (await http.post("/v1/seller/products", json=product, headers=staff)).status_code == 409
        assert (await http.post("/v1/seller/products", json=product | {"x": 1}, headers=staff)).status_code == 400
