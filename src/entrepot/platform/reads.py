"""What was switched off, and by whom."""

from __future__ import annotations

from entrepot.kit.db import ReadTx
from entrepot.platform import store
from entrepot.platform.types import Off

CHANGES_MAX = 50


async def changes(tx: ReadTx) -> list[Off]:
    """The latest first, at most CHANGES_MAX."""
    return await tx.all(store.CHANGES, limit=CHANGES_MAX)
