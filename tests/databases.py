"""Databases that one test after another is given, each as new.

To make one takes a tenth of a second, and whoever asks a new one begins cold: with new connections, which know nothing
yet of tables, functions and plans. That was half of the time of a test that buys one thing. So what a test wrote is
deleted after it, and the next is given the database with the connections that are open to it. A database that cannot
be made as new, because what `migrate` leaves was changed or somebody is still there, is dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from entrepot.kit.clock import Clock
from entrepot.kit.db import Database

_serial = count(1)
_kept: dict[str, _Kept] = {}

TABLES = """
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
"""
SEQUENCES = "select format('%I.%I', schemaname, sequencename), last_value, start_value from pg_sequences"
CATALOG = ("class", "proc", "constraint", "index", "trigger", "type", "namespace", "extension", "db_role_setting")
TESTS_MAX = 30
"""So many have a database: what was deleted stays in its files, and a vacuum would have tables planned as empty."""
LEAVES_MAX_S = 0.2
"""How long connections that were closed may be seen."""


@dataclass(eq=False)
class _Kept:
    """A database with what stays open to it. `born` is a transaction before all of the tests'."""

    url: str
    keeper: asyncpg.Connection
    born: int
    loop: asyncio.AbstractEventLoop
    pools: dict[str, asyncpg.Pool] = field(default_factory=dict)
    lent: bool = False
    tests: int = 0
    look: str = ""
    """One row: which tables that are empty at first have rows, and how many each of the others has, old and new."""
    tables: list[str] = field(default_factory=list)
    as_new: object = None
    sequences: dict[str, tuple[int | None, int]] = field(default_factory=dict)

    @classmethod
    async def made(cls, url: str) -> _Kept:
        keeper = await asyncpg.connect(url)
        born = int(await keeper.fetchval("select pg_current_xact_id()::text"))
        made = cls(url, keeper, born, asyncio.get_running_loop())
        tables = [row[0] for row in await keeper.fetch(TABLES)]
        filled = await keeper.fetchrow("select " + ", ".join(f"exists (select from {table})" for table in tables))
        made.tables = [table for table, has in zip(tables, filled, strict=True) if has]
        counted = [
            f"(select array[count(*) filter (where xmin::text::bigint < {born}), count(*)] from {table})"
            for table in made.tables
        ]
        empty = [table for table in tables if table not in made.tables]
        rest = ", ".join(f"case when exists (select from {table}) then '{table}' end" for table in empty)
        catalog = ", ".join(f"(select (count(*), max(xmin::text::bigint))::text from pg_{name})" for name in CATALOG)
        made.look = f"select array_remove(array[{rest}], null), array[{', '.join(counted)}], array[{catalog}]"
        made.as_new = tuple(await keeper.fetchrow(made.look))
        made.sequences = {name: (last, start) for name, last, start in await keeper.fetch(SEQUENCES)}
        return made

    async def emptied(self) -> bool:
        """Whether it is as new, now that what was written is deleted."""
        if self.lent or not await self._alone():
            return False
        touched, counts, _ = await self.keeper.fetchrow(self.look)
        deletes = [f"delete from {table};" for table in touched] + [
            f"delete from {table} where xmin::text::bigint >= {self.born};"
            for table, (old, now) in zip(self.tables, counts, strict=True)
            if now > old
        ]
        try:  # in any order; only a superuser may
            await self.keeper.execute(f"set session_replication_role = replica; {''.join(deletes)}")
        except asyncpg.InsufficientPrivilegeError:
            return False
        for name, last, start in await self.keeper.fetch(SEQUENCES):
            if (last, start) != self.sequences.get(name):
                was, _ = self.sequences.get(name, (None, start))
                await self.keeper.execute("select setval($1::regclass, $2, $3)", name, was or start, was is not None)
        return tuple(await self.keeper.fetchrow(self.look)) == self.as_new

    async def _alone(self) -> bool:
        """Whether nobody is there but the connections that stay, and those are at rest."""
        until = self.loop.time() + LEAVES_MAX_S
        while True:
            pools = self.pools.values()
            there = await self.keeper.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database() "
                "and backend_type = 'client backend'"
            )
            ours = 1 + sum(pool.get_size() for pool in pools)
            if there == ours and all(pool.get_idle_size() == pool.get_size() for pool in pools):
                return True
            if self.loop.time() > until:
                return False
            await asyncio.sleep(0.005)

    def close(self) -> None:
        for pool in self.pools.values():
            pool.terminate()
        self.keeper.terminate()


class Shelf:
    """The databases of a server that are not in use; all are copies of `template`."""

    def __init__(self, pg_url: str, template: str) -> None:
        self._pg_url, self._template = pg_url, template
        self._free: list[_Kept] = []

    @asynccontextmanager
    async def database(self, instead: str | None = None) -> AsyncIterator[str]:
        """The address of one that is as `migrate` leaves it; or `instead`, of a cluster, which is made anew."""
        if instead is not None:
            yield instead
            return
        before = _tasks()
        if self._free:
            kept = self._free.pop()
        else:
            url = await _create(self._pg_url, self._template)
            kept = _kept[url] = await _Kept.made(url)
        yield kept.url
        for task in _tasks() - before:  # begun by the test and left behind
            task.cancel()
        kept.tests += 1
        if kept.tests < TESTS_MAX and await kept.emptied():
            self._free.append(kept)
        else:
            await self._drop(kept)

    async def close(self) -> None:
        for kept in self._free:
            await self._drop(kept)

    async def _drop(self, kept: _Kept) -> None:
        del _kept[kept.url]
        kept.close()
        await _drop(self._pg_url, kept.url)


def _tasks() -> set[asyncio.Task[Any]]:
    """What goes on in the loop, but for pytest's own waiting for this very step."""
    return {task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") != "_call_in_runner_task"}


@asynccontextmanager
async def opened(url: str, clock: Clock) -> AsyncIterator[Database]:
    """A Database at `url`, over the connections that stay with it."""
    kept = _kept.get(url)
    if kept is None or kept.lent or kept.loop is not asyncio.get_running_loop():
        db = await Database.open(url, clock)
        try:
            yield db
        finally:
            await db.close()
        return
    if not kept.pools or any(pool.is_closing() for pool in kept.pools.values()):
        kept.pools = (await Database.open(url, clock))._pools
    kept.lent = True
    try:
        yield Database(url, clock, kept.pools)
    finally:
        kept.lent = False


@contextmanager
def made(pg_url: str, template: str) -> Iterator[str]:
    """A copy of `template`, which goes afterwards; nothing stays open to it."""
    url = asyncio.run(_create(pg_url, template))
    yield url
    asyncio.run(_drop(pg_url, url))


def sibling(url: str, name: str) -> str:
    """The address of another database of the server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def administer(pg_url: str, statement: str) -> None:
    connection = await asyncpg.connect(pg_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _create(pg_url: str, template: str) -> str:
    name = f"entrepot_{os.getpid()}_{next(_serial)}"
    await administer(pg_url, f"create database {name} template {template} strategy file_copy")
    return sibling(pg_url, name)


async def _drop(pg_url: str, url: str) -> None:
    await administer(pg_url, f"drop database {urlsplit(url).path[1:]} with (force)")
