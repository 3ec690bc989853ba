"""Whom orders go to, compared with the lists of denied parties: who may be on one keeps waiting for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from entrepot import trade
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, show
from entrepot.orders import store
from entrepot.orders import store_holds as rows
from entrepot.orders.types import OrderHeld

LOOKED_AT = 500
"""Orders that are screened together."""


class Found(msgspec.Struct, frozen=True):
    """An order whose buyer or recipient may be this listed party, or which another kind of hold is for. At `due_at` it
    is decided by itself."""

    order_id: UUID
    list: str
    ref: str
    name: str
    kind: Literal["party", "fraud", "hand"] = "party"
    due_at: datetime | None = None
    due_decision: str | None = None


async def screen(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> list[Found]:
    """Whom the buyers and recipients of orders of a cell may be. Where nobody is listed it costs one statement."""
    if not await trade.has_parties(tx):
        return []
    orders = await tx.all(rows.BUYERS, cell=cell, ids=order_ids)
    names = await names_of(tx, [(one.group_cell, one.group_id) for one in orders])
    asked = [(one.order_id, name) for one in orders for name in dict.fromkeys(names.get(one.group_id, ())) if name]
    matches = await trade.screen(tx, [name for _, name in asked])
    found = [Found(asked[match.ord - 1][0], match.list, match.ref, match.name) for match in matches]
    return list({(one.order_id, one.list, one.ref): one for one in found}.values())


async def names_of(tx: ReadTx, groups: Sequence[tuple[int, UUID]]) -> dict[UUID, tuple[str, str]]:
    """(recipient, buyer) of groups, which are (cell, id)."""
    names = {}
    for home in sorted({cell for cell, _ in groups}):
        for row in await tx.all(rows.NAMES, cell=home, groups=[id_ for cell, id_ in groups if cell == home]):
            names[row.group_id] = (row.recipient, row.buyer)
    return names


async def hold_matches(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> int:
    """Holds those of the orders that are paid and whose names are like a listed one, unless that was decided before;
    how many."""
    found = await screen(tx, cell, order_ids)
    if not found:
        return 0
    locked = await tx.all(store.LOCK_ORDERS, cell=cell, ids=sorted({one.order_id for one in found}))
    paid = {order.id: order for order in locked if order.status == "paid"}
    return await hold(tx, cell, [one for one in found if one.order_id in paid])


async def hold_all(tx: Tx, cell: int) -> int:
    """The same with all orders of a cell that are not sent yet."""
    after, held = NIL, 0
    while some := await tx.all(rows.UNSENT, cell=cell, after=after, limit=LOOKED_AT):
        held += await hold_matches(tx, cell, some)
        after = some[-1]
    return held


async def hold(tx: Tx, cell: int, found: Sequence[Found]) -> int:
    """Holds locked orders; for how many that is news."""
    held = await tx.all(
        rows.HOLD, cell=cell, now=tx.now, orders=[one.order_id for one in found], lists=[one.list for one in found],
        refs=[one.ref for one in found], names=[one.name for one in found], kinds=[one.kind for one in found],
        dues=[one.due_at for one in found], decisions=[one.due_decision for one in found],
    )  # fmt: skip
    for order_id in sorted(set(held)):
        tx.emit("order_held", order_id, {}, cell)
    return len(set(held))


async def held(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the orders that are held."""
    return set(await tx.all(rows.HELD, cell=cell, ids=order_ids)) if order_ids else set()


async def require_free(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> None:
    """Before locked orders are sent: none of them is held, nor would be if it were looked at now. Raises OrderHeld."""
    held = await tx.all(rows.HELD, cell=cell, ids=order_ids)
    if not held and (found := await screen(tx, cell, order_ids)):
        held = await tx.all(
            rows.UNDECIDED, cell=cell, orders=[one.order_id for one in found], lists=[one.list for one in found],
            refs=[one.ref for one in found],
        )  # fmt: skip
    if held:
        raise OrderHeld(show("ord", held[0]))
