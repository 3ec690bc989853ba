"""Imports a window of the year: opens the shops, then lives every day of it and of its aftermath."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.world.completejourney.identity import OPENING
from entrepot.world.completejourney.load import load_steps
from entrepot.world.completejourney.replay import AFTERMATH, DELIVER_AFTER, Parcel, day_steps, parcels_of
from entrepot.world.completejourney.source import FIRST_DAY, DayOfBaskets, Source
from entrepot.world.completejourney.steps import Step, resume, run_day

ONE_DAY = timedelta(days=1)


async def import_window(url: str, source: Source, until: date, tell: Callable[[Step], None]) -> None:
    """Imports everything before `until` (FIRST_DAY < until <= END_DAY), going on where an earlier run has stopped.
    `tell` hears of every step, those that were done before too.

    Raises ReplayError, OtherWindowError and what the source and the rooms raise."""
    clock = VirtualClock(OPENING)
    db = await Database.open(url, clock, size=2)
    try:
        done = await resume(db, until, OPENING.date())
        if done.day < FIRST_DAY:
            steps = load_steps(source.catalog(until))
            await run_day(db, clock, done.day, FIRST_DAY, done.step, steps, tell)
        parcels: dict[date, list[Parcel]] = {}
        for today in _days(source, max(done.day, FIRST_DAY) - DELIVER_AFTER, until):
            day, baskets = today.day, today.baskets
            parcels[day] = parcels_of(baskets)
            parcels.pop(day - DELIVER_AFTER - ONE_DAY, None)
            if day >= done.day:
                skip = done.step if day == done.day else 0
                await run_day(db, clock, day, day + ONE_DAY, skip, day_steps(day, baskets, parcels), tell)
    finally:
        await db.close()


def _days(source: Source, start: date, until: date) -> Iterator[DayOfBaskets]:
    """The days of the window from `start`, and those of its aftermath, on which nothing is bought any more."""
    yield from source.days(start, until)
    day = max(start, until)
    while day < until + AFTERMATH:
        yield DayOfBaskets(day, [])
        day += ONE_DAY
