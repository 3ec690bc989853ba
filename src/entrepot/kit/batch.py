"""The batcher: one verb for many callers. It sends what has gathered while the last batch was in flight; no timer.

A caller that goes away does not take its command back. An unexpected error halves the batch until the one command that
causes it stands alone, so it never harms its neighbors. A lost connection leaves the outcome unknown: the same commands
are sent again, and their idempotency keys say which of them had been done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from entrepot.kit.problem import DatabaseAway, Overloaded

Command = TypeVar("Command")
Verdict = TypeVar("Verdict")


class Batcher(Generic[Command, Verdict]):
    """`run(commands)` gives a verdict for each, in order, in a transaction of its own. A batch takes at most
    `max_commands`, the queue at most `max_queue`."""

    def __init__(
        self,
        run: Callable[[Sequence[Command]], Awaitable[Sequence[Verdict]]],
        *,
        max_commands: int = 128,
        max_queue: int = 4_096,
        resends: int = 3,
    ) -> None:
        self._run = run
        self._max_commands = max_commands
        self._max_queue = max_queue
        self._resends = resends
        self._queue: deque[tuple[Command, asyncio.Future[Verdict]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def do(self, command: Command) -> Verdict:
        """The verdict on one command. Raises Overloaded when the queue is full, DatabaseAway when the server stays
        away, and whatever `run` raised for this command alone."""
        if len(self._queue) >= self._max_queue:
            raise Overloaded
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._queue.append((command, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._queue:
            batch = self._take()
            await self._settle(batch)

    def _take(self) -> list[tuple[Command, asyncio.Future[Verdict]]]:
        return [self._queue.popleft() for _ in range(min(len(self._queue), self._max_commands))]

    async def _settle(self, batch: list[tuple[Command, asyncio.Future[Verdict]]]) -> None:
        commands = [command for command, _ in batch]
        try:
            verdicts = await self._send(commands)
            if len(verdicts) != len(batch):
                raise ValueError(f"{len(verdicts)} verdicts on {len(batch)} commands")
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, DatabaseAway):
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # the caller may be gone; that is not an error of ours
            return
        for (_, future), verdict in zip(batch, verdicts, strict=True):
            if not future.done():
                future.set_result(verdict)

    async def _send(self, commands: Sequence[Command]) -> Sequence[Verdict]:
        for attempt in range(self._resends):
            try:
                return await self._run(commands)
            except DatabaseAway:
                await asyncio.sleep(0.2 * 2**attempt)
        return await self._run(commands)
