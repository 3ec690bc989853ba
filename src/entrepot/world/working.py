"""The worker of the simulated world: what it does, a round or a part of one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from entrepot import credit, disputes, fees, fraud, invoices, ledger, orders, reviews
from entrepot.kit.events import Consumer, consume
from entrepot.kit.problem import DatabaseAway
from entrepot.kit.sql import sql
from entrepot.world.faults import KilledError
from entrepot.world.scene import World

Job = Consumer | Callable[..., Awaitable[int]]
JOBS: tuple[Job, ...] = (
    ledger.expire_holds, *orders.CONSUMERS, orders.run_timers, credit.look_at_due, disputes.end_turns,
    fees.count_month, fees.charge_due, invoices.issue_due, *fraud.CONSUMERS, reviews.count, orders.sweep,
)  # fmt: skip
BY_CELL = {
    ledger.expire_holds,
    credit.look_at_due,
    disputes.end_turns,
    fees.count_month,
    fees.charge_due,
    invoices.issue_due,
    reviews.count,
}


async def work(world: World) -> None:
    """A round of the worker, or a part of one: it may be killed anywhere in it."""
    for job in world.chance.sample(JOBS, world.chance.choice((1, 2, len(JOBS)))):
        try:
            await run_job(world, job)
        except (DatabaseAway, KilledError):
            world.counts["worker killed"] += 1
            return
    world.counts["work"] += 1


async def run_job(world: World, job: Job) -> int:
    """One of a worker's jobs, once; how much it found to do."""
    return sum([await _run_job(world, job, cell) for cell in world.cells])


async def _run_job(world: World, job: Job, cell: int) -> int:
    if isinstance(job, Consumer):
        await _events_are_settled(world, cell)
        return await consume(world.db, job, cell)
    if job is orders.run_timers:
        return await orders.run_timers(world.db, cell)
    if job in BY_CELL:
        return await world.db.transact(lambda tx: job(tx, cell))
    return await orders.sweep(world.db, world.client, world.gateway, cell, lanes=1)  # so that a seed is one history


_SETTLED = sql(
    """
    select coalesce((select xid from kit.event where cell = :cell order by xid desc limit 1), '0')
           < pg_snapshot_xmin(pg_current_snapshot())
    """,
    bool,
)


async def _events_are_settled(world: World, cell: int) -> None:
    """Consumers wait for the oldest transaction of the whole server, also for autovacuum's: chance of another kind."""
    while True:
        async with world.db.read() as tx:
            if await tx.one(_SETTLED, cell=cell):
                return
        await asyncio.sleep(0.005)
