"""Time comes from a clock that is handed in; nothing else asks the machine what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)


class VirtualClock:
    """A clock that stands until it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        return self.move_to(self._now + by)

    def move_to(self, to: datetime) -> datetime:
        if to < self._now:
            raise ValueError(f"a clock does not go back: {to} is before {self._now}")
        self._now = to
        return to


def monotonic() -> float:
    """Seconds of a clock that only measures how long something takes."""
    return time.perf_counter()


def require_calendar(*times: datetime) -> None:
    """Raises ValueError for a time that in UTC lies outside the years 1 to 9999: nothing could store it."""
    try:
        for at in times:
            at.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None
