"""What was switched off, and by whom; what rehearsals have measured."""

from __future__ import annotations

from uuid import UUID

from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound
from entrepot.platform import store
from entrepot.platform.types import Off, Rehearsal

CHANGES_MAX = 50
REHEARSALS_MAX = 50


async def changes(tx: ReadTx) -> list[Off]:
    """The latest first, at most CHANGES_MAX."""
    return await tx.all(store.CHANGES, limit=CHANGES_MAX)


async def rehearsals(tx: ReadTx, limit: int = REHEARSALS_MAX) -> list[Rehearsal]:
    """The latest first."""
    return await tx.all(store.REHEARSALS, limit=limit)


async def rehearsal(tx: ReadTx, id_: UUID) -> Rehearsal:
    """Raises NotFound."""
    found = await tx.maybe(store.REHEARSAL, id=id_)
    if found is None:
        raise NotFound
    return found
