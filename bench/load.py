"""The closed-loop load: so many connections, each sending its next request when the last one is answered.

It is a process of its own (`python -m bench.load PLAN`) and shares the machine with what it measures, so it does as
little as it can: requests are bytes that were made before, and of an answer only status and length are read.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import uvloop

ROOT = Path(__file__).parents[1]
LOAD_MAX_S = 120

Answer = tuple[int, bytes]
Script = Generator[bytes, Answer, None]
"""What one client does: it yields a request and is sent the answer."""


class Purchase(msgspec.Struct, frozen=True):
    """What a client needs to buy: headers that sign it in, the offer, the address."""

    headers: bytes
    offer_id: int
    address_id: str
    market: str
    shipping: str


class Plan(msgspec.Struct, frozen=True):
    """Either `requests`, each sent once by whichever connection is free, or `purchases`, each a chain of requests."""

    port: int
    connections: int
    requests: list[bytes] = []
    purchases: list[Purchase] = []


class Told(msgspec.Struct, frozen=True):
    """`statuses` of the answers by status; `done` requests, or whole purchases, in `took_s`; the 99th percentile of the
    time to one answer."""

    statuses: dict[int, int]
    done: int
    took_s: float
    p99_ms: float


def run(plan: Plan, file: Path) -> Told:
    """Runs a plan in a process of its own. Raises CalledProcessError and TimeoutExpired."""
    file.write_bytes(msgspec.msgpack.encode(plan))
    command = [sys.executable, "-m", "bench.load", str(file)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, timeout=LOAD_MAX_S)
    return msgspec.json.decode(done.stdout, type=Told)


def request(method: str, path: str, headers: bytes = b"", body: bytes = b"") -> bytes:
    """The bytes of a request; `headers` end with a line end each."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode() + headers
    if body:
        head += b"content-type: application/json\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


class Client(asyncio.Protocol):
    """One connection, driven by a script."""

    def __init__(self, script: Script, over: asyncio.Future[None], seen: list[tuple[int, float]]) -> None:
        self.script = script
        self.over = over
        self.seen = seen
        self.received = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._send(lambda: next(self.script))

    def data_received(self, data: bytes) -> None:
        received = self.received = self.received + data if self.received else data
        head = received.find(b"\r\n\r\n")
        if head < 0:
            return
        at = received.find(b"content-length: ", 0, head)
        length = int(received[at + 16 : received.find(b"\r", at)]) if at > 0 else 0
        if len(received) < head + 4 + length:
            return
        self.received = b""
        status = int(received[9:12])
        self.seen.append((status, time.perf_counter() - self.sent_at))
        self._send(lambda: self.script.send((status, received[head + 4 :])))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionError("the server hung up"))

    def _send(self, take: Callable[[], bytes]) -> None:
        try:
            data = take()
        except StopIteration:
            self.over.set_result(None)
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(data)


def _each(requests: Iterator[bytes]) -> Script:
    for data in requests:
        _ = yield data


def _buy(purchases: Iterator[Purchase], done: list[bool]) -> Script:
    """The whole purchase as a client makes it, from an empty cart to paid."""
    for wish in purchases:
        send = partial(request, headers=wish.headers)
        _, made = yield send("POST", "/v1/carts", body=_json({"market": wish.market}))
        cart = msgspec.json.decode(made)["id"]
        yield send("POST", f"/v1/carts/{cart}/lines", body=_json({"offer_id": wish.offer_id}))
        yield send("PUT", f"/v1/carts/{cart}/address", body=_json({"address_id": wish.address_id}))
        yield send("PUT", f"/v1/carts/{cart}/shipping", body=_json({"code": wish.shipping}))
        _, quoted = yield send("POST", f"/v1/carts/{cart}/quote")
        quote = msgspec.json.decode(quoted)["id"]
        key = wish.headers + f"idempotency-key: {quote}\r\n".encode()
        status, _ = yield request("POST", "/v1/orders", key, _json({"quote_id": quote}))
        done.append(status == 201)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _give_up(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """A client that failed would be waited for in vain."""
    sys.stderr.write(f"bench.load: {context}\n")
    os._exit(1)


async def _load(plan: Plan) -> Told:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_give_up)
    seen: list[tuple[int, float]] = []
    bought: list[bool] = []
    requests, purchases = iter(plan.requests), iter(plan.purchases)
    overs = [loop.create_future() for _ in range(plan.connections)]
    began = time.perf_counter()
    for over in overs:
        script = _buy(purchases, bought) if plan.purchases else _each(requests)
        await loop.create_connection(partial(Client, script, over, seen), "127.0.0.1", plan.port)
    await asyncio.gather(*overs)
    took = time.perf_counter() - began
    statuses: dict[int, int] = {}
    for status, _ in seen:
        statuses[status] = statuses.get(status, 0) + 1
    times = sorted(seconds for _, seconds in seen)
    done = sum(bought) if plan.purchases else len(seen)
    return Told(statuses, done, took, times[len(times) * 99 // 100] * 1000)


if __name__ == "__main__":
    read = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_load(read))))
