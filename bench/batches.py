"""Placing in process: batches of one size, and the bare writes that no judge can outrun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from bench.market import (
    CELL,
    ONE_LINE,
    Market,
    Written,
    WrongRowsError,
    accepted,
    load_market,
    purchases,
    quoted,
    verify,
    written,
)  # fmt: skip
from entrepot import orders
from entrepot.kit.db import Database

WARM_UP = 6
"""Batches before the clock starts: PostgreSQL plans a statement five times before it keeps a plan."""


async def place_rate(
    url: str, shapes: Sequence[tuple[int, int]], size: int, batches: int, in_flight: int, skus: int | None = None
) -> float:
    """Groups placed per second, `in_flight` batches of `size` at a time, each on a connection of its own. With `skus`
    only so many are bought, each of another seller."""
    db = await Database.open(url)
    try:
        market, before = await load_market(db), await written(db)
        if skus is not None:
            market = Market(market.buyers, [shop[:1] for shop in market.offers[:skus]])
        warm = WARM_UP * in_flight
        asked = list(purchases(market, shapes, (warm + batches) * size, size))
        commands = await quoted(db, iter(asked), "b")
        queue = [commands[n : n + size] for n in range(0, len(commands), size)]
        await drain(db, queue[:warm], in_flight)
        began = time.perf_counter()
        await drain(db, queue[warm:], in_flight)
        took = time.perf_counter() - began
        await verify(db, before, accepted(asked))
    finally:
        await db.close()
    return batches * size / took


async def drain(db: Database, queue: Sequence[Sequence[orders.Place]], in_flight: int) -> None:
    """Places batches, so many at a time; all of them are to be placed."""
    waiting = iter(queue)

    async def work() -> None:
        for commands in waiting:
            verdicts = await db.transact(lambda tx, some=commands: orders.place_many(tx, CELL, some))  # type: ignore[misc]
            refused = [verdict for verdict in verdicts if verdict.verdict != "placed"]
            assert not refused, refused[:3]

    await asyncio.gather(*(work() for _ in range(in_flight)))


# The bare writes: what placing left in each table, as one row per order, and which group it belongs to.
_ROWS = {
    "kit.idempotency_key": "ref",
    "orders.order_group": "id",
    "payments.payment": "group_id",
    "orders.order": "group_id",
    "orders.order_line": "(select o.group_id from orders.order o where o.cell = t.cell and o.id = t.order_id)",
    "inventory.movement": "(select o.group_id from orders.order o where o.cell = t.cell and o.id = t.cause_id)",
    "ledger.transfer": "(select o.group_id from orders.order o where o.cell = t.cell and o.id = t.cause_id)",
    "kit.event": "key",
}
# Not the arrays: they are of what spans cells, and null here.
_COLUMNS = """
    select attname, format_type(atttypid, null) from pg_attribute
     where attrelid = $1::text::regclass and attnum > 0 and attidentity = '' and attname <> 'xid'
       and format_type(atttypid, null) not like '%[]'
     order by attnum
"""
_TAKE = """
    update inventory.stock s set allocated = s.allocated + d.quantity
      from unnest($1::bigint[], $2::bigint[]) as d (id, quantity) where s.cell = 0 and s.id = d.id
"""
_PAY = """
    update ledger.balance b set debits = b.debits + d.amount
      from unnest($1::bigint[], $2::bigint[]) as d (id, amount)
     where b.cell = 0 and b.account_id = d.id and b.stripe = 0
"""
_ESCROW = """
    update ledger.balance set credits = credits + $2
     where cell = 0 and account_id = $1 and stripe = (select min(stripe) from ledger.balance where account_id = $1)
"""
_LIKE_PLACING = "-c plan_cache_mode=force_generic_plan -c enable_hashjoin=off -c enable_mergejoin=off"
"""Plans are kept, and rows updated in the order of their ids, so that two batches cannot lock each other out."""

Statement = tuple[str, list[Any]]


async def bare_rate(placed: str, fresh: str, size: int, batches: int, in_flight: int) -> float:
    """Orders per second when the very rows that placing leaves in the database `placed` are written to the database
    `fresh`, a copy of what it was before, by nothing but multi-row inserts and updates."""
    db = await Database.open(placed)
    try:
        count = (WARM_UP * in_flight + batches) * size
        commands = await quoted(db, purchases(await load_market(db), ONE_LINE, count, size), "b")
        queue = [commands[n : n + size] for n in range(0, len(commands), size)]
        await drain(db, queue, in_flight)
        groups = [[command.quote_id for command in some] for some in queue]
        writes = await _statements(db, groups)
    finally:
        await db.close()
    db = await Database.open(f"{fresh}&options={quote(_LIKE_PLACING)}")
    try:
        before = await written(db)
        await _write(db, writes[: WARM_UP * in_flight], in_flight)
        began = time.perf_counter()
        await _write(db, writes[WARM_UP * in_flight :], in_flight)
        took = time.perf_counter() - began
        # The rows are the same; the audit is placing's to pass, for here the stripes of escrow are not its own.
        if (found := await written(db)) != (expected := Written(*(n + count for n in before))):
            raise WrongRowsError(f"expected {expected}, found {found}")
    finally:
        await db.close()
    return batches * size / took


async def _statements(db: Database, groups: list[list[UUID]]) -> list[list[Statement]]:
    """For each batch of groups the statements that write it, their arguments ready."""
    batches: list[list[Statement]] = [[] for _ in groups]
    async with db.read() as tx:
        for table, group in _ROWS.items():
            columns = await tx.conn.fetch(_COLUMNS, table)
            names = ", ".join(name for name, _ in columns)
            arrays = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(columns, 1))
            insert = f"insert into {table} ({names}) select * from unnest({arrays})"
            everything = [id_ for some in groups for id_ in some]
            rows = await tx.conn.fetch(
                f"select {group} as of_group, {names} from {table} t where {group} = any ($1::uuid[])", everything
            )
            by_group = {row[0]: row[1:] for row in map(tuple, rows)}
            for batch, some in zip(batches, groups, strict=True):
                batch.append((insert, [list(column) for column in zip(*(by_group[id_] for id_ in some), strict=True)]))
            if table == "inventory.movement":
                for batch in batches:
                    batch.append((_TAKE, _summed(batch[-1][1][1], batch[-1][1][5])))
            if table == "ledger.transfer":
                for batch in batches:
                    debits, credits_, amounts = batch[-1][1][3:6]
                    batch += [(_PAY, _summed(debits, amounts)), (_ESCROW, [credits_[0], sum(amounts)])]
    return batches


def _summed(keys: list[int], amounts: list[int]) -> list[Any]:
    """Distinct keys in their order, and the sum of each."""
    sums: dict[int, int] = {}
    for key, amount in zip(keys, amounts, strict=True):
        sums[key] = sums.get(key, 0) + amount
    return [sorted(sums), [sums[key] for key in sorted(sums)]]


async def _write(db: Database, batches: Sequence[list[Statement]], in_flight: int) -> None:
    waiting = iter(batches)

    async def work() -> None:
        for statements in waiting:
            async with db.write() as tx:
                for text, args in statements:
                    await tx.conn.execute(text, *args)

    await asyncio.gather(*(work() for _ in range(in_flight)))
