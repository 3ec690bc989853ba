"""Pages about goods in bond: account books and declarations, the seller's and the operator's."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import bonded, catalog, customs, logistics
from entrepot.bonded import Incoming, NewItem
from entrepot.inventory import Reason
from entrepot.kit import idempotency, ids
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.problem import Malformed, NotFound
from entrepot.logistics import LINE_COST_MAX, Units
from entrepot.web.account import Nothing
from entrepot.web.stock import CHOICES_MAX, is_own
from entrepot.web.visit import Go, Visit, amount_of, form, form_of_its_own, page
from entrepot.web.words import REASONS
from entrepot.web.words_bond import DECLARATION_STATES, MESSAGES_DIFFER, SPEAKERS

LocationId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Sku = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[str, Meta(pattern=f"^[A-Za-z0-9][A-Za-z0-9-]{{2,39}}{ids.END}")]


class BookForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    location_id: LocationId
    number: Number
    office: Annotated[str, Meta(min_length=1, max_length=120)]


class ItemForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As bonded.NewItem; `unit_value` is an amount such as 25.00."""

    location_id: LocationId
    sku: Sku
    record_no: Annotated[str, Meta(pattern=f"^[A-Za-z0-9][A-Za-z0-9-]{{0,39}}{ids.END}")]
    hs_code: Annotated[str, Meta(pattern=f"^[0-9]{{6,10}}{ids.END}")]
    country_of_origin: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{ids.END}")]
    description: Annotated[str, Meta(min_length=1, max_length=200)]
    unit: Annotated[str, Meta(min_length=1, max_length=12)]
    per_unit_milli: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    unit_value: Annotated[str, Meta(min_length=1, max_length=20)]


class ReceiptForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A declaration is received once, so that the form needs no key. `cost` is for the operator's own goods."""

    location_id: LocationId
    sku: Sku
    declaration_no: Number
    quantity: Units
    cost: Annotated[str, Meta(max_length=20)] = ""


class WriteOffForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    location_id: LocationId
    sku: Sku
    quantity: Units
    reason: Reason
    key: Annotated[str, Meta(min_length=1, max_length=100)]


class ParcelForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=80)]
    weight_g: Annotated[int, Meta(ge=1, le=1_000_000_000)]


async def operator_page(tx: ReadTx, visit: Visit) -> Response:
    """Declarations that wait for somebody or for customs, and all account books."""
    waiting, following = await customs.listed(tx, waiting=True, before=visit.query("before", 40) or None)
    begins = re.fullmatch("([0-9]{1,4})-([0-9]{1,18})", visit.query("items", 30))
    items, more = await bonded.items_of_all(tx, *map(int, begins.groups() if begins else ()))
    return await visit.show(
        tx, "operator_bond.html", waiting=waiting, next=following, items=items,
        next_items="-".join(map(str, more)) if more else None, states=DECLARATION_STATES,
        differ=MESSAGES_DIFFER, speakers=SPEAKERS,
        locations=await logistics.locations(tx, visit.me.cell, None, 0, CHOICES_MAX),
    )  # fmt: skip


async def open_book(tx: Tx, visit: Visit, body: BookForm) -> Go:
    await bonded.open_book(tx, visit.me.cell, body.location_id, body.number, body.office, visit.me.user_id)
    return Go("/operator/bond", done="book_opened")


async def again(tx: Tx, visit: Visit, _: Nothing) -> Go:
    order_id = visit.id("ord", "order_id")
    await customs.declare_again(tx, await customs.cell_of(tx, order_id), order_id)
    return Go("/operator/bond", done="declared_again")


async def seller_page(tx: ReadTx, visit: Visit) -> Response:
    """What lies in bond, and the forms for what comes in and what is missing."""
    found = await bonded.book_items(tx, visit.me.cell, visit.seller_id, visit.query_number("after"))
    places = await logistics.locations(tx, visit.me.cell, visit.seller_id, 0, CHOICES_MAX)
    return await visit.show(
        tx, "seller_bond.html", items=[item for _, item in found], locations=[one for one in places if one.bonded],
        next=found[-1][0] if len(found) == bonded.PAGE else None,
        reasons=REASONS, own=await is_own(tx, visit), key=visit.typed.get("key") or ids.new_id(tx.now).hex,
    )  # fmt: skip


async def say_item(tx: Tx, visit: Visit, body: ItemForm) -> Go:
    currency = (await visit.market(tx)).currency
    item = NewItem(
        body.record_no, await _variant(tx, body.sku), body.per_unit_milli, body.hs_code, body.country_of_origin,
        body.description, body.unit, amount_of(body.unit_value, currency, "unit_value"), currency,
    )  # fmt: skip
    await bonded.say_item(tx, visit.me.cell, visit.seller_id, body.location_id, item)
    return Go("/seller/bond", done="item_said")


async def receive(tx: Tx, visit: Visit, body: ReceiptForm) -> Go:
    currency, cost = None, None
    if await is_own(tx, visit):
        currency = (await visit.market(tx)).currency
        cost = amount_of(body.cost, currency, "cost", most=LINE_COST_MAX)
    line = Incoming(await _variant(tx, body.sku), body.quantity, cost)
    await bonded.receive(
        tx, visit.me.cell, visit.seller_id, body.location_id, body.declaration_no, [line], visit.me.user_id, currency
    )  # fmt: skip
    return Go("/seller/bond", done="received_in_bond")


async def write_off(visit: Visit, body: WriteOffForm) -> Go:
    """Once, however often the form is sent."""

    async def work(tx: Tx) -> None:
        shelves = await logistics.stock(tx, visit.me.cell, visit.seller_id, 0, CHOICES_MAX, body.sku)
        shelf = next((one for one in shelves if one.location_id == body.location_id), None)
        if shelf is None:
            raise NotFound
        await bonded.write_off(
            tx, visit.me.cell, visit.seller_id, shelf.id, -body.quantity, body.reason, visit.me.user_id
        )  # fmt: skip

    route = f"POST {visit.request.url.path}"
    spent = idempotency.Spent(visit.me.cell, visit.me.user_id, route, body.key, msgspec.json.encode(body))
    await idempotency.once(visit.db, spent, work, 200, durable=True)
    return Go("/seller/bond", done="written_off_in_bond")


async def say_parcel(tx: Tx, visit: Visit, body: ParcelForm) -> Go:
    said = customs.ParcelSaid(body.carrier, body.tracking_number, body.weight_g)
    await customs.say(tx, visit.me.cell, visit.id("ord", "order_id"), said, visit.me.user_id, visit.seller_id)
    return Go(f"/seller/orders/{visit.param('order_id')}", done="parcel_said")


async def _variant(tx: ReadTx, sku: str) -> int:
    found = (await catalog.variants_by_sku(tx, [sku])).get(sku)
    if found is None:
        raise Malformed("no such SKU - at `$.sku`")
    return found


routes = [
    page("/operator/bond", operator_page, OPERATOR),
    form("/operator/bond", open_book, BookForm, OPERATOR, again=operator_page),
    form("/operator/bond/{order_id}", again, Nothing, OPERATOR, again=operator_page),
    page("/seller/bond", seller_page, SELLER),
    form("/seller/bond/items", say_item, ItemForm, SELLER, again=seller_page),
    form("/seller/bond/receipts", receive, ReceiptForm, SELLER, again=seller_page),
    form_of_its_own("/seller/bond/write-offs", write_off, WriteOffForm, SELLER, again=seller_page),
    form("/seller/orders/{order_id}/parcel", say_parcel, ParcelForm, SELLER),
]
