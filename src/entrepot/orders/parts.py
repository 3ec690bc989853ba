"""A part of an order goes its own way: frozen in escrow until it ends, then back to the buyer, to the seller, or some
to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx, Tx
from entrepot.orders import locks, money, shares, store, store_parts
from entrepot.orders.store_parts import PartLine
from entrepot.orders.types import LineNotThere, NothingPaid, UnitsTaken


class Frozen(msgspec.Struct, frozen=True):
    """A part as it was frozen. `released_at` is when its order was released, if it was."""

    buyer_id: UUID
    seller_id: UUID
    market: str
    currency: str
    paid_minor: int
    released_at: datetime | None


async def freeze(
    tx: Tx, cell: int, part_id: UUID, order_id: UUID, units: Mapping[int, int], *, buyer_id: UUID | None = None
) -> Frozen:
    """Takes so many units of lines (by number) out of an order that was sent. Their money lies in escrow until
    `end_part`, also when the order is released; of one that was released it comes back there from the seller. With
    `buyer_id` only that buyer's. Raises NotFound, WrongStatus, LineNotThere, UnitsTaken, NothingPaid."""
    (order,) = await locks.lock(tx, cell, [order_id], ("shipped", "delivered", "completed"), buyer_id=buyer_id)
    lines = await tx.all(store_parts.UNITS, cell=cell, order_id=order_id)
    left = {line.line_no: line.quantity - line.taken for line in lines}
    for line_no, quantity in units.items():
        if line_no not in left:
            raise LineNotThere(line_no)
        if quantity > left[line_no]:
            raise UnitsTaken(line_no, left[line_no])
    part = shares.of_lines(lines, order.payment_fee_minor, units)
    if part.paid_minor == 0:
        raise NothingPaid
    released = order.status == "completed"
    await tx.run(
        store_parts.FREEZE, cell=cell, id=part_id, order_id=order_id, recalled=released, now=tx.now,
        **msgspec.structs.asdict(part),
    )  # fmt: skip
    await tx.run(
        store_parts.FREEZE_LINES, cell=cell, id=part_id, order_id=order_id, lines=list(units),
        quantities=list(units.values()),
    )  # fmt: skip
    if released:
        await money.post(tx, cell, money.recalled(part_id, money.worth(order, part)))
    _tell(tx, cell, "order_part_frozen", order, part_id)
    released_at = None
    if released:
        released_at = await tx.one(store_parts.ENDED_AT, cell=cell, id=order_id)
    return Frozen(order.buyer_id, order.seller_id, order.market, order.currency, part.paid_minor, released_at)


async def end_part(tx: Tx, cell: int, part_id: UUID, back_minor: int, reason: str) -> None:
    """Ends a part that is frozen: `back_minor` of what was paid for it goes back to the buyer, with its shares of
    discount, commission and fee at the rates of the sale, and the rest is released. Who calls it holds the lock of what
    the part is of.

    Of 107, with 10 + 2 of fees, 50 go back: escrow 50 -> wallet 50, escrow 57 -> seller 57, seller 6 -> commission 6,
    seller 2 -> payment_fee 2."""
    part = await tx.maybe(store_parts.LOCK_FROZEN, cell=cell, id=part_id)
    assert part is not None, "a part is ended once, by what it is of"
    (order,) = await tx.all(store.ORDERS, cell=cell, ids=[part.order_id])
    back = shares.going_back(part, back_minor)
    kept = shares.less(part, back)
    await tx.run(store_parts.END, cell=cell, id=part_id, now=tx.now, **msgspec.structs.asdict(back))
    home = order.group_cell
    if home < cell:
        await locks.lock_buyers(tx, home, [order])
    if home != cell and not order.own:  # in one cell, what posts it locks it
        await locks.lock_accounts(tx, cell, "seller", [(order.seller_id, order.currency)])
    if home > cell:
        await locks.lock_buyers(tx, home, [order])
    steps = await money.refunded(tx, cell, home, [(part_id, money.worth(order, back))], reason)
    steps[cell] += money.released(part_id, money.worth(order, kept), "part_")
    for there, some in sorted(steps.items()):
        await money.post(tx, there, some)
    _tell(tx, cell, "order_part_ended", order, part_id)


async def part_lines(tx: ReadTx, cell: int, part_ids: Sequence[UUID]) -> list[PartLine]:
    """What is in parts."""
    return await tx.all(store_parts.PART_LINES, cell=cell, ids=part_ids)


def _tell(tx: Tx, cell: int, kind: str, order: store.OrderRow, part_id: UUID) -> None:
    data = {"part_id": part_id, "seller_id": order.seller_id, "buyer_id": order.buyer_id}
    tx.emit(kind, order.id, data, cell)
