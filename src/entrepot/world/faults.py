"""Bad luck, all drawn from one seeded generator: a database and a gateway on which things break at the worst moment.

    db = await Unlucky.open(url, clock)          # commits are cut off, replies are lost, processes die
    bank = Bank(chance, clock)                   # a transport for httpx: errors, timeouts, replies lost after success
    bank.letters                                 # its webhooks: who holds them loses, repeats and reorders them

With `rate` 0 nothing goes wrong, and nothing is drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec

from entrepot.kit.clock import Clock
from entrepot.kit.db import GONE, Database, Tx
from entrepot.kit.problem import DatabaseAway
from entrepot.world.gateway_book import Book, Event, Payment, PaymentOrder, RefundOrder, RefusedError

Answer = TypeVar("Answer")

URL = "http://bank.test"
TERMINATED_MAX_S = 10
ACCIDENTS = {"cut": 3, "lost_reply": 30, "killed_before": 30, "killed_after": 30}
"""Of a writer, and how often relative to each other. After a cut all statements of a new connection are planned anew;
what is lost is what `killed_before` loses, too."""


class KilledError(BaseException):
    """The process that was here has been killed; what it had committed stays. No `except Exception` survives that."""


class Unlucky(Database):
    """A database whose writers meet with accidents, as often as `rate` of 1 says. A cut connection is really cut: its
    server process is terminated just before the commit."""

    chance: Random
    rate: float = 0
    deadlocks: int = 0
    commits: int = 0
    _kept: dict[str, list[Any]]

    async def transact(self, work: Callable[[Tx], Awaitable[Answer]], *, durable: bool = True) -> Answer:
        """As ever, but counts deadlocks: where everybody locks in one order there is none to be tried again."""

        async def watched(tx: Tx) -> Answer:
            try:
                return await work(tx)
            except asyncpg.DeadlockDetectedError:
                self.deadlocks += 1
                raise

        return await super().transact(watched, durable=durable)

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[Tx]:
        accident = None
        if self.rate and self.chance.random() < self.rate:
            (accident,) = self.chance.choices(tuple(ACCIDENTS), tuple(ACCIDENTS.values()))
        async with super().write(durable=durable) as tx:
            yield tx
            if accident == "killed_before":
                raise KilledError
            if accident == "cut":
                await self._terminate(tx.conn)
        self.commits += durable
        if accident == "lost_reply":
            raise DatabaseAway
        if accident == "killed_after":
            raise KilledError

    @asynccontextmanager
    async def _connection(self, mode: str) -> AsyncIterator[asyncpg.Connection]:
        """As ever, but what came from the pool is kept until it breaks: to ask for it and to give it back takes as long
        as two statements. Nothing waits for the disk here: all writers are of one pool, and plan a statement once."""
        mode = "write" if mode == "relaxed" else mode
        kept = self.__dict__.setdefault("_kept", {}).setdefault(mode, [])
        try:
            conn = kept.pop() if kept else await self._pools[mode].acquire(timeout=10)
            try:
                yield conn
            finally:
                if conn.is_closed():
                    await self._pools[mode].release(conn)
                else:
                    kept.append(conn)
        except GONE as gone:
            if isinstance(gone, ValueError):
                raise
            raise DatabaseAway from gone

    async def close(self) -> None:
        for mode, kept in self.__dict__.get("_kept", {}).items():
            for conn in kept:
                await self._pools[mode].release(conn)
        await super().close()

    async def _terminate(self, conn: asyncpg.Connection) -> None:
        """The server process ends, and we hear of it: its socket closes when it has let go of everything."""
        async with self.read() as tx:
            await tx.conn.fetchval("select pg_terminate_backend($1)", conn.get_server_pid())
        async with asyncio.timeout(TERMINATED_MAX_S):
            while not conn.is_closed():  # noqa: ASYNC110 - the driver has no event for it
                await asyncio.sleep(0.0002)


class Bank(httpx.AsyncBaseTransport):
    """The gateway's book behind a line that breaks: the protocol of entrepot.world.gateway without its server."""

    def __init__(self, chance: Random, clock: Clock) -> None:
        self.chance = chance
        self.rate: float = 0
        self.letters: list[Event] = []
        self.book = Book(chance, clock, None)
        self.book.on_event = self.letters.append

    def open_payments(self) -> list[Payment]:
        """Those that their buyers have still to decide."""
        return [payment for payment in self.book.payments.values() if payment.status == "requires_action"]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        accident = None
        if self.rate and self.chance.random() < self.rate:
            accident = self.chance.choice(("error", "timeout", "lost_reply", "killed_before", "killed_after"))
        if accident == "error":
            return httpx.Response(500)
        if accident == "timeout":
            raise httpx.ConnectTimeout("nobody there")
        if accident == "killed_before":
            raise KilledError
        answer = self._answer(request)
        if accident == "lost_reply":
            raise httpx.ReadError("broken off")
        if accident == "killed_after":
            raise KilledError
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("idempotency-key", "")
        if request.url.path.startswith("/disputes"):
            return self._disputes(request)
        try:
            match (request.method, request.url.path.split("/")[2:]):
                case ("POST", []):
                    return _told(self.book.create(key, msgspec.json.decode(request.content, type=PaymentOrder)))
                case ("GET", [id_]):
                    return _told(self.book.payment(id_))
                case ("POST", [id_, "cancel"]):
                    return _told(self.book.decide(id_, "canceled"))
                case ("POST", [id_, "refunds"]):
                    order = msgspec.json.decode(request.content, type=RefundOrder)
                    return httpx.Response(201, json=self.book.refund(id_, key, order).view())
        except RefusedError as refused:
            if refused.payment is not None:
                return _told(refused.payment, refused.status)
            return httpx.Response(refused.status, json={"error": refused.code})
        raise ValueError(f"the gateway knows no {request.method} {request.url.path}")

    def _disputes(self, request: httpx.Request) -> httpx.Response:
        try:
            match (request.method, request.url.path.split("/")[2:]):
                case ("GET", []):
                    found = self.book.disputes_since(int(request.url.params["since"]))
                    return httpx.Response(200, json={"disputes": [one.view() for one in found]})
                case ("GET", [id_]):
                    return httpx.Response(200, json=self.book.disputed(id_).view())
                case ("POST", [id_, "evidence"]):
                    text = msgspec.json.decode(request.content)["text"]
                    return httpx.Response(200, json=self.book.answer(id_, text).view())
        except RefusedError as refused:
            return httpx.Response(refused.status, json={"error": refused.code})
        raise ValueError(f"the gateway knows no {request.method} {request.url.path}")


def _told(payment: Payment, status: int = 200) -> httpx.Response:
    view: dict[str, Any] = payment.view() | {"redirect_url": f"{URL}/pay/{payment.id}"}
    return httpx.Response(status, json=view)
