"""Proof that nobody wrote to a database: the rows of every table, and PostgreSQL's own counters of writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncpg

COUNTERS = """
    select schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del
      from pg_stat_user_tables
     where schemaname || '.' || relname <> all ($1)
     order by 1
"""
FLUSH_S = 1.1
"""A backend tells its counters at most once a second."""


@dataclass(frozen=True)
class Untouched:
    """`rows` and `written` (inserted, updated, deleted so far) of each table but `apart`."""

    rows: dict[str, int]
    written: dict[str, tuple[int, int, int]]
    apart: tuple[str, ...]

    @classmethod
    async def of(cls, url: str, apart: tuple[str, ...] = ()) -> Untouched:
        await asyncio.sleep(FLUSH_S)
        connection = await asyncpg.connect(url)
        try:
            written = {row[0]: (row[1], row[2], row[3]) for row in await connection.fetch(COUNTERS, list(apart))}
            rows = {table: await connection.fetchval(f"select count(*) from {table}") for table in written}
        finally:
            await connection.close()
        return cls(rows, written, apart)

    async def require_same(self, url: str) -> None:
        assert len(self.rows) > 30
        now = await Untouched.of(url, self.apart)
        changed = {table: (self.written.get(table), now.written.get(table)) for table in self.written | now.written}
        assert now == self, {table: (was, is_) for table, (was, is_) in changed.items() if was != is_}
