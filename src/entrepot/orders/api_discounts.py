"""Discounts by who funds them, over HTTP: of all sellers for the operator, and a seller's own."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Annotated

from starlette.responses import Response

from entrepot.kit.auth import Caller
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.kit.http import OPERATOR, SELLER, get
from entrepot.kit.money import Money
from entrepot.kit.problem import NotFound
from entrepot.orders.discounts import Discounts, discounts

Csv = Annotated[Response, "text/csv; charset=utf-8"]
COLUMNS = ("month", "market", "funder", "discount", "orders", "currency", "given", "back", "net")
_MONTH = re.compile("2[0-9]{3}-(0[1-9]|1[0-2])")


async def list_discounts(tx: ReadTx, month: str) -> Discounts:
    """What was discounted in a month (2026-03, in UTC), by market, funder and discount, less what came back since."""
    return await discounts(tx, await cells(tx), *_within(month))


async def list_own_discounts(tx: ReadTx, caller: Caller, month: str) -> Discounts:
    """What was discounted of what the seller sold in a month, by it and by the operator, who pays it to the seller."""
    return await discounts(tx, [caller.cell], *_within(month), caller.seller)


async def read_discounts_csv(tx: ReadTx, month: str) -> Csv:
    """What was discounted in a month, as a file of rows."""
    return _csv(month, await list_discounts(tx, month))


async def read_own_discounts_csv(tx: ReadTx, caller: Caller, month: str) -> Csv:
    """What was discounted of what the seller sold in a month, as a file of rows."""
    return _csv(month, await list_own_discounts(tx, caller, month))


def _within(month: str) -> tuple[datetime, datetime]:
    if not _MONTH.fullmatch(month):
        raise NotFound
    begins = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    return begins, (begins + timedelta(days=31)).replace(day=1)


def _csv(month: str, found: Discounts) -> Response:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found.items:
        amounts = (str(Money(x.minor, x.currency)).partition(" ")[0] for x in (one.given, one.back, one.net))
        writer.writerow((month, one.market, one.funder, one.kind, one.orders, one.given.currency, *amounts))
    headers = {
        "content-disposition": f'attachment; filename="discounts-{month}.csv"',
        "cache-control": "private, no-store",
    }
    return Response(out.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


routes = [
    get("/v1/operator/discounts/{month}", list_discounts, access=OPERATOR, raises=(NotFound,)),
    get("/v1/operator/discounts/{month}/csv", read_discounts_csv, access=OPERATOR, raises=(NotFound,)),
    get("/v1/seller/discounts/{month}", list_own_discounts, access=SELLER, raises=(NotFound,)),
    get("/v1/seller/discounts/{month}/csv", read_own_discounts_csv, access=SELLER, raises=(NotFound,)),
]
