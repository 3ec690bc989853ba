"""The operator's page of orders that are held, since somebody's name is like one of a denied party."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import orders
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.web.visit import Go, Visit, form, page


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`act` says which of the two buttons was pressed, `seen_until` when the last came of what was shown."""

    act: Literal["release", "reject"]
    seen_until: Annotated[datetime, Meta(tz=True)]
    note: Annotated[str, Meta(min_length=1, max_length=1_000)]

    def __post_init__(self) -> None:
        require_calendar(self.seen_until)


async def holds_page(tx: ReadTx, visit: Visit) -> Response:
    found = await orders.held_orders(tx, visit.query_id("ord", "after"))
    by_order: dict[str, list[orders.HoldView]] = {}
    for one in found:
        by_order.setdefault(one.order_id, []).append(one)
    following = found[-1].order_id if len(by_order) == orders.HOLDS_PAGE else None
    return await visit.show(tx, "operator_holds.html", by_order=by_order, next=following)


async def decide(tx: Tx, visit: Visit, body: Decision) -> Go:
    order_id = visit.id("ord", "order_id")
    if body.act == "release":
        await orders.release_held(tx, order_id, visit.me.user_id, body.note, body.seen_until)
        return Go("/operator/holds", done="hold_released")
    await orders.reject_held(tx, order_id, visit.me.user_id, body.note)
    return Go("/operator/holds", done="hold_rejected")


routes = [
    page("/operator/holds", holds_page, OPERATOR),
    form("/operator/holds/{order_id}", decide, Decision, OPERATOR, again=holds_page),
]
