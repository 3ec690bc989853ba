"""A backup is taken while the shop sells, and what is restored from it ties, sells on and tells on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from entrepot.kit import postgres
from entrepot.kit.backup import BackupError, backup, restore
from entrepot.kit.migrate import migrate
from tests.shop import Shop, open_shop

COUNTED = ("orders.order_group", "orders.order", "ledger.transfer", "inventory.movement", "kit.event", "accounts.user")


@pytest.fixture
def second_url(folder: Path) -> Iterator[str]:
    """An empty database on another server, whose transaction numbers are behind those of the first."""
    server = postgres.start(folder / "second", fsync="off")
    yield server.url
    server.stop()


def ask(url: str, query: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(run())


async def sell(url: str, file: Path) -> None:
    """Sells before, while and after a backup of `url` is taken into `file`."""
    async with open_shop(url) as shop:
        offer = await shop.offer(await shop.seller(), 1_000, 1_000)
        buyer = await shop.buyer()
        for _ in range(3):
            await buyer.buy([(offer, 1)])
        await shop.run()  # these events are read, those of the orders below are not
        taken = asyncio.create_task(asyncio.to_thread(backup, url, file))
        during = 0
        while not taken.done() or during < 5:
            await buyer.buy([(offer, 1)])
            during += 1
        await taken


async def look(url: str) -> tuple[int, int]:
    """Audits, lets the worker go on and sells once more; how many fulfillment orders there are before and after."""
    async with open_shop(url) as shop:
        await shop.audited()
        before = await count(shop, "logistics.fulfillment_order")
        await shop.run()
        after = await count(shop, "logistics.fulfillment_order")
        assert after == await count(shop, "orders.order")
        buyer = await shop.buyer()
        await buyer.buy([(await shop.offer(await shop.seller(), 500, 5), 1)])
        await shop.run()
        assert await count(shop, "logistics.fulfillment_order") == after + 1
        await shop.audited()
        return before, after


async def count(shop: Shop, table: str) -> int:
    async with shop.db.read() as tx:
        return int(await tx.conn.fetchval(f"select count(*) from {table}"))


def test_a_backup_under_sale_is_restored_on_another_server(own_db_url: str, second_url: str, folder: Path) -> None:
    # Other tests share the first server, but this one may run alone: put it ahead of the second for certain.
    asyncio.run(burn(own_db_url))
    file = folder / "shop.backup"
    asyncio.run(sell(own_db_url, file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir() if path.name.startswith("shop")] == ["shop.backup"]

    restore(second_url, file)
    assert asyncio.run(migrate(second_url)) == []
    counts = {table: ask(second_url, f"select count(*) from {table}") for table in COUNTED}
    assert counts["orders.order_group"] == counts["orders.order"]
    assert 3 <= int(str(counts["orders.order"])) <= int(str(ask(own_db_url, "select count(*) from orders.order")))
    before, after = asyncio.run(look(second_url))
    assert (before, after) == (3, counts["orders.order"])

    again = folder / "again.backup"
    backup(second_url, again)
    third = second_url.replace("/entrepot?", "/third?")
    ask(second_url, "create database third")
    restore(third, again)
    for table in COUNTED:
        assert ask(third, f"select count(*) from {table}") == ask(second_url, f"select count(*) from {table}")
    asyncio.run(look(third))


async def burn(url: str) -> None:
    connection = await asyncpg.connect(url)
    for _ in range(3_000):
        await connection.execute("select pg_current_xact_id()")
    await connection.close()


def test_a_database_beside_it_is_restored_too(own_db_url: str, empty_db_url: str, folder: Path) -> None:
    """On whatever release the tests run, also one that is older than our programs."""
    file = folder / "shop.backup"
    asyncio.run(sell(own_db_url, file))
    restore(empty_db_url, file)
    sold = ask(empty_db_url, "select count(*) from orders.order")
    assert asyncio.run(look(empty_db_url)) == (3, sold)


def test_what_is_refused_changes_nothing(own_db_url: str, folder: Path) -> None:
    file = folder / "shop.backup"
    backup(own_db_url, file)
    written = file.read_bytes()
    with pytest.raises(BackupError, match=r"shop\.backup is there already: choose another name"):
        backup(own_db_url, file)
    assert file.read_bytes() == written
    with pytest.raises(BackupError, match="the database is not empty: restore into a new one"):
        restore(own_db_url, file)
    with pytest.raises(BackupError, match="missing is no file"):
        restore(own_db_url, folder / "missing")
    empty = own_db_url.rsplit("/", 1)[0] + "/nobody?" + own_db_url.partition("?")[2]
    with pytest.raises(BackupError, match=r"pg_dump: .*"):
        backup(empty, folder / "none.backup")
    assert sorted(path.name for path in folder.iterdir()) == ["shop.backup"]


def test_a_file_that_is_no_backup_leaves_the_database_empty(second_url: str, folder: Path) -> None:
    (folder / "text").write_text("This is no backup.")
    with pytest.raises(BackupError, match="pg_restore: input file does not appear to be a valid archive"):
        restore(second_url, folder / "text")
    whole = folder / "whole"
    ask(second_url, "create schema s")
    ask(second_url, "create table s.t (n int)")
    ask(second_url, "insert into s.t select generate_series(1, 100000)")
    backup(second_url, whole)
    ask(second_url, "drop schema s cascade")
    torn = folder / "torn"
    torn.write_bytes(whole.read_bytes()[:-5_000])
    with pytest.raises(BackupError, match="pg_restore: "):
        restore(second_url, torn)
    assert ask(second_url, "select count(*) from pg_tables where schemaname = 's'") == 0


KILLED = """
import sys
from pathlib import Path
from entrepot.kit import backup
backup._RENUMBER += "select pg_sleep(1);"  # everything is written, and nothing committed
backup.restore(sys.argv[1], Path(sys.argv[2]))
"""


def test_a_restore_that_is_killed_leaves_nothing(own_db_url: str, second_url: str, folder: Path) -> None:
    file = folder / "shop.backup"
    asyncio.run(sell(own_db_url, file))
    restoring = subprocess.Popen([sys.executable, "-c", KILLED, second_url, str(file)], start_new_session=True)
    ours = "select count(*) from pg_stat_activity where application_name = 'psql'"
    wait_for(second_url, f"{ours} and query = 'select pg_sleep(1);'", 1)
    os.killpg(restoring.pid, signal.SIGKILL)
    restoring.wait()
    wait_for(second_url, ours, 0)
    assert ask(second_url, "select count(*) from pg_tables where schemaname = 'orders'") == 0
    restore(second_url, file)
    asyncio.run(look(second_url))


def wait_for(url: str, query: str, answer: int) -> None:
    for _ in range(600):
        if ask(url, query) == answer:
            return
        time.sleep(0.05)
    raise AssertionError(f"never {answer}: {query}")
