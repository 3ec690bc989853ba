"""From cart to order: the cart, the choices, the stored quote with its total, and placing it once."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import RedirectResponse, Response

from entrepot import accounts, credit, notify, orders, payments, pricing, sellers
from entrepot.accounts import Member
from entrepot.credit import COLLECTED_BY, INSTALLMENTS
from entrepot.kit.auth import Caller, Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER
from entrepot.kit.ids import parse, ref, show
from entrepot.kit.problem import Malformed, NotFound
from entrepot.orders import Cart, CartDoor, CartView, Place
from entrepot.trade import TradeProblem
from entrepot.web.account import session_for
from entrepot.web.visit import Go, Visit, day_of, form, form_of_its_own, page

OfferId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Quantity = Annotated[int, Meta(ge=1, le=pricing.MAX_QUANTITY)]


class AddToCart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    offer_id: OfferId
    quantity: Quantity = 1


class NewQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`act` says which of the line's two buttons was pressed."""

    offer_id: OfferId
    quantity: Quantity
    act: Literal["set", "remove"] = "set"


class Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`shipping` is a service, and after a space one of its time slots if it has any."""

    address_id: Annotated[str, ref("adr")]
    shipping: Annotated[str, Meta(min_length=1, max_length=60)]
    promotion: Annotated[str, Meta(max_length=40)] = ""
    age: Annotated[int, Meta(ge=1, le=99)] | None = None
    birth_date: Annotated[str, Meta(max_length=10)] = ""


class PlaceIt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the idempotency key: the same form sent twice places once."""

    key: Annotated[str, Meta(min_length=1, max_length=100, pattern="^[!-~]+$")]
    method: payments.Method = "wallet"


async def cart_page(tx: ReadTx, visit: Visit) -> Response:
    loaded = await _loaded(tx, visit)
    if loaded is None:
        return await visit.show(tx, "cart.html", cart=None, door=None)
    cart = await orders.cart_view(tx, loaded)
    return await visit.show(tx, "cart.html", cart=cart, door=await _door(tx, visit, loaded))


async def _door(tx: ReadTx, visit: Visit, cart: Cart) -> CartDoor | str | None:
    """What the goods cost at the door of the address that was chosen or is the latest, else somewhere in the market's
    country, when some of them are imported there; that country when something cannot be sent there."""
    addresses = await accounts.addresses(tx, visit.me.cell, visit.me.user_id)
    latest = addresses[-1].country if addresses else (await visit.market(tx)).country
    if latest is None:
        return None
    country = next((one.country for one in addresses if one.id == cart.row.address_id), latest)
    try:
        door = await orders.cart_at_door(tx, cart, country)
    except TradeProblem:
        return country
    return door if door is not None and door.crosses else None


async def add_to_cart(tx: Tx, visit: Visit, body: AddToCart) -> Go:
    """A stranger becomes a guest with a cart."""
    market = (await visit.market(tx)).code
    buyer: Caller | Member = visit.caller or await accounts.add_guest(tx)
    cart = await orders.own_cart(tx, buyer.cell, buyer.user_id, market)
    await orders.add_line(tx, buyer.cell, buyer.user_id, cart, body.offer_id, body.quantity)
    if isinstance(buyer, Caller):
        return Go("/cart", done="added")
    await notify.set_language(tx, buyer.cell, buyer.user_id, visit.language.code)
    return Go("/cart", done="added", session=session_for(visit, buyer))


async def change_line(tx: Tx, visit: Visit, body: NewQuantity) -> Go:
    buyer, cart = visit.me, await _cart_id(tx, visit)
    if body.act == "remove":
        await orders.remove_line(tx, buyer.cell, buyer.user_id, cart, body.offer_id)
    else:
        await orders.set_quantity(tx, buyer.cell, buyer.user_id, cart, body.offer_id, body.quantity)
    return Go("/cart")


async def choices_page(tx: ReadTx, visit: Visit) -> Response:
    """Where to, how fast, and whether there is a promotion code."""
    cart = await _cart(tx, visit)
    if cart is None or not cart.lines:
        return RedirectResponse("/cart", 303)
    if visit.me.guest and (await accounts.me(tx, visit.me.cell, visit.me.user_id)).email is None:
        return RedirectResponse("/checkout/guest", 303)
    addresses = await accounts.addresses(tx, visit.me.cell, visit.me.user_id)
    services = await pricing.services(tx, cart.market)
    slots = {one.code: await pricing.free_slots(tx, cart.market, one.code) for one in services if one.slotted}
    picked = f"{cart.shipping_code} {cart.slot}" if cart.slot else cart.shipping_code
    return await visit.show(
        tx, "checkout.html", cart=cart, addresses=addresses[::-1], services=services, slots=slots, picked_way=picked,
        shown_id=lambda address: show("adr", address.id),
    )  # fmt: skip


async def choose(tx: Tx, visit: Visit, body: Choices) -> Go:
    """Keeps the choices with the cart and stores the quote that they make."""
    buyer, cart = visit.me, await _cart_id(tx, visit)
    who = (tx, buyer.cell, buyer.user_id, cart)
    await orders.set_address(*who, parse("adr", body.address_id))
    code, _, slot = body.shipping.partition(" ")
    await orders.set_shipping(*who, code, _slot(slot) if slot else None)
    await orders.set_promotion(*who, body.promotion.upper() or None)
    await _give_age(tx, visit, body)
    quote = await orders.quote_cart(*who)
    return Go(f"/checkout/{quote.id}")


def _slot(text: str) -> int:
    """Raises Malformed."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Malformed("no time slot - at `$.shipping`")
    return int(text)


async def _give_age(tx: Tx, visit: Visit, body: Choices) -> None:
    if body.birth_date:
        born = day_of(body.birth_date, "birth_date")
        await orders.give_birth_date(tx, visit.me.cell, visit.me.user_id, born)
    elif body.age is not None:
        await orders.give_age(tx, visit.me.cell, visit.me.user_id, body.age)


async def quote_page(tx: ReadTx, visit: Visit) -> Response:
    """What is bought, for how much, and the button that buys it. A placed quote leads to its purchase."""
    quote_id, buyer = visit.id("quo", "quote_id"), visit.me
    if await _is_placed(tx, visit, quote_id):
        return RedirectResponse(f"/orders/{show('grp', quote_id)}", 303)
    quote = await orders.quote_view(tx, buyer.cell, buyer.user_id, quote_id)
    detail = await orders.quote_detail(tx, buyer.cell, buyer.user_id, quote_id)
    address = None
    if detail.address_id is not None:
        address = await accounts.address(tx, buyer.cell, buyer.user_id, detail.address_id)
    services = {service.code: service for service in await pricing.services(tx, detail.market)}
    gateways = visit.request.app.state.gateways
    ways: set[str] = {"wallet", *gateways, *([INSTALLMENTS] if COLLECTED_BY in gateways else ())}
    ways -= {"wallet", INSTALLMENTS} if visit.me.guest else set()
    ways &= set((await sellers.market(tx, detail.market)).payments) or ways
    return await visit.show(
        tx, "quote.html", quote=quote, detail=detail, address=address, service=services.get(detail.shipping_code),
        gateways=ways - {"wallet", INSTALLMENTS}, wallet="wallet" in ways, expired=quote.expires_at <= tx.now,
        installments=INSTALLMENTS in ways and await credit.is_offered(tx, detail.market, quote.total.minor),
    )  # fmt: skip


async def place(visit: Visit, body: PlaceIt) -> Go:
    if body.method in ("wallet", INSTALLMENTS):
        visit.with_account(body.method)
    quote_id, placing = visit.id("quo", "quote_id"), visit.request.app.state.placing
    placed = await placing.place(visit.me.cell, Place(visit.me.user_id, body.key, quote_id, body.method))
    return Go(f"/orders/{placed.id}", done="placed" if placed.status == "placed" else None)


async def _cart_id(tx: ReadTx, visit: Visit) -> UUID:
    cart = await orders.latest_cart(tx, visit.me.cell, visit.me.user_id, (await visit.market(tx)).code)
    if cart is None:
        raise NotFound
    return cart


async def _loaded(tx: ReadTx, visit: Visit) -> Cart | None:
    market = (await visit.market(tx)).code
    cart = await orders.latest_cart(tx, visit.me.cell, visit.me.user_id, market)
    return None if cart is None else await orders.load_cart(tx, visit.me.cell, visit.me.user_id, cart)


async def _cart(tx: ReadTx, visit: Visit) -> CartView | None:
    loaded = await _loaded(tx, visit)
    return None if loaded is None else await orders.cart_view(tx, loaded)


async def _is_placed(tx: ReadTx, visit: Visit, quote_id: UUID) -> bool:
    try:
        await orders.group_view(tx, visit.me.cell, visit.me.user_id, quote_id)
    except NotFound:
        return False
    return True


routes = [
    page("/cart", cart_page, BUYER),
    form("/cart/add", add_to_cart, AddToCart, BUYER, strangers=True),
    form("/cart/change", change_line, NewQuantity, BUYER),
    page("/checkout", choices_page, BUYER),
    form("/checkout", choose, Choices, BUYER, again=choices_page),
    page("/checkout/{quote_id}", quote_page, BUYER),
    form_of_its_own("/checkout/{quote_id}", place, PlaceIt, frozenset({Role.BUYER})),
]
