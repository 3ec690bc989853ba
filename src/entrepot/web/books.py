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
    days = await ledger.closed_days(tx, 0)
    try:
        day = date.fromisoformat(visit.query("day")) if visit.query("day") else days[0].day if days else None
    except ValueError:
        raise NotFound from None
    found = [] if day is None else [await ledger.trial_balance(tx, cell, day) for cell in await cells(tx)]
    sums: dict[tuple[str, str], list[int]] = {}
    for line in (line for lines in found for line in lines):
        minors = (line.opening_minor, line.debits_minor, line.credits_minor, line.closing_minor)
        before = sums.get((line.currency, line.code), [0] * 4)
        sums[line.currency, line.code] = [a + b for a, b in zip(before, minors, strict=True)]
    rows = [(code, [Price(minor, currency) for minor in minors]) for (currency, code), minors in sorted(sums.items())]
    return await visit.show(
        tx, "operator_books.html", days=days, day=day, rows=rows, yesterday=tx.now.date() - timedelta(days=1)
    )


async def close(tx: Tx, _: Visit, body: Close) -> Go:
    for cell in await cells(tx):
        await ledger.close_days(tx, cell, body.through)
    return Go("/operator/books", done="closed")


routes = [
    page("/operator/books", books_page, OPERATOR),
    form("/operator/books/close", close, Close, OPERATOR, again=books_page),
]
