"""What must be there before the first basket: market, sellers, catalog, stores, buyers with money, stock.

All of it comes through the rooms' front doors, some thousand rows a call. The figures are those of the window: the
opening stock is what it sells, and a wallet holds what its household pays: what both have in the end came back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import polars as pl

from entrepot import accounts, catalog, credit, inventory, logistics, payments, pricing, sellers
from entrepot.inventory import Goods
from entrepot.kit.db import Tx
from entrepot.world.completejourney.fates import FEE_BP, MINIMUM_MINOR, MONTHS
from entrepot.world.completejourney.identity import (
    CELL,
    CURRENCY,
    MARKET,
    OPENING,
    Kind,
    offer_id,
    uuid_of,
)
from entrepot.world.completejourney.source import THOUSANDTHS, UNBRANDED_SELLER, Catalog
from entrepot.world.completejourney.steps import Step

CHUNK = 10_000
"""Rows that one step writes."""
SHIPPING = "standard"
COUNTRY = "US"

TERMS = sellers.Terms(
    market=MARKET, valid_from=OPENING, commission_bp=1000, payment_fee_bp=150, quote_ttl_s=1800, payment_ttl_s=900,
    confirm_after_s=10 * 86_400, untracked_after_s=30 * 86_400, source="demo",
)  # fmt: skip
CREDIT = credit.Terms(
    MARKET, OPENING, grace_s=5 * 86_400, retry_s=2 * 86_400, late_fee_minor=500, late_fee_max_bp=1000,
    default_after_s=90 * 86_400, scores=[0], limits_minor=[10_000_00], source="demo",
)  # fmt: skip
PLANS = credit.PlanTerms(MARKET, MONTHS, OPENING, True, FEE_BP, "buyer", MINIMUM_MINOR, "demo")
SERVICES = (
    # The replayed buyers pay what they paid in the store, and not a cent for shipping.
    pricing.ShippingService(MARKET, SHIPPING, "Standard, free", 0, 0, 3 * 86_400, 1),
    pricing.ShippingService(MARKET, "express", "Express", 499, 50, 86_400, 2),
)


def load_steps(window: Catalog) -> Iterator[Step]:
    """The steps that open the shops, in the order in which one needs the other."""

    def step(work: Callable[[Tx, pl.DataFrame], Awaitable[None]], rows: pl.DataFrame) -> Iterator[Step]:
        for some in rows.iter_slices(CHUNK):
            yield Step(OPENING, lambda tx, some=some: work(tx, some))  # type: ignore[misc]

    yield Step(OPENING, _open_market)
    yield from step(_add_locations, window.stores)
    yield from step(_open_sellers, window.sellers)
    categories = _categories(window.products)
    yield Step(OPENING, lambda tx: _add_categories(tx, categories))
    yield from step(_add_products, _in_categories(window.products, categories))
    yield from step(_add_buyers, window.households)
    yield from step(_add_offers, window.offers)


async def _open_market(tx: Tx) -> None:
    await sellers.add_market(
        tx, sellers.Market(MARKET, "United States", CURRENCY, "en", "US", time_zone="America/New_York")
    )
    await sellers.set_terms(tx, TERMS)
    await credit.set_terms(tx, CREDIT)
    await credit.set_plan_terms(tx, PLANS)
    for service in SERVICES:
        await pricing.add_shipping_service(tx, service)


async def _add_locations(tx: Tx, stores: pl.DataFrame) -> None:
    ids = stores["store_id"].to_list()
    await logistics.import_locations(
        tx, CELL, ids, [f"store-{n}" for n in ids], stores["name"].to_list(), [COUNTRY] * len(ids)
    )


async def _open_sellers(tx: Tx, rows: pl.DataFrame) -> None:
    numbers, count = rows["seller_id"].to_list(), rows.height
    slugs = ["unbranded" if n == UNBRANDED_SELLER else f"manufacturer-{n}" for n in numbers]
    await sellers.open_sellers(
        tx, CELL, [sellers.SellerId(uuid_of(Kind.SELLER, n)) for n in numbers], slugs, rows["name"].to_list(),
        ["third_party"] * count, [None] * count, [CURRENCY],
    )  # fmt: skip


def _categories(products: pl.DataFrame) -> pl.DataFrame:
    """Departments, and the categories below them that have a name of their own: id, parent_id, department, category
    (null for the department itself). Numbered by name, so that a window always has the same."""
    pairs = products.select("department", "category").unique().sort("department", "category")
    tops = pairs.select("department").unique().sort("department").with_columns(category=pl.lit(None, pl.String))
    below = pairs.filter(pl.col("department") != pl.col("category"))
    rows = pl.concat([tops, below]).with_row_index("id", 1).with_columns(pl.col("id").cast(pl.Int64))
    parents = rows.filter(pl.col("category").is_null()).select("department", top="id")
    parent = pl.when(pl.col("category").is_not_null()).then("top").alias("parent_id")
    return rows.join(parents, on="department", maintain_order="left").with_columns(parent)


async def _add_categories(tx: Tx, rows: pl.DataFrame) -> None:
    names = rows.select(pl.coalesce("category", "department")).to_series().to_list()
    slugs = [f"{_stem(name)}-{id_}" for name, id_ in zip(names, rows["id"], strict=True)]
    await catalog.import_categories(tx, rows["id"].to_list(), rows["parent_id"].to_list(), slugs, names)


def _in_categories(products: pl.DataFrame, categories: pl.DataFrame) -> pl.DataFrame:
    """Products with their category's id; where the category has the department's name, that is the department's."""
    own = products.with_columns(category=pl.when(pl.col("category") != pl.col("department")).then("category"))
    keys = categories.select("department", "category", category_id="id")
    return own.join(keys, on=["department", "category"], nulls_equal=True, maintain_order="left")


async def _add_products(tx: Tx, rows: pl.DataFrame) -> None:
    """A product has one variant of the same number, sold each or, as fuel, per thousand thousandths of a gallon."""
    ids, titles, per = rows["product_id"].to_list(), rows["title"].to_list(), rows["price_per"].to_list()
    brands = [f"Manufacturer {n}" if n != UNBRANDED_SELLER else "" for n in rows["seller_id"]]
    slugs = [f"{_stem(title)}-{id_}" for id_, title in zip(ids, titles, strict=True)]
    await catalog.import_products(tx, ids, slugs, titles, brands, rows["category_id"].to_list())
    await catalog.import_variants(
        tx, ids, ids, [f"CJ-{id_}" for id_ in ids], [""] * len(ids),
        ["milligallon" if n == THOUSANDTHS else "each" for n in per], per,
    )  # fmt: skip


async def _add_buyers(tx: Tx, rows: pl.DataFrame) -> None:
    numbers = rows["household_id"].to_list()
    await accounts.import_buyers(tx, [uuid_of(Kind.BUYER, n) for n in numbers], CELL)
    paying = rows.filter(pl.col("pays_minor") > 0)
    payers = paying["household_id"].to_list()
    await payments.top_up_many(
        tx, CELL, CURRENCY, [uuid_of(Kind.BUYER, n) for n in payers], paying["pays_minor"].to_list(),
        [uuid_of(Kind.TOP_UP, n) for n in payers],
    )  # fmt: skip


async def _add_offers(tx: Tx, rows: pl.DataFrame) -> None:
    """Offers with the stock that the window needs; each lot of rows is one receipt, named by its first offer."""
    products, stores = rows["product_id"].to_list(), rows["store_id"].to_list()
    owners = [uuid_of(Kind.SELLER, n) for n in rows["seller_id"]]
    stocks = await inventory.open_stock(tx, CELL, owners, products, stores)
    ids = [offer_id(product, store) for product, store in zip(products, stores, strict=True)]
    receipt = uuid_of(Kind.RECEIPT, ids[0])
    goods = [Goods(stock, n, receipt) for stock, n in zip(stocks, rows["quantity"], strict=True)]
    await inventory.receive(tx, CELL, goods)
    await catalog.import_offers(
        tx, CELL, ids, owners, products, [MARKET] * len(ids), stores, stocks, rows["unit_price_minor"].to_list()
    )


def _stem(name: str) -> str:
    """A name as a part of an address: `Baked Bread/ Buns` is `baked-bread-buns`."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words)
