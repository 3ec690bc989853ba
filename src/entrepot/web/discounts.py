"""What discounts cost, and whom: a month of all sellers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from starlette.responses import Response

from entrepot import orders, statements
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.kit.http import OPERATOR
from entrepot.web.statements import first_asked, within
from entrepot.web.visit import Visit, page


async def discounts_page(tx: ReadTx, visit: Visit) -> Response:
    """Without a month, this one."""
    first = first_asked(visit.query("month")) or tx.now.date().replace(day=1)
    following = statements.following(first)
    found = await orders.discounts(tx, await cells(tx), _begin(first), _begin(following))
    return await visit.show(
        tx, "operator_discounts.html", found=found, month=first, before=within(statements.following(first, -1)),
        following=within(following),
    )  # fmt: skip


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


routes = [page("/operator/discounts", discounts_page, OPERATOR)]
