"""Locks on orders and on what their money touches, in the one order in which everybody takes them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot import credit, ledger, payments
from entrepot.kit.db import Tx
from entrepot.kit.problem import NotFound
from entrepot.orders import store
from entrepot.orders.store import OrderRow
from entrepot.orders.types import WrongStatus


async def lock(
    tx: Tx,
    cell: int,
    order_ids: Sequence[UUID],
    statuses: tuple[str, ...],
    *,
    buyer_id: UUID | None = None,
    seller_id: UUID | None = None,
) -> list[OrderRow]:
    """Locks orders. Raises NotFound for one that is absent or not theirs, WrongStatus for one in another status."""
    orders = await tx.all(store.LOCK_ORDERS, cell=cell, ids=order_ids)
    theirs = [
        o
        for o in orders
        if (buyer_id is None or o.buyer_id == buyer_id) and (seller_id is None or o.seller_id == seller_id)
    ]
    if len(theirs) != len(set(order_ids)):
        raise NotFound
    for order in theirs:
        if order.status not in statuses:
            raise WrongStatus(order.status)
    return theirs


async def lock_buyers_below(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> None:
    """Before orders are locked, what giving them back takes in the cells below theirs."""
    seen = await tx.all(store.ORDERS, cell=cell, ids=order_ids)
    for home in sorted({o.group_cell for o in seen if o.group_cell < cell}):
        await lock_buyers(tx, home, [o for o in seen if o.group_cell == home])


async def lock_buyers(tx: Tx, home: int, orders: Sequence[OrderRow]) -> None:
    """Locks what giving orders back takes in their buyers' cell: quotas, payments, plans, wallets."""
    groups = list({o.group_id for o in orders})
    await tx.all(store.LOCK_QUOTAS, cell=home, groups=groups)
    await payments.lock_many(tx, home, groups)
    await credit.lock(tx, home, groups)
    await lock_accounts(tx, home, "wallet", sorted({(o.buyer_id, o.currency) for o in orders}))


async def lock_accounts(tx: Tx, cell: int, code: str, owners: Sequence[tuple[UUID, str]]) -> None:
    """Locks accounts of members: (owner, currency)."""
    ids = await ledger.account_ids(tx, cell, [code] * len(owners), [o[0] for o in owners], [o[1] for o in owners])
    await tx.all(store.LOCK_ACCOUNTS, cell=cell, accounts=ids)
