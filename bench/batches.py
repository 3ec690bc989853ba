"""Placing in process: batches of one size, and the bare writes that no judge can outrun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bench.market import CELL, Accepted, load_market, purchases, quoted, verify
from entrepot import orders
from entrepot.kit.db import Database

WARM_UP = 6
"""Batches before the clock starts: PostgreSQL plans a statement five times before it keeps a plan."""


async def place_rate(url: str, shapes: Sequence[tuple[int, int]], size: int, batches: int, in_flight: int) -> float:
    """Groups placed per second, `in_flight` batches of `size` at a time, each on a connection of its own."""
    db = await Database.open(url)
    try:
        market = await load_market(db)
        warm = WARM_UP * in_flight
        commands = await quoted(db, purchases(market, shapes, (warm + batches) * size, size), "b")
        queue = [commands[n : n + size] for n in range(0, len(commands), size)]
        await _drain(db, queue[:warm], in_flight)
        began = time.perf_counter()
        await _drain(db, queue[warm:], in_flight)
        took = time.perf_counter() - began
        async with db.read() as tx:
            placed = await tx.conn.fetchval("select count(*) from orders.order")
    finally:
        await db.close()
    await verify(url, Accepted(len(commands), placed, sum(command.lines for command in commands)))
    return batches * size / took


async def _drain(db: Database, queue: Sequence[Sequence[orders.Place]], in_flight: int) -> None:
    waiting = iter(queue)

    async def work() -> None:
        for commands in waiting:
            verdicts = await db.transact(lambda tx, some=commands: orders.place_many(tx, CELL, some))  # type: ignore[misc]
            refused = [verdict for verdict in verdicts if verdict.verdict != "placed"]
            assert not refused, refused[:3]

    await asyncio.gather(*(work() for _ in range(in_flight)))
