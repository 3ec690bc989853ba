"""A generated marketplace of any size, and purchases in it: for the bench and for rehearsals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from uuid import UUID

import asyncpg

from entrepot import accounts, catalog, inventory, ledger, logistics, orders, pricing, sellers, trade
from entrepot.inventory import Goods
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.migrate import migrate
from entrepot.ledger import Transfer
from entrepot.pricing import Line
from entrepot.world.completejourney import run_until_idle

CELL, MARKET, CURRENCY = 0, "us", "USD"
SHIPPING = "standard"
CHUNK = 5_000
HISTORY_BATCH = 100
WALLET_MINOR = 10**10
ON_HAND = 10**9

# (lines, sellers) of ten baskets: 9.4 lines and 5.9 sellers on average, as in the Complete Journey.
BASKETS = ((1, 1), (2, 2), (4, 3), (6, 4), (8, 5), (9, 6), (11, 7), (14, 9), (16, 9), (23, 13))
ONE_LINE = ((1, 1),)


@dataclass(frozen=True)
class Sizes:
    """`history`: groups that were sold before, so that PostgreSQL plans with the statistics of a running shop rather
    than with those of empty tables, which a server has in its first minute only."""

    sellers: int
    offers: int
    buyers: int
    history: int


@dataclass(frozen=True)
class Market:
    """`offers[seller]` are the facts of that seller's offers."""

    buyers: list[UUID]
    offers: list[list[catalog.OfferFacts]]


async def open_market(url: str, sizes: Sizes) -> None:
    """Makes the marketplace in an empty database: sellers, one product and offer each, buyers with full wallets."""
    await migrate(url)
    db = await Database.open(url)
    try:
        async with db.write() as tx:
            await trade.load_packs(tx)  # as `entrepot up` does
            owners = await _open_shops(tx, sizes.sellers)
        for first in range(1, sizes.offers + 1, CHUNK):
            async with db.write() as tx:
                await _offer(tx, range(first, min(first + CHUNK, sizes.offers + 1)), owners)
        for first in range(0, sizes.buyers, CHUNK):
            async with db.write() as tx:
                await add_buyers(tx, min(CHUNK, sizes.buyers - first))
        await _sell(db, sizes.history)
    finally:
        await db.close()
    # As autovacuum would within the minute.
    connection = await asyncpg.connect(url)
    await connection.execute("vacuum analyze")
    await connection.close()


async def _open_shops(tx: Tx, count: int) -> list[UUID]:
    await sellers.add_market(tx, sellers.Market(MARKET, "United States", CURRENCY, "en", "US"))
    await sellers.set_terms(
        tx,
        sellers.Terms(
            market=MARKET, valid_from=tx.now - timedelta(days=1), commission_bp=1_000, payment_fee_bp=150,
            quote_ttl_s=86_400, payment_ttl_s=900, confirm_after_s=10 * 86_400, untracked_after_s=30 * 86_400,
            source="generated",
        ),
    )  # fmt: skip
    await pricing.add_shipping_service(
        tx, pricing.ShippingService(MARKET, SHIPPING, "Standard", 500, 100, 3 * 86_400, 1)
    )
    await logistics.import_locations(tx, CELL, [1], ["w1"], ["Warehouse"], ["US"])
    await catalog.add_category(tx, "things", "Things")
    ids = [sellers.SellerId(new_id(tx.now)) for _ in range(count)]
    await sellers.open_sellers(
        tx, CELL, ids, [f"seller-{n}" for n in range(count)], [f"Seller {n}" for n in range(count)],
        ["third_party"] * count, [None] * count, [CURRENCY],
    )  # fmt: skip
    return list(ids)


async def _offer(tx: Tx, numbers: range, owners: Sequence[UUID]) -> None:
    """Products, variants, stock and offers of the same numbers, the sellers taking turns."""
    ids, count = list(numbers), len(numbers)
    category = await tx.conn.fetchval("select min(id) from catalog.category")
    words = ("Red", "Blue", "Green", "Small", "Large", "Round", "Soft")
    titles = [f"{words[n % 7]} thing of kind {n}" for n in ids]
    await catalog.import_products(tx, ids, [slug(n) for n in ids], titles, ["Brand"] * count, [category] * count)
    await catalog.import_variants(tx, ids, ids, [f"sku-{n}" for n in ids], [""] * count, ["each"] * count, [1] * count)
    mine = [owners[n % len(owners)] for n in ids]
    stocks = await inventory.open_stock(tx, CELL, mine, ids, [1] * count)
    receipt = new_id(tx.now)
    await inventory.receive(tx, CELL, [Goods(stock, ON_HAND, receipt) for stock in stocks])
    await catalog.import_offers(
        tx, CELL, ids, mine, ids, [MARKET] * count, [1] * count, stocks, [100 + n % 5_000 for n in ids]
    )


def slug(number: int) -> str:
    return f"thing-{number}"


async def add_buyers(tx: Tx, count: int) -> list[UUID]:
    """Buyers with full wallets; their ids."""
    buyers = [new_id(tx.now) for _ in range(count)]
    await accounts.import_buyers(tx, buyers, CELL)
    cash, *wallets = await ledger.account_ids(
        tx, CELL, ["cash"] + ["wallet"] * count, [NIL, *buyers], [CURRENCY] * (count + 1)
    )
    # cash -> wallet 100,000,000.00, as payments.top_up does for one
    await ledger.post_all(
        tx, CELL, [Transfer(new_id(tx.now), "top_up", cash, wallet, WALLET_MINOR) for wallet in wallets]
    )
    return buyers


async def _sell(db: Database, groups: int) -> None:
    past = await quoted(db, purchases(await load_market(db), BASKETS, groups, 1), "history")
    for n in range(0, len(past), HISTORY_BATCH):
        async with db.write() as tx:
            await orders.place_many(tx, CELL, past[n : n + HISTORY_BATCH])
    await run_until_idle(db)


async def load_market(db: Database) -> Market:
    """What open_market has made."""
    async with db.read() as tx:
        buyers = [
            row[0] for row in await tx.conn.fetch("select id from accounts.user where role = 'buyer' order by id")
        ]
        ids = [row[0] for row in await tx.conn.fetch("select id from catalog.offer order by id")]
        facts = await catalog.offers_for_quote(tx, CELL, ids)
    by_seller: dict[UUID, list[catalog.OfferFacts]] = {}
    for offer in sorted(facts, key=lambda offer: offer.offer_id):
        by_seller.setdefault(offer.seller_id, []).append(offer)
    return Market(buyers, list(by_seller.values()))


def purchases(market: Market, shapes: Sequence[tuple[int, int]], count: int, seed: int) -> Iterator[orders.Purchase]:
    """`count` purchases of these (lines, sellers) in turn, by buyers in turn, of offers chosen with `seed`."""
    rng = Random(seed)  # noqa: S311 - repeatable, nothing secret
    buyers = list(market.buyers)
    rng.shuffle(buyers)
    for (lines, parties), buyer in zip(islice(cycle(shapes), count), cycle(buyers), strict=False):
        shops = rng.sample(market.offers, parties)
        # One line of each seller first, so that none of them is left out.
        chosen = {
            offer.offer_id: offer
            for shop in [*shops, *(rng.choice(shops) for _ in range(lines - parties))]
            for offer in [rng.choice(shop)]
        }
        yield orders.Purchase(buyer, MARKET, SHIPPING, [Line(offer, 1) for offer in chosen.values()])


async def quoted(db: Database, asked: Iterator[orders.Purchase], key: str) -> list[orders.Place]:
    """Stores quotes and gives the commands that place them, each with an idempotency key of its own."""
    commands: list[orders.Place] = []
    while some := list(islice(asked, CHUNK)):
        async with db.write() as tx:
            ids = await orders.quote_many(tx, CELL, some)
        commands += [
            orders.Place(purchase.buyer_id, f"{key}-{len(commands) + n}", quote, "wallet")
            for n, (purchase, quote) in enumerate(zip(some, ids, strict=True))
        ]
    return commands
