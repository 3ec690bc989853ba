"""Moving goods. Each call is a few statements, whatever the number of lines."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot.inventory import store
from entrepot.kit.db import Tx


class Goods(msgspec.Struct, frozen=True):
    """`quantity` units of stock row `stock_id`, moved because of `cause_id`."""

    stock_id: int
    quantity: int
    cause_id: UUID


async def open_stock(
    tx: Tx, cell: int, sellers: Sequence[UUID], variants: Sequence[int], locations: Sequence[int]
) -> list[int]:
    """Opens the stock rows that are not there yet, empty; the ids of all, in the order asked."""
    await tx.run(store.OPEN, cell=cell, sellers=sellers, variants=variants, locations=locations)
    return await tx.all(store.STOCK_IDS, cell=cell, sellers=sellers, variants=variants, locations=locations)


async def receive(tx: Tx, cell: int, goods: Sequence[Goods], costs: Sequence[int] | None = None) -> None:
    """Puts goods on hand. `costs` is what each line was bought for (minor units), for the operator's own goods."""
    await _lock(tx, cell, goods)
    await _write(tx, cell, "receive", goods, costs)


async def move(tx: Tx, cell: int, kind: str, goods: Sequence[Goods]) -> None:
    """One kind: confirm (held -> allocated), give_back (allocated ->), expire (held ->), return (-> on_hand).

    The caller's own rows say that the goods are there to be moved; the table's CHECKs are the last net."""
    await _lock(tx, cell, goods)
    await _write(tx, cell, kind, goods)


async def ship(tx: Tx, cell: int, goods: Sequence[Goods]) -> list[int]:
    """Takes allocated goods off the shelf; the purchase cost that went with each line (0 for sellers' goods)."""
    await _lock(tx, cell, goods)
    stocks, quantities = [g.stock_id for g in goods], [g.quantity for g in goods]
    costs = await tx.all(store.SHIP_COSTS, cell=cell, stocks=stocks, quantities=quantities)
    await _write(tx, cell, "ship", goods, costs)
    return [-cost for cost in costs]


async def _lock(tx: Tx, cell: int, goods: Sequence[Goods]) -> None:
    await tx.all(store.LOCK, cell=cell, stocks=[g.stock_id for g in goods])


async def _write(tx: Tx, cell: int, kind: str, goods: Sequence[Goods], costs: Sequence[int] | None = None) -> None:
    await tx.run(
        store.MOVE, cell=cell, now=tx.now, kind=kind, stocks=[g.stock_id for g in goods],
        quantities=[g.quantity for g in goods], causes=[g.cause_id for g in goods], costs=costs,
    )  # fmt: skip
