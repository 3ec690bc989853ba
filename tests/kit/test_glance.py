"""What is read once a second does not wait for those who wait for it."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.kit.db import Database, ReadTx
from entrepot.kit.glance import Glance

pytestmark = pytest.mark.anyio


async def test_requests_that_hold_every_connection_get_their_glance(db_url: str) -> None:
    db = await Database.open(db_url, size=2)
    read = 0

    async def look(tx: ReadTx, _: int | None) -> int:
        nonlocal read
        read += 1
        value: int = await tx.conn.fetchval("select 7")
        return value

    glance = Glance(db, look)
    holding = asyncio.Barrier(2)

    async def request() -> int:
        async with db.read():
            await holding.wait()
            return await glance.get()

    assert list(await asyncio.wait_for(asyncio.gather(request(), request()), 5)) == [7, 7]
    assert read == 1
    await db.close()
