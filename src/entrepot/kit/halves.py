"""What cannot be done must not hold up the others of its batch: what fails is halved until it stands alone."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg

from entrepot.kit import metrics
from entrepot.kit.db import GONE, Tx
from entrepot.kit.log import log


def is_nobodys(error: Exception) -> bool:
    """Whether an error says nothing about the things that were to be done: it is raised, and all of the transaction is
    tried again. An argument that does not fit is our mistake, not the server's absence."""
    away = isinstance(error, GONE) and not isinstance(error, ValueError)
    return away or isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError)


async def in_halves(
    tx: Tx, job: str, ids: Sequence[UUID], work: Callable[[Sequence[UUID]], Awaitable[int]]
) -> tuple[int, list[UUID]]:
    """Does `work(ids)`, which says how much it did. When it fails, that is undone and each half is tried by itself, and
    so on: (how much was done, the culprits, each of which is logged). Every attempt has a savepoint of its own."""
    if not ids:
        return 0, []
    try:
        async with tx.savepoint():
            return await work(ids), []
    except Exception as error:
        if is_nobodys(error):
            raise
        if len(ids) == 1:
            frames = traceback.extract_tb(error.__traceback__)
            where = [f"{frame.filename}:{frame.lineno}" for frame in frames]
            log("left_behind", job=job, id=ids[0], error=type(error).__name__, where=where[-6:])
            metrics.LEFT_BEHIND.labels(job).inc()
            return 0, list(ids)
    middle = len(ids) // 2
    first, bad = await in_halves(tx, job, ids[:middle], work)
    second, worse = await in_halves(tx, job, ids[middle:], work)
    return first + second, bad + worse
