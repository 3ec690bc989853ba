"""The open-loop load: arrivals come when they come, whether or not the server has answered those before.

It is a process of its own that is given its plan on stdin, its length first, and says every second on stdout what
became of its arrivals. It ends with the last step, or as soon as its stdin is closed, so that it never outlives whoever
started it. What an arrival waits for a free connection counts as latency; what it stands in a waiting room does not: it
lets its connection go, and comes back when it was told to.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections import deque
from functools import partial
from heapq import heappop, heappush
from itertools import count, cycle
from random import Random
from typing import Any, NamedTuple

import msgspec
import uvloop

from entrepot.kit.clock import RealClock, monotonic
from entrepot.world.rehearse.latency import Counts, bucket
from entrepot.world.rehearse.plan import KINDS, ORDERING, PAYING, Arrivals, Mix, Step
from entrepot.world.wire import GaveUpError, Purchase, Script, Wire, fill_cart, good, order, request

TICK_S = 0.002
CONNECTIONS = 256
SEED = 11
BACKLOG_MAX = 20_000
"""Arrivals that wait for a connection; more than these are counted as unsent, and the server is long over its limit."""
DRAIN_MAX_S = 5.0
LINE_DRAIN_S = 0.5
REOPEN_S = 0.1
LOST_MAX = 2_000
REFUSALS = (429, 503)
LENGTH_BYTES = 8
IN_LINE = -1
"""The status of a script that ended because its visitor stands in line; another one goes on when it is time."""
LOOK_AGAIN_S = 2.0
LOOKS_MAX = 5
"""How often, and how many times, somebody looks whether a payment has arrived."""

_read = msgspec.json.decode


class Plan(msgspec.Struct, frozen=True):
    """`prefix` is the rehearsal's path, `campaign` an id, `campaign_offer` what all want of it; the rest are ready
    requests, of which the placing ones, with the headers that sign their buyers in, are sent once each.
    `through_gateway` is the share of the other orders that are not paid by wallet."""

    host: str
    port: int
    steps: list[Step]
    weights: dict[str, int]
    prefix: str
    listings: list[bytes]
    details: list[bytes]
    wishes: list[Purchase]
    places: list[tuple[bytes, bytes]]
    campaign: str
    campaign_offer: int
    through_gateway: float


class Second(msgspec.Struct, frozen=True):
    """What happened in the second before `at` (a Unix time). `step` is the number of the step in which it began,
    -1 for the last answers that are waited for;
    `ordering` counts the arrivals that were to become orders, `orders` those that did. `refused` (429, 503) and
    `failed` count scripts that gave up, `unsent` arrivals that found the backlog full. `waiting` are those not yet
    answered, `in_line` those in the waiting room."""

    at: float
    since_s: float
    step: int
    arrivals: int
    ordering: int
    orders: int
    refused: int
    failed: int
    unsent: int
    waiting: int
    cpu_s: float
    latencies: dict[str, Counts]
    in_line: int = 0


class _Arrival(NamedTuple):
    """`script` is what somebody goes on with who was here before."""

    kind: str
    due: float
    script: Script | None = None


class _Tally:
    """The second under way."""

    def __init__(self) -> None:
        self.arrivals = self.ordering = self.orders = self.refused = self.failed = self.unsent = 0
        self.latencies: dict[str, Counts] = {}


class Load:
    """The arrivals of a plan, played over its connections."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rng = Random(SEED)  # noqa: S311 - repeatable, nothing secret
        self._kinds, self._weights = list(plan.weights), list(plan.weights.values())
        self._listings, self._details, self._wishes = cycle(plan.listings), cycle(plan.details), cycle(plan.wishes)
        self._places = iter(plan.places)
        self._keys = (f"{secrets.token_hex(4)}-{n}" for n in count())
        self._free: list[Wire] = []
        self._backlog: deque[_Arrival] = deque()
        self._coming: list[tuple[float, int, _Arrival]] = []  # back, a heap by time
        self._numbers = count()
        self._in_line = 0
        self._wires = 0
        self._lost = 0
        self._stopped = False
        self._tally = _Tally()
        self._reopening: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Plays the whole plan."""
        await asyncio.gather(*[self._open() for _ in range(CONNECTIONS)])
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._on_stdin)
        arrivals = Arrivals(self._plan.steps, Mix(self._plan.weights).arrivals_per_order, self._rng)
        began, told, step = monotonic(), 0.0, 0
        while not (self._stopped or arrivals.over):
            await asyncio.sleep(TICK_S)
            since_s = monotonic() - began
            for due_s in arrivals.until(since_s):
                self._arrive(began + due_s)
            self._come_back()
            if since_s - told >= 1:
                self._tell(since_s, step)
                told, step = told + 1, arrivals.step
        await self._drain()
        self._tell(monotonic() - began, -1)

    def _on_stdin(self) -> None:
        if not os.read(sys.stdin.fileno(), 64):
            self._stopped = True
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    async def _drain(self) -> None:
        """Waits for the answers that are still to come, and for those in line whose turn comes soon; what has not been
        sent by now will not be."""
        self._tally.unsent += len(self._backlog)
        self._backlog.clear()
        began = monotonic()
        # A glance now and then costs less than an event at every answer.
        while (since_s := monotonic() - began) < DRAIN_MAX_S:
            if len(self._free) == self._wires and (since_s > LINE_DRAIN_S or not self._in_line):
                break
            if since_s < LINE_DRAIN_S:
                self._come_back()
            await asyncio.sleep(0.01)

    def _arrive(self, due: float) -> None:
        arrival = _Arrival(self._rng.choices(self._kinds, self._weights)[0], due)
        self._tally.arrivals += 1
        self._tally.ordering += arrival.kind in ORDERING
        self._take_on(arrival)

    def _take_on(self, arrival: _Arrival) -> None:
        if self._free:
            self._play(self._free.pop(), arrival)
        elif len(self._backlog) < BACKLOG_MAX:
            self._backlog.append(arrival)
        else:
            self._tally.unsent += 1

    def _come_back(self) -> None:
        now = monotonic()
        while self._coming and self._coming[0][0] <= now:
            self._take_on(heappop(self._coming)[2])

    def _later(self, seconds: float, kind: str, script: Script) -> None:
        due = monotonic() + seconds
        heappush(self._coming, (due, next(self._numbers), _Arrival(kind, due, script)))

    def _play(self, wire: Wire, arrival: _Arrival) -> None:
        wire.play(arrival.script or self._script(arrival.kind), arrival.due, arrival.kind)

    def _script(self, kind: str) -> Script:
        if kind == "listing":
            return _once(next(self._listings))
        if kind == "detail":
            return _once(next(self._details))
        if kind == "cart":
            return _leave(next(self._wishes), self._plan.prefix)
        if kind == "campaign":
            return self._rush(next(self._wishes))
        place = next(self._places, None) if kind == "place" else None
        return self._order(next(self._wishes), place)

    def _method(self) -> str:
        return "sandbox" if self._rng.random() < self._plan.through_gateway else "wallet"

    def _order(self, wish: Purchase, place: tuple[bytes, bytes] | None) -> Script:
        if place is None:
            self._pay(wish.headers, (yield from order(wish, self._plan.prefix, self._method())))
        else:
            headers, ready = place
            self._pay(headers, good((yield ready)))

    def _rush(self, wish: Purchase) -> Script:
        """The campaign's page, and a ticket for its waiting room."""
        plan = self._plan
        good((yield request("GET", f"{plan.prefix}/campaigns/{plan.campaign}", b"accept: text/html\r\n")))
        line = f"{plan.prefix}/v1/campaigns/{plan.campaign}/line"
        place = _read(good((yield request("POST", line, wish.headers))))
        yield from self._stand(wish, place)

    def _look_at_line(self, wish: Purchase, ticket: str) -> Script:
        self._in_line -= 1
        plan = self._plan
        path = f"{plan.prefix}/v1/campaigns/{plan.campaign}/line?ticket={ticket}"
        yield from self._stand(wish, _read(good((yield request("GET", path, wish.headers)))))

    def _stand(self, wish: Purchase, place: dict[str, Any]) -> Script:
        """Who may come in buys; who may not goes on waiting."""
        ticket = place["ticket"]
        if not place["admitted"]:
            self._in_line += 1
            self._later(place["wait_s"], "campaign", self._look_at_line(wish, ticket))
            raise GaveUpError(IN_LINE)
        plan = self._plan
        body = {
            "offer_id": plan.campaign_offer, "address_id": wish.address_id, "shipping": wish.shipping,
            "ticket": ticket, "method": self._method(),
        }  # fmt: skip
        headers = wish.headers + f"idempotency-key: {next(self._keys)}\r\n".encode()
        path = f"{plan.prefix}/v1/campaigns/{plan.campaign}/orders"
        self._pay(wish.headers, good((yield request("POST", path, headers, msgspec.json.encode(body)))))

    def _pay(self, headers: bytes, placed: bytes) -> None:
        """What is paid through a gateway is looked at until it is paid, as a browser does that was sent back."""
        if self._plan.through_gateway and (group := _read(placed))["status"] == "awaiting_payment":
            self._later(LOOK_AGAIN_S, PAYING, self._look_at_payment(headers, group["id"], LOOKS_MAX))

    def _look_at_payment(self, headers: bytes, group: str, looks: int) -> Script:
        path = f"{self._plan.prefix}/v1/groups/{group}/payment"
        paid = _read(good((yield request("GET", path, headers))))["status"] == "captured"
        if not paid and looks > 1:
            self._later(LOOK_AGAIN_S, PAYING, self._look_at_payment(headers, group, looks - 1))

    def _on_seen(self, wire: Wire, _: int, seconds: float) -> None:
        counts = self._tally.latencies.setdefault(wire.playing, {})
        number = bucket(seconds)
        counts[number] = counts.get(number, 0) + 1

    def _on_over(self, wire: Wire, status: int) -> None:
        if status == 0:
            self._tally.orders += wire.playing in ORDERING
        elif status in REFUSALS:
            self._tally.refused += 1
        elif status != IN_LINE:
            self._tally.failed += 1
        wire.playing = ""
        if self._backlog:
            self._play(wire, self._backlog.popleft())
        else:
            self._free.append(wire)

    def _on_lost(self, wire: Wire) -> None:
        self._wires -= 1
        self._lost += 1
        if wire.playing:
            self._tally.failed += 1
        else:
            self._free.remove(wire)
        if self._lost > LOST_MAX:
            self._stopped = True
        if not self._stopped:
            task = asyncio.create_task(self._open(REOPEN_S))
            self._reopening.add(task)
            task.add_done_callback(self._reopening.discard)

    async def _open(self, pause_s: float = 0.0) -> None:
        await asyncio.sleep(pause_s)
        make = partial(Wire, self._on_seen, self._on_over, self._on_lost)
        _, wire = await asyncio.get_running_loop().create_connection(make, self._plan.host, self._plan.port)
        self._wires += 1
        self._free.append(wire)

    def _tell(self, since_s: float, step: int) -> None:
        tally, self._tally = self._tally, _Tally()
        waiting = len(self._backlog) + self._wires - len(self._free)
        second = Second(
            RealClock().now().timestamp(), since_s, step, tally.arrivals, tally.ordering, tally.orders, tally.refused,
            tally.failed, tally.unsent, waiting, sum(os.times()[:2]), tally.latencies, self._in_line,
        )  # fmt: skip
        sys.stdout.buffer.write(msgspec.json.encode(second) + b"\n")
        sys.stdout.buffer.flush()


def _once(data: bytes) -> Script:
    good((yield data))


def _leave(wish: Purchase, prefix: str) -> Script:
    yield from fill_cart(wish, prefix)


if __name__ == "__main__":
    length = int.from_bytes(sys.stdin.buffer.read(LENGTH_BYTES))
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(length), type=Plan)
    assert set(asked.weights) <= set(KINDS)
    uvloop.run(Load(asked).run())
