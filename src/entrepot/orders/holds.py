"""Orders that are held: paid, with their goods, and not to be sent until the operator has looked at who gets them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import NotFound
from entrepot.orders import actions, locks, screening
from entrepot.orders import store_holds as store
from entrepot.orders.screening import Found

HOLDS_PAGE = 100
BY_HAND = "operator"
"""The list that orders are on which somebody holds, or a service outside by the API."""


class HoldView(msgspec.Struct, frozen=True):
    """Why an order is held, and whose names are like the listed one; these are empty where they were erased."""

    order_id: str
    seller_name: str
    paid: Price
    recipient: str
    buyer: str
    list: str
    ref: str
    name: str
    held_at: datetime


async def hold_by_hand(tx: Tx, order_id: UUID, why: str) -> None:
    """Holds an order that is paid and not sent, for a reason of the operator's. Raises NotFound, WrongStatus."""
    cell = await _cell_of(tx, order_id)
    await locks.lock(tx, cell, [order_id], ("paid",))
    await screening.hold(tx, cell, [Found(order_id, BY_HAND, tx.now.isoformat(), why)])


async def release_held(tx: Tx, order_id: UUID, user_id: UUID, note: str, seen_until: datetime) -> None:
    """The operator has looked at what an order was held for until then: if that is all, it may be sent. Raises NotFound
    for one that is not held so long, WrongStatus for one that was canceled meanwhile."""
    cell = await _cell_of(tx, order_id)
    await locks.lock(tx, cell, [order_id], ("paid",))
    await _decide(tx, cell, order_id, "released", user_id, note, seen_until)


async def reject_held(tx: Tx, order_id: UUID, user_id: UUID, note: str) -> None:
    """The order is canceled: its goods and its money go back. Raises NotFound, WrongStatus."""
    cell = await _cell_of(tx, order_id)
    await actions.cancel(tx, cell, [order_id])
    await _decide(tx, cell, order_id, "rejected", user_id, note, None)


async def _decide(
    tx: Tx, cell: int, order_id: UUID, decision: str, user_id: UUID, note: str, until: datetime | None
) -> None:
    done = await tx.all(
        store.DECIDE, cell=cell, order_id=order_id, decision=decision, now=tx.now, user_id=user_id, note=note,
        until=until,
    )  # fmt: skip
    if not done:
        raise NotFound
    tx.emit(f"order_hold_{decision}", order_id, {"user_id": user_id}, cell)


async def held_orders(tx: ReadTx, after: UUID | None = None) -> list[HoldView]:
    """What waits for the operator, at most HOLDS_PAGE orders, each with all that it is held for."""
    rows = await tx.all(store.HOLDS, after=after or NIL, limit=HOLDS_PAGE)
    names = await screening.names_of(tx, [(row.group_cell, row.group_id) for row in rows])
    return [
        HoldView(
            show("ord", row.order_id), row.seller_name, Price(row.paid_minor, row.currency),
            *names.get(row.group_id, ("", "")), row.list, row.ref, row.name, row.held_at,
        )
        for row in rows
    ]  # fmt: skip


async def _cell_of(tx: ReadTx, order_id: UUID) -> int:
    found = await tx.maybe(store.CELL_OF, order_id=order_id)
    if found is None:
        raise NotFound
    return found
