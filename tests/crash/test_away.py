"""What a database that dies under us looks like: always DatabaseAway, never a fault of ours."""

from __future__ import annotations

import pytest
from asyncpg.exceptions._base import InternalClientError

from entrepot.kit.db import Database
from entrepot.kit.problem import DatabaseAway


async def test_a_connection_that_is_terminated_is_the_database_being_away(own_db_url: str) -> None:
    db = await Database.open(own_db_url)

    async def cut_off() -> None:
        async with db.write() as tx, db.read() as other:
            await other.conn.fetchval("select pg_terminate_backend($1, 5000)", tx.conn.get_server_pid())
            await tx.conn.fetchval("select 1")

    with pytest.raises(DatabaseAway):
        await cut_off()
    async with db.write() as tx:
        assert await tx.conn.fetchval("select 1") == 1
    await db.close()


async def test_asyncpgs_word_for_a_dying_server_is_the_database_being_away(own_db_url: str) -> None:
    """Seen when PostgreSQL was killed: its last word had come, the end of the connection had not."""
    db = await Database.open(own_db_url)
    with pytest.raises(DatabaseAway):
        async with db.write():
            raise InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    await db.close()
