"""Real baskets on the virtual clock, their whole life to payout, as `entrepot import completejourney` replays them."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from bench.market import CELL, WrongRowsError
from entrepot.kit.db import Database
from entrepot.kit.migrate import migrate
from entrepot.world.auditor import audit
from entrepot.world.completejourney.identity import OPENING
from entrepot.world.completejourney.run import import_window
from entrepot.world.completejourney.source import FIRST_DAY, open_source
from entrepot.world.completejourney.steps import Step


def replay_rate(url: str, days: int) -> float:
    """Seller orders per second, placed, paid, shipped, delivered, released and paid out, some canceled, given or sent
    back, or disputed; the opening of shops aside."""
    return asyncio.run(_replay(url, days))


async def _replay(url: str, days: int) -> float:
    await migrate(url)
    began, told = time.perf_counter(), 0

    def tell(step: Step) -> None:
        nonlocal began, told
        told += step.orders
        if step.at == OPENING:
            began = time.perf_counter()

    await import_window(url, open_source(), FIRST_DAY + timedelta(days=days), tell)
    took = time.perf_counter() - began
    db = await Database.open(url, size=2)
    try:
        async with db.read() as tx:
            ended = await tx.conn.fetchval(
                "select count(*) from orders.order where status in ('completed', 'canceled', 'refunded')"
            )
        report = await audit(db, CELL)
    finally:
        await db.close()
    if ended != told or report.total:
        raise WrongRowsError(f"{told} orders were placed, {ended} have ended; the audit found {report.findings[:3]}")
    return told / took
