"""The cells of an installation: a sale happens whole in one of them. On one machine there is cell 0 and no other."""

from __future__ import annotations

from entrepot.kit.db import ReadTx
from entrepot.kit.sql import sql

FIRST = 0
"""Where people and sellers go of whom nobody says otherwise."""

_CELLS = sql("select cell from kit.cell order by cell", int)


async def cells(tx: ReadTx) -> list[int]:
    """In ascending order, in which whoever visits several of them does so."""
    return await tx.all(_CELLS)
