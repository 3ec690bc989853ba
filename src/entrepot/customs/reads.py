"""Returns as the operator sees them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot import ledger, orders, sellers, trade
from entrepot.catalog import Price
from entrepot.customs import rules, store
from entrepot.customs.store import ReturnRow
from entrepot.customs.types import Content, Line, Period
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound

PAGE = 100


class ReturnView(msgspec.Struct, frozen=True):
    """A return; `total` is what it comes to, by currency."""

    id: str
    scheme: str
    number: str
    first_day: date
    last_day: date
    due_on: date
    lines: list[Line]
    total: list[Price]
    filed_at: datetime
    paid_at: datetime | None
    reference: str


class Collected(msgspec.Struct, frozen=True):
    """What the account of a scheme holds in a currency, in all cells; the period of today."""

    scheme: str
    number: str
    kept: Price
    period: Period
    last_period: Period


async def returns(tx: ReadTx) -> list[ReturnView]:
    """The latest PAGE."""
    return [_view(row) for row in await tx.all(store.RETURNS, limit=PAGE)]


async def return_view(tx: ReadTx, return_id: UUID) -> ReturnView:
    """Raises NotFound."""
    row = await tx.maybe(store.RETURN, id=return_id)
    if row is None:
        raise NotFound
    return _view(row)


def file_of(view: ReturnView) -> str:
    """The return as CSV."""
    return rules.to_csv(view.scheme, view.number, Period(view.first_day, view.last_day, view.due_on), view.lines)


async def collected_now(tx: ReadTx) -> list[Collected]:
    """What is kept of each scheme that the platform is registered for, or of which something is kept."""
    today = tx.now.date()
    numbers = await trade.registered(tx, today)
    there, found = await cells(tx), []
    for scheme in trade.SCHEMES:
        period = rules.period_of(scheme, today)
        before = rules.period_of(scheme, date.fromordinal(period.first_day.toordinal() - 1))
        for currency in await sellers.currencies(tx):
            kept = sum([await ledger.balance(tx, cell, orders.tax_account(scheme), currency) for cell in there])
            if kept or scheme in numbers:
                found.append(Collected(scheme, numbers.get(scheme, ""), Price(kept, currency), period, before))
    return found


def _view(row: ReturnRow) -> ReturnView:
    totals: dict[str, int] = {}
    content = msgspec.convert(row.content, Content)
    for part in content.parts:
        totals[part.currency] = totals.get(part.currency, 0) + part.tax_minor
    return ReturnView(
        show("txr", row.id), row.scheme, row.number, row.first_day, row.last_day, row.due_on,
        content.lines,
        [Price(minor, currency) for currency, minor in sorted(totals.items())], row.filed_at, row.paid_at,
        row.reference,
    )  # fmt: skip
