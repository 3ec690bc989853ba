"""Declarations of goods that leave bond, over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from entrepot.customs import declarations, reads_declarations
from entrepot.customs.messages import ParcelSaid, PaymentSaid
from entrepot.customs.reads_declarations import DeclarationView, ListedView
from entrepot.customs.types import NotDeclared, ReleasedAlready
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post, put

OrderPath = Annotated[UUID, "ord"]


class ListQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`waiting`: only those that are under way, or that somebody has to put right. `before` is the `next` of the page
    before."""

    waiting: bool = True
    before: str | None = None


class OfOrder(msgspec.Struct, frozen=True):
    items: list[DeclarationView]


class Listing(msgspec.Struct, frozen=True):
    items: list[ListedView]
    next: str | None


async def say_parcel(tx: Tx, caller: Caller, order_id: OrderPath, body: ParcelSaid) -> None:
    """Says with what parcel an order out of bond will be sent: the third of the messages that customs compares."""
    await declarations.say(tx, caller.cell, order_id, body, caller.user_id, caller.seller)


async def list_own_declarations(tx: ReadTx, caller: Caller, order_id: OrderPath) -> OfOrder:
    """The declarations of an order out of bond, the latest first: what does not agree, or what customs says."""
    return OfOrder(await reads_declarations.of_order(tx, caller.cell, order_id, caller.seller))


async def declare_again(tx: Tx, caller: Caller, order_id: OrderPath) -> None:
    """Compares an order's messages again after something was put right, and sends them to customs when they agree."""
    await declarations.declare_again(tx, caller.cell, order_id, caller.seller)


async def list_declarations(tx: ReadTx, query: ListQuery) -> Listing:
    """The latest declaration of each order, the latest order first."""
    return Listing(*await reads_declarations.listed(tx, query.waiting, query.before))


async def tell_payment(tx: Tx, caller: Caller, order_id: OrderPath, body: PaymentSaid) -> None:
    """What the payment firm says of an order's payment, where that is not what our books say."""
    cell = await reads_declarations.cell_of(tx, order_id)
    await declarations.say(tx, cell, order_id, body, caller.user_id)


async def declare_again_by_operator(tx: Tx, order_id: OrderPath) -> None:
    """The same as the seller's."""
    await declarations.declare_again(tx, await reads_declarations.cell_of(tx, order_id), order_id)


_REFUSALS = (NotDeclared, ReleasedAlready)
routes = [
    put("/v1/seller/orders/{order_id}/parcel", say_parcel, access=SELLER, raises=_REFUSALS, key="taken"),
    get("/v1/seller/orders/{order_id}/declarations", list_own_declarations, access=SELLER),
    post("/v1/seller/orders/{order_id}/declarations", declare_again, access=SELLER, raises=_REFUSALS, key="taken"),
    get("/v1/operator/declarations", list_declarations, access=OPERATOR),
    put("/v1/operator/orders/{order_id}/payment-message", tell_payment, access=OPERATOR, raises=_REFUSALS, key="taken"),
    post(
        "/v1/operator/orders/{order_id}/declarations", declare_again_by_operator, access=OPERATOR, raises=_REFUSALS,
        key="taken",
    ),
]  # fmt: skip
