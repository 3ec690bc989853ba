"""Why counts are what they are."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.inventory import store
from entrepot.inventory.types import Adjustment
from entrepot.kit.db import ReadTx

ADJUSTMENTS_MAX = 50


async def available(tx: ReadTx, cell: int, stocks: Sequence[int]) -> dict[int, int]:
    """What rows of stock have left, at a glance."""
    return {row.stock_id: row.available for row in await tx.all(store.AVAILABLE, cell=cell, stocks=stocks)}


async def adjustments(tx: ReadTx, cell: int, stock_id: int) -> list[Adjustment]:
    """The corrections of a row of stock, the latest first, at most ADJUSTMENTS_MAX."""
    return await tx.all(store.ADJUSTMENTS, cell=cell, stock_id=stock_id, limit=ADJUSTMENTS_MAX)
