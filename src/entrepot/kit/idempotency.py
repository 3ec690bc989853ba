"""Idempotency keys: an effect and the answer to it commit together; the same key again gets the same answer.

Scoped to caller and address, kept for 7 days. A refusal stores nothing and is judged anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.problem import DatabaseAway, KeyConflict, Problem
from entrepot.kit.sql import sql

KEPT = timedelta(days=7)
FORGOTTEN = 5_000
"""Keys that one `forget_old` deletes."""


class Spent(msgspec.Struct, frozen=True):
    """A key as it was used: by whom (`caller` in `cell`), where (`route`: method and path), with what (`body`)."""

    cell: int
    caller: UUID
    route: str
    key: str
    body: bytes

    @property
    def body_hash(self) -> bytes:
        return hashlib.sha256(self.body).digest()


class Done(msgspec.Struct, frozen=True):
    body_hash: bytes
    status: int
    answer: bytes


_FIND = sql(
    """
    select body_hash, status, coalesce(answer, '') from kit.idempotency_key
     where cell = :cell and caller = :caller and route = :route and key = :key
    """,
    Done,
)
_STORE = sql("""
    insert into kit.idempotency_key (cell, caller, route, key, body_hash, status, answer, at)
    values (:cell, :caller, :route, :key, :body_hash, :status, :answer, :now)
""")
_FORGET = sql("""
    delete from kit.idempotency_key
     where cell = :cell and (caller, route, key) in
           (select caller, route, key from kit.idempotency_key where cell = :cell and at < :before limit :limit)
""")


async def once(db: Database, spent: Spent, work: Callable[[Tx], Awaitable[Any]], status: int, *, durable: bool) -> Done:
    """The answer to `work`, done now or before. Raises KeyConflict when the key was used with another body.

    Of two that run at once the second rolls back whole, because it meets the first's key or, before it, what the first
    did and refuses to do it again; either way it finds the first's answer."""

    async def run(tx: Tx) -> Done:
        found = await _find(tx, spent)
        if found is not None:
            tx.act = None  # it was done, and written, before
            return found
        answer = await work(tx)
        body = b"" if answer is None else msgspec.json.encode(answer)
        done = Done(spent.body_hash, status if body else 204, body)
        await tx.run(
            _STORE, cell=spent.cell, caller=spent.caller, route=spent.route, key=spent.key,
            body_hash=done.body_hash, status=done.status, answer=body, now=tx.now,
        )  # fmt: skip
        return done

    try:
        return await db.transact(run, durable=durable)
    except (Problem, asyncpg.UniqueViolationError) as error:
        if isinstance(error, DatabaseAway):
            raise
        async with db.read() as tx:
            found = await _find(tx, spent)
        if found is None:
            raise
        return found


async def _find(tx: ReadTx, spent: Spent) -> Done | None:
    found = await tx.maybe(_FIND, cell=spent.cell, caller=spent.caller, route=spent.route, key=spent.key)
    if found is not None and found.body_hash != spent.body_hash:
        raise KeyConflict
    return found


async def forget_old(tx: Tx, cell: int) -> int:
    """Deletes a cell's keys that were used more than KEPT ago, a batch of them; how many."""
    done = await tx.run(_FORGET, cell=cell, before=tx.now - KEPT, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))
