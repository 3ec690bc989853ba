"""The cells of an installation: a sale happens whole in one of them. On one machine there is cell 0 and no other."""

from __future__ import annotations

from uuid import UUID

from entrepot.kit.db import ReadTx
from entrepot.kit.sql import sql

FIRST = 0
"""Where the operator's people are, and what belongs to nobody."""

DIRECTORIES = ("kit.cell", "accounts.login", "sellers.seller")
"""Tables that all cells share and that say which cell something is in. Every other table with a column `cell` is a
cell table: its rows live in that cell, and each of its keys starts with it."""

_CELLS = sql("select cell from kit.cell order by cell", int)
_OPEN = sql("select cell from kit.cell where open order by cell", int)


async def cells(tx: ReadTx) -> list[int]:
    """In ascending order, in which whoever visits several of them does so."""
    return await tx.all(_CELLS)


async def cell_for(tx: ReadTx, newcomer: UUID) -> int:
    """Where a new buyer or seller goes: one of the cells that are open, by its id, so that each gets as many."""
    found = await tx.all(_OPEN)
    return found[newcomer.int % len(found)]
