"""Hypothesis examples against a real PostgreSQL: one loop, one connection, and every example rolled back.

ENTREPOT_EXAMPLES=2000 looks further than the suite does, with another seed each time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
from hypothesis import HealthCheck, settings

from entrepot.kit.db import Tx
from entrepot.kit.db import _prepare as prepare

Answer = TypeVar("Answer")


def bounded(examples: int, **more: Any) -> settings:
    """So many examples, the same ones in every run."""
    wanted = os.environ.get("ENTREPOT_EXAMPLES")
    return settings(
        max_examples=int(wanted or examples), derandomize=wanted is None, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], **more,
    )  # fmt: skip


class Driven:
    """A connection that a test without `async` can drive. What it does is in one transaction that never commits."""

    def __init__(self, url: str, now: datetime) -> None:
        self._runner = asyncio.Runner()
        self.now = now
        self.tx = self.do(self._open(url))

    async def _open(self, url: str) -> Tx:
        conn = await asyncpg.connect(url)
        await prepare(conn)
        await conn.transaction().start()
        return Tx(conn, self.now)

    def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(work)

    @contextmanager
    def example(self) -> Iterator[Tx]:
        """Whatever happens in it is undone. The Tx starts at `now`."""
        savepoint = self.tx.conn.transaction()
        self.do(savepoint.start())
        try:
            yield Tx(self.tx.conn, self.now)
        finally:
            self.do(savepoint.rollback())

    @contextmanager
    def refused(self, error: type[Exception]) -> Iterator[None]:
        """What is in it raises `error`, and the transaction goes on."""
        savepoint = self.tx.conn.transaction()
        self.do(savepoint.start())
        try:
            yield
        except error:
            self.do(savepoint.rollback())
            return
        raise AssertionError(f"expected {error.__name__}")

    def close(self) -> None:
        self.do(self.tx.conn.close())
        self._runner.close()
