"""Placing in process: batches of one size, and the bare writes that no judge can outrun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bench.market import CELL, accepted, load_market, purchases, quoted, verify, written
from entrepot import orders
from entrepot.kit.db import Database

WARM_UP = 6
"""Batches before the clock starts: PostgreSQL plans a statement five times before it keeps a plan."""


async def place_rate(url: str, shapes: Sequence[tuple[int, int]], size: int, batches: int, in_flight: int) -> float:
    """Groups placed per second, `in_flight` batches of `size` at a time, each on a connection of its own."""
    db = await Database.open(url)
    try:
        market, before = await load_market(db), await written(db)
        warm = WARM_UP * in_flight
        asked = list(purchases(market, shapes, (warm + batches) * size, size))
        commands = await quoted(db, iter(asked), "b")
        queue = [commands[n : n + size] for n in range(0, len(commands), size)]
        await _drain(db, queue[:warm], in_flight)
        began = time.perf_counter()
        await _drain(db, queue[warm:], in_flight)
        took = time.perf_counter() - began
        await verify(db, before, accepted(asked))
    finally:
        await db.close()
    return batches * size / took


async def _drain(db: Database, queue: Sequence[Sequence[orders.Place]], in_flight: int) -> None:
    waiting = iter(queue)

    async def work() -> None:
        for commands in waiting:
            verdicts = await db.transact(lambda tx, some=commands: orders.place_many(tx, CELL, some))  # type: ignore[misc]
            refused = [verdict for verdict in verdicts if verdict.verdict != "placed"]
            assert not refused, refused[:3]

    await asyncio.gather(*(work() for _ in range(in_flight)))
