"""The operator's books: which days are closed, their trial balances, and closing what is over."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from starlette.responses import Response

from entrepot import ledger
from entrepot.catalog import Price
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.problem import NotFound
from entrepot.web.visit import Go, Visit, form, page


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    through: date


async def books_page(tx: ReadTx, visit: Visit) -> Response:
    """The day asked for, or the latest that is closed, all cells together."""
    everywhere = await cells(tx)
    days = await ledger.closed_days(tx, everywhere)
    try:
        day = date.fromisoformat(visit.query("day")) if visit.query("day") else days[0].day if days else None
    except ValueError:
        raise NotFound from None
    lines = [] if day is None else await ledger.trial_balance(tx, everywhere, day)
    rows = [(line.code, [Price(minor, line.currency) for minor in _columns(line)]) for line in lines]
    return await visit.show(
        tx, "operator_books.html", days=days, day=day, rows=rows, yesterday=tx.now.date() - timedelta(days=1)
    )


def _columns(line: ledger.TrialLine) -> tuple[int, int, int, int]:
    return line.opening_minor, line.debits_minor, line.credits_minor, line.closing_minor


async def close(tx: Tx, _: Visit, body: Close) -> Go:
    for cell in await cells(tx):
        await ledger.close_days(tx, cell, body.through)
    return Go("/operator/books", done="closed")


routes = [
    page("/operator/books", books_page, OPERATOR),
    form("/operator/books/close", close, Close, OPERATOR, again=books_page),
]
