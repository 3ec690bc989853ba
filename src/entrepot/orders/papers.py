"""The papers of orders that cross a border: gathered, and what is missing for them said before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot import accounts, logistics, papers, trade
from entrepot.accounts import Address
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound, Problem
from entrepot.orders import borders, reads, store, store_borders, store_parts
from entrepot.orders.store import OrderLineRow, OrderSummary
from entrepot.orders.store_borders import CanceledRow
from entrepot.papers import Papers, Party
from entrepot.trade import Book, Item

REMEDIES = {
    "customs": "say what it is: PUT /v1/variants/{}/customs",
    "hs_code": "its code is not of today's nomenclature, say another: PUT /v1/variants/{}/customs",
}
"""By what trade.lacking_of finds."""


class Missing(msgspec.Struct, frozen=True):
    """What papers cannot be made without: of a product, or of the whole (`title` is empty)."""

    title: str
    field: str
    remedy: str


class PapersView(msgspec.Struct, frozen=True):
    """The papers of an order or, as long as something is missing, what that is."""

    missing: list[Missing]
    papers: Papers | None


@dataclass(eq=False)
class NotImported(Problem):
    """This order is imported nowhere, and needs no papers."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class PapersIncomplete(Problem):
    """Something is missing for the papers of this order, and without them it cannot be sent abroad."""

    status: ClassVar[int] = 409
    order_id: str
    missing: list[Missing]


async def papers_of(tx: ReadTx, cell: int, order_id: UUID, seller_id: UUID) -> PapersView:
    """The papers of an order of this seller. Raises NotFound, NotImported."""
    order = await tx.maybe(store.ORDER, cell=cell, id=order_id)
    if order is None or order.seller_id != seller_id:
        raise NotFound
    border = (await borders.of_orders(tx, cell, [order_id])).get(order_id)
    if border is None:
        raise NotImported
    day, way = tx.now.date(), {border.from_country, border.to_country}
    currencies = {order.currency}.union(*(basket.amounts for basket in papers.SDR_BASKETS))
    book = await trade.book(tx, way, (), day, currencies)
    if not book.is_import(border.from_country, border.to_country):
        raise NotImported
    lines = await _sent_lines(tx, cell, order_id)
    variants = {line.variant_id for line in lines}
    place = await logistics.location_of(tx, cell, seller_id, order.location_id)
    recipient = await _recipient(tx, cell, order_id, seller_id)
    missing = [
        Missing(lack.title, lack.field, REMEDIES[lack.field].format(lack.variant_id))
        for lack in await trade.lacking_of(tx, variants)
    ]
    items = await trade.items(tx, variants)
    missing += [
        Missing(line.title, "customs", f"describe it in Latin letters: PUT /v1/variants/{line.variant_id}/customs")
        for line in lines
        if line.variant_id in items and not papers.in_latin(items[line.variant_id].customs_description)
    ]
    if not place.line1 or not papers.in_latin(place.line1, place.postal_code, place.city):
        who = f"locations/{place.id}" if place.shared else f"seller/locations/{place.id}"
        missing.append(Missing("", "sender", f"say in Latin letters where {place.name} is: PUT /v1/{who}/address"))
    if recipient is None:
        missing.append(Missing("", "recipient", "its buyer has had the address erased, or nobody has paid: cancel it"))
    if missing or recipient is None:
        return PapersView(missing, None)
    tariff = await trade.tariff_of(tx, border.to_country, day) or ""
    sent = papers.Sent(
        show("ord", order_id), day,
        Party(order.seller_name, place.line1, place.postal_code, place.city, border.from_country), recipient,
        _lines(order, lines, items, tariff), Price(sum(line.shipping_minor for line in lines), order.currency),
        await _prepaid(tx, cell, order, border),
        _statement(book, border, {item.country_of_origin for item in items.values()}),
        await _collected(tx, border.collected),
    )  # fmt: skip
    return PapersView([], papers.make(sent, book))


async def check(tx: ReadTx, cell: int, orders: Sequence[store.OrderRow]) -> None:
    """Raises PapersIncomplete for the first of orders that are about to be sent whose papers lack something."""
    sellers = {order.id: order.seller_id for order in orders}
    for order_id in await tx.all(store_borders.CROSSED, cell=cell, order_ids=list(sellers)):
        try:
            found = await papers_of(tx, cell, order_id, sellers[order_id])
        except NotImported:
            continue
        if found.missing:
            raise PapersIncomplete(show("ord", order_id), found.missing)


async def _recipient(tx: ReadTx, cell: int, order_id: UUID, seller_id: UUID) -> Party | None:
    try:
        to: Address = await reads.ship_to(tx, cell, order_id, seller_id)
    except NotFound:
        return None
    there = accounts.latin_address(to)
    return Party(
        there.recipient, there.line1, there.postal_code, there.city or there.district, there.country, there.line2,
        there.region, there.tax_id, accounts.address_lines(to, abroad=True),
    )  # fmt: skip


async def _prepaid(tx: ReadTx, cell: int, order: OrderSummary, border: borders.Border) -> Price | None:
    """What was paid for the border of what is sent, which may be nothing; None where it is paid at the door."""
    if border.incoterm == "DAP":
        return None
    parted = await tx.all(store_parts.PARTED, cell=cell, ids=[order.id])
    return Price(order.duties_minor - sum(row.duties_minor for row in parted), order.currency)


async def _collected(tx: ReadTx, scheme: str) -> str:
    """The scheme by which the tax was collected, with our number, so that nobody asks for it again; empty: by none."""
    return f"{scheme} {(await trade.registered(tx, tx.now.date())).get(scheme, '')}".strip() if scheme else ""


async def _sent_lines(tx: ReadTx, cell: int, order_id: UUID) -> list[OrderLineRow]:
    """An order's lines without what was canceled of them."""
    gone = {row.line_no: row for row in await tx.all(store_borders.CANCELED, cell=cell, order_id=order_id)}
    lines = await tx.all(store.ORDER_LINES, cell=cell, order_ids=[order_id])
    left = [left_of(line, gone[line.line_no]) if line.line_no in gone else line for line in lines]
    return [line for line in left if line.quantity]


def left_of(line: OrderLineRow, gone: CanceledRow) -> OrderLineRow:
    """A line without what was canceled of it: of what was paid, exactly what the parts left, of which the transport
    has the share of its units and the goods the rest."""
    left = line.quantity - gone.quantity
    shipping, discount = (whole * left // line.quantity for whole in (line.shipping_minor, line.discount_minor))
    paid = line.gross_minor - line.discount_minor + line.shipping_minor - gone.paid_minor
    return msgspec.structs.replace(
        line, quantity=left, gross_minor=paid - shipping + discount, discount_minor=discount, shipping_minor=shipping
    )


def _lines(
    order: OrderSummary, lines: Sequence[OrderLineRow], items: dict[int, Item], tariff: str
) -> list[papers.Line]:
    """The value of a line is what is paid for it, as its duty was computed: less its discounts."""
    return [
        papers.Line(
            number, item.customs_description, item.hs_code, item.tariff_codes.get(tariff, ""), item.country_of_origin,
            line.quantity, line.unit, line.quantity * item.weight_g,
            Price(line.gross_minor - line.discount_minor, order.currency),
        )
        for number, line in enumerate(lines, 1)
        for item in [items[line.variant_id]]
    ]  # fmt: skip


def _statement(book: Book, border: borders.Border, origins: set[str]) -> papers.Statement | None:
    found = book.statement(border.from_country, border.to_country, origins)
    if found is None:
        return None
    said, citation = found
    return papers.Statement(said.agreement, said.text, said.limit, citation)
