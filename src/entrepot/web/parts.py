"""What buyers and sellers do with a part of an order: cancel some of it, give back an amount of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import orders
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, SELLER
from entrepot.orders import OrderView
from entrepot.web.visit import Go, Visit, amount_of, form, page

Reason = Annotated[str, Meta(max_length=orders.REASON_MAX)]


class Some(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many units of a line."""

    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    quantity: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Reason = ""


class Amount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of what was paid for a line."""

    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    amount: str
    reason: Annotated[str, Meta(min_length=1, max_length=orders.REASON_MAX)]


async def cancel_page(tx: ReadTx, visit: Visit) -> Response:
    return await _show(tx, visit, "cancel-lines")


async def cancel(tx: Tx, visit: Visit, body: Some) -> Go:
    buyer_id, seller_id = _who(visit)
    view = await _order(tx, visit)
    await orders.cancel_lines(
        tx, visit.me.cell, visit.id("ord", "order_id"), {body.line_no: body.quantity}, buyer_id=buyer_id,
        seller_id=seller_id, reason=body.reason if seller_id else "",
    )  # fmt: skip
    return Go(_back(visit, view), done="part_canceled")


async def refund_page(tx: ReadTx, visit: Visit) -> Response:
    return await _show(tx, visit, "refund-line")


async def refund(tx: Tx, visit: Visit, body: Amount) -> Go:
    view = await _order(tx, visit)
    amount_minor = amount_of(body.amount, view.order.paid.currency, least=1)
    await orders.refund_amount(
        tx, visit.me.cell, visit.id("ord", "order_id"), body.line_no, amount_minor, body.reason,
        seller_id=visit.seller_id,
    )  # fmt: skip
    return Go(_back(visit, view), done="refunded")


async def _show(tx: ReadTx, visit: Visit, what: str) -> Response:
    view = await _order(tx, visit)
    return await visit.show(
        tx, "order_part.html", view=view, order=view.order, what=what, back=_back(visit, view)
    )  # fmt: skip


def _who(visit: Visit) -> tuple[UUID | None, UUID | None]:
    """(buyer, seller): one of them."""
    return (visit.me.user_id, None) if visit.me.role is Role.BUYER else (None, visit.seller_id)


async def _order(tx: ReadTx, visit: Visit) -> OrderView:
    buyer_id, seller_id = _who(visit)
    order_id = visit.id("ord", "order_id")
    return await orders.order_view(tx, visit.me.cell, order_id, buyer_id=buyer_id, seller_id=seller_id)


def _back(visit: Visit, view: OrderView) -> str:
    """The page of the order."""
    return f"/orders/{view.order.group_id}" if visit.me.role is Role.BUYER else f"/seller/orders/{view.order.id}"


_BUYERS, _SELLERS = "/orders/{order_id}", "/seller/orders/{order_id}"

routes = [
    *(
        route
        for path, access in ((_BUYERS, BUYER), (_SELLERS, SELLER))
        for route in (
            page(f"{path}/cancel-lines", cancel_page, access),
            form(f"{path}/cancel-lines", cancel, Some, access, again=cancel_page),
        )
    ),
    page(f"{_SELLERS}/refund-line", refund_page, SELLER),
    form(f"{_SELLERS}/refund-line", refund, Amount, SELLER, again=refund_page),
]
