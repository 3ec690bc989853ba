"""kill -9 of a worker between the gateway's answer and the record of it: at each call about one purchase, the worker
has the answer in hand and dies. Whoever comes after it asks again by the same key: one payment there, one order."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from entrepot import payments
from entrepot.kit.auth import Keys
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.ids import show
from entrepot.kit.secrets import put_secret
from entrepot.world.gateway import HOST, Gateway
from tests.shop import Shop, open_shop

SECRET = "a secret of the tests, long enough"
WAIT_MAX_S = 30


@dataclass
class Line:
    """The wire between worker and gateway. When it is armed, the table that the next answer will be recorded in is
    locked before the answer is passed on, so that the worker has the answer and cannot record it."""

    url: str
    gateway: Gateway
    lock: asyncpg.Connection
    armed: str | None = None
    calls: list[str] = field(default_factory=list)
    passed_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.calls.append(f"{method} /{path.rpartition('/')[2] if method == 'POST' else ''}")
        sent = {name: headers[name] for name in ("content-type", "idempotency-key")}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(method, self.gateway.url + path, content=body, headers=sent)
        table = None if path.startswith("/disputes") else self.armed  # of which there are none
        if table:
            self.armed = None
            await self.lock.execute(f"begin; lock table payments.{table} in share row exclusive mode")
        length = len(answer.content)
        writer.write(
            f"HTTP/1.1 {answer.status_code} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n".encode()
        )
        writer.write(answer.content)
        await writer.drain()
        writer.close()
        if table:
            self.passed_on.set()

    async def stands(self) -> bool:
        """Whether somebody stands before the lock, and has not come to ask for more work."""
        query = """
            select count(*) from pg_stat_activity
             where $1 = any (pg_blocking_pids(pid)) and query not like '%skip locked%'
        """
        return bool(await self.lock.fetchval(query, self.lock.get_server_pid()))


@dataclass
class Scene:
    shop: Shop
    line: Line
    environ: dict[str, str]
    log: Path

    def worker(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            die = "from entrepot.kit.process import die_with_parent as d; d(); from entrepot.worker import main; "
            run = "from entrepot.settings import load; main(load())"
            return subprocess.Popen([sys.executable, "-c", die + run], env=self.environ, stdout=log, stderr=log)

    async def killed_at_the_next_answer(self, table: str) -> None:
        """A worker gets an answer that it would record in `table`, and is killed before it can."""
        self.line.armed = table
        self.line.passed_on.clear()
        await self.all_is_due()
        worker = self.worker()
        try:
            async with asyncio.timeout(WAIT_MAX_S):
                await self.line.passed_on.wait()
                while not await self.line.stands():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
        finally:
            worker.kill()
            worker.wait()
            await self.line.lock.execute("rollback")

    async def all_is_due(self) -> None:
        """The leases of the dead are over."""
        async with self.shop.db.write() as tx:
            for table in ("payment", "refund"):
                await tx.conn.execute(f"update payments.{table} set due_at = created_at where due_at is not null")

    async def worked_until(self, query: str, *wanted: Any) -> None:
        """A worker works until the query tells what is wanted."""
        await self.all_is_due()
        worker = self.worker()
        try:
            async with asyncio.timeout(WAIT_MAX_S):
                while await self.row(query) != wanted:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        finally:
            worker.kill()
            worker.wait()

    async def row(self, query: str) -> tuple[Any, ...]:
        async with self.shop.db.read() as tx:
            return tuple(await tx.conn.fetchrow(query) or ())


@asynccontextmanager
async def opened(url: str, home: Path) -> AsyncIterator[Scene]:
    clock = VirtualClock(RealClock().now())
    lock = await asyncpg.connect(url)
    async with Gateway(seed=7, secret=b"whsec", clock=clock) as gateway:
        line = Line("", gateway, lock)
        server = await asyncio.start_server(line.serve, HOST, 0)
        line.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        known = payments.Gateway(line.url, "http://shop.test", b"whsec")
        async with server, open_shop(url, known, clock) as shop:
            async with shop.db.write() as tx:
                await put_secret(tx, Keys(SECRET.encode()), "sandbox_webhook", b"whsec")
            environ = os.environ | {
                "ENTREPOT_DATABASE_URL": url, "ENTREPOT_SECRET": SECRET, "ENTREPOT_SANDBOX_URL": line.url,
                "ENTREPOT_HOME": str(home), "NO_PROXY": HOST,
            }  # fmt: skip
            yield Scene(shop, line, environ, home / "workers.log")
            await shop.audited()
    await lock.close()


@pytest.mark.skipif(sys.platform != "linux", reason="workers die with the test by Linux's means")
async def test_a_worker_that_dies_with_the_answer_in_its_hand(own_db_url: str, tmp_path: Path) -> None:
    async with opened(own_db_url, tmp_path) as scene:
        shop, book = scene.shop, scene.line.gateway.book
        offer = await shop.offer(await shop.seller(), 1_000, 10)
        buyer = await shop.buyer()
        group = (await buyer.place(await buyer.quote([(offer, 2)]), method="sandbox")).json()["id"]
        standing = "select g.status, p.status from orders.order_group g join payments.payment p on p.id = g.id"

        await scene.killed_at_the_next_answer("payment")  # the gateway has made the payment
        assert (await scene.row(standing), len(book.payments)) == (("awaiting_payment", "created"), 1)
        await scene.worked_until(standing, "awaiting_payment", "pending")
        (payment,) = book.payments.values()
        assert payment.order.reference == group.replace("grp", "pmt")

        book.decide(payment.id, "captured")
        await scene.killed_at_the_next_answer("payment")  # the gateway has told that the buyer has paid
        assert await scene.row(standing) == ("awaiting_payment", "pending")
        assert await shop.stock(offer) == (10, 2, 0)
        await scene.worked_until(standing, "placed", "captured")
        assert await shop.stock(offer) == (10, 0, 2)
        assert await shop.balance("gateway") == -2_600
        orders = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"]
        assert [order["status"] for order in orders] == ["paid"]

        assert (await buyer.send("POST", f"/v1/orders/{orders[0]['id']}/cancel")).status_code == 204
        await scene.killed_at_the_next_answer("refund")  # the gateway has given the money back
        assert (await scene.row("select status from payments.refund"), len(book.refunds)) == (("created",), 1)
        await scene.worked_until("select status from payments.refund", "done")

        assert (len(book.payments), len(book.refunds)) == (1, 1)
        assert book.payments[payment.id].refunded_minor == 2_600
        assert await scene.row("select count(*) from orders.order") == (1,)
        assert await scene.row("select array_agg(code order by code) from ledger.transfer where code <> 'top_up'") == (
            ["pay", "refund"],
        )
        assert await shop.balance("gateway") == 0
        assert scene.line.calls.count("POST /payments") == 2
        assert scene.line.calls.count("POST /refunds") == 2
        assert show("grp", next(iter(await scene.row("select id from orders.order_group")))) == group
