"""A seller's shelves: what lies where, goods that come in, counts that are corrected, the locations; and bundles, which
are sold from the shelves of what is in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import catalog, inventory, logistics, search, sellers
from entrepot.inventory import Reason
from entrepot.kit import idempotency, ids
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import SELLER
from entrepot.kit.problem import Malformed, NotFound
from entrepot.logistics import LINE_COST_MAX, LocationCode, LocationName, Units
from entrepot.web.visit import Go, Visit, amount_of, form, form_of_its_own, page
from entrepot.web.words import REASONS

PER_PAGE = 50
CHOICES_MAX = 500
"""Locations that a form lets choose from, the seller's own first."""

Key = Annotated[str, Meta(min_length=1, max_length=100)]
"""What makes a form count once, however often it is sent."""


class ReceiptForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`cost` is an amount such as 25.00, for the operator's own goods."""

    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    location_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    quantity: Units
    key: Key
    cost: Annotated[str, Meta(max_length=20)] = ""


class CorrectionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    direction: Literal["fewer", "more"]
    quantity: Units
    reason: Reason
    key: Key


class LocationForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    place: LocationName
    code: LocationCode
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{ids.END}")]


class AddressForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    location_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    line1: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=200)]
    postal_code: Annotated[str, Meta(max_length=20)] = ""


class OnSale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    act: Literal["pause", "resume"]


async def stock_page(tx: ReadTx, visit: Visit) -> Response:
    """What there is, variant by variant; or of one SKU."""
    sku = visit.query("sku", 64).strip()
    after = visit.query_number("after")
    found = await logistics.stock(tx, visit.me.cell, visit.seller_id, after, PER_PAGE, sku or None)
    following = found[-1].id if len(found) == PER_PAGE else None
    return await visit.show(tx, "seller_stock.html", found=found, sku=sku, next=following, own=await is_own(tx, visit))


async def shelf_page(tx: ReadTx, visit: Visit) -> Response:
    """One variant at one location: its counts, and how they were corrected."""
    shelf = await logistics.stock_of(tx, visit.me.cell, visit.seller_id, visit.number("stock_id"))
    adjustments = await inventory.adjustments(tx, visit.me.cell, shelf.id)
    return await visit.show(
        tx, "seller_shelf.html", shelf=shelf, adjustments=adjustments, reasons=REASONS, key=_key(tx, visit)
    )


async def receive_page(tx: ReadTx, visit: Visit) -> Response:
    locations = await logistics.locations(tx, visit.me.cell, visit.seller_id, 0, CHOICES_MAX)
    return await visit.show(
        tx, "seller_receive.html", locations=locations, own=await is_own(tx, visit), sku=visit.query("sku", 64),
        location=visit.query_number("location"), key=_key(tx, visit),
    )  # fmt: skip


async def receive(visit: Visit, body: ReceiptForm) -> Go:
    """Takes goods in, and shows the shelf that they lie on."""

    async def work(tx: Tx) -> logistics.Receipt:
        variant = (await catalog.variants_by_sku(tx, [body.sku])).get(body.sku)
        if variant is None:
            raise Malformed("no such SKU - at `$.sku`")
        currency, cost = None, None
        if await is_own(tx, visit):
            currency = (await visit.market(tx)).currency
            cost = amount_of(body.cost, currency, "cost", most=LINE_COST_MAX)
        line = logistics.Delivered(variant, body.quantity, cost)
        try:
            return await logistics.receive(tx, visit.me.cell, visit.seller_id, body.location_id, [line], currency)
        except NotFound:
            raise Malformed("no such location - at `$.location_id`") from None

    answer = await _once(visit, body.key, body, work)
    (shelf,) = msgspec.json.decode(answer, type=logistics.Receipt).stock_ids
    return Go(f"/seller/stock/{shelf}", done="received")


async def correct(visit: Visit, body: CorrectionForm) -> Go:
    stock_id = visit.number("stock_id")
    delta = body.quantity if body.direction == "more" else -body.quantity

    async def work(tx: Tx) -> None:
        await logistics.adjust(tx, visit.me.cell, visit.seller_id, stock_id, delta, body.reason, visit.me.user_id)

    await _once(visit, body.key, body, work)
    return Go(f"/seller/stock/{stock_id}", done="corrected")


async def locations_page(tx: ReadTx, visit: Visit) -> Response:
    after = visit.query_number("after")
    locations = await logistics.locations(tx, visit.me.cell, visit.seller_id, after, PER_PAGE)
    return await visit.show(
        tx, "seller_locations.html", locations=locations, next=locations[-1].id if len(locations) == PER_PAGE else None,
        countries=visit.language.countries(), home_country=(await visit.market(tx)).code.upper(),
    )  # fmt: skip


async def add_location(tx: Tx, visit: Visit, body: LocationForm) -> Go:
    await logistics.add_location(tx, visit.me.cell, visit.seller_id, body.code, body.place, body.country)
    return Go("/seller/stock/locations", done="location_added")


async def set_address(tx: Tx, visit: Visit, body: AddressForm) -> Go:
    said = logistics.LocationAddress(body.line1, body.city, body.postal_code)
    await logistics.set_address(tx, visit.me.cell, visit.seller_id, body.location_id, said)
    return Go("/seller/stock/locations", done="address_said")


async def bundles_page(tx: ReadTx, visit: Visit) -> Response:
    after = visit.query_number("after")
    found = await search.own_offers(tx, visit.me.cell, visit.seller_id, after, PER_PAGE, bundles=True)
    return await visit.show(
        tx, "seller_bundles.html", found=found, next=found[-1].id if len(found) == PER_PAGE else None
    )


async def pause_or_resume(tx: Tx, visit: Visit, body: OnSale) -> Go:
    change = catalog.pause_offer if body.act == "pause" else catalog.resume_offer
    await change(tx, visit.me.cell, visit.seller_id, visit.number("offer_id"))
    return Go("/seller/bundles", done="off_sale" if body.act == "pause" else "on_sale")


async def is_own(tx: ReadTx, visit: Visit) -> bool:
    """Whether this is a shop of the operator's own, whose goods have a purchase cost."""
    return (await sellers.seller(tx, sellers.SellerId(visit.seller_id))).kind == "own"


def _key(tx: ReadTx, visit: Visit) -> str:
    return visit.typed.get("key") or ids.new_id(tx.now).hex


async def _once(visit: Visit, key: str, body: msgspec.Struct, work: Callable[[Tx], Awaitable[Any]]) -> bytes:
    """Does a form's work in one transaction, once for its key; the answer, also of the first time."""
    route = f"POST {visit.request.url.path}"
    spent = idempotency.Spent(visit.me.cell, visit.me.user_id, route, key, msgspec.json.encode(body))
    return (await idempotency.once(visit.db, spent, work, 200, durable=True)).answer


routes = [
    page("/seller/stock", stock_page, SELLER),
    page("/seller/stock/receive", receive_page, SELLER),
    form_of_its_own("/seller/stock/receive", receive, ReceiptForm, SELLER, again=receive_page),
    page("/seller/stock/locations", locations_page, SELLER),
    form("/seller/stock/locations", add_location, LocationForm, SELLER, again=locations_page),
    form("/seller/stock/locations/address", set_address, AddressForm, SELLER),
    page("/seller/bundles", bundles_page, SELLER),
    form("/seller/bundles/{offer_id}", pause_or_resume, OnSale, SELLER),
    page("/seller/stock/{stock_id}", shelf_page, SELLER),
    form_of_its_own("/seller/stock/{stock_id}/correct", correct, CorrectionForm, SELLER, again=shelf_page),
]
