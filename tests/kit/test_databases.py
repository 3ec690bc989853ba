"""The database that a test is given is as new, whatever the one before did to it."""

from __future__ import annotations

import asyncpg
import pytest

from tests import databases
from tests.databases import Shelf
from tests.shop import open_shop


async def test_what_a_test_wrote_is_gone_and_its_connections_stay(pg_url: str, template: str) -> None:
    shelf = Shelf(pg_url, template)
    found = []
    for _ in range(2):
        async with shelf.database() as url, open_shop(url) as shop:
            first = await shop.offer(await shop.seller(), 1_000, 5)
            await (await shop.buyer()).buy([(first, 1)])
            await shop.run()
            async with shop.db.write() as tx:
                pid = await tx.conn.fetchval("select pg_backend_pid()")
            found.append((url, pid, first, await shop.balance("escrow")))
    assert found[0] == found[1]
    await shelf.close()


@pytest.mark.parametrize(
    "statement",
    [
        "create table trade.left (id int)",
        "alter table kit.event add column more int",
        "create or replace function kit.cells() returns int language sql as 'select 7'",
        "delete from trade.duty_rate where ctid = (select min(ctid) from trade.duty_rate)",
        "update trade.duty_rate set valid_to = null where ctid = (select min(ctid) from trade.duty_rate)",
        "do $$ begin execute format('alter database %I set work_mem = 64', current_database()); end $$",
    ],
)
async def test_what_cannot_be_made_as_new_is_dropped(pg_url: str, template: str, statement: str) -> None:
    shelf = Shelf(pg_url, template)
    async with shelf.database() as url:
        conn = await asyncpg.connect(url)
        await conn.execute(statement)
        await conn.close()
    assert url not in databases._kept
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    await shelf.close()


async def test_what_was_added_to_rows_that_were_there_is_gone(pg_url: str, template: str) -> None:
    shelf = Shelf(pg_url, template)
    cells = "select array_agg(cell) from kit.cell"
    async with shelf.database() as url:
        conn = await asyncpg.connect(url)
        await conn.execute("insert into kit.cell values (7)")
        await conn.close()
    async with shelf.database() as again:
        conn = await asyncpg.connect(again)
        assert (again, await conn.fetchval(cells)) == (url, [0])
        await conn.close()
    await shelf.close()


async def test_while_somebody_is_there_it_is_not_handed_on(pg_url: str, template: str) -> None:
    shelf = Shelf(pg_url, template)
    async with shelf.database() as url:
        stays = await asyncpg.connect(url)
    assert url not in databases._kept
    await stays.close()
