"""Orders that are held: paid, with their goods, and not to be sent until the operator has looked at them. One that was
sent before it was held is not released to its seller meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import NotFound
from entrepot.orders import actions, locks, screening
from entrepot.orders import store as orders
from entrepot.orders import store_holds as store
from entrepot.orders.screening import Found
from entrepot.orders.store_holds import DueHold

HOLDS_PAGE = 100
HELD_IN = ("paid", "shipped", "delivered")
PASSED_MAX = 100
"""Culprits that one timer run passes over."""
IN_TIME = "nobody has looked in time"
BY_HAND = "operator"
"""The list that orders are on which somebody holds, or a service outside by the API."""


class HoldView(msgspec.Struct, frozen=True):
    """Why an order is held, and whose names are like the listed one; these are empty where they were erased. It is
    decided by itself at `due_at`."""

    order_id: str
    seller_name: str
    paid: Price
    recipient: str
    buyer: str
    list: str
    ref: str
    name: str
    held_at: datetime
    kind: Literal["party", "fraud", "hand"]
    due_at: datetime | None


async def hold_by_hand(tx: Tx, order_id: UUID, why: str) -> None:
    """Holds an order that is paid and not sent, for a reason of the operator's. Raises NotFound, WrongStatus."""
    cell = await _cell_of(tx, order_id)
    await locks.lock(tx, cell, [order_id], ("paid",))
    await screening.hold(tx, cell, [Found(order_id, BY_HAND, tx.now.isoformat(), why, "hand")])


async def hold_found(tx: Tx, cell: int, found: Sequence[Found]) -> int:
    """Holds those of the orders of a cell that are paid and not yet released; for how many that is news."""
    if not found:
        return 0
    ids = sorted({one.order_id for one in found})
    locked = await tx.all(orders.LOCK_ORDERS, cell=cell, ids=ids)
    held = {order.id for order in locked if order.status in HELD_IN}
    return await screening.hold(tx, cell, [one for one in found if one.order_id in held])


async def release_held(tx: Tx, order_id: UUID, user_id: UUID, note: str, seen_until: datetime) -> None:
    """The operator has looked at what an order was held for until then: if that is all, it may be sent. Raises NotFound
    for one that is not held so long, WrongStatus for one that was canceled meanwhile."""
    cell = await _cell_of(tx, order_id)
    await locks.lock(tx, cell, [order_id], HELD_IN)
    await _decide(tx, cell, order_id, "released", user_id, note, seen_until)


async def reject_held(tx: Tx, order_id: UUID, user_id: UUID, note: str) -> None:
    """The order is canceled: its goods and its money go back; the money alone if it was sent before it was held. Raises
    NotFound, WrongStatus."""
    await _reject(tx, await _cell_of(tx, order_id), order_id, user_id, note)


async def let_go(tx: Tx, cell: int, order_id: UUID, list_: str, ref: str, note: str) -> None:
    """Whatever had an order held by this name lets it go; other holds of it stay."""
    (order,) = await tx.all(orders.LOCK_ORDERS, cell=cell, ids=[order_id])
    of = {"cell": cell, "order_id": order_id, "list": list_, "ref": ref}
    if await tx.all(store.LET_GO, now=tx.now, user_id=NIL, note=note, **of) and order.status in HELD_IN:
        await _tell_free(tx, cell, order_id, NIL)


async def end_due(tx: Tx, cell: int) -> int:
    """Decides holds that nobody has decided in their time, as they say; how many orders. One that cannot be is passed
    over and stays held."""
    passed = list[UUID]()
    while len(passed) < PASSED_MAX:
        due = await tx.all(store.DUE_HOLDS, cell=cell, now=tx.now, passed=passed, limit=1)
        if not due:
            break
        (one,) = due

        async def end(_: object, one: DueHold = one) -> int:
            if one.decision == "rejected":
                await _reject(tx, cell, one.order_id, NIL, IN_TIME)
            else:
                await locks.lock(tx, cell, [one.order_id], HELD_IN)
                await _decide(tx, cell, one.order_id, "released", NIL, IN_TIME, tx.now)
            return 1

        did, culprits = await in_halves(tx, "hold", [one.order_id], end)
        if did:
            return did
        passed += culprits
    return 0


async def _reject(tx: Tx, cell: int, order_id: UUID, user_id: UUID, note: str) -> None:
    (order,) = await tx.all(orders.ORDERS, cell=cell, ids=[order_id])
    await (actions.refund if order.status in ("shipped", "delivered") else actions.cancel)(tx, cell, [order_id])
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
    if decision == "released":
        await _tell_free(tx, cell, order_id, user_id)
    else:
        tx.emit("order_hold_rejected", order_id, {"user_id": user_id}, cell)


async def _tell_free(tx: Tx, cell: int, order_id: UUID, user_id: UUID) -> None:
    """The order may go on: nothing is told while something else holds it still."""
    if not await screening.held(tx, cell, [order_id]):
        tx.emit("order_hold_released", order_id, {"user_id": user_id}, cell)


async def held_orders(tx: ReadTx, after: UUID | None = None) -> list[HoldView]:
    """What waits for the operator, at most HOLDS_PAGE orders, each with all that it is held for."""
    rows = await tx.all(store.HOLDS, after=after or NIL, limit=HOLDS_PAGE)
    names = await screening.names_of(tx, [(row.group_cell, row.group_id) for row in rows])
    return [
        HoldView(
            show("ord", row.order_id), row.seller_name, Price(row.paid_minor, row.currency),
            *names.get(row.group_id, ("", "")), row.list, row.ref, row.name, row.held_at, row.kind,  # type: ignore[arg-type]
            row.due_at,
        )
        for row in rows
    ]  # fmt: skip


async def _cell_of(tx: ReadTx, order_id: UUID) -> int:
    found = await tx.maybe(store.CELL_OF, order_id=order_id)
    if found is None:
        raise NotFound
    return found
