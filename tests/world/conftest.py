"""The small world that the auditor is tried on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.world.small_world import build


@pytest.fixture(scope="module")
async def world(db_url: str) -> str:
    conn = await asyncpg.connect(db_url)
    try:
        await build(conn)
    finally:
        await conn.close()
    return db_url


@pytest.fixture
async def conn(world: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction on the world, undone after the test with all that was planted."""
    connection = await asyncpg.connect(world)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()
