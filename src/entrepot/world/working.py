"""The worker of the simulated world: what it does, a round or a part of one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from entrepot import (
    campaigns,
    chargebacks,
    credit,
    customs,
    disputes,
    fees,
    fraud,
    invoices,
    ledger,
    metering,
    orders,
    reviews,
    webhooks,
)
from entrepot.kit.events import Consumer, consume, news
from entrepot.kit.problem import DatabaseAway
from entrepot.kit.sql import sql
from entrepot.world import bonding
from entrepot.world.faults import KilledError
from entrepot.world.scene import World

Timer = Callable[..., Awaitable[int]]
CONSUMERS: tuple[Consumer, ...] = (
    *orders.CONSUMERS, *fraud.CONSUMERS, *webhooks.CONSUMERS, *chargebacks.CONSUMERS,
)  # fmt: skip
TIMERS: tuple[Timer, ...] = (
    ledger.expire_holds, credit.look_at_due, disputes.end_turns, fees.count_month, fees.charge_due, invoices.issue_due,
    metering.bill_due, reviews.count, campaigns.settle, chargebacks.settle_shares, orders.run_timers, orders.sweep,
)  # fmt: skip


IN_BOND: tuple[Consumer, ...] = CONSUMERS + customs.CONSUMERS[:3]
"""Also those by which declarations are made and taken back; nobody is erased here."""


def consumers(world: World) -> tuple[Consumer, ...]:
    return CONSUMERS if world.bond is None else IN_BOND


async def work(world: World) -> None:
    """A round of the worker, or a part of one: it may be killed anywhere in it."""
    jobs: tuple[Consumer | Timer, ...] = consumers(world) + TIMERS
    count = world.chance.choice((1, 2, len(jobs)))
    try:
        if count == len(jobs):
            await round_(world)
        for job in world.chance.sample(jobs, count % len(jobs)):
            for cell in world.cells:
                await (_read(world, job, cell) if isinstance(job, Consumer) else _look(world, job, cell))
    except (DatabaseAway, KilledError):
        world.counts["worker killed"] += 1
        return
    world.counts["work"] += 1


async def round_(world: World) -> int:
    """Once everything, as the worker does it; how much it found to do."""
    found = 0
    for cell in world.cells:
        await _events_are_settled(world, cell)
        for consumer in await news(world.db, consumers(world), cell):
            found += await consume(world.db, consumer, cell)
        for timer in TIMERS:
            found += await _look(world, timer, cell)
    return found + await bonding.declare(world)


async def _read(world: World, consumer: Consumer, cell: int) -> int:
    await _events_are_settled(world, cell)
    return await consume(world.db, consumer, cell)


async def _look(world: World, timer: Timer, cell: int) -> int:
    if timer is orders.run_timers:
        return await orders.run_timers(world.db, cell)
    if timer is orders.sweep:  # in one lane, so that a seed is one history
        return await orders.sweep(world.db, world.client, world.gateway, cell, lanes=1)
    return await world.db.transact(lambda tx: timer(tx, cell))


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
