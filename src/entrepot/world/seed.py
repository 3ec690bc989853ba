"""What the demo adds to the real year, so that one can look around: log-ins, goods on the shelves, and fresh orders.

All of it is one transaction, done once: a second demo on the same folder adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import (
    accounts,
    bonded,
    catalog,
    credit,
    inventory,
    logistics,
    orders,
    payments,
    pricing,
    sellers,
    trade,
)
from entrepot.inventory import Goods
from entrepot.kit.auth import Role, hash_password
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import NIL, new_id, parse
from entrepot.kit.sql import sql
from entrepot.world.completejourney import run_until_idle

CELL, MARKET, CURRENCY = 0, "US", "USD"
PASSWORD = "entrepot-demo"  # noqa: S105 - known to everybody, printed at the end
BUYER, SELLER, OPERATOR = "buyer@demo.example", "seller@demo.example", "operator@demo.example"
OWN_SHOP = "own-shop@demo.example"
WALLET_MINOR = 500_00
PIECES, THOUSANDTHS = 40, 250_000
"""On the shelf of each restocked offer: pieces, or thousandths of a gallon."""
LOTS = 10_000
"""Offers restocked at a time."""
WAREHOUSE = 1
"""The source's stores begin at 2."""
ABROAD = 100_001
"""A warehouse in Portugal, far beyond the source's stores: what it sends crosses a border."""
BOND = 100_002
"""A bonded warehouse in this country: what lies there is imported when it leaves."""
CARRIER = "demo"
SLOTTED, SLOT_DAYS, SLOT_HOURS, SLOT_PLACES, CUTOFF_MIN = "two-hours", 60, (10, 14, 18), 20, 120
"""Delivery in a window of two hours that the buyer chooses, three a day, each closed two hours before it begins."""
DAY_S = 86_400
NAME = "demo"


class OwnGoods(NamedTuple):
    """A product that the operator bought to sell it itself; minor units. Of some it is said what one unit is at
    customs: code, origin, weight."""

    sku: str
    title: str
    description: str
    cost_minor: int
    price_minor: int
    hs_code: str = ""
    origin: str = ""
    weight_g: int = 0
    warehouse: int = 1


OWN_GOODS = (
    OwnGoods("OWN-TOTE", "Canvas tote bag, natural", "Heavy cotton with long handles.", 410, 1_200, "420222", "IN",
             240),
    OwnGoods("OWN-BOTTLE", "Steel bottle, 0.75 l", "Keeps tea hot for twelve hours.", 980, 2_450),
    OwnGoods("OWN-BOX", "Lunch box, three compartments", "Leakproof lids, fits the dishwasher.", 720, 1_790, "392410",
             "CN", 310),
    OwnGoods("OWN-LAMP", "Reading lamp, clip-on", "Warm light, bends to the page, charges by cable.", 1_150, 2_990),
    OwnGoods("OWN-MUG", "Porcelain mug, hand-painted", "Blue waves on white, made in a small works near Porto.", 640,
             1_690, "691110", "PT", 380, ABROAD),
    OwnGoods("OWN-GLASS", "Drinking glasses, set of four", "Pressed glass, stackable.", 850, 2_290, "701337", "PT",
             1_150, ABROAD),
    OwnGoods("OWN-SWEATER", "Fisherman's sweater", "Undyed cotton, knitted in one piece.", 2_300, 5_900, "611020", "PE",
             540, BOND),
)  # fmt: skip
OWN_PIECES, BOTTLE, MUG, SWEATER = 60, 1, 4, 6


class OwnBundle(NamedTuple):
    """`units` of OWN_GOODS in one bundle, by SKU."""

    sku: str
    title: str
    price_minor: int
    units: dict[str, int]


OWN_BUNDLES = (
    OwnBundle("OWN-LUNCH", "Lunch set: box and bottle", 3_690, {"OWN-BOX": 1, "OWN-BOTTLE": 1}),
    OwnBundle("OWN-PICNIC", "Picnic set: tote, two bottles and three boxes", 9_990,
              {"OWN-TOTE": 1, "OWN-BOTTLE": 2, "OWN-BOX": 3}),
)  # fmt: skip
"""They share bottles and boxes, with each other and with those sold alone."""


class _BestOffer(msgspec.Struct, frozen=True):
    offer_id: int
    stock_id: int
    price_per: int
    sold: int


_BEGUN = sql(
    """
    insert into world.progress (name, until, day, step) values (:name, :day, :day, 0)
    on conflict do nothing
    returning name
    """,
    str,
)
# One offer of each product: the one that the replay sold most of.
_BEST_OFFERS = sql(
    """
    select distinct on (o.product_id) o.id, o.stock_id, o.price_per, count(*)::int as sold
      from orders.order_line l
      join catalog.offer o on o.cell = l.cell and o.id = l.offer_id
     where l.cell = :cell and o.market = :market
     group by o.cell, o.id
     order by o.product_id, count(*) desc, o.id
    """,
    _BestOffer,
)
_BUSIEST_SELLER = sql(
    """
    select seller_id from orders.order where cell = :cell group by seller_id order by count(*) desc, seller_id limit 1
    """,
    UUID,
)


async def seed(url: str) -> bool:
    """Adds it all at the machine's time, the fresh orders over the last days; False when it is there already."""
    hashed = await hash_password(PASSWORD)
    clock = VirtualClock(RealClock().now() - timedelta(days=4))
    db = await Database.open(url, clock, size=1)
    try:
        added = await db.transact(lambda tx: _seed(tx, clock.now(), hashed))
        clock.move_to(RealClock().now())
        await run_until_idle(db)
        return added
    finally:
        await db.close()


async def _seed(tx: Tx, start: datetime, hashed: str) -> bool:
    if await tx.maybe(_BEGUN, name=NAME, day=start.date()) is None:
        return False
    await trade.load_packs(tx)
    await _offer_installments(tx, start)
    await _offer_time_slots(tx)
    best = sorted(await tx.all(_BEST_OFFERS, cell=CELL, market=MARKET), key=lambda o: (-o.sold, o.offer_id))
    await _restock(tx, best)
    own_shop, own = await _open_own_shop(tx)
    await _add_staff(tx, own_shop, hashed)
    buyer = (await accounts.register_buyer(tx, BUYER, "Robin Demo", hashed, CELL)).user_id
    await payments.top_up(tx, CELL, buyer, CURRENCY, WALLET_MINOR, new_id(tx.now))
    address = await accounts.add_address(
        tx, CELL, buyer,
        accounts.NewAddress(
            recipient="Robin Demo", line1="12 Harbor Street", city="Springfield", postal_code="62701", country="US",
            region="IL",
        ),
    )  # fmt: skip
    pieces = [offer.offer_id for offer in best if offer.price_per == 1]
    await _fresh_orders(tx, start, buyer, address, [pieces[0:3], [pieces[3], own[0]], [*pieces[4:6], own[-2]]])
    await _buy_by(tx, "duties-paid", buyer, address, own[MUG], own[0])
    await _buy_by(tx, "duties-paid", buyer, address, own[SWEATER])
    await _buy_by(tx, SLOTTED, buyer, address, own[BOTTLE])
    await _fill_cart(tx, buyer, address, [pieces[6], pieces[7], own[MUG], own[-1]])
    return True


async def _offer_installments(tx: Tx, start: datetime) -> None:
    """Three months cost nothing, which the sellers bear; twelve cost the buyer 6 %."""
    terms = credit.Terms(
        MARKET,
        start,
        5 * DAY_S,
        2 * DAY_S,
        5_00,
        1_000,
        90 * DAY_S,
        [200, 400, 600],
        [500_00, 1_500_00, 5_000_00],
        NAME,
    )
    await credit.set_terms(tx, terms)
    for months, fee_bp, bearer in ((3, 150, "seller"), (12, 600, "buyer")):
        await credit.set_plan_terms(tx, credit.PlanTerms(MARKET, months, start, True, fee_bp, bearer, 30_00, NAME))


async def _offer_time_slots(tx: Tx) -> None:
    """From tomorrow on, as one who opens the demo counts."""
    await pricing.add_shipping_service(
        tx, pricing.ShippingService(MARKET, SLOTTED, "In a window of two hours", 999, 0, 7_200, 4)
    )
    days = [RealClock().now().date() + timedelta(days=1 + n) for n in range(SLOT_DAYS)]
    for hour in SLOT_HOURS:
        await pricing.add_slots(
            tx,
            pricing.NewSlots(MARKET, SLOTTED, days, time(hour), time(hour + 2), SLOT_PLACES, CUTOFF_MIN),
        )


async def _restock(tx: Tx, offers: Sequence[_BestOffer]) -> None:
    """The replay sold all that there was; people who look around shall find something to buy."""
    for i in range(0, len(offers), LOTS):
        receipt = new_id(tx.now)
        await inventory.receive(
            tx, CELL,
            [Goods(o.stock_id, PIECES if o.price_per == 1 else THOUSANDTHS, receipt) for o in offers[i : i + LOTS]],
        )  # fmt: skip


async def _open_own_shop(tx: Tx) -> tuple[UUID, list[int]]:
    """The operator's own shop (the "heavy" model): goods bought from a supplier, own_stock -> supplier. The seller and
    its offers, the bundles last."""
    seller = sellers.SellerId(new_id(tx.now))
    await sellers.open_seller(tx, seller, "entrepot", "Entrepot", "own", currencies=[CURRENCY], cell=CELL)
    await logistics.import_locations(
        tx,
        CELL,
        [WAREHOUSE, ABROAD, BOND],
        ["warehouse-1", "porto-1", "zone-1"],
        ["Entrepot warehouse", "Porto warehouse", "Baltimore free zone"],
        ["US", "PT", "US"],
    )
    porto = logistics.LocationAddress("Rua do Cais 12", "Porto", "4050-001")
    await logistics.set_address(tx, CELL, None, ABROAD, porto)
    zone = logistics.LocationAddress("74 Locust Point", "Baltimore", "21230")
    await logistics.set_address(tx, CELL, None, BOND, zone)
    await bonded.open_book(tx, CELL, BOND, "DEMO-074", "Baltimore", NIL)
    ddp = pricing.ShippingService(MARKET, "duties-paid", "Express, duties paid", 699, 50, 2 * 86_400, 3, "DDP", 250)
    await pricing.add_shipping_service(tx, ddp)
    category = await catalog.add_category(tx, "entrepot-selection", "Entrepot selection")
    variants = []
    for goods in OWN_GOODS:
        new = catalog.NewProduct(goods.title, category, [catalog.NewVariant(goods.sku)], "Entrepot", goods.description)
        variants += (await catalog.add_product(tx, new)).variant_ids
    stocks = await inventory.open_stock(tx, CELL, [seller] * len(variants), variants, [g.warehouse for g in OWN_GOODS])
    for goods, variant in zip(OWN_GOODS, variants, strict=True):
        if goods.hs_code:
            item = trade.Item(variant, goods.hs_code, {}, goods.origin, goods.title, goods.weight_g)
            await trade.set_item(tx, item, CELL, None)
    await _fill_shelves(tx, seller, variants, stocks)
    offers = [
        await catalog.add_offer(
            tx, CELL, catalog.NewOffer(seller, variant, MARKET, goods.warehouse, stock, goods.price_minor)
        )
        for goods, variant, stock in zip(OWN_GOODS, variants, stocks, strict=True)
    ]
    of = {goods.sku: offer.id for goods, offer in zip(OWN_GOODS, offers, strict=True)}
    for bundle in OWN_BUNDLES:
        made = catalog.NewProduct(bundle.title, category, [catalog.NewVariant(bundle.sku)], "Entrepot")
        (variant,) = (await catalog.add_product(tx, made)).variant_ids
        parts = [catalog.InBundle(of[sku], units) for sku, units in bundle.units.items()]
        offers.append(await catalog.add_bundle(tx, CELL, seller, catalog.NewBundle(variant, bundle.price_minor, parts)))
    return seller, [offer.id for offer in offers]


async def _fill_shelves(tx: Tx, seller: UUID, variants: Sequence[int], stocks: Sequence[int]) -> None:
    """What lies in bond comes in by a declaration."""
    receipt, costs = new_id(tx.now), [goods.cost_minor * OWN_PIECES for goods in OWN_GOODS]
    await inventory.buy(
        tx, CELL, [Goods(stock, OWN_PIECES, receipt) for stock in stocks[:SWEATER]], costs[:SWEATER], CURRENCY
    )  # fmt: skip
    goods, variant = OWN_GOODS[SWEATER], variants[SWEATER]
    item = bonded.NewItem(
        "A001", variant, goods.weight_g, goods.hs_code, goods.origin, goods.title, "kg", 4_200, CURRENCY
    )  # fmt: skip
    await bonded.say_item(tx, CELL, seller, BOND, item)
    lines = [bonded.Incoming(variant, OWN_PIECES, costs[SWEATER])]
    await bonded.receive(tx, CELL, seller, BOND, "DEMO-IN-1", lines, NIL, CURRENCY)


async def _add_staff(tx: Tx, own_shop: UUID, hashed: str) -> None:
    busiest = await tx.one(_BUSIEST_SELLER, cell=CELL)
    await accounts.add_staff(tx, Role.SELLER, busiest, SELLER, "Sam Demo", hashed)
    await accounts.add_staff(tx, Role.SELLER, own_shop, OWN_SHOP, "Owen Demo", hashed)
    await accounts.add_staff(tx, Role.OPERATOR, None, OPERATOR, "Olga Demo", hashed)


async def _fresh_orders(tx: Tx, start: datetime, buyer: UUID, address: UUID, baskets: Sequence[Sequence[int]]) -> None:
    """Three purchases of the last days: the first is there, the second on its way, the third just paid. What follows
    by itself (goods asked for, delivery noted) is left to the worker's jobs."""
    groups = [await _buy(tx, buyer, address, offers) for offers in baskets]
    for days, shipped in ((1, groups[0]), (3, groups[1])):
        tx.now = start + timedelta(days=days)
        await orders.ship_many(
            tx, CELL, [logistics.NewShipment(order, CARRIER, f"DEMO-{order.hex[-10:].upper()}") for order in shipped]
        )
    for days, status in ((2, "in_transit"), (3, "out_for_delivery"), (4, "delivered")):
        tx.now = start + timedelta(days=days)
        scans = [
            logistics.Scan(CARRIER, f"DEMO-{order.hex[-10:].upper()}", status, tx.now, "Springfield, IL")
            for order in groups[0]
        ]
        await logistics.track(tx, CELL, scans)
    tx.now = start


async def _buy(tx: Tx, buyer: UUID, address: UUID, offers: Sequence[int]) -> list[UUID]:
    """Two of each offer, paid from the wallet; the order ids."""
    facts = await catalog.offers_for_quote(tx, CELL, offers)
    lines = [pricing.Line(fact, 2) for fact in facts]
    count = len({(fact.seller_id, fact.location_id) for fact in facts})
    ids = tuple(new_id(tx.now) for _ in range(1 + count))
    purchase = orders.Purchase(buyer, MARKET, "standard", lines, address, ids=ids)
    (quote,) = await orders.quote_many(tx, CELL, [purchase])
    (verdict,) = await orders.place_many(tx, CELL, [orders.Place(buyer, f"demo-{quote.hex}", quote, "wallet")])
    if verdict.verdict != "placed":
        raise orders.problem_of(verdict)
    return list(ids[1:])


async def _buy_by(tx: Tx, shipping: str, buyer: UUID, address: UUID, *offers: int) -> None:
    """What is imported and what is not, duty and tax paid with it; or what comes in the first window that is free."""
    cart = await _fill_cart(tx, buyer, address, offers, shipping)
    quote = parse("quo", (await orders.quote_cart(tx, CELL, buyer, cart)).id)
    (verdict,) = await orders.place_many(tx, CELL, [orders.Place(buyer, f"demo-{quote.hex}", quote, "wallet")])
    if verdict.verdict != "placed":
        raise orders.problem_of(verdict)
    for offer in offers:
        await orders.remove_line(tx, CELL, buyer, cart, offer)


async def _fill_cart(tx: Tx, buyer: UUID, address: UUID, offers: Sequence[int], shipping: str = "standard") -> UUID:
    cart = await orders.own_cart(tx, CELL, buyer, MARKET)
    for offer in offers:
        await orders.add_line(tx, CELL, buyer, cart, offer, 1)
    await orders.set_address(tx, CELL, buyer, cart, address)
    slot = (await pricing.free_slots(tx, MARKET, SLOTTED))[0].slot if shipping == SLOTTED else None
    await orders.set_shipping(tx, CELL, buyer, cart, shipping, slot)
    return cart
