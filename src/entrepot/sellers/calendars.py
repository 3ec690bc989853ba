"""Working days: weekends and public holidays of markets, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from entrepot.kit.db import ReadTx, Tx
from entrepot.sellers import reads, store

SEEN = timedelta(days=120)
"""Holidays of so many days before and after today are looked at."""


class DayOff(msgspec.Struct, frozen=True):
    """A public holiday, by its name there."""

    day: date
    name: str


class Calendar(msgspec.Struct, frozen=True):
    """Days on which nobody works: ISO weekdays (7 is Sunday), and others. Without both every day is a working day."""

    weekend: frozenset[int] = frozenset()
    off: frozenset[date] = frozenset()


EVERY_DAY = Calendar()
"""Where nobody has said when people work."""


async def set_calendar(tx: Tx, market: str, weekend: Sequence[int], days: Sequence[DayOff], source: str) -> None:
    """Says when people of a market work. Holidays of the years that are in `days` are replaced, those of others stay.
    Raises NotFound, ValueError for a week without a working day."""
    await reads.market(tx, market)
    if not set(weekend) < set(range(1, 8)):
        raise ValueError("a weekend is of weekdays 1 to 7, and not of all")
    await tx.run(store.SET_CALENDAR, market=market, weekend=sorted(set(weekend)), source=source)
    await tx.run(store.CLEAR_DAYS_OFF, market=market, years=sorted({one.day.year for one in days}))
    await tx.run(store.ADD_DAYS_OFF, market=market, days=[one.day for one in days], names=[one.name for one in days])


async def calendar_of(tx: ReadTx, market: str) -> Calendar:
    """When people of a market work about now."""
    return _together(await tx.all(store.CALENDARS, market=market, currency=None, **_span(tx.now)))


async def calendar_of_currency(tx: ReadTx, currency: str) -> Calendar:
    """On which days all the markets of a currency work: only then its banks do for sure."""
    return _together(await tx.all(store.CALENDARS, market=None, currency=currency, **_span(tx.now)))


def _span(now: datetime) -> dict[str, date]:
    return {"first": (now - SEEN).date(), "last": (now + SEEN).date()}


def _together(rows: Sequence[store.CalendarRow]) -> Calendar:
    return Calendar(
        frozenset(weekday for row in rows for weekday in row.weekend), frozenset(day for row in rows for day in row.off)
    )


def is_working(calendar: Calendar, day: date) -> bool:
    """Whether people work on a day."""
    return day.isoweekday() not in calendar.weekend and day not in calendar.off


def working_time(calendar: Calendar, at: datetime) -> datetime:
    """A deadline that would end on a day off ends at the same time of the next working day."""
    while not is_working(calendar, at.date()):
        at += timedelta(days=1)
    return at


def after_working_days(calendar: Calendar, at: datetime, days: int) -> datetime:
    """The same time so many working days later."""
    for _ in range(days):
        at = working_time(calendar, at + timedelta(days=1))
    return at
