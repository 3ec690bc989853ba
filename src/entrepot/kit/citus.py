"""Citus, which spreads one database over many machines: each cell has a shard of its own on one of them, what all
cells share is on each, and a function whose first argument is `p_cell` runs where that cell lies.

Nothing of this is needed on one machine. The statements are the same there: each names its cell.
"""

from __future__ import annotations

from graphlib import TopologicalSorter

import asyncpg

from entrepot.kit.cells import DIRECTORIES

BYTES_MAX = 10 * 2**30
"""What `distribute` takes on: it copies every row while nobody writes, for some minutes."""
CELL_TABLE = "kit.event"
"""The table that all others are distributed with."""


class CitusError(Exception):
    """Says in one line what stands in the way, and the remedy."""


# Schemas of ours: those that the migrations made. Extensions bring tables and functions into others.
_OURS = "(select oid from pg_namespace where nspname !~ '^(pg_|information_schema$|public$|citus)')"
_TABLES = f"""
    select t.oid::regclass::text as name, pg_total_relation_size(t.oid) as bytes,
           a.attname is not null and n.nspname || '.' || t.relname <> all ($1) as in_cell,
           exists (select from pg_dist_partition p where p.logicalrelid = t.oid) as done,
           array(select distinct c.confrelid::regclass::text from pg_constraint c
                  where c.conrelid = t.oid and c.contype = 'f' and c.confrelid <> t.oid) as refers_to
      from pg_class t
      join pg_namespace n on n.oid = t.relnamespace
      left join pg_attribute a on a.attrelid = t.oid and a.attname = 'cell' and not a.attisdropped
     where t.relkind = 'r' and t.relnamespace in {_OURS}
"""  # noqa: S608 - a constant
_FUNCTIONS = f"""
    select p.oid::regprocedure::text as name, coalesce(p.proargnames[1] = 'p_cell', false) as in_cell,
           coalesce(p.proconfig @> '{{plan_cache_mode=force_generic_plan}}', false) as generic
      from pg_proc p
     where p.pronamespace in {_OURS}
"""  # noqa: S608 - a constant
_NODES = """
    select n.nodename || ':' || n.nodeport as name
      from pg_dist_node n
     where n.noderole = 'primary' and n.isactive and n.shouldhaveshards
     order by n.groupid
"""
# Where each cell lies, and whether it has its shard for itself.
_PLACES = f"""
    select c.cell, p.nodename || ':' || p.nodeport as node, s.shardid, s.shardminvalue = s.shardmaxvalue as alone
      from kit.cell c
      join pg_dist_shard s on s.shardid = get_shard_id_for_distribution_column('{CELL_TABLE}', c.cell)
      join pg_dist_shard_placement p on p.shardid = s.shardid
     order by c.cell
"""  # noqa: S608 - a constant


async def is_distributed(conn: asyncpg.Connection) -> bool:
    """Whether the cells of this database are spread by Citus."""
    if not await conn.fetchval("select exists (select from pg_extension where extname = 'citus')"):
        return False
    done = "select exists (select from pg_dist_partition where logicalrelid = $1::text::regclass)"
    return bool(await conn.fetchval(done, CELL_TABLE))


async def distribute(conn: asyncpg.Connection) -> int:
    """Distributes whatever is not distributed yet, and gives each cell a shard of its own; how many tables it took on.
    After a failure, or a later migration, it may be run again. Raises CitusError."""
    if not await conn.fetchval("select exists (select from pg_extension where extname = 'citus')"):
        raise CitusError(
            "this database has no Citus: `create extension citus` on every node first (docs/guide/scale.md)"
        )
    if not await conn.fetch(_NODES):
        raise CitusError("Citus has no node for shards: call citus_set_coordinator_host and citus_add_node first")
    tables = {row["name"]: row for row in await conn.fetch(_TABLES, list(DIRECTORIES))}
    todo = [name for name in _referred_first(tables) if not tables[name]["done"]]
    size = sum(tables[name]["bytes"] for name in todo)
    if size > BYTES_MAX:
        raise CitusError(
            f"{size >> 30} GB are too much to distribute in place (at most {BYTES_MAX >> 30}): "
            "distribute an empty database and move the data there"
        )
    # A table that refers to a shared one would become Citus's own before its turn comes.
    await conn.execute("set citus.enable_local_reference_table_foreign_keys = off")
    # The only triggers refuse every change of what is only written once; they look at no other row.
    await conn.execute("set citus.enable_unsafe_triggers = on")
    for name in todo:
        if not tables[name]["in_cell"]:
            await conn.execute("select create_reference_table($1)", name)
        elif await is_distributed(conn):
            await conn.execute("select create_distributed_table($1, 'cell', colocate_with => $2)", name, CELL_TABLE)
        else:
            await conn.execute("select create_distributed_table($1, 'cell', 'hash', 'none', 1)", CELL_TABLE)
    for function in await conn.fetch(_FUNCTIONS):
        await _distribute_function(conn, function)
    for cell in await places(conn):
        await spread(conn, cell)
    return len(todo)


def _referred_first(tables: dict[str, asyncpg.Record]) -> list[str]:
    """The tables, CELL_TABLE first, and each after those that it refers to."""
    order = TopologicalSorter({name: set(row["refers_to"]) for name, row in sorted(tables.items())}).static_order()
    return sorted(order, key=lambda name: name != CELL_TABLE)


async def _distribute_function(conn: asyncpg.Connection, function: asyncpg.Record) -> None:
    """A function that names a cell runs on that cell's node, and touches nothing else. Citus finds the shard by the
    value of p_cell, which a generic plan does not know."""
    name = function["name"]
    if function["in_cell"]:
        delegate = "select create_distributed_function($1, 'p_cell', $2, force_delegation => true)"
        await conn.execute(delegate, name, CELL_TABLE)
    else:
        await conn.execute("select create_distributed_function($1)", name)
    if function["generic"]:
        await conn.execute(f"alter function {name} reset plan_cache_mode")


async def places(conn: asyncpg.Connection) -> dict[int, str]:
    """The node (host:port) of each cell."""
    return {row["cell"]: row["node"] for row in await conn.fetch(_PLACES)}


async def spread(conn: asyncpg.Connection, cell: int) -> None:
    """Gives a cell a shard of its own, on the node that has the fewest cells; one that has its shard stays there."""
    alone = {row["cell"] for row in await conn.fetch(_PLACES) if row["alone"]}
    if cell in alone:
        return
    isolate = "select isolate_tenant_to_new_shard($1, $2::smallint, 'CASCADE', shard_transfer_mode => 'block_writes')"
    await conn.execute(isolate, CELL_TABLE, cell)
    on = [node for other, node in (await places(conn)).items() if other in alone]
    nodes = [row["name"] for row in await conn.fetch(_NODES)]
    await _settle(conn, cell, min(nodes, key=on.count))


async def move(conn: asyncpg.Connection, cell: int, to: str) -> None:
    """Moves a cell to the node `to` (host:port), if it is not there. Writes wait meanwhile. Raises CitusError."""
    nodes = [row["name"] for row in await conn.fetch(_NODES)]
    if to not in nodes:
        raise CitusError(f"{to} is no node for shards: there are {', '.join(nodes)}")
    place = next((row for row in await conn.fetch(_PLACES) if row["cell"] == cell), None)
    if place is None:
        raise CitusError(f"there is no cell {cell}")
    if not place["alone"]:
        raise CitusError(f"cell {cell} shares its shard: run `entrepot cells init --citus` again first")
    if place["node"] != to:
        await _settle(conn, cell, to)


async def _settle(conn: asyncpg.Connection, cell: int, to: str) -> None:
    """Moves a cell that has its shard for itself, whose log of events then begins anew: its place has a count of
    transactions of its own."""
    (place,) = [row for row in await conn.fetch(_PLACES) if row["cell"] == cell]
    async with conn.transaction():
        if place["node"] != to:
            (host, _, port), (to_host, _, to_port) = place["node"].rpartition(":"), to.rpartition(":")
            await conn.execute(
                "select citus_move_shard_placement($1, $2, $3, $4, $5, 'block_writes')",
                place["shardid"], host, int(port), to_host, int(to_port),
            )  # fmt: skip
        await conn.execute("select kit.renumber_events($1)", cell)
