"""Steps: an import is a list of them, and how many are done is kept in the transaction that does the last one.

A killed import goes on with the first step that is not done; a finished one finds nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from entrepot import credit, disputes, orders
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import consume
from entrepot.kit.sql import sql
from entrepot.world.completejourney.identity import CELL

ONE_DAY = timedelta(days=1)
TIMERS = (credit.look_at_due, disputes.end_turns, *orders.TIMERS)
NAME = "completejourney"
WAIT_S = 0.01
"""Between two looks at events that wait for another transaction to end."""


class Step(NamedTuple):
    """`work` at a time of the virtual clock, in one transaction; with None, the jobs of a worker until nothing is due.
    `orders` are those that it places, for the progress line."""

    at: datetime
    work: Callable[[Tx], Awaitable[None]] | None
    orders: int = 0


class Progress(msgspec.Struct, frozen=True):
    """`step` steps of `day` are done, and all of the days before; the window ends before `until`."""

    until: date
    day: date
    step: int


class OtherWindowError(Exception):
    """The database holds another window of the data; the text says which, and the remedy."""


_READ = sql("select until, day, step from world.progress where name = :name", Progress)
_BEGIN = sql("insert into world.progress (name, until, day, step) values (:name, :until, :day, 0)")
_SAVE = sql("update world.progress set day = :day, step = :step where name = :name")
_PLACED = sql(
    """
    select count(*)::int from orders.order o
      join world.progress p on p.name = :name and o.placed_at < p.until
     where o.cell = :cell
    """,
    int,
)
_BEHIND = sql(
    """
    select exists (select from kit.cursor c
                    where c.cell = :cell and c.consumer = any (:consumers::text[])
                      and exists (select from kit.event e where e.cell = c.cell and (e.xid, e.id) > (c.xid, c.id)))
    """,
    bool,
)


async def placed_so_far(url: str) -> int:
    """Orders that the import has placed."""
    db = await Database.open(url, size=1)
    try:
        async with db.read() as tx:
            return await tx.one(_PLACED, cell=CELL, name=NAME)
    finally:
        await db.close()


async def resume(db: Database, until: date, first: date) -> Progress:
    """How far the import of this window has got. Raises OtherWindowError."""
    async with db.write() as tx:
        found = await tx.maybe(_READ, name=NAME)
        if found is None:
            await tx.run(_BEGIN, name=NAME, until=until, day=first)
            return Progress(until, first, 0)
    if found.until != until:
        raise OtherWindowError(
            f"this database holds the Complete Journey until {found.until}, not until {until}: "
            "import into another one (ENTREPOT_HOME or ENTREPOT_DATABASE_URL)"
        )
    return found


async def run_day(db: Database, day: date, done: int, steps: Iterable[Step], tell: Callable[[Step], None]) -> None:
    """Runs the steps of a day but the first `done`, which another run has done. The database's clock is virtual."""
    clock = db.clock
    assert isinstance(clock, VirtualClock)
    for number, step in enumerate(steps, 1):
        if number <= done:
            continue
        clock.move_to(max(step.at, clock.now()))
        if step.work is None:
            await run_until_idle(db)
        else:
            await db.transact(lambda tx, step=step, number=number: _do(tx, step.work, day, number))  # type: ignore[misc]
        tell(step)
    await db.transact(lambda tx: tx.run(_SAVE, name=NAME, day=day + ONE_DAY, step=0))


async def _do(tx: Tx, work: Callable[[Tx], Awaitable[None]], day: date, number: int) -> None:
    await work(tx)
    await tx.run(_SAVE, name=NAME, day=day, step=number)


async def run_until_idle(db: Database) -> None:
    """What a worker does: events to their consumers, then what is due, until there is neither. Safe to do again.
    A timer is done before the next begins, so that a day's payouts are of all that was released that morning."""
    names = [consumer.name for consumer in orders.CONSUMERS]
    while True:
        found = 0
        for consumer in orders.CONSUMERS:
            while passed := await consume(db, consumer, CELL):
                found += passed
        for timer in TIMERS:
            while passed := await orders.run_timer(db, timer, CELL):
                found += passed
        if found:
            continue
        async with db.read() as tx:
            if not await tx.one(_BEHIND, cell=CELL, consumers=names):
                return
        await asyncio.sleep(WAIT_S)
