"""Carts: what a buyer is about to buy, of many sellers. Half a second of them may be lost, an order never."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from entrepot import accounts, catalog, inventory, pricing, sellers, trade
from entrepot.catalog import Component, Converted, OfferFacts, Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import first_id, new_id, show
from entrepot.kit.problem import NotFound
from entrepot.orders import borders, selling, store, store_carts
from entrepot.orders.actions import quote_many
from entrepot.orders.borders import Border, CartDoor
from entrepot.orders.reads import as_bought
from entrepot.orders.store import QuoteLineRow
from entrepot.orders.store_carts import CartRow
from entrepot.orders.types import CartEmpty, CartFull, CartIncomplete, OfferUnavailable, Purchase
from entrepot.pricing import Window
from entrepot.trade import Barrier

MAX_CART_LINES = pricing.MAX_LINES
KEPT = timedelta(days=90)
"""How long a cart that nobody touches waits for its buyer."""
FORGOTTEN = 1_000
"""Carts that one `forget_carts` deletes, with their lines."""


class CartLine(msgspec.Struct, frozen=True):
    """`quantity` units, `price_per` of which cost `unit_price`; `total` is their gross. So many as `available` are left
    for everybody. Only a bundle has `components`. What is not sold where the cart is to go has the `rule` that says so.
    `converted` says of what the price was made, where its seller asks it in another currency."""

    offer_id: int
    title: str
    slug: str
    quantity: int
    unit: str
    price_per: int
    unit_price: Price
    total: Price
    buyable: bool
    available: int
    components: list[Component]
    rule: Barrier | None = None
    converted: Converted | None = None


class CartView(msgspec.Struct, frozen=True):
    """A cart with today's prices; shipping and discounts come with the quote. `slot` is when it is to come. Where
    something in it is for buyers of an age, and the buyer has not given one yet, there is the `age_rule`."""

    id: str
    market: str
    address_id: str | None
    shipping_code: str | None
    promotion_code: str | None
    lines: list[CartLine]
    items: Price
    age_rule: Barrier | None = None
    slot: int | None = None


class Cart(NamedTuple):
    """A buyer's cart as it is stored, and its lines as (offer id, what the offer is today, quantity)."""

    cell: int
    buyer_id: UUID
    row: CartRow
    lines: list[tuple[int, OfferFacts | None, int]]


class QuoteView(msgspec.Struct, frozen=True):
    """What placing the quote `id` costs until `expires_at`: items + shipping - discounts + duties == total. `borders`
    has what the border takes of each order that crosses one: that is in `duties` by a shipping service that is DDP; by
    one that is DAP whoever brings the goods asks for it at the door, beyond the total. In its `window` all of it is
    delivered."""

    id: str
    expires_at: datetime
    items: Price
    shipping: Price
    discounts: Price
    duties: Price
    total: Price
    lines: int
    borders: list[Border] = []
    window: Window | None = None


class QuoteLine(msgspec.Struct, frozen=True):
    """A line of a stored quote: `quantity` units, `price_per` of which cost `unit_price_minor`. A bundle is one line,
    and has components."""

    seller_name: str
    title: str
    slug: str
    quantity: int
    unit: str
    price_per: int
    unit_price_minor: int
    gross_minor: int
    components: list[QuoteLineRow]


class QuoteDetail(msgspec.Struct, frozen=True):
    """What a stored quote sends where, line by line, the lines of an order together."""

    market: str
    address_id: UUID | None
    shipping_code: str
    lines: list[QuoteLine]


async def create_cart(tx: Tx, cell: int, buyer_id: UUID, market: str) -> UUID:
    """Raises NotFound for an unknown market."""
    await sellers.market(tx, market)
    id_ = new_id(tx.now)
    await tx.run(store_carts.CREATE_CART, cell=cell, id=id_, buyer_id=buyer_id, market=market, now=tx.now)
    return id_


async def latest_cart(tx: ReadTx, cell: int, buyer_id: UUID, market: str) -> UUID | None:
    """The cart that a buyer used last in a market."""
    return await tx.maybe(store_carts.LATEST_CART, cell=cell, buyer_id=buyer_id, market=market)


async def own_cart(tx: Tx, cell: int, buyer_id: UUID, market: str) -> UUID:
    """The cart that a buyer used last in a market, made if there is none; two at once get the same. Raises NotFound for
    an unknown market."""
    found = await latest_cart(tx, cell, buyer_id, market)
    if found is None:
        await tx.one(store_carts.LOCK_FIRST_CART, cell=cell, buyer_id=buyer_id, market=market)
        found = await latest_cart(tx, cell, buyer_id, market)
    return found or await create_cart(tx, cell, buyer_id, market)


async def cart_lines(tx: ReadTx, cell: int, buyer_id: UUID, market: str) -> list[tuple[int, int]]:
    """(offer, quantity) of the cart that a buyer used last in a market."""
    cart = await latest_cart(tx, cell, buyer_id, market)
    if cart is None:
        return []
    rows = await tx.all(store_carts.CART_LINES, cell=cell, cart_id=cart, limit=MAX_CART_LINES)
    return [(row.offer_id, row.quantity) for row in rows]


async def cart_size(tx: ReadTx, cell: int, buyer_id: UUID, market: str) -> int:
    """How many lines the cart that a buyer used last in a market has."""
    return await tx.one(store_carts.CART_SIZE, cell=cell, buyer_id=buyer_id, market=market)


async def add_line(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID, offer_id: int, quantity: int) -> None:
    """Adds units of an offer of the cart's market, wherever it is sold. Raises NotFound, OfferUnavailable, CartFull,
    NotSoldThere, QuantityNotValid."""
    market = await _own_cart(tx, cell, buyer_id, cart_id)
    offers = await catalog.offers_for_quote(tx, cell, [offer_id])
    if not offers and (elsewhere := await catalog.cell_of_offer(tx, offer_id)) is not None:
        offers = await catalog.offers_for_quote(tx, elsewhere, [offer_id])
    if not offers or offers[0].market != market:
        raise NotFound
    if not offers[0].buyable:
        raise OfferUnavailable(offer_id)
    country = (await sellers.market(tx, market)).country
    if (rule := (await selling.judge_offers(tx, country, offers[:1]))[offer_id].blocked) is not None:
        raise trade.NotSoldThere(offer_id, country or "", rule)
    try:
        total = await tx.maybe(
            store_carts.ADD_CART_LINE, cell=cell, cart_id=cart_id, offer_id=offer_id, quantity=quantity,
            offer_cell=None if offers[0].cell == cell else offers[0].cell, limit=MAX_CART_LINES,
        )  # fmt: skip
    except asyncpg.CheckViolationError:  # the line has units already, and together they pass the table's limit
        raise pricing.QuantityNotValid(offer_id, pricing.MAX_QUANTITY) from None
    if total is None:
        raise CartFull(MAX_CART_LINES)


async def set_quantity(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID, offer_id: int, quantity: int) -> None:
    """Raises NotFound for a cart or a line that is not there."""
    await _own_cart(tx, cell, buyer_id, cart_id)
    found = await tx.maybe(store_carts.SET_CART_LINE, cell=cell, cart_id=cart_id, offer_id=offer_id, quantity=quantity)
    if found is None:
        raise NotFound


async def remove_line(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID, offer_id: int) -> None:
    """Raises NotFound for a cart or a line that is not there."""
    await _own_cart(tx, cell, buyer_id, cart_id)
    if await tx.maybe(store_carts.REMOVE_CART_LINE, cell=cell, cart_id=cart_id, offer_id=offer_id) is None:
        raise NotFound


async def set_address(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID, address_id: UUID) -> None:
    """Raises NotFound for a cart or an address that is not the buyer's."""
    await _own_cart(tx, cell, buyer_id, cart_id)
    await accounts.saved_address(tx, cell, buyer_id, address_id)
    await tx.run(store_carts.SET_CART_ADDRESS, cell=cell, id=cart_id, address_id=address_id)


async def set_shipping(
    tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID, code: str, slot: int | None = None
) -> None:  # fmt: skip
    """Raises NotFound, ShippingNotOffered for a service that the market does not have, and pricing.SLOT_PROBLEMS."""
    market = await _own_cart(tx, cell, buyer_id, cart_id)
    await pricing.choose(tx, await pricing.service(tx, market, code), slot)
    await tx.run(store_carts.SET_CART_SHIPPING, cell=cell, id=cart_id, shipping_code=code, slot_id=slot)


async def set_promotion(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID, code: str | None) -> None:
    """Raises NotFound, and PromotionNotValid for a code that gives nothing in this market now."""
    market = await _own_cart(tx, cell, buyer_id, cart_id)
    if code is not None:
        await pricing.promotion(tx, code, market, tx.now)
    await tx.run(store_carts.SET_CART_PROMOTION, cell=cell, id=cart_id, promotion_code=code)


async def forget_carts(tx: Tx, cell: int) -> int:
    """Deletes carts that nobody has touched for longer than KEPT, a batch of them; how many."""
    before = tx.now - KEPT
    done = await tx.run(
        store_carts.FORGET_CARTS, cell=cell, before=before, made_before=first_id(before), limit=FORGOTTEN
    )
    return int(done.removeprefix("DELETE "))


async def _own_cart(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID) -> str:
    """Locks the buyer's cart; its market."""
    market = await tx.maybe(store_carts.LOCK_CART, cell=cell, id=cart_id, buyer_id=buyer_id, now=tx.now)
    if market is None:
        raise NotFound
    return market


async def load_cart(tx: ReadTx, cell: int, buyer_id: UUID, cart_id: UUID) -> Cart:
    """Raises NotFound."""
    cart = await tx.maybe(store_carts.CART, cell=cell, id=cart_id, buyer_id=buyer_id)
    if cart is None:
        raise NotFound
    lines = await tx.all(store_carts.CART_LINES, cell=cell, cart_id=cart_id, limit=MAX_CART_LINES)
    offers: dict[int, OfferFacts] = {}
    for there in sorted({cell, *(line.offer_cell for line in lines)}):
        asked = [line.offer_id for line in lines if line.offer_cell == there]
        offers |= {offer.offer_id: offer for offer in await catalog.offers_for_quote(tx, there, asked)}
    return Cart(cell, buyer_id, cart, [(line.offer_id, offers.get(line.offer_id), line.quantity) for line in lines])


async def cart_view(tx: ReadTx, loaded: Cart) -> CartView:
    """A cart with today's prices, and what can be bought of it."""
    cell, buyer_id, cart, lines = loaded
    offers = [offer for _, offer, _ in lines if offer]
    left = await _left(tx, offers)
    judged, age_rule = await _judged(tx, cell, buyer_id, cart, offers)
    made_of: dict[int, Converted] = {}
    for there in sorted({offer.cell for offer in offers}):
        here = [offer.offer_id for offer in offers if offer.cell == there]
        made_of |= await catalog.converted(tx, there, here)
    shown, items = [], 0
    for offer_id, offer, quantity in lines:
        if offer is None:
            continue
        total = offer.unit_price_minor * quantity // offer.price_per
        rule = judged[offer_id].blocked
        buyable = offer.buyable and rule is None
        items += total if buyable else 0
        shown.append(
            CartLine(
                offer_id, offer.title, offer.slug, quantity, offer.unit, offer.price_per,
                Price(offer.unit_price_minor, offer.currency), Price(total, offer.currency), buyable,
                left[offer_id], [part.shown for part in offer.components], rule, _abroad(made_of.get(offer_id), offer),
            )
        )  # fmt: skip
    address = None if cart.address_id is None else show("adr", cart.address_id)
    return CartView(
        show("crt", cart.id), cart.market, address, cart.shipping_code, cart.promotion_code, shown,
        Price(items, cart.currency), age_rule, cart.slot_id,
    )  # fmt: skip


def _abroad(made_of: Converted | None, offer: OfferFacts) -> Converted | None:
    return made_of if made_of is not None and made_of.price.currency != offer.currency else None


async def _judged(
    tx: ReadTx, cell: int, buyer_id: UUID, cart: CartRow, offers: Sequence[OfferFacts]
) -> tuple[dict[int, selling.Judged], Barrier | None]:
    """What the rules of where a cart is to go, or else of its market's country, say of its offers; and the strictest
    about age that the buyer has not met."""
    country = (await sellers.market(tx, cart.market)).country
    if cart.address_id is not None:
        chosen = await accounts.countries_of(tx, cell, [(buyer_id, cart.address_id)])
        country = chosen.get((buyer_id, cart.address_id), country)
    judged = await selling.judge_offers(tx, country, offers)
    rules = [one.age for one in judged.values() if one.age is not None]
    ages = (await selling.ages_of(tx, cell, [buyer_id])).get(buyer_id, {}) if rules else {}
    unmet = [rule for rule in rules if not selling.is_of_age(rule, ages)]
    return judged, max(unmet, key=selling.strictness, default=None)


async def _left(tx: ReadTx, offers: Sequence[OfferFacts]) -> dict[int, int]:
    """How many of each offer are left: of a bundle as many as its scarcest component allows."""
    units: dict[int, int] = {}
    for cell in sorted({offer.cell for offer in offers}):
        here = [offer for offer in offers if offer.cell == cell]
        stocks = {offer.stock_id for offer in here if offer.stock_id is not None}
        stocks |= {part.stock_id for offer in here for part in offer.components}
        units |= await inventory.available(tx, cell, sorted(stocks))
    return {
        offer.offer_id: min(units[part.stock_id] // part.quantity for part in offer.components)
        if offer.stock_id is None
        else units[offer.stock_id]
        for offer in offers
    }


async def cart_at_door(tx: ReadTx, loaded: Cart, country: str) -> CartDoor | None:
    """What what can be bought of a cart costs at a door in a country; None when that is nothing. Raises the Problems of
    borders.plan_at_door."""
    cart, lines = loaded.row, loaded.lines
    priced = [pricing.Line(offer, quantity) for _, offer, quantity in lines if offer is not None and offer.buyable]
    if not priced:
        return None
    terms = await sellers.terms_at(tx, cart.market, tx.now)
    plan = pricing.price(priced, borders.unsent(cart.market), terms)
    return await borders.plan_at_door(tx, cart.market, plan, country)


async def quote_cart(tx: Tx, cell: int, buyer_id: UUID, cart_id: UUID) -> QuoteView:
    """Prices a cart and stores the quote. Raises NotFound, CartEmpty, CartIncomplete, OfferUnavailable and the Problems
    of selling.check, of pricing.price and of borders.assess."""
    _, _, cart, lines = await load_cart(tx, cell, buyer_id, cart_id)
    if not lines:
        raise CartEmpty
    if cart.address_id is None:
        raise CartIncomplete("address")
    if cart.shipping_code is None:
        raise CartIncomplete("shipping")
    priced = []
    for offer_id, offer, quantity in lines:
        if offer is None or not offer.buyable:
            raise OfferUnavailable(offer_id)
        priced.append(pricing.Line(offer, quantity))
    try:
        address = await accounts.saved_address(tx, cell, buyer_id, cart.address_id)
    except NotFound:  # it was deleted or changed since it was chosen
        raise CartIncomplete("address") from None
    until = await selling.check(tx, cell, buyer_id, address.country, [line.offer for line in priced])
    purchase = Purchase(
        buyer_id, cart.market, cart.shipping_code, priced, cart.address_id, cart.promotion_code, cart.id, until=until,
        slot=cart.slot_id,
    )  # fmt: skip
    (id_,) = await quote_many(tx, cell, [purchase])
    cells = sorted({cell, *(offer.cell for _, offer, _ in lines if offer is not None)})
    await borders.assess(tx, cell, cart.market, buyer_id, id_, cells, address)
    return await quote_view(tx, cell, buyer_id, id_)


async def quote_view(tx: ReadTx, cell: int, buyer_id: UUID, quote_id: UUID) -> QuoteView:
    """Raises NotFound."""
    row = await tx.maybe(store.QUOTE, cell=cell, id=quote_id, buyer_id=buyer_id)
    if row is None:
        raise NotFound
    parts = [row]
    for other in row.other_cells or ():
        parts += await tx.all(store.QUOTE, cell=other, id=quote_id, buyer_id=buyer_id)

    def price(minors: Iterable[int]) -> Price:
        return Price(sum(minors), row.currency)

    return QuoteView(
        show("quo", quote_id), row.expires_at, price(part.items_minor for part in parts),
        price(part.shipping_minor for part in parts), price(part.discount_minor for part in parts),
        price(part.duties_minor for part in parts), price([row.paid_minor]), sum(part.lines for part in parts),
        await borders.of_quote(tx, [cell, *(row.other_cells or ())], quote_id),
        (await pricing.windows(tx, [row.slot_id])).get(row.slot_id),
    )  # fmt: skip


async def quote_detail(tx: ReadTx, cell: int, buyer_id: UUID, quote_id: UUID) -> QuoteDetail:
    """Raises NotFound."""
    row = await tx.maybe(store.QUOTE_CHOICES, cell=cell, id=quote_id, buyer_id=buyer_id)
    if row is None:
        raise NotFound
    lines: list[QuoteLine] = []
    for there in sorted([cell, *(row.other_cells or ())]):
        lines += [_quote_line(rows) for rows in as_bought(await tx.all(store.QUOTE_LINES, cell=there, id=quote_id))]
    return QuoteDetail(row.market, row.address_id, row.shipping_code, lines)


def _quote_line(rows: Sequence[QuoteLineRow]) -> QuoteLine:
    row = rows[0]
    if not row.bundle_no:
        return QuoteLine(
            row.seller_name, row.title, row.slug, row.quantity, row.unit, row.price_per, row.unit_price_minor,
            row.gross_minor, [],
        )  # fmt: skip
    return QuoteLine(
        row.seller_name, row.bundle_title, row.bundle_slug, row.quantity // row.price_per, "each", 1,
        sum(part.unit_price_minor for part in rows), sum(part.gross_minor for part in rows), list(rows),
    )  # fmt: skip
