"""A test's database knows the law of countries; where the command plays its worlds there is none, and a seed that fails
here is to fail there."""

from __future__ import annotations

import asyncpg
import pytest

from entrepot.world.ground import CLEARED


@pytest.fixture
async def own_db_url(own_db_url: str) -> str:
    conn = await asyncpg.connect(own_db_url)
    await conn.execute(CLEARED)
    await conn.close()
    return own_db_url
