"""`entrepot cells`: list the cells of this installation, add one, close one to newcomers, and spread them by Citus."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from entrepot import pricing, sellers
from entrepot.kit import citus
from entrepot.kit.cells import cells
from entrepot.kit.clock import Clock
from entrepot.kit.db import Database
from entrepot.kit.sql import sql
from entrepot.settings import Settings

COUNTED_MAX = 1_000_000
"""Further than this nothing is counted."""


class CellsError(Exception):
    """Says in one line why not, and the remedy."""


class Filled(msgspec.Struct, frozen=True):
    """What a cell holds, each figure at most COUNTED_MAX."""

    open: bool
    sellers: int
    buyers: int
    orders: int


# Whoever reads which cells there are waits until a new one is there with all that a cell has; not for long, should
# somebody read them in a transaction that takes long.
_BRIEFLY = sql("set local lock_timeout = '5s'")
_LOCK = sql("lock table kit.cell in access exclusive mode")
_ADD = sql("insert into kit.cell (cell) select max(cell) + 1 from kit.cell returning cell", int)
_SET_OPEN = sql("update kit.cell set open = :open where cell = :cell returning cell", int)
_ANY_OPEN = sql("select exists (select from kit.cell where open)", bool)
_FILLED = sql(
    """
    select (select c.open from kit.cell c where c.cell = :cell),
           (select count(*)::int from (select from sellers.seller where cell = :cell limit :most) s),
           (select count(*)::int from (select from accounts.user where cell = :cell and role = 'buyer'
                                        limit :most) u),
           (select count(*)::int from (select from orders.order where cell = :cell limit :most) o)
    """,
    Filled,
)


async def add(url: str, clock: Clock | None = None) -> int:
    """Opens the next cell, with the house's accounts and its share of what promotions have left; its number."""
    async with _open(url, clock) as (db, conn):
        async with db.write() as tx:
            await tx.run(_BRIEFLY)
            await tx.run(_LOCK)
            there = await cells(tx)
            cell = await tx.one(_ADD)
            for market in await sellers.markets(tx):
                await sellers.add_market(tx, market)
            await pricing.share_anew(tx, there, cell)
        if await citus.is_distributed(conn):
            await citus.spread(conn, cell)
    return cell


async def set_open(url: str, cell: int, to: bool) -> None:
    """Whether new buyers and sellers may come to live in a cell. Raises CellsError."""
    async with _open(url) as (db, _), db.write() as tx:
        await tx.run(_BRIEFLY)
        await tx.run(_LOCK)
        if await tx.maybe(_SET_OPEN, cell=cell, open=to) is None:
            raise CellsError(f"there is no cell {cell}: see `entrepot cells list`")
        if not await tx.one(_ANY_OPEN):
            raise CellsError(f"cell {cell} is the last that is open: open or add another first")


async def filled(url: str) -> dict[int, tuple[Filled, str]]:
    """What each cell holds, and the node on which it lies (empty without Citus)."""
    async with _open(url) as (db, conn):
        nodes = await citus.places(conn) if await citus.is_distributed(conn) else {}
        async with db.read() as tx:
            return {
                cell: (await tx.one(_FILLED, cell=cell, most=COUNTED_MAX), nodes.get(cell, ""))
                for cell in await cells(tx)
            }


async def init(url: str) -> int:
    """Spreads the cells over the nodes of Citus; how many tables were distributed. Raises CitusError."""
    async with _open(url) as (_, conn):
        return await citus.distribute(conn)


async def move(url: str, cell: int, to: str) -> None:
    """Raises CellsError, CitusError."""
    async with _open(url) as (_, conn):
        if not await citus.is_distributed(conn):
            raise CellsError("all cells lie in this one database: `entrepot cells init --citus` gives them nodes")
        await citus.move(conn, cell, to)


@asynccontextmanager
async def _open(url: str, clock: Clock | None = None) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    db = await Database.open(url, clock, size=1)
    conn = await asyncpg.connect(url)
    try:
        yield db, conn
    finally:
        await conn.close()
        await db.close()


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """The command. Raises CellsError, CitusError."""
    url, verb = settings.database_url, arguments.verb
    if verb == "add":
        print(f"cell {asyncio.run(add(url))} is there and open to new buyers and sellers")
    elif verb in ("open", "close"):
        asyncio.run(set_open(url, arguments.cell, verb == "open"))
    elif verb == "move":
        asyncio.run(move(url, arguments.cell, arguments.to))
    elif verb == "init":
        print(f"{asyncio.run(init(url))} tables distributed")
    for cell, (held, node) in asyncio.run(filled(url)).items():
        counted = (("sellers", held.sellers), ("buyers", held.buyers), ("orders", held.orders))
        figures = "".join(f"{_bounded(n):>10} {what}" for what, n in counted)
        print(f"{cell:>3} {'open' if held.open else 'closed':<6}{figures}  {node}".rstrip())


def _bounded(count: int) -> str:
    return f"{count:,}{'+' if count == COUNTED_MAX else ''}"
