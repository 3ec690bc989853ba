"""Orders as buyers, sellers and the operator see them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar
from uuid import UUID

import msgspec

from entrepot import accounts, logistics, payments, pricing
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound
from entrepot.orders import borders, settling, store, store_holds, store_parts, store_shipping
from entrepot.orders.borders import Border
from entrepot.orders.settling import Exchange
from entrepot.orders.store import Day, GroupSummary, OrderLineRow, OrderSummary, QuoteLineRow
from entrepot.orders.store_holds import Parties
from entrepot.orders.store_parts import PartLine, PartSummary
from entrepot.pricing import Window

Row = TypeVar("Row", OrderLineRow, QuoteLineRow)

LAST = UUID(int=2**128 - 1)
PAGE = 50
AWAITED_MAX = 200
MAX_DAYS = 400
LATELY = 2_000
"""Order lines, or groups, that count as the last ones."""


class OrderComponent(msgspec.Struct, frozen=True):
    """A component of a bundle that was bought, and its shares of the line's amounts."""

    line_no: int
    title: str
    slug: str
    quantity: int
    unit: str
    gross: Price
    discount: Price
    shipping: Price
    paid: Price


class OrderLine(msgspec.Struct, frozen=True):
    """Frozen: gross = floor(unit_price * quantity / price_per) + rounding; paid = gross - discount + shipping. A bundle
    is one line, its amounts the sums of its components'; its `line_no` is its first component's."""

    line_no: int
    title: str
    slug: str
    offer_id: int
    quantity: int
    unit: str
    price_per: int
    unit_price: Price
    rounding: Price
    gross: Price
    discount: Price
    shipping: Price
    paid: Price
    components: list[OrderComponent]


class Step(msgspec.Struct, frozen=True):
    """Something that happened to an order, or, when `at` is in the future, will."""

    what: str
    at: datetime
    place: str = ""


class LineOfPart(msgspec.Struct, frozen=True):
    """So many units of a line and what was paid for them; no units are an amount only."""

    line_no: int
    title: str
    quantity: int
    unit: str
    paid: Price


class OrderPart(msgspec.Struct, frozen=True):
    """A part of an order that goes its own way: canceled, refunded (an amount), disputed or returned, by whom and why.
    `back` is what the buyer gets back of `paid`, null while that is not settled; with it come back the `duties` of what
    is not sent.

    Who bears it is told to nobody but the seller and the operator: back = from_seller + from_operator, where the
    operator gives up commission, payment fee and the tax on them at the rates of the sale, and has its discount back;
    and beside both the share of a tax in the price that the platform owed, and owes no more.
    """

    id: str
    no: int
    kind: str
    party: str
    reason: str
    lines: list[LineOfPart]
    paid: Price
    back: Price | None
    duties: Price
    from_seller: Price | None
    from_operator: Price | None
    at: datetime
    ended_at: datetime | None


class OrderBrief(msgspec.Struct, frozen=True):
    """paid = items + shipping - discounts, of which the operator bears `operator_discounts` and the seller the rest;
    beside it `duties` were paid for the border, which are not the seller's.
    `withheld` is tax in `paid` that the platform pays. What the seller pays for the sale is told to nobody but the
    seller."""

    id: str
    group_id: str
    seller_id: str
    seller_name: str
    status: str
    items: Price
    shipping: Price
    discounts: Price
    operator_discounts: Price
    paid: Price
    duties: Price
    commission: Price | None
    payment_fee: Price | None
    fee_tax: Price | None
    withheld: Price | None
    placed_at: datetime

    @property
    def charged(self) -> Price:
        """What its buyer paid in all."""
        return Price(self.paid.minor + self.duties.minor, self.paid.currency)


class OrderView(msgspec.Struct, frozen=True):
    """An order with its lines, its shipment and everything that happened to it, in time order. `refunded` is what the
    buyer got back: what is back of the parts and, once the order was canceled or refunded, all that is in none. In its
    `window` it is delivered. One that is `held` is not sent until the operator has looked at it. By which `exchange`
    its seller is paid in another currency is told to nobody else but the operator."""

    order: OrderBrief
    ship_from: str
    lines: list[OrderLine]
    timeline: list[Step]
    shipment: logistics.ShipmentView | None
    refunded: Price
    parts: list[OrderPart]
    border: Border | None = None
    held: bool = False
    exchange: Exchange | None = None
    window: Window | None = None


class GroupView(msgspec.Struct, frozen=True):
    """One purchase: what was paid for the orders and their duties sums to `paid`."""

    id: str
    status: str
    paid: Price
    placed_at: datetime
    orders: list[OrderBrief]


class GroupBrief(msgspec.Struct, frozen=True):
    id: str
    status: str
    paid: Price
    placed_at: datetime


async def group_view(tx: ReadTx, cell: int, buyer_id: UUID, group_id: UUID) -> GroupView:
    """Raises NotFound, also for another buyer's."""
    row = await _group(tx, cell, buyer_id, group_id)
    orders: list[OrderSummary] = []
    for there in _cells(cell, row):
        orders += await tx.all(store.ORDERS_OF_GROUP, cell=there, group_id=group_id)
    return _group_view(row, [_brief(order) for order in sorted(orders, key=lambda order: order.id)])


async def group_detail(tx: ReadTx, cell: int, buyer_id: UUID, group_id: UUID) -> tuple[GroupView, list[OrderView]]:
    """A group with everything about each of its orders. Raises NotFound, also for another buyer's."""
    row = await _group(tx, cell, buyer_id, group_id)
    views: list[OrderView] = []
    for there in _cells(cell, row):
        orders = await tx.all(store.ORDERS_OF_GROUP, cell=there, group_id=group_id)
        views += await _views(tx, there, orders, costs=False)
    views.sort(key=lambda view: view.order.id)
    return _group_view(row, [view.order for view in views]), views


async def _group(tx: ReadTx, cell: int, buyer_id: UUID, group_id: UUID) -> GroupSummary:
    row = await tx.maybe(store.GROUP, cell=cell, id=group_id, buyer_id=buyer_id)
    if row is None:
        raise NotFound
    return row


def _cells(home: int, group: GroupSummary) -> list[int]:
    """Where a group has orders."""
    return sorted([home, *(group.other_cells or ())])


def _group_view(row: GroupSummary, orders: list[OrderBrief]) -> GroupView:
    paid = Price(row.paid_minor, row.currency)
    return GroupView(show("grp", row.id), row.status, paid, row.placed_at, orders)


async def buyer_groups(tx: ReadTx, cell: int, buyer_id: UUID, before: UUID | None = None) -> list[GroupBrief]:
    """A buyer's purchases, the latest first, PAGE at a time."""
    rows = await tx.all(store.GROUPS_OF_BUYER, cell=cell, buyer_id=buyer_id, before=before or LAST, limit=PAGE)
    return [
        GroupBrief(show("grp", row.id), row.status, Price(row.paid_minor, row.currency), row.placed_at) for row in rows
    ]


async def seller_orders(
    tx: ReadTx, cell: int, seller_id: UUID, status: str | None = None, before: UUID | None = None
) -> list[OrderBrief]:
    """A seller's orders, the latest first, PAGE at a time."""
    rows = await tx.all(
        store.ORDERS_OF_SELLER, cell=cell, seller_id=seller_id, status=status, before=before or LAST, limit=PAGE
    )
    return [_brief(row, costs=True) for row in rows]


class Awaited(msgspec.Struct, frozen=True):
    """An order that is awaited at a time."""

    order: OrderBrief
    window: Window


class ToShip(msgspec.Struct, frozen=True):
    """What is `awaited` at a time, by its cut-off, AWAITED_MAX at most, and the `rest`, the latest first. There may be
    `more` of the rest."""

    awaited: list[Awaited]
    rest: list[OrderBrief]
    more: bool


async def to_ship(tx: ReadTx, cell: int, seller_id: UUID, before: UUID | None = None) -> ToShip:
    """A seller's paid orders that are not sent, PAGE at a time; after the first page the rest only."""
    timed = []
    if before is None:
        timed = await tx.all(store_shipping.AWAITED, cell=cell, seller_id=seller_id, limit=AWAITED_MAX)
    rest = await tx.all(store_shipping.UNTIMED, cell=cell, seller_id=seller_id, before=before or LAST, limit=PAGE)
    windows = await pricing.windows(tx, [row.slot_id for row in timed])
    awaited = [Awaited(_brief(row, costs=True), windows[row.slot_id]) for row in timed]
    return ToShip(awaited, [_brief(row, costs=True) for row in rest], len(rest) == PAGE)


async def briefs(tx: ReadTx, cell: int, ids: Sequence[UUID]) -> dict[UUID, OrderBrief]:
    """These orders of a cell, as their sellers see them."""
    return {row.id: _brief(row, costs=True) for row in await tx.all(store.SUMMARIES, cell=cell, ids=ids)}


async def order_view(
    tx: ReadTx, cell: int, order_id: UUID, *, buyer_id: UUID | None = None, seller_id: UUID | None = None
) -> OrderView:
    """An order of this buyer or this seller (one of them is given; the operator gives neither), whose cell `cell`
    is. Raises NotFound."""
    sold_in = cell if buyer_id is None else await cell_of(tx, cell, order_id)
    row = await tx.maybe(store.ORDER, cell=sold_in, id=order_id)
    if row is None:
        raise NotFound
    if buyer_id is not None:
        await _group(tx, cell, buyer_id, row.group_id)
    if seller_id is not None and row.seller_id != seller_id:
        raise NotFound
    (view,) = await _views(tx, sold_in, [row], costs=buyer_id is None)
    return view


async def orders_of_parts(tx: ReadTx, cell: int, part_ids: Collection[UUID]) -> list[UUID]:
    """The orders that these are parts of, each once."""
    return await tx.all(store_parts.ORDERS_OF_PARTS, cell=cell, ids=part_ids)


async def order_of_part(tx: ReadTx, cell: int, part_id: UUID, seller_id: UUID) -> OrderView:
    """The order of this seller, whose cell it is, that a part is of. Raises NotFound."""
    order_id = await tx.maybe(store_parts.ORDER_OF_PART, cell=cell, id=part_id)
    if order_id is None:
        raise NotFound
    return await order_view(tx, cell, order_id, seller_id=seller_id)


async def _views(tx: ReadTx, cell: int, rows: Sequence[OrderSummary], *, costs: bool) -> list[OrderView]:
    """Orders with everything that belongs to them, in as many queries as one order takes."""
    ids = [row.id for row in rows]
    lines: dict[UUID, list[OrderLine]] = {id_: [] for id_ in ids}
    currency = {row.id: row.currency for row in rows}
    for bought in as_bought(await tx.all(store.ORDER_LINES, cell=cell, order_ids=ids)):
        lines[bought[0].order_id].append(_line(bought, currency[bought[0].order_id]))
    places = await logistics.location_names(tx, cell, sorted({row.location_id for row in rows}))
    shipments = await logistics.shipments_of(tx, cell, ids)
    crossed = await borders.of_orders(tx, cell, ids)
    crossed = {id_: border for id_, border in crossed.items() if costs or border.crosses}
    parts = await _parts(tx, cell, rows, costs=costs)
    settled = await settling.of_orders(tx, cell, ids) if costs else {}
    windows = await pricing.windows(tx, [row.slot_id for row in rows])
    refunded: dict[UUID, int] = {}
    changed = [row for row in rows if parts[row.id] or row.status in ("canceled", "refunded")]
    for home in sorted({row.group_cell for row in changed}):
        refunded |= await payments.refunded_of(tx, home, [row.group_id for row in changed if row.group_cell == home])
    return [
        OrderView(
            _brief(row, costs=costs), places.get(row.location_id, ""), lines[row.id],
            _timeline(row, shipments.get(row.id)), shipments.get(row.id),
            Price(refunded.get(row.id, 0), row.currency), parts[row.id], crossed.get(row.id),
            row.held, settled.get(row.id), windows.get(row.slot_id),
        )
        for row in rows
    ]  # fmt: skip


async def _parts(tx: ReadTx, cell: int, rows: Sequence[OrderSummary], *, costs: bool) -> dict[UUID, list[OrderPart]]:
    """The parts of orders that have gone their own way."""
    found = await tx.all(store_parts.PARTS, cell=cell, orders=[row.id for row in rows])
    lines = await tx.all(store_parts.PART_LINES, cell=cell, ids=[part.id for part in found]) if found else []
    return {
        row.id: [
            _part(part, row, [line for line in lines if line.part_id == part.id], costs)
            for part in found
            if part.order_id == row.id
        ]
        for row in rows
    }


def _part(part: PartSummary, order: OrderSummary, lines: Sequence[PartLine], costs: bool) -> OrderPart:
    def price(minor: int | None) -> Price | None:
        return None if minor is None else Price(minor, order.currency)

    from_seller, from_operator = None, None
    if costs and part.back_minor is not None:
        given_up = (part.back_commission_minor or 0) + (part.back_payment_fee_minor or 0)
        given_up += part.back_fee_tax_minor or 0
        from_operator = part.back_minor if order.own else given_up - (part.back_operator_discount_minor or 0)
        from_seller = part.back_minor - from_operator - (part.back_withheld_minor or 0)
    return OrderPart(
        show("prt", part.id), part.no, part.kind, part.party, part.reason,
        [LineOfPart(x.line_no, x.title, x.quantity, x.unit, Price(x.paid_minor, order.currency)) for x in lines],
        Price(part.paid_minor, order.currency), price(part.back_minor),
        Price(part.duties_minor, order.currency), price(from_seller), price(from_operator), part.frozen_at,
        part.ended_at,
    )  # fmt: skip


async def parties(tx: ReadTx, cell: int, ids: Sequence[UUID]) -> dict[UUID, Parties]:
    """Whose these orders are that were sold in a cell, and these groups that were bought in it."""
    found = await tx.all(store_holds.PARTIES, cell=cell, ids=ids) + await tx.all(
        store_holds.GROUPS_HERE, cell=cell, ids=ids
    )
    return {one.id: one for one in found}


async def cell_of(tx: ReadTx, home: int, order_id: UUID) -> int:
    """Where an order of a buyer of the cell `home` is, if there is one."""
    return await tx.one(store.CELL_OF_ORDER, cell=home, id=order_id)


async def ship_to(tx: ReadTx, cell: int, order_id: UUID, seller_id: UUID) -> accounts.Address:
    """Where an order of this seller goes. Raises NotFound, also for an order that nobody has paid or that was canceled,
    and when the buyer's address has been erased."""
    row = await tx.maybe(store.SHIP_TO, cell=cell, order_id=order_id, seller_id=seller_id)
    if row is None:
        raise NotFound
    address_id = await tx.maybe(store.ADDRESS_OF_GROUP, cell=row.group_cell, id=row.group_id)
    if address_id is None:
        raise NotFound
    return await accounts.address(tx, row.group_cell, row.buyer_id, address_id)


async def days(tx: ReadTx, market: str, start: datetime | None = None, stop: datetime | None = None) -> list[Day]:
    """What a market sold per day (UTC), in all cells; without a period the 28 days up to its last order. At most
    MAX_DAYS."""
    if stop is None:
        last = await tx.maybe(store.LAST_ORDER_AT, market=market, groups=LATELY)
        stop = (last or tx.now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if start is None:
        start = stop - timedelta(days=28)
    elif stop - start > timedelta(days=MAX_DAYS):
        start = stop - timedelta(days=MAX_DAYS)
    return await tx.all(store.DAYS, market=market, start=start, stop=stop)


async def bought_lately(tx: ReadTx, limit: int) -> list[int]:
    """The products that most of the last LATELY order lines of all cells are of."""
    return await tx.all(store.BOUGHT_LATELY, lines=LATELY, limit=limit)


def as_bought(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of lines in their order: those of one bundle together, any other alone."""
    numbered = groupby(enumerate(rows), lambda row: row[1].bundle_no or -row[0])
    return [[row for _, row in together] for _, together in numbered]


def _line(rows: Sequence[OrderLineRow], currency: str) -> OrderLine:
    def price(minor: int) -> Price:
        return Price(minor, currency)

    def amounts(rows: Sequence[OrderLineRow]) -> tuple[Price, Price, Price, Price]:
        gross, discount, shipping = (
            sum(row.gross_minor for row in rows), sum(row.discount_minor for row in rows),
            sum(row.shipping_minor for row in rows),
        )  # fmt: skip
        return price(gross), price(discount), price(shipping), price(gross - discount + shipping)

    row = rows[0]
    if not row.bundle_no:
        return OrderLine(
            row.line_no, row.title, row.slug, row.offer_id, row.quantity, row.unit, row.price_per,
            price(row.unit_price_minor), price(row.rounding_minor), *amounts(rows), [],
        )  # fmt: skip
    parts = [
        OrderComponent(part.line_no, part.title, part.slug, part.quantity, part.unit, *amounts([part])) for part in rows
    ]
    return OrderLine(
        row.line_no, row.bundle_title, row.bundle_slug, row.offer_id, row.quantity // row.price_per, "each", 1,
        price(sum(part.unit_price_minor for part in rows)), price(0), *amounts(rows), parts,
    )  # fmt: skip


def _brief(row: OrderSummary, *, costs: bool = False) -> OrderBrief:
    def price(minor: int) -> Price:
        return Price(minor, row.currency)

    return OrderBrief(
        show("ord", row.id), show("grp", row.group_id), show("sel", row.seller_id), row.seller_name, row.status,
        price(row.items_minor), price(row.shipping_minor),
        price(row.seller_discount_minor + row.operator_discount_minor), price(row.operator_discount_minor),
        price(row.paid_minor), price(row.duties_minor), price(row.commission_minor) if costs else None,
        price(row.payment_fee_minor) if costs else None, price(row.fee_tax_minor) if costs else None,
        price(row.withheld_minor) if costs else None, row.placed_at,
    )  # fmt: skip


def _timeline(row: OrderSummary, shipment: logistics.ShipmentView | None) -> list[Step]:
    steps = [Step("placed", row.placed_at)]
    if row.shipped_at:
        steps.append(Step("shipped", row.shipped_at))
    if shipment:
        steps += [Step(event.status, event.at, event.place) for event in shipment.events]
    if row.delivered_at and not any(step.what == "delivered" for step in steps):
        steps.append(Step("delivered", row.delivered_at))
    if row.ended_at:
        steps.append(Step(row.status, row.ended_at))
    if row.release_due_at:
        steps.append(Step("confirmed_by_timer", row.release_due_at))
    return sorted(steps, key=lambda step: step.at)
