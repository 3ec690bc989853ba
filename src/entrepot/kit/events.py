"""The event log: what happened, told in the transaction in which it happened.

Events are public: frozen, versioned, ids only. Identity order is not commit order, so a consumer reads only below the
oldest transaction that is still running, in (xid, id) order, and commits its effect together with its cursor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kit import metrics
from entrepot.kit.db import Database, Tx
from entrepot.kit.halves import is_nobodys
from entrepot.kit.log import log
from entrepot.kit.sql import sql

BATCH = 500
KEPT = timedelta(days=400)
"""How far back the log goes: a year and a month, so that one can be compared with the last."""
FORGOTTEN = 5_000
"""Events that one `forget` looks at."""
LOOKED = 10_000
"""Events that `news` looks at for one consumer."""


class Event(msgspec.Struct, frozen=True):
    """One row of the log: `kind` happened at `at` to the thing `key`."""

    xid: int
    id: int
    kind: str
    version: int
    key: UUID
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader of the log. `handle(tx, cell, events)` gets events of its `kinds` in order, all of one cell, and one
    twice only if it rolled back."""

    name: str
    kinds: frozenset[str]
    handle: Callable[[Tx, int, Sequence[Event]], Awaitable[None]]


class _FailedError(Exception):
    def __init__(self, events: Sequence[Event], error: Exception) -> None:
        super().__init__()
        self.events = events
        self.error = error


class _Cursor(msgspec.Struct, frozen=True):
    xid: int
    id: int


class _Reader(msgspec.Struct, frozen=True):
    consumer: str
    xid: int
    id: int


_OPEN = sql("""
    insert into kit.cursor (cell, consumer) values (:cell, :consumer) on conflict do nothing
""")
_CURSOR = sql(
    """
    select xid, id from kit.cursor where cell = :cell and consumer = :consumer for update skip locked
    """,
    _Cursor,
)
# Nothing is ever written below the oldest running transaction again: what lies below it is read, or passed, for good.
_HORIZON = sql(
    "select xid, id from kit.horizon(:cell, :xid, :id)",
    _Cursor,
)
_NEXT = sql(
    """
    select xid, id, kind, version, key, at, data
      from kit.event
     where cell = :cell and (xid, id) > (:xid, :id) and (xid, id) <= (:last_xid, :last_id) and kind = any (:kinds)
     order by xid, id
     limit :limit
    """,
    Event,
)
_NEWS = sql("select reader from kit.news(:cell, :readers, :kinds, :most)", str)
_CURSORS = sql("select consumer, xid, id from kit.cursor where cell = :cell", _Reader)
# The first events of the log, so that this reads no more than it may delete, however long the log is.
_FORGET = sql("""
    delete from kit.event e
     using (select xid, id from kit.event
             where cell = :cell and (xid, id) <= (:xid, :id) order by xid, id limit :limit) o
     where e.cell = :cell and e.xid = o.xid and e.id = o.id and e.at < :before
""")
_MOVE = sql("update kit.cursor set xid = :xid, id = :id where cell = :cell and consumer = :consumer")


async def news(db: Database, consumers: Sequence[Consumer], cell: int) -> list[Consumer]:
    """Those of the consumers that have something to read, or more than LOOKED to go through, by one look for all."""
    pairs = [(consumer.name, kind) for consumer in consumers for kind in consumer.kinds]
    names, kinds = [name for name, _ in pairs], [kind for _, kind in pairs]
    asked = {"cell": cell, "readers": names, "kinds": kinds, "most": LOOKED}
    told = set(await db.transact(lambda tx: tx.all(_NEWS, **asked), durable=False))
    return [consumer for consumer in consumers if consumer.name in told]


async def consume(db: Database, consumer: Consumer, cell: int) -> int:
    """Hands the next batch to the consumer; how many events it got, 0 when it has read everything.

    Two processes with the same consumer: one works, the other finds the cursor locked and gets 0.

    Events are handled in order, so one that the consumer fails at stops it: what lies before it is handled, then the
    event is logged, counted in `entrepot_left_behind`, and its error raised, at each call until the cause is removed.
    """
    limit = BATCH
    while True:
        try:
            return await _consume(db, consumer, cell, limit)
        except _FailedError as failed:
            limit = len(failed.events) // 2
            if limit:
                continue
            (event,) = failed.events
            metrics.LEFT_BEHIND.labels(consumer.name).inc()
            log("consumer_stopped", consumer=consumer.name, cell=cell, id=event.id, kind=event.kind, key=event.key)
            raise failed.error from None


async def _consume(db: Database, consumer: Consumer, cell: int, limit: int) -> int:
    async with db.write() as tx:
        cursor = await tx.maybe(_CURSOR, cell=cell, consumer=consumer.name)
        if cursor is None:
            await tx.run(_OPEN, cell=cell, consumer=consumer.name)
            cursor = await tx.maybe(_CURSOR, cell=cell, consumer=consumer.name)
            if cursor is None:
                return 0
        horizon = await tx.maybe(_HORIZON, cell=cell, xid=cursor.xid, id=cursor.id)
        if horizon is None:
            return 0
        events = await tx.all(
            _NEXT, cell=cell, xid=cursor.xid, id=cursor.id, last_xid=horizon.xid, last_id=horizon.id,
            kinds=sorted(consumer.kinds), limit=limit,
        )  # fmt: skip
        if events:
            try:
                await consumer.handle(tx, cell, events)
            except Exception as error:
                if is_nobodys(error):
                    raise
                raise _FailedError(events, error) from error
        end = _Cursor(events[-1].xid, events[-1].id) if len(events) == limit else horizon
        await tx.run(_MOVE, cell=cell, consumer=consumer.name, xid=end.xid, id=end.id)
        return len(events)


async def forget(tx: Tx, cell: int, consumers: Sequence[Consumer]) -> int:
    """Deletes events older than KEPT, a batch of the oldest; how many. Every cursor has passed them, also that of a
    consumer that another release has, and each of `consumers` has one."""
    cursors = await tx.all(_CURSORS, cell=cell)
    if not {consumer.name for consumer in consumers} <= {cursor.consumer for cursor in cursors}:
        return 0
    xid, id_ = min((cursor.xid, cursor.id) for cursor in cursors)
    done = await tx.run(_FORGET, cell=cell, xid=xid, id=id_, before=tx.now - KEPT, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))
