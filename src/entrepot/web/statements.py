"""The statement of account of a month: for its seller, and of any seller for the operator."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from entrepot import orders, sellers, statements
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import show
from entrepot.platform import Switch
from entrepot.sellers import Seller, SellerId
from entrepot.statements import Desk
from entrepot.web.chart import chart
from entrepot.web.visit import Visit, page

YEARS = (2000, 2999)
"""A statement is of a month of these."""


async def own_page(tx: ReadTx, visit: Visit) -> Response:
    seller = await sellers.seller(tx, SellerId(visit.seller_id))
    return await _show(tx, visit, seller, "/v1/seller/statements")


async def page_of(tx: ReadTx, visit: Visit) -> Response:
    seller = await sellers.seller(tx, SellerId(visit.id("sel", "seller_id")))
    return await _show(tx, visit, seller, f"/v1/sellers/{show('sel', seller.id)}/statements")


async def _show(tx: ReadTx, visit: Visit, seller: Seller, files: str) -> Response:
    """One month: opening, groups, days, lines, closing. Without a month, that of the latest order."""
    moved = await statements.currencies(tx, seller.cell, seller.id)
    asked = visit.query("currency", 3) or (await visit.market(tx)).currency
    desk = Desk(seller.cell, seller.id, asked)
    first = first_asked(visit.query("month")) or await _latest_month(tx, seller)
    month, after = statements.month_of(first), visit.query("after") or None
    found = await statements.statement(tx, desk, month)
    lines = await statements.lines(tx, desk, found, after)
    given = await orders.discounts(tx, [seller.cell], found.starts_at, found.ends_at, seller.id)
    return await visit.show(
        tx, "statement.html", found=found, lines=lines, seller=seller, first=first, last=statements.last_of(month),
        before=within(statements.following(first, -1)), following=within(statements.following(first)),
        currencies=sorted({*moved, asked}), files=f"{files}/{month}", fresh=after is None,
        next=lines[-1].place if len(lines) == statements.PAGE else None,
        sold=chart({day.day: max(0, day.by_group.get("sales", 0)) for day in found.days}),
        sum_of=lambda minor: Price(minor, asked),
        discounts=[one for one in given.items if one.net.currency == asked],
    )  # fmt: skip


def first_asked(text: str) -> date | None:
    """The first of a month written 2026-03."""
    try:
        return within(date.fromisoformat(f"{text}-01"))
    except ValueError:
        return None


def within(first: date) -> date:
    """The same month of a year that statements are made of."""
    return first.replace(year=min(max(first.year, YEARS[0]), YEARS[1]))


async def _latest_month(tx: ReadTx, seller: Seller) -> date:
    latest = await orders.seller_orders(tx, seller.cell, seller.id)
    return (latest[0].placed_at if latest else tx.now).date().replace(day=1)


routes = [
    page("/seller/statement", own_page, SELLER, switch=Switch.STATEMENTS),
    page("/operator/sellers/{seller_id}/statement", page_of, OPERATOR, switch=Switch.STATEMENTS),
]
