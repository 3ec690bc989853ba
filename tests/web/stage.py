"""A market hall for the pages' tests: four sellers, three departments, goods of every kind, and people who sign in."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from entrepot import accounts, catalog, inventory, logistics, payments, pricing, sellers
from entrepot.inventory import Goods
from entrepot.kit.auth import Role, hash_password
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import new_id, show

MARKET = "us"
PASSWORD = "a long enough one"
HOSTILE = "<script>alert(1)</script> & \"Tea\" 'Ltd'"

SELLERS = ("Harbor Dairy", "Green Acre Farms", "Northside Roasters", HOSTILE)
GOODS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "Dairy & eggs": (
        ("White Milk, 1 gal", "Harbor Dairy", 389), ("Sharp Cheddar Cheese, 8 oz", "Harbor Dairy", 449),
        ("Yogurt, Single, 6 oz", "Harbor Dairy", 89), ("Large Eggs, 1 dozen", "Green Acre Farms", 299),
        ("Vanilla Ice Cream, 48 oz", "Harbor Dairy", 599),
    ),
    "Produce": (
        ("Gala Apples, 3 lb", "Green Acre Farms", 449), ("Carrots, 2 lb", "Green Acre Farms", 199),
        ("Salad Mix, 10 oz", "Green Acre Farms", 329), ("Bananas, 2 lb", "Green Acre Farms", 129),
        ("Roses, Bouquet of 12", "Green Acre Farms", 1999),
    ),
    "Pantry": (
        ("Dark Roast Coffee, 12 oz", "Northside Roasters", 899), ("Earl Grey Tea, 20 ct", HOSTILE, 425),
        ("Wheat Bread, 20 oz", "Northside Roasters", 349), ("Tomato Soup, 10.75 oz", "Northside Roasters", 119),
        ("Potato Chips, 8 oz", "Northside Roasters", 379), ("Peanut Butter, 16 oz", "Northside Roasters", 329),
        ("Chocolate Chip Cookies, 13 oz", "Northside Roasters", 349), (HOSTILE, HOSTILE, 777),
        ("Frozen Pizza, 22 oz", "Harbor Dairy", 599), ("Orange Soda, 12 Cans", "Northside Roasters", 549),
    ),
}  # fmt: skip


_hashed: dict[str, str] = {}
"""Hashing is slow on purpose: once for all tests is enough."""


class Stage:
    """Ids by name. `offers` are by title; staff of the first seller signs in as `seller@example.org`."""

    def __init__(self) -> None:
        self.sellers: dict[str, UUID] = {}
        self.offers: dict[str, int] = {}
        self.slugs: dict[str, str] = {}
        self.buyer = self.other = self.staff = self.operator = UUID(int=0)


async def furnish(db: Database) -> Stage:
    """Fills an empty database."""
    stage = Stage()
    password = _hashed.get(PASSWORD) or await hash_password(PASSWORD)
    _hashed[PASSWORD] = password
    async with db.write() as tx:
        await _market(tx)
        for name in SELLERS:
            id_ = new_id(tx.now)
            slug = f"seller-{len(stage.sellers)}"
            await sellers.open_seller(tx, sellers.SellerId(id_), slug, name, "third_party", currencies=["USD"])
            stage.sellers[name] = id_
        for department, goods in GOODS.items():
            category = await catalog.add_category(tx, re.sub("[^a-z]+", "-", department.lower()), department)
            for title, seller, price in goods:
                await _product(tx, stage, category, title, seller, price)
        stage.buyer = (await accounts.register_buyer(tx, "ada@example.org", "Ada Byron", password)).user_id
        stage.other = (await accounts.register_buyer(tx, "eve@example.org", "Eve", password)).user_id
        await payments.top_up(tx, 0, stage.buyer, "USD", 25_000, new_id(tx.now))
        home = accounts.NewAddress(
            recipient="Ada Byron", line1="1 Main Street", city="Springfield", postal_code="62701", country="US"
        )
        await accounts.add_address(tx, 0, stage.buyer, home)
        first = stage.sellers[SELLERS[0]]
        stage.staff = await accounts.add_staff(tx, Role.SELLER, first, "seller@example.org", "Sel", password)
        stage.operator = await accounts.add_staff(tx, Role.OPERATOR, None, "operator@example.org", "Op", password)
    return stage


async def _market(tx: Tx) -> None:
    await sellers.add_market(tx, sellers.Market(MARKET, "United States", "USD", "en", "US"))
    await sellers.set_terms(
        tx,
        sellers.Terms(
            market=MARKET, valid_from=tx.now - timedelta(days=30), commission_bp=1_000, payment_fee_bp=150,
            quote_ttl_s=1_800, payment_ttl_s=900, confirm_after_s=10 * 86_400, untracked_after_s=30 * 86_400,
            source="tests",
        ),
    )  # fmt: skip
    for service in (
        pricing.ShippingService(MARKET, "standard", "Standard", 500, 100, 3 * 86_400, 1),
        pricing.ShippingService(MARKET, "express", "Express", 999, 100, 86_400, 2),
    ):
        await pricing.add_shipping_service(tx, service)
    await pricing.add_promotion(
        tx,
        pricing.Promotion(
            "HARBOR10", MARKET, 1_000, None, 0, "operator", tx.now - timedelta(days=1), tx.now + timedelta(days=365)
        ),
    )
    await logistics.import_locations(tx, 0, [1, 2], ["Pier 1", "Pier 2"], ["Pier 1", "Pier 2"], ["US", "CA"])


async def _product(tx: Tx, stage: Stage, category: int, title: str, seller: str, price: int) -> None:
    """A product offered by its seller from the first location and, dearer, by the next seller from the second."""
    sku = f"sku-{len(stage.offers)}"
    product = await catalog.add_product(tx, catalog.NewProduct(title, category, [catalog.NewVariant(sku=sku)]))
    (variant,) = product.variant_ids
    names = list(stage.sellers)
    rival = names[(names.index(seller) + 1) % len(names)]
    for location, who, minor in ((1, seller, price), (2, rival, price + 20)):
        (stock,) = await inventory.open_stock(tx, 0, [stage.sellers[who]], [variant], [location])
        await inventory.receive(tx, 0, [Goods(stock, 40, new_id(tx.now))])
        offer = await catalog.add_offer(
            tx, 0, catalog.NewOffer(stage.sellers[who], variant, MARKET, location, stock, minor)
        )
        stage.offers.setdefault(title, offer.id)
    stage.slugs[title] = product.slug


async def refuse_refunds(tx: Tx, buyer: UUID, count: int = 1) -> list[str]:
    """Refunds of 12.50 of late captures that the gateway refused, each of a payment of its own."""
    made = [(new_id(tx.now), new_id(tx.now)) for _ in range(count)]
    await tx.conn.executemany(
        "insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, refunded_minor, "
        "status, external_id, created_at, captured_at) "
        "values (0, $1, $1, $2, 'sandbox', 'USD', 1250, 1250, 'returning', $3, $4, $4)",
        [(payment, buyer, f"gw-{payment.hex}", tx.now) for payment, _ in made],
    )
    await tx.conn.executemany(
        "insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, refusal, reason, "
        "attempts, created_at) values (0, $2, $1, $1, $1, 1250, 'failed', 'account_closed', 'late_capture', 1, $3)",
        [(payment, refund, tx.now) for payment, refund in made],
    )
    return [show("rfd", refund) for _, refund in made]


async def failed_message(tx: Tx, user_id: UUID, order_id: UUID) -> UUID:
    """A message about an order to its buyer, which the mail server has refused."""
    id_ = new_id(tx.now)
    await tx.conn.execute(
        "insert into notify.message (cell, id, user_id, channel, party, kind, subject_id, data, language, status, "
        "reason, at, due_at) "
        "values (0, $1, $2, 'mail', 'buyer', 'shipped', $3, '{}', 'de', 'failed', 'smtp: 550', $4, $4)",
        id_, user_id, order_id, tx.now,
    )  # fmt: skip
    return id_
