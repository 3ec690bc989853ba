"""A counter with six offers over three stocks, for tests that place orders on it.

    offer 0, 1   seller 0, both sold from stock 0, for 3 and 5
    offer 2      seller 1, stock 1, for 4
    offer 3      seller 1, stock 2, for nothing
    offer 4      seller 1, a bundle of two of offer 2 and one of offer 3, for 7
    offer 5      seller 0, a pack of two of offer 0, for 5

All is in cell 0, unless a Counter is told otherwise: the cell of the buyers, and those of the two sellers.

Buyers 0 and 1 have wallets, buyer 2 has none. Shipping is `free`, or `paid`: 2 an order and 1 a line. Promotions: `all`
and `half` are the operator's, `sale` (half) the seller's. So are three that take half off
but not for ever: `two` for two purchases, `once` for one of each buyer, `purse` for 40 altogether."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from entrepot import accounts, catalog, inventory, logistics, orders, payments, pricing, sellers
from entrepot.inventory import Goods
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
QUOTE_TTL_S, PAYMENT_TTL_S = 1_800, 900
PRICES = (3, 5, 4, 0, 7, 5)
NEEDS = (((0, 1),), ((0, 1),), ((1, 1),), ((2, 1),), ((1, 2), (2, 1)), ((0, 2),))
"""(stock, units) of which one of each offer takes."""
SELLER_OF = (0, 0, 1, 1, 1, 0)
STOCK_SELLER = (0, 1, 1)
BUNDLES = {4: ((2, 2), (3, 1)), 5: ((0, 2),)}
PROMOTIONS = (
    ("all", 10_000, "operator", (None, None, None)),
    ("half", 5_000, "operator", (None, None, None)),
    ("sale", 5_000, "seller", (None, None, None)),
    ("two", 5_000, "operator", (2, None, None)),
    ("once", 5_000, "operator", (None, 1, None)),
    ("purse", 5_000, "operator", (None, None, 40)),
)
TABLES = (
    "orders.order_group", "orders.order", "orders.order_line", "orders.discount_line", "orders.quote",
    "ledger.transfer", "ledger.balance", "inventory.stock", "inventory.movement", "payments.payment", "kit.event",
    "kit.idempotency_key", "pricing.quota", "pricing.quota_use", "orders.away_order",
)  # fmt: skip


class Wanted(msgspec.Struct, frozen=True):
    """A quote to ask for: (offer, quantity) for a buyer."""

    buyer: int
    lines: tuple[tuple[int, int], ...]
    promotion: str | None = None
    shipping: str = "free"


class Quoted(msgspec.Struct, frozen=True):
    """What a quote came to."""

    id: UUID
    paid_minor: int
    operator_minor: int
    orders: int
    cells: int


class Counter:
    def __init__(self, home: int = 0, cells: tuple[int, int] = (0, 0)) -> None:
        self.home, self.cells = home, cells
        self.buyers = [UUID(int=100 + number) for number in range(3)]
        self.sellers = [UUID(int=200), UUID(int=201)]
        self.stocks: list[int] = []
        self.offers: list[int] = []

    def cell_of(self, offer: int) -> int:
        return self.cells[SELLER_OF[offer]]

    async def open(self, tx: Tx) -> None:
        for cell in sorted({self.home, *self.cells} - {0}):
            await tx.conn.execute("insert into kit.cell values ($1)", cell)
        await sellers.add_market(tx, sellers.Market("us", "United States", "USD", "en"))
        await sellers.set_terms(
            tx,
            sellers.Terms(
                market="us", valid_from=NOW - timedelta(days=30), commission_bp=1_000, payment_fee_bp=150,
                quote_ttl_s=QUOTE_TTL_S, payment_ttl_s=PAYMENT_TTL_S, confirm_after_s=86_400, untracked_after_s=86_400,
                source="tests",
            ),
        )  # fmt: skip
        for cell in sorted(set(self.cells)):
            await logistics.import_locations(tx, cell, [1], ["w1"], ["Warehouse"], ["US"])
        for code, base, item in (("free", 0, 0), ("paid", 2, 1)):
            await pricing.add_shipping_service(tx, pricing.ShippingService("us", code, code, base, item, 86_400, 1))
        everywhere = len({0, self.home, *self.cells})  # each cell has its share of what is for everybody
        for code, percent_bp, party, (uses, each, budget) in PROMOTIONS:
            promotion = pricing.Promotion(
                code, "us", percent_bp, None, 0, party, NOW - timedelta(1), NOW + timedelta(36_500),
                uses and uses * everywhere, each, budget and budget * everywhere,
            )  # fmt: skip
            await pricing.add_promotion(tx, promotion)
        await accounts.import_buyers(tx, self.buyers[:2], self.home)
        for number, seller in enumerate(self.sellers):
            await sellers.open_seller(
                tx, sellers.SellerId(seller), f"seller-{number}", "A Seller", "third_party", currencies=["USD"],
                cell=self.cells[number],
            )  # fmt: skip
        category = await catalog.add_category(tx, "things", "Things")
        variants = [catalog.NewVariant(sku=f"sku-{number}") for number in range(6)]
        product = await catalog.add_product(tx, catalog.NewProduct("Thing", category, variants))
        for owner, sold in ((0, 0), (1, 2), (1, 3)):
            self.stocks += await inventory.open_stock(
                tx, self.cells[owner], [self.sellers[owner]], [product.variant_ids[sold]], [1]
            )
        for number, price in enumerate(PRICES):
            seller, variant, cell = self.sellers[SELLER_OF[number]], product.variant_ids[number], self.cell_of(number)
            if number in BUNDLES:
                parts = [catalog.InBundle(self.offers[offer], units) for offer, units in BUNDLES[number]]
                offer = await catalog.add_bundle(tx, cell, seller, catalog.NewBundle(variant, price, parts))
            else:
                stock = self.stocks[NEEDS[number][0][0]]
                offer = await catalog.add_offer(tx, cell, catalog.NewOffer(seller, variant, "us", 1, stock, price))
            self.offers.append(offer.id)

    async def fill(self, tx: Tx, units: Sequence[int], wallets: Sequence[int]) -> None:
        """Puts units on the three stocks and money into the two wallets."""
        for number, n in enumerate(units):
            if n:
                await inventory.receive(tx, self.cells[STOCK_SELLER[number]], [Goods(self.stocks[number], n, NIL)])
        for buyer, minor in zip(self.buyers, wallets, strict=False):
            if minor:
                await payments.top_up(tx, self.home, buyer, "USD", minor, new_id(tx.now))

    async def quote(self, tx: Tx, wanted: Sequence[Wanted]) -> list[Quoted]:
        facts = {
            fact.offer_id: fact
            for cell in set(self.cells)
            for fact in await catalog.offers_for_quote(tx, cell, self.offers)
        }
        purchases = [
            orders.Purchase(
                self.buyers[w.buyer], "us", w.shipping, promotion_code=w.promotion,
                lines=[pricing.Line(facts[self.offers[offer]], quantity) for offer, quantity in w.lines],
            )
            for w in wanted
        ]  # fmt: skip
        ids = [(await orders.quote_many(tx, self.home, [purchase]))[0] for purchase in purchases]
        rows = await tx.conn.fetch(
            "select id, max(paid_minor) filter (where group_cell is null), sum((select coalesce(sum(d), 0)::bigint "
            "from unnest(order_operator_discounts) d))::bigint, sum(cardinality(order_ids))::int, count(*)::int "
            "from orders.quote where id = any ($1) group by id order by array_position($1, id)",
            ids,
        )
        return [Quoted(*row) for row in rows]

    async def stock(self, tx: ReadTx) -> list[tuple[int, int, int]]:
        query = (
            "select on_hand, held, allocated from inventory.stock where id = any ($1) order by array_position($1, id)"
        )
        return [tuple(row) for row in await tx.conn.fetch(query, self.stocks)]

    async def state(self, tx: Tx) -> dict[str, str]:
        """All that placing could change, to assert that a refusal changed nothing."""
        digest = "select md5(string_agg(t::text, ',' order by t::text)) from {} t"
        return {table: await tx.conn.fetchval(digest.format(table)) for table in TABLES}
