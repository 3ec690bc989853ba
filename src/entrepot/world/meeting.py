"""Two at once, and yet one history: the first stops between two of its statements until the second has ended, or waits
for what the first has locked. Then the first goes on to its end. So a lock that is not taken lets the second overtake,
and locks taken in another order are a deadlock, each time the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from entrepot.kit.db import Database, Tx
from entrepot.kit.sql import Query, sql

Row = TypeVar("Row")
Answer = TypeVar("Answer")
Work = Callable[[Tx], Awaitable[Any]]

GLANCE_S = 0.001

_IS_BLOCKED = sql("select cardinality(pg_blocking_pids(:pid)) > 0", bool)


class _Stopping(Tx):
    """A transaction that stops before one of its statements, the `left`-th from now."""

    __slots__ = ("_go", "_left", "_stopped")

    def __init__(self, tx: Tx, left: int, stopped: asyncio.Event, go: asyncio.Event) -> None:
        super().__init__(tx.conn, tx.now)
        self._left, self._stopped, self._go = left, stopped, go

    async def _pass(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._stopped.set()
            await self._go.wait()

    async def all(self, query: Query[Row], **args: Any) -> list[Row]:
        await self._pass()
        return await super().all(query, **args)

    async def maybe(self, query: Query[Row], **args: Any) -> Row | None:
        await self._pass()
        return await super().maybe(query, **args)

    async def run(self, query: Query[Any], **args: Any) -> str:
        await self._pass()
        return await super().run(query, **args)


async def meet(db: Database, works: Sequence[Work], stop_before: int) -> list[Any]:
    """Does both, each in a transaction, and says what each returned or raised. The first stops before its statement
    number `stop_before`, or, when it has fewer, before its commit."""
    first, second = works
    stopped, go = asyncio.Event(), asyncio.Event()
    pids: list[int] = []

    async def stopping(tx: Tx) -> Any:
        mine = _Stopping(tx, stop_before, stopped, go)
        answer = await first(mine)
        await mine.flush()
        stopped.set()
        await go.wait()
        return answer

    async def running(tx: Tx) -> Any:
        pids.append(tx.conn.get_server_pid())
        return await second(tx)

    one = asyncio.create_task(db.transact(stopping))
    await asyncio.wait([one, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
    stopped.set()
    other = asyncio.create_task(db.transact(running))
    while not other.done() and not (pids and await _is_blocked(db, pids[-1])):  # noqa: ASYNC110
        await asyncio.sleep(GLANCE_S)  # it may go on or begin to wait: there is no event for that
    go.set()
    return list(await asyncio.gather(one, other, return_exceptions=True))


async def _is_blocked(db: Database, pid: int) -> bool:
    async with db.read() as tx:
        return await tx.one(_IS_BLOCKED, pid=pid)
