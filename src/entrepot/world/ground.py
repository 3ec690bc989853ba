"""Where worlds are played: a database of their own, with its connections, which is made empty after each world.

A new database, and every statement planned anew on each connection, takes as long as three hundred steps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from entrepot.kit.migrate import migrate
from entrepot.world.auditor.run import SESSION
from entrepot.world.auditor.touched import connect
from entrepot.world.faults import Unlucky

PREPARED = """
    do $$ declare t regclass; begin
        if to_regclass('inventory.audited_movement') is not null then return; end if;
        create index audited_movement on inventory.movement (cell, cause_id);
        create index audited_quota on pricing.quota_use (cell, quota_id);
        create index audited_transfer on ledger.transfer (cell, at);
        for t in select oid from pg_class where relkind = 'r' and relnamespace::regnamespace::text <> all
                 (array['pg_catalog', 'information_schema'])
        loop execute format('alter table %s set (autovacuum_enabled = off)', t); end loop;
        if to_regproc('pg_restore_attribute_stats') is not null then
            perform pg_restore_attribute_stats(
                        'schemaname', c.relnamespace::regnamespace::text, 'relname', c.relname::text,
                        'attname', a.attname::text, 'inherited', false, 'null_frac', 0::real, 'avg_width', 2,
                        'n_distinct', 1::real)
               from pg_class c join pg_attribute a on a.attrelid = c.oid
              where c.relkind = 'r' and a.attname in ('cell', 'group_cell', 'order_cell');
        end if;
    end $$
"""
"""The indexes are there to compare an order with its movements, and a quota with its uses, after each step, and to find
new transfers at once. A shop has no use for them that is worth their price: one more to write for every line sold.

Plans are made while tables are empty. PostgreSQL then takes one cell for one of two hundred, and an index of it for
enough to find an order; told that there is one (it can be since 18), it looks for the order, too."""

# Deleted rather than truncated: a new file for each table would have all plans made anew. What was deleted stays in the
# files, so a ground does not serve for ever.
CLEARED = """
    do $$ declare t regclass; begin
        set local session_replication_role = replica;  -- rows go in any order, also those that stay for ever
        for t in select oid from pg_class where relkind = 'r' and relname <> 'entrepot_migration'
                    and relnamespace::regnamespace::text <> all (array['pg_catalog', 'information_schema'])
        loop execute format('delete from %s', t); end loop;
        insert into kit.cell values (0);
        perform setval(oid, 1, false) from pg_class where relkind = 'S';
    end $$
"""


@dataclass
class Ground:
    """`looks` and `whole` are the auditor's connections: for what a step has touched, and for everything."""

    db: Unlucky
    looks: asyncpg.Connection
    whole: asyncpg.Connection

    async def clear(self) -> None:
        """As it was before the first world. Of a database that was migrated and nothing else; needs a superuser."""
        conn = await asyncpg.connect(self.db.url)  # the setting makes its session forget all plans
        try:
            await conn.execute(CLEARED)
        finally:
            await conn.close()


@asynccontextmanager
async def open_ground(url: str) -> AsyncIterator[Ground]:
    """For worlds in the migrated database at `url`, in which there is nothing yet."""
    looks = await connect(url)
    whole = await asyncpg.connect(url, server_settings=SESSION | {"enable_hashjoin": "on", "enable_seqscan": "on"})
    db = await Unlucky.open(url, size=2)  # for two at once
    assert isinstance(db, Unlucky)
    try:
        await looks.execute(PREPARED)
        yield Ground(db, looks, whole)
    finally:
        await db.close()
        await looks.close()
        await whole.close()


async def prepare(url: str) -> None:
    """Makes a migrated database ready for a world; done twice it does nothing."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(PREPARED)
    finally:
        await conn.close()


@asynccontextmanager
async def own_database(url: str, name: str, template: str = "") -> AsyncIterator[str]:
    """The address of a new, migrated database of that name on the server at `url`: a copy of the migrated database
    `template`, which nobody may be connected to, if there is one. It is dropped afterwards."""
    own = urlsplit(url)._replace(path=f"/{name}").geturl()
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"create database {name}" + (f" template {template}" if template else ""))
        try:
            await admin.execute(f"alter database {name} set synchronous_commit = off")
            await admin.execute(f"alter database {name} set plan_cache_mode = force_generic_plan")
            await admin.execute(f"alter database {name} set deadlock_timeout = '50ms'")
            for scan in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):  # plans are made while tables are empty
                await admin.execute(f"alter database {name} set enable_{scan} = off")
            if not template:
                await migrate(own)
                await prepare(own)
            yield own
        finally:
            await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()
