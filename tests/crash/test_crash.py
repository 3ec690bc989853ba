"""kill -9 under load: web processes, worker, gateway, PostgreSQL die at random times, and nothing is lost or doubled.

One run of real processes over a durable PostgreSQL; the tests look at what it left. The bank test is the town's reader:
every few milliseconds of the run it read all balances on one snapshot.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import httpx
import pytest

from bench.machine import free_port
from entrepot import payments, worker
from entrepot.kit import migrate, postgres
from entrepot.kit.auth import Keys
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.glance import OLD
from entrepot.kit.secrets import get_secret
from entrepot.orders.actions import GRACE
from entrepot.world.auditor import audit
from tests import cluster
from tests.conftest import DISK
from tests.crash.town import (
    CAMPAIGN_LIMIT,
    CAMPAIGN_TIME,
    CAMPAIGN_UNITS,
    CELLS,
    SECRET,
    Acknowledged,
    Town,
    furnish,
    kill_oldest,
    serve,
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes to kill in /proc"),
    pytest.mark.cluster,
]

ROUNDS = int(os.environ.get("ENTREPOT_CRASH_ROUNDS", "1"))
"""How often everything is killed; more for a longer run."""
KILLS: tuple[str, ...] = ("web", "worker", "postgres", "gateway", "web while postgres is down", "worker")
if cluster.URL is not None:  # whose nodes are not ours to kill
    KILLS = tuple(kind for kind in KILLS if "postgres" not in kind)
BUYERS = 6
OFFERS = 8
START_MAX_S = 60
RECOVERED_MAX_S = 60


@dataclass
class Run:
    """What is there after the run: the database still up, the server stopped."""

    town: Town
    url: str
    killed_at: list[tuple[str, datetime]]
    again: list[tuple[Acknowledged, httpx.Response]]
    gateway_url: str


@dataclass
class Ground:
    """A PostgreSQL of our own, with fsync as in production; none when the data are in a cluster."""

    home: Path
    server: postgres.Server | None = None

    def kill(self) -> None:
        assert self.server is not None
        os.kill(self.server.pid, signal.SIGKILL)

    def start(self) -> str:
        if self.server is not None:
            self.server.stop()  # of a killed one it only gives the lock on its home back
        self.server = postgres.start(self.home)
        return self.server.url


@contextmanager
def ground(home: Path) -> Iterator[tuple[Ground, str]]:
    """Where the data are, and the address of a migrated database there."""
    found = Ground(home)
    if cluster.URL is not None:
        with cluster.database() as url:
            yield found, url
        return
    url = found.start()
    asyncio.run(migrate.migrate(url))
    try:
        yield found, url
    finally:
        assert found.server is not None
        found.server.stop()


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    home = Path(tempfile.mkdtemp(prefix="entrepot-crash-", dir=DISK))
    home.chmod(0o711)
    try:
        with ground(home) as (database, url):
            yield from _run(home, database, url)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(home: Path, database: Ground, url: str) -> Iterator[Run]:
    chance = Random(20261121)
    port = free_port()
    town = asyncio.run(furnish(f"http://127.0.0.1:{port}", url, BUYERS, OFFERS, chance))
    server = serve(url, home, port)
    living = threading.Thread(target=lambda: asyncio.run(town.live()))
    try:
        _await_healthy(town.base, home)
        living.start()
        killed_at = []
        for kind in KILLS * ROUNDS:
            _await_progress(town, len(town.placed_at))
            time.sleep(chance.random() * 0.8)
            if kind.endswith(("postgres", "down")):
                database.kill()
                if kind.startswith("web"):
                    kill_oldest(server, "web")
                    time.sleep(1.5)  # its successor starts, and finds no database
                database.start()
            else:
                kill_oldest(server, kind)
            killed_at.append((kind, RealClock().now()))
        _await_progress(town, len(town.placed_at))
        town.stop = True
        living.join()
        again = asyncio.run(_ask_again(town))
        gateway_url = f"http://127.0.0.1:{port + 1}"
        asyncio.run(_pass_deadlines(url, gateway_url))
        yield Run(town, url, killed_at, again, gateway_url)
    finally:
        town.stop = True
        if living.is_alive():
            living.join()
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _await_healthy(base: str, home: Path) -> None:
    for _ in range(START_MAX_S * 10):
        try:
            if httpx.get(f"{base}/healthz", timeout=2, trust_env=False, verify=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError((home / "served.log").read_text(errors="replace")[-3_000:])


def _await_progress(town: Town, placed: int) -> None:
    """Until some more orders were placed than at the last accident, however slow this machine is."""
    for _ in range(RECOVERED_MAX_S * 10):
        if len(town.placed_at) >= placed + BUYERS:
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing is placed any more: {town.failures}")


async def _ask_again(town: Town) -> list[tuple[Acknowledged, httpx.Response]]:
    # A process says no from what it knew at most OLD ago, also to a key by which another has just sold what came back.
    await asyncio.sleep(OLD.total_seconds())
    few = asyncio.Semaphore(16)
    async with httpx.AsyncClient(base_url=town.base, timeout=20, trust_env=False) as http:

        async def ask(told: Acknowledged) -> tuple[Acknowledged, httpx.Response]:
            async with few:
                return told, await http.post(told.path, json=told.body, headers=told.headers)

        return await asyncio.gather(*map(ask, town.told))


async def _pass_deadlines(url: str, gateway_url: str) -> None:
    """What a worker does once every payment deadline and the campaign are over: its clock is ahead, so that nobody has
    to wait for it."""
    clock = VirtualClock(RealClock().now() + GRACE + CAMPAIGN_TIME)
    db = await Database.open(url, clock)
    async with httpx.AsyncClient(trust_env=False) as client:
        async with db.read() as tx:
            secret = await get_secret(tx, Keys(SECRET.encode()), "sandbox_webhook")
        gateway = payments.Gateway(gateway_url, gateway_url, secret or b"")
        for _ in range(3):
            await worker.run_until_idle(db, gateway, client)
            clock.advance(timedelta(minutes=1))
    await db.close()


def test_it_did_hurt_and_it_recovered(run: Run) -> None:
    assert [kind for kind, _ in run.killed_at] == list(KILLS) * ROUNDS
    assert run.town.failures.total() > 0
    for kind, at in run.killed_at:
        assert any(placed > at for placed in run.town.placed_at), f"nothing was placed after {kind} was killed"
    assert run.town.approved


def test_what_was_acknowledged_is_there_once_and_is_acknowledged_again(run: Run) -> None:
    for told, answer in run.again:
        assert (answer.status_code, answer.text) == (told.status, told.answer), told.path
    placed = [told for told in run.town.told if told.path.endswith("/orders")]
    assert len(placed) == len(run.town.placed_at)
    # No buyer gave up before there was an answer, so there is no group either that nobody was told of.
    assert count(run.url, "select count(*) from orders.order_group") == len({told.answer for told in placed})
    assert count(run.url, "select count(*) from orders.order_group") == len(placed)
    top_ups = [told for told in run.town.told if told.path == "/v1/top-ups"]
    told_up = sum(told.body["amount_minor"] for told in top_ups)
    assert run.town.topped_up == run.town.asked_up == told_up
    from_start = "select sum(amount)::bigint from ledger.transfer where code = 'top_up'"
    assert count(run.url, from_start) == told_up + BUYERS * 1_000_000


def test_what_was_sent_was_sent_once(run: Run) -> None:
    """The seller never gave up before there was an answer, either, so there is no parcel that it was not told of."""
    for verb, query in (
        ("ship", "select count(*) from logistics.shipment"),
        ("ship", "select count(distinct cause_id) from inventory.movement where kind = 'ship'"),
        ("refund", "select count(*) from orders.order where status = 'refunded'"),
    ):
        told = [told.path for told in run.town.told if told.path.endswith(f"/{verb}")]
        assert len(set(told)) == len(told) > 0
        assert count(run.url, query) == len(told)
    twice = "select count(*) - count(distinct (cause_id, stock_id)) from inventory.movement where kind = 'ship'"
    assert count(run.url, twice) == 0


def test_the_books_balanced_at_every_read(run: Run) -> None:
    assert run.town.wrong_reads == []
    assert run.town.reads > 20


def test_nothing_is_held_for_ever(run: Run) -> None:
    assert count(run.url, "select sum(held) from inventory.stock") == 0
    assert count(run.url, "select count(*) from orders.order_group where status = 'awaiting_payment'") == 0
    unsettled = "select count(*) from payments.payment where status not in ('captured', 'failed', 'returned')"
    assert count(run.url, unsettled) == 0
    assert count(run.url, "select count(*) from payments.refund where status <> 'done'") == 0
    # What buyers approved was kept or went back; what nobody approved was never ours.
    captured = "select count(*) from payments.payment where method = 'sandbox' and captured_at is not null"
    assert count(run.url, captured) >= len(run.town.approved)
    assert count(run.url, "select count(*) from orders.order_group where other_cells is not null") > 0


def test_the_campaign_sold_what_it_had_and_nobody_has_more_than_the_limit(run: Run) -> None:
    bought = [told for told in run.town.told if told.path == f"/v1/campaigns/{run.town.campaign}/orders"]
    assert len(bought) > BUYERS
    lines = (
        "orders.order o join orders.order_line l on l.cell = o.cell and l.order_id = o.id "
        f"where l.offer_id = {run.town.campaign_offer}"
    )
    assert count(run.url, f"select count(*) from {lines}") == len(bought)
    gone = count(run.url, f"select count(*) from {lines} and o.status not in ('canceled', 'expired')")
    assert 0 < gone <= CAMPAIGN_UNITS
    limits = "from pricing.quota where name like 'campaign:%'"
    assert count(run.url, f"select sum(used) {limits}") == gone
    assert count(run.url, f"select max(used) {limits}") <= CAMPAIGN_LIMIT
    # It is over: what nobody has bought is back where it came from.
    aside = "inventory.stock s join campaigns.offer o on o.cell = s.cell and o.stock_id = s.id"
    assert count(run.url, f"select sum(s.on_hand - s.held - s.allocated) from {aside}") == 0


def test_the_auditor_finds_nothing(run: Run) -> None:
    async def audited() -> list[object]:
        db = await Database.open(run.url)
        try:
            return [found for cell in range(CELLS) for found in (await audit(db, cell)).findings]
        finally:
            await db.close()

    assert asyncio.run(audited()) == []


def count(url: str, query: str) -> int:
    async def ask() -> int:
        db = await Database.open(url)
        try:
            async with db.read() as tx:
                return int(await tx.conn.fetchval(query) or 0)
        finally:
            await db.close()

    return asyncio.run(ask())
