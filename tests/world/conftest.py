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


@pytest.fixture(scope="module")
async def connection(world: str) -> AsyncIterator[asyncpg.Connection]:
    """One for all tests of a module: a check is planned once, which takes longer than to make it."""
    opened = await asyncpg.connect(
        world, statement_cache_size=1000, server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"}
    )
    yield opened
    await opened.close()


@pytest.fixture
async def conn(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A transaction on the world, undone after the test with all that was planted."""
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
