"""What a process knows of the database without asking it for each request: read once a second, while anybody wants it.

    offers = Glance(db, read_offers)
    known = await offers.get()   # at most OLD old; as a rule FRESH

A value that has passed FRESH is still given while the next is read, so that a database that is slow slows nobody who
only needs to be told no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from entrepot.kit.db import Database, ReadTx
from entrepot.kit.problem import DatabaseAway

Value = TypeVar("Value")

FRESH = timedelta(seconds=1)
OLD = timedelta(seconds=3)


class Glance(Generic[Value]):
    """`read` makes the value anew; it is handed the one before, or None."""

    def __init__(self, db: Database, read: Callable[[ReadTx, Value | None], Awaitable[Value]]) -> None:
        self._db = db
        self._read = read
        self._value: Value | None = None
        self._at: datetime | None = None
        self._task: asyncio.Task[Value] | None = None

    async def get(self) -> Value:
        """Raises DatabaseAway when there is no value that is not OLD and none can be read."""
        age = None if self._at is None else self._db.clock.now() - self._at
        # A clock that was set back makes ages negative: then nothing is fresh.
        if age is not None and self._value is not None and timedelta() <= age < OLD:
            if age >= FRESH:
                self._begin()
            return self._value
        return await asyncio.shield(self._begin())

    async def refresh(self) -> Value:
        """A value that was read after this call."""
        if self._task is not None:
            await asyncio.wait([self._task])
        return await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[Value]:
        if self._task is None:
            self._task = asyncio.create_task(self._renew())
            self._task.add_done_callback(self._done)
        return self._task

    def _done(self, task: asyncio.Task[Value]) -> None:
        self._task = None
        if not task.cancelled() and isinstance(task.exception(), DatabaseAway):
            return  # it is known now, and whoever waits for it is told; the next request tries again

    async def _renew(self) -> Value:
        async with self._db.glance() as tx:
            self._value = value = await self._read(tx, self._value)
            self._at = tx.now
        return value
