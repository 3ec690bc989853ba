"""Races on purpose: a seed says whose statement comes next, on a real PostgreSQL.

Every actor is a coroutine with a Database of one connection. Before each statement and each commit it waits for
its turn. When nobody is under way any more - each one waits for its turn, has ended, or stands in a lock's queue behind
another actor (pg_blocking_pids) - the seed chooses who goes on. The same seed gives the same schedule, but for one
thing: when a commit wakes two who wait for one row, PostgreSQL says who gets it.

    async with Interleaver(url, clock, actors=2) as stage:
        first, second = await stage.run(7, place, cancel)   # seed 7; an exception is an outcome, too

`order` instead of a seed is a schedule by hand: the actors' numbers, one for each turn; what it leaves open goes by
number.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg

from entrepot.kit.clock import Clock
from entrepot.kit.db import Database
from entrepot.kit.db import _prepare as prepare

Work = Callable[[Database], Awaitable[Any]]
GLANCE_S = 0.002
"""How long nothing has to happen before we look who is blocked."""
GIVE_UP_S = 10.0
taken: set[str] = set()
"""Every statement that an actor had a turn for, since somebody cleared it."""


class Actor:
    """One connection, and what its turn is about."""

    def __init__(self, number: int, conn: Any, stage: Interleaver) -> None:
        self.number = number
        self.conn = conn
        self.pid: int = conn.get_server_pid()
        self.next: str | None = None  # the statement that waits for its turn
        self.done = True
        self._stage = stage
        self._go = asyncio.Event()

    async def turn(self, statement: str) -> None:
        taken.add(statement)
        self.next = " ".join(statement.split())[:60]
        self._stage.changed.set()
        await self._go.wait()
        self._go.clear()

    def go(self) -> str:
        statement, self.next = self.next, None
        assert statement is not None
        self._go.set()
        return statement


class SteppedConnection:
    """What asyncpg's connection is to a Tx, one turn per statement."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    async def fetch(self, query: str, *args: Any) -> Any:
        await self._actor.turn(query)
        return await self._actor.conn.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> Any:
        await self._actor.turn(query)
        return await self._actor.conn.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        await self._actor.turn(query)
        return await self._actor.conn.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> Any:
        await self._actor.turn(query)
        return await self._actor.conn.execute(query, *args)

    async def copy_records_to_table(self, table: str, **more: Any) -> Any:
        await self._actor.turn(f"copy {table}")
        return await self._actor.conn.copy_records_to_table(table, **more)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await self._actor.turn("begin")
        real = self._actor.conn.transaction()
        await real.start()
        try:
            yield
        except BaseException:
            await self._actor.turn("rollback")
            await real.rollback()
            raise
        await self._actor.turn("commit")
        await real.commit()


class SteppedDatabase(Database):
    """A Database whose every pool is the actor's one connection."""

    def __init__(self, url: str, clock: Clock, actor: Actor) -> None:
        super().__init__(url, clock, {})
        self._actor = actor

    @asynccontextmanager
    async def _connection(self, mode: str) -> AsyncIterator[Any]:  # noqa: ARG002  (one does for all)
        yield SteppedConnection(self._actor)


class Interleaver:
    def __init__(self, url: str, clock: Clock, actors: int) -> None:
        self.changed = asyncio.Event()
        self.trace: list[tuple[int, str]] = []
        self._url, self._clock, self._count = url, clock, actors
        self._actors: list[Actor] = []
        self._watch: Any = None

    async def __aenter__(self) -> Self:
        self._watch = await asyncpg.connect(self._url)
        for number in range(self._count):
            conn = await asyncpg.connect(self._url, server_settings={"deadlock_timeout": "100ms", "jit": "off"})
            await prepare(conn)
            self._actors.append(Actor(number, conn, self))
        return self

    async def __aexit__(self, *_: object) -> None:
        for conn in [self._watch, *(actor.conn for actor in self._actors)]:
            await conn.close()

    @asynccontextmanager
    async def race(self, seed: int, *works: Work, order: Sequence[int] | None = None) -> AsyncIterator[list[Any]]:
        """The outcomes of the race; a failure in the body tells the seed and the schedule."""
        try:
            yield await self.run(seed, *works, order=order)
        except BaseException as failure:
            failure.add_note(f"seed {seed}: {self.trace}")
            raise

    async def run(self, seed: int, *works: Work, order: Sequence[int] | None = None) -> list[Any]:
        """What each of `works` returned or raised, in their order. `trace` has the schedule."""
        choose, planned = random.Random(seed), list(order or ())
        self.trace.clear()
        cast = self._actors[: len(works)]
        tasks = [asyncio.create_task(self._act(actor, work)) for actor, work in zip(cast, works, strict=True)]
        try:
            async with asyncio.timeout(GIVE_UP_S):
                while await self._standstill(cast):
                    while planned and cast[planned[0]].done:
                        planned.pop(0)
                    ready = [actor for actor in cast if actor.next is not None]
                    fixed = [actor for actor in ready if planned and actor.number == planned[0]]
                    chosen = fixed[0] if fixed else ready[0] if order is not None else choose.choice(ready)
                    if fixed:
                        planned.pop(0)
                    self.trace.append((chosen.number, chosen.go()))
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        return outcomes

    async def _act(self, actor: Actor, work: Work) -> Any:
        actor.done = False
        try:
            return await work(SteppedDatabase(self._url, self._clock, actor))
        finally:
            actor.done, actor.next = True, None
            self.changed.set()

    async def _standstill(self, cast: Sequence[Actor]) -> bool:
        """Waits until nobody moves by himself; whether somebody can be given a turn."""
        await asyncio.sleep(0)
        while True:
            self.changed.clear()
            under_way = {actor.pid for actor in cast if actor.next is None and not actor.done}
            waiting = any(actor.next is not None for actor in cast)
            if not under_way:
                return waiting
            try:
                await asyncio.wait_for(self.changed.wait(), GLANCE_S)
            except TimeoutError:
                if waiting and await self._blocked(under_way, [actor.pid for actor in cast]):
                    return True

    async def _blocked(self, under_way: set[int], pids: Sequence[int]) -> bool:
        """Whether all of `under_way` stand in a queue behind one of `pids`."""
        query = "select count(*) from unnest($1::int[]) as p (pid) where pg_blocking_pids(p.pid) && $2::int[]"
        blocked = await self._watch.fetchval(query, sorted(under_way), list(pids))
        return bool(blocked == len(under_way)) and not self.changed.is_set()
