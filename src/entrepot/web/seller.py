"""A seller's office: what is to be shipped, all orders, the payouts."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import customs, logistics, orders, payments, sellers
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import SELLER
from entrepot.kit.ids import END, parse
from entrepot.kit.problem import NotFound
from entrepot.orders import OrderView
from entrepot.web.account import Nothing
from entrepot.web.purchases import stage
from entrepot.web.visit import Go, Visit, form, page
from entrepot.web.words import LACKS, PAYOUT_STATES
from entrepot.web.words_bond import DECLARATION_STATES, MESSAGES_DIFFER, SPEAKERS

STATUSES = ("paid", "shipped", "delivered", "completed", "canceled", "refunded")


class Shipping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=80)]


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    holder: Annotated[str, Meta(min_length=1, max_length=140)]
    iban: Annotated[str, Meta(min_length=1, max_length=60)]


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ISO 4217 currency, or nothing."""

    currency: Annotated[str, Meta(pattern=f"^([A-Z]{{3}})?{END}")]


async def to_ship(tx: ReadTx, visit: Visit) -> Response:
    """Paid orders that wait to be packed: first those that are awaited at a time, then the others, the latest first."""
    todo = await orders.to_ship(tx, visit.me.cell, visit.seller_id, visit.query_id("ord", "before"))
    found = [(one.order, one.window) for one in todo.awaited] + [(order, None) for order in todo.rest]
    last = todo.rest[-1].id if todo.more else None
    return await visit.show(tx, "seller_home.html", found=found, last=last)


async def all_orders(tx: ReadTx, visit: Visit) -> Response:
    status = visit.query("status")
    wanted = status if status in STATUSES else None
    before = visit.query_id("ord", "before")
    found = await orders.seller_orders(tx, visit.me.cell, visit.seller_id, wanted, before)
    return await visit.show(tx, "seller_orders.html", found=found, chosen=wanted, statuses=STATUSES)


async def order_page(tx: ReadTx, visit: Visit) -> Response:
    view = await orders.order_view(tx, visit.me.cell, visit.id("ord", "order_id"), seller_id=visit.seller_id)
    return await _show_order(tx, visit, view)


async def part_page(tx: ReadTx, visit: Visit) -> Response:
    """The order of a part, which a line of the statement names."""
    view = await orders.order_of_part(tx, visit.me.cell, visit.id("prt", "part_id"), visit.seller_id)
    return await _show_order(tx, visit, view)


async def _show_order(tx: ReadTx, visit: Visit, view: OrderView) -> Response:
    """One order with where it goes; an address that its owner had erased is not shown."""
    try:
        address = await orders.ship_to(tx, visit.me.cell, parse("ord", view.order.id), visit.seller_id)
    except NotFound:
        address = None
    papers = None
    if view.border is not None and view.order.status in ("paid", "shipped", "delivered", "completed"):
        with suppress(orders.NotImported):
            papers = await orders.papers_of(tx, visit.me.cell, parse("ord", view.order.id), visit.seller_id)
    declared, parcel = [], None
    if view.border is not None:
        declared = await customs.of_order(tx, visit.me.cell, parse("ord", view.order.id))
        parcel = await customs.parcel_of(tx, visit.me.cell, parse("ord", view.order.id))
    return await visit.show(
        tx, "seller_order.html", view=view, address=address, stage=stage(view), papers=papers, lacks=LACKS,
        declared=declared[0] if declared else None, states=DECLARATION_STATES, differ=MESSAGES_DIFFER,
        speakers=SPEAKERS, parcel=parcel,
    )  # fmt: skip


async def ship(tx: Tx, visit: Visit, body: Shipping) -> Go:
    shipment = logistics.NewShipment(visit.id("ord", "order_id"), body.carrier, body.tracking_number)
    await orders.ship_many(tx, visit.me.cell, [shipment], visit.seller_id)
    return Go("/seller", done="shipped")


async def cancel(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await orders.cancel(tx, visit.me.cell, [visit.id("ord", "order_id")], seller_id=visit.seller_id)
    return Go(f"/seller/orders/{visit.param('order_id')}", done="order_canceled")


async def refund(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await orders.refund(tx, visit.me.cell, [visit.id("ord", "order_id")], seller_id=visit.seller_id)
    return Go(f"/seller/orders/{visit.param('order_id')}", done="refunded")


async def payouts_page(tx: ReadTx, visit: Visit) -> Response:
    found = await payments.payouts(tx, visit.me.cell, visit.seller_id, visit.query_id("pay", "before"))
    market = await visit.market(tx)
    added = {one.currency: one for one in await payments.bank_accounts(tx, visit.me.cell, visit.seller_id)}
    debts = [(debt, Price(debt.owed_minor, debt.currency)) for debt in await payments.debts(tx, visit.seller_id)]
    seller = await sellers.seller(tx, sellers.SellerId(visit.seller_id))
    return await visit.show(
        tx, "seller_payouts.html", found=[(one, Price(one.amount_minor, one.currency)) for one in found],
        states=PAYOUT_STATES, account=added.get(market.currency), debts=debts, settles_in=seller.settles_in,
        currencies=await sellers.currencies(tx),
    )  # fmt: skip


async def set_settlement(tx: Tx, visit: Visit, body: Settlement) -> Go:
    """In which currency the seller is paid, whatever it sells in."""
    await sellers.settle_in(tx, sellers.SellerId(visit.seller_id), body.currency or None)
    return Go("/seller/payouts", done="settlement_set")


async def add_account(tx: Tx, visit: Visit, body: NewAccount) -> Go:
    """Where the payouts in the market's currency go."""
    currency, account = (await visit.market(tx)).currency, payments.BankAccount(body.holder, body.iban)
    await payments.add_account(tx, visit.keys, visit.me.cell, visit.seller_id, currency, account, visit.me.user_id)
    return Go("/seller/payouts", done="bank_account_added")


def month_of(text: str) -> datetime | None:
    """The first moment (UTC) of a month written 2026-03."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None


def shifted(month: datetime, by: int) -> datetime:
    """The month after (1) or before (-1), within the years that a date can have."""
    number = min(max(month.year * 12 + month.month - 1 + by, 12), 9999 * 12 + 11)
    return month.replace(year=number // 12, month=number % 12 + 1)


routes = [
    page("/seller", to_ship, SELLER),
    page("/seller/orders", all_orders, SELLER),
    page("/seller/orders/{order_id}", order_page, SELLER),
    page("/seller/parts/{part_id}", part_page, SELLER),
    form("/seller/orders/{order_id}/ship", ship, Shipping, SELLER),
    form("/seller/orders/{order_id}/cancel", cancel, Nothing, SELLER),
    form("/seller/orders/{order_id}/refund", refund, Nothing, SELLER),
    page("/seller/payouts", payouts_page, SELLER),
    form("/seller/payouts/settlement", set_settlement, Settlement, SELLER),
    form("/seller/payouts/account", add_account, NewAccount, SELLER),
]
