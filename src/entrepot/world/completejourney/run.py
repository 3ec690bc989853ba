"""Imports a window of the year: opens the shops, then lives every day of it and of its aftermath."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import asyncpg

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.world.completejourney.afterwards import Deed, deeds_of
from entrepot.world.completejourney.identity import OPENING
from entrepot.world.completejourney.load import load_steps
from entrepot.world.completejourney.replay import (
    AFTERMATH,
    DELIVER_AFTER,
    PAID_OUT,
    Parcel,
    day_steps,
    parcels_of,
)
from entrepot.world.completejourney.source import FIRST_DAY, DayOfBaskets, Source
from entrepot.world.completejourney.steps import ONE_DAY, Progress, Step, resume, run_day

LOCK = 0x636A  # "cj": one import at a time on a database


class BusyError(Exception):
    """Another import runs on this database."""


async def import_window(url: str, source: Source, until: date, tell: Callable[[Step], None]) -> None:
    """Imports everything before `until` (later than FIRST_DAY), going on where an earlier run has stopped; `tell` hears
    of every step done. Raises BusyError, OtherWindowError, ReplayError, and what the source and the rooms raise.

    Commits do not wait for the disk: a step and the count of it are lost together or not at all, so that after a power
    cut the import goes on from a step further back. The last commit, which lets the planner know the tables as they are
    now, waits for all before it."""
    lock = await asyncpg.connect(url)
    try:
        if not await lock.fetchval("select pg_try_advisory_lock($1)", LOCK):
            raise BusyError("another import runs on this database; wait for it to end")
        db = await Database.open(_relaxed(url), VirtualClock(OPENING), size=2)
        try:
            await _live(db, source, until, tell)
        finally:
            await db.close()
        await lock.execute("analyze")
    finally:
        await lock.close()


async def _live(db: Database, source: Source, until: date, tell: Callable[[Step], None]) -> None:
    done = await resume(db, until, OPENING.date())
    if done.day < FIRST_DAY:
        await run_day(db, done.day, done.step, load_steps(source.catalog(until)), tell)
        done = Progress(until, FIRST_DAY, 0)
    parcels: dict[date, list[Parcel]] = {}
    agenda: dict[date, list[Deed]] = {}
    for today in _days(source, done.day - AFTERMATH, until):
        day = today.day
        parcels[day] = parcels_of(today.baskets)
        parcels.pop(day - DELIVER_AFTER - ONE_DAY, None)
        for basket in today.baskets:
            for on, deed in deeds_of(basket):
                agenda.setdefault(on, []).append(deed)
        deeds = agenda.pop(day, [])
        if day >= done.day and (deeds or day < until + PAID_OUT):
            skip = done.step if day == done.day else 0
            await run_day(db, day, skip, day_steps(day, today.baskets, parcels, deeds), tell)


def _days(source: Source, start: date, until: date) -> Iterator[DayOfBaskets]:
    """The days of the window from `start`, and those of its aftermath, on which nothing is bought any more."""
    yield from source.days(start, until)
    day = max(start, until)
    while day < until + AFTERMATH:
        yield DayOfBaskets(day, [])
        day += ONE_DAY


def _relaxed(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}synchronous_commit=off"
