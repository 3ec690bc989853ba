"""The closed-loop load: so many connections, each sending its next request when the last one is answered.

It is a process of its own (`python -m bench.load PLAN`) and shares the machine with what it measures, so requests are
bytes that were made before, and of an answer only status and length are read.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from pathlib import Path

import msgspec
import uvloop

from entrepot.world.wire import Purchase, Script, Wire, buy, request

__all__ = ["Plan", "Purchase", "Told", "request", "run"]

ROOT = Path(__file__).parents[1]
LOAD_MAX_S = 900


class Rush(msgspec.Struct, frozen=True):
    """`attempts` to POST to `path`, by buyers in turn: `heads` sign them in, `bodies` say what each wants."""

    path: str
    heads: list[bytes]
    bodies: list[bytes]
    attempts: int


class Plan(msgspec.Struct, frozen=True):
    """`requests`, each sent once by whichever connection is free, or `purchases`, each a chain of requests, or a
    `rush`, each attempt with a key of its own."""

    port: int
    connections: int
    requests: list[bytes] = []
    purchases: list[Purchase] = []
    rush: Rush | None = None


class Told(msgspec.Struct, frozen=True):
    """`statuses` of the answers by status; `done` requests, or whole purchases, in `took_s`; the 99th percentile of the
    time to one answer, and to one that refuses."""

    statuses: dict[int, int]
    done: int
    took_s: float
    p99_ms: float
    refused_p99_ms: float


def run(plan: Plan, file: Path) -> Told:
    """Runs a plan in a process of its own. Raises CalledProcessError and TimeoutExpired."""
    file.write_bytes(msgspec.msgpack.encode(plan))
    command = [sys.executable, "-m", "bench.load", str(file)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, timeout=LOAD_MAX_S)
    return msgspec.json.decode(done.stdout, type=Told)


def _each(requests: Iterator[bytes]) -> Script:
    for data in requests:
        _ = yield data


def _rush(rush: Rush) -> Iterator[bytes]:
    """Requests are made as they are sent: a million of them would not fit in memory."""
    buyers, head = len(rush.heads), f"POST {rush.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode()
    for n in range(rush.attempts):
        body = rush.bodies[n % buyers]
        yield (
            b"%b%bidempotency-key: r%d\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (head, rush.heads[n % buyers], n, len(body), body)
        )


async def _load(plan: Plan) -> Told:
    seen: dict[int, array[float]] = defaultdict(lambda: array("d"))  # the seconds to each answer, by status
    bought = 0
    requests = _rush(plan.rush) if plan.rush else iter(plan.requests)
    # Of single requests each connection plays one long script, of purchases one script after another.
    scripts = map(buy, iter(plan.purchases)) if plan.purchases else map(_each, repeat(requests, plan.connections))
    ended = asyncio.get_running_loop().create_future()
    alive: set[Wire] = set()

    def go_on(wire: Wire, status: int) -> None:
        nonlocal bought
        bought += status == 0
        start(wire)

    def start(wire: Wire) -> None:
        script = next(scripts, None)
        if script is not None:
            wire.play(script, time.perf_counter())
            return
        alive.discard(wire)
        wire.close()
        if not alive and not ended.done():
            ended.set_result(None)

    def lost(wire: Wire) -> None:
        if wire in alive and not ended.done():
            ended.set_exception(ConnectionError("the server hung up"))

    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(partial(_give_up, ended))
    make = partial(Wire, lambda _, status, seconds: seen[status].append(seconds), go_on, lost)
    wires = [(await loop.create_connection(make, "127.0.0.1", plan.port))[1] for _ in range(plan.connections)]
    alive.update(wires)
    for wire in wires:
        start(wire)
    await ended
    took = time.perf_counter() - began
    refused = [seconds for status, times in seen.items() if status >= 400 for seconds in times]
    times = [seconds for times in seen.values() for seconds in times]
    statuses = {status: len(times) for status, times in seen.items()}
    return Told(statuses, bought if plan.purchases else len(times), took, _p99_ms(times), _p99_ms(refused))


def _p99_ms(times_s: list[float]) -> float:
    return sorted(times_s)[len(times_s) * 99 // 100] * 1000 if times_s else 0.0


def _give_up(ended: asyncio.Future[None], _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """A client that failed would be waited for in vain."""
    if not ended.done():
        ended.set_exception(RuntimeError(f"bench.load: {context}"))


if __name__ == "__main__":
    read = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_load(read))))
