"""The marketplace that is sold from, and the check that what was accepted is what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot import orders
from entrepot.kit.db import Database
from entrepot.world.auditor import audit
from entrepot.world.market import (
    BASKETS,
    CELL,
    CURRENCY,
    MARKET,
    ONE_LINE,
    SHIPPING,
    Market,
    Sizes,
    load_market,
    open_market,
    purchases,
    quoted,
    slug,
)

__all__ = [
    "BASKETS", "CELL", "CURRENCY", "MARKET", "ONE_LINE", "SHIPPING", "Accepted", "Market", "Sizes", "Written",
    "WrongRowsError", "accepted", "load_market", "open_market", "purchases", "quoted", "slug", "verify", "written",
]  # fmt: skip


class WrongRowsError(Exception):
    """A part's rows are not what it accepted, or its books do not balance: its figure means nothing."""


@dataclass(frozen=True)
class Accepted:
    """What a part was told is placed: order groups, seller orders and lines, all paid from wallets."""

    groups: int
    orders: int
    lines: int


def accepted(placed: Sequence[orders.Purchase]) -> Accepted:
    """What purchases come to when all of them are placed; everything ships from one place, so an order is a seller."""
    sellers_of = [len({line.offer.seller_id for line in purchase.lines}) for purchase in placed]
    return Accepted(len(placed), sum(sellers_of), sum(len(purchase.lines) for purchase in placed))


class Written(NamedTuple):
    """Rows of everything that placing writes."""

    groups: int
    payments: int
    events: int
    keys: int
    orders: int
    transfers: int
    lines: int
    movements: int


_WRITTEN = """
    select (select count(*) from orders.order_group where status = 'placed'),
           (select count(*) from payments.payment where status = 'captured'),
           (select count(*) from kit.event where kind = 'group_paid'),
           (select count(*) from kit.idempotency_key where route = 'place'),
           (select count(*) from orders.order),
           (select count(*) from ledger.transfer where code = 'pay'),
           (select count(*) from orders.order_line),
           (select count(*) from inventory.movement where kind = 'allocate')
"""


async def written(db: Database) -> Written:
    async with db.read() as tx:
        return Written(*await tx.conn.fetchrow(_WRITTEN))


async def verify(db: Database, before: Written, told: Accepted) -> None:
    """Recounts the rows written since `before`, and audits. Raises WrongRowsError."""
    groups, placed, lines = told.groups, told.orders, told.lines
    expected = Written(groups, groups, groups, groups, placed, placed, lines, lines)
    found = Written(*(now - then for now, then in zip(await written(db), before, strict=True)))
    if found != expected:
        raise WrongRowsError(f"accepted {expected}, found {found}")
    report = await audit(db, CELL)
    if report.total:
        raise WrongRowsError(f"the audit found {report.findings[:3]}")
