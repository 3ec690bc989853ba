"""The sweeper: bounded lanes, pauses that double up to a limit, and nothing that must be done is ever forgotten.

The gateway is a transport that does as each test says; the rows are real."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from entrepot import payments
from entrepot.kit import outside
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id, parse
from entrepot.kit.problem import DatabaseAway
from entrepot.orders.actions import GRACE
from entrepot.payments import actions, jobs
from tests.databases import opened
from tests.shop import START

GATEWAY = payments.Gateway("http://bank.test", "http://shop.test", b"a secret of the tests")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Bank(httpx.AsyncBaseTransport):
    """Answers as `answer` does; keeps what it was asked and how many calls were there at a time."""

    clock: VirtualClock
    answer: Callable[[httpx.Request], Awaitable[httpx.Response]]
    asked: list[tuple[datetime, str]] = field(default_factory=list)
    here: int = 0
    most: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((self.clock.now(), request.url.path))
        self.here += 1
        self.most = max(self.most, self.here)
        try:
            return await self.answer(request)
        finally:
            self.here -= 1

    def pauses(self) -> list[timedelta]:
        """Between one call and the next."""
        times = [at for at, _ in self.asked]
        return [later - earlier for earlier, later in pairwise(times)]


@dataclass
class Desk:
    db: Database
    clock: VirtualClock
    bank: Bank
    client: httpx.AsyncClient
    settled: list[UUID] = field(default_factory=list)

    async def owe(self, count: int = 1, status: str = "created", external_id: str | None = None) -> list[UUID]:
        """Payments of 10.00 that are due now; their ids, by the time they are due."""
        ids = [new_id(self.clock.now()) for _ in range(count)]
        async with self.db.write() as tx:
            await tx.conn.executemany(
                "insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, "
                "external_id, due_at, created_at) values (0, $1, $1, $1, 'sandbox', 'USD', 1000, $2, $3, $4, $4)",
                [
                    (id_, status, external_id, self.clock.now() + timedelta(microseconds=number - count))
                    for number, id_ in enumerate(ids)
                ],
            )
        return ids

    async def owe_back(self, payment: UUID) -> UUID:
        refund = new_id(self.clock.now())
        async with self.db.write() as tx:
            await tx.conn.execute(
                "insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, "
                "reason, due_at, created_at) values (0, $1, $2, $1, $1, 1000, 'created', 'canceled', $3, $3)",
                refund, payment, self.clock.now(),
            )  # fmt: skip
        return refund

    async def sweep(self, lanes: int = payments.LANES) -> int:
        async def settle(_: Any, cell: int, due: payments.Due, external_id: str) -> None:
            assert (cell, external_id) == (0, f"ext-{due.id.hex}")
            self.settled.append(due.id)

        return await payments.sweep(self.db, self.client, GATEWAY, 0, settle, lanes)

    async def rows(self, column: str, table: str = "payment") -> list[Any]:
        async with self.db.read() as tx:
            return [row[0] for row in await tx.conn.fetch(f"select {column} from payments.{table} order by id")]


def captured(request: httpx.Request) -> httpx.Response:
    told = msgspec.json.decode(request.content)
    id_ = f"ext-{parse('pmt', told['reference']).hex}"
    known = {name: told[name] for name in ("amount_minor", "currency", "reference")}
    extra = {"id": id_, "status": "captured", "refunded_minor": 0, "redirect_url": "http://bank.test/pay"}
    return httpx.Response(201, json=known | extra)


async def says_captured(request: httpx.Request) -> httpx.Response:
    return captured(request)


async def breaks(_: httpx.Request) -> httpx.Response:
    return httpx.Response(500)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@pytest.fixture
async def desk(own_db_url: str) -> AsyncIterator[Desk]:
    clock = VirtualClock(START)
    bank = Bank(clock, says_captured)
    async with opened(own_db_url, clock) as db, httpx.AsyncClient(transport=bank) as client:
        yield Desk(db, clock, bank, client)


async def test_so_many_calls_at_a_time_and_no_more(desk: Desk) -> None:
    full = asyncio.Event()

    async def wait_for_the_others(request: httpx.Request) -> httpx.Response:
        if desk.bank.here == payments.LANES:
            full.set()
        await full.wait()
        await asyncio.sleep(0.05)  # whoever is too much comes in now
        return captured(request)

    desk.bank.answer = wait_for_the_others
    ids = await desk.owe(3 * payments.LANES)
    assert await desk.sweep() == 3 * payments.LANES
    assert desk.bank.most == payments.LANES
    assert sorted(desk.settled) == sorted(ids)


async def test_only_what_can_be_asked_at_once_is_claimed(desk: Desk) -> None:
    """Whoever waits for a lane is anybody's: a second worker takes it, and nobody asks about one payment twice."""
    release = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        if len(desk.bank.asked) <= payments.LANES:
            await release.wait()
        return captured(request)

    desk.bank.answer = hang
    ids = await desk.owe(payments.LANES + 5)
    first = asyncio.create_task(desk.sweep())
    await until(lambda: len(desk.bank.asked) == payments.LANES)
    assert sorted(await desk.rows("attempts")) == [0] * 5 + [1] * payments.LANES
    assert await desk.sweep() == 5
    release.set()
    assert await first == payments.LANES
    assert len(desk.bank.asked) == len(ids)
    assert set(await desk.rows("attempts")) == {0}  # asked once; then pending, whose tries count anew


async def test_one_call_that_hangs_holds_up_no_other(desk: Desk) -> None:
    """Not what is due, and not what becomes due meanwhile."""
    release = asyncio.Event()

    async def hang_first(request: httpx.Request) -> httpx.Response:
        if len(desk.bank.asked) == 1:
            await release.wait()
        return captured(request)

    desk.bank.answer = hang_first
    slow, *others = await desk.owe(30)
    sweeping = asyncio.create_task(desk.sweep())
    await until(lambda: len(desk.settled) == 29)
    (late,) = await desk.owe()
    await until(lambda: late in desk.settled)
    assert slow not in desk.settled
    assert set(others) < set(desk.settled)
    release.set()
    assert await sweeping == 31
    assert slow in desk.settled


async def test_a_call_is_over_before_its_lease(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(seconds=2 * outside.TIMEOUT_S) < actions.RETRY_AFTER
    monkeypatch.setattr(outside, "TIMEOUT_S", 0.05)

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    desk.bank.answer = never
    await desk.owe()
    async with asyncio.timeout(5):
        assert await desk.sweep() == 1
    assert await desk.rows("status") == ["created"]


async def test_a_gateway_with_too_many_calls_is_left_alone(desk: Desk) -> None:
    """Those that are under way end; each is asked again after its own pause, the others by the next sweep."""

    async def too_many(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json={"error": "too_many"})

    desk.bank.answer = too_many
    await desk.owe(3 * payments.LANES)
    assert await desk.sweep() <= 2 * payments.LANES - 1
    assert len(desk.bank.asked) <= 2 * payments.LANES - 1

    async def makes(request: httpx.Request) -> httpx.Response:
        return captured(request) if request.method == "POST" else httpx.Response(500)

    desk.bank.answer = makes
    assert await desk.sweep() >= payments.LANES + 1
    desk.clock.advance(actions.RETRY_AFTER)
    await desk.sweep()
    assert len(desk.settled) == 3 * payments.LANES


async def test_in_one_lane_the_order_is_that_of_the_times_due(desk: Desk) -> None:
    ids = await desk.owe(20)
    assert await desk.sweep(lanes=1) == 20
    assert (desk.settled, desk.bank.most) == (ids, 1)


async def test_a_sweep_has_an_end(desk: Desk) -> None:
    await desk.owe(jobs.SWEEP + 7)
    assert [await desk.sweep(), await desk.sweep(), await desk.sweep()] == [jobs.SWEEP, 7, 0]


async def test_a_fault_of_ours_is_raised_when_the_others_have_ended(desk: Desk) -> None:
    """The others' answers are recorded, and nothing more is begun."""
    ids = await desk.owe(payments.LANES + 1)

    async def settle(_: Any, __: int, due: payments.Due, ___: str) -> None:
        if due.id == ids[3]:
            raise DatabaseAway
        await asyncio.sleep(0.1)
        desk.settled.append(due.id)

    with pytest.raises(DatabaseAway):
        await payments.sweep(desk.db, desk.client, GATEWAY, 0, settle)
    assert Counter(desk.settled) == Counter(set(ids) - {ids[3], ids[-1]})
    assert len(desk.bank.asked) == payments.LANES


async def pass_by_the_minute(desk: Desk, half_minutes: int) -> None:
    for _ in range(half_minutes):
        await desk.sweep()
        desk.clock.advance(MINUTE // 2)


async def test_pauses_double_up_to_the_limit_of_one_who_waits(desk: Desk) -> None:
    desk.bank.answer = breaks
    await desk.owe()
    await pass_by_the_minute(desk, 32)
    assert desk.bank.pauses() == [MINUTE // 2, MINUTE, 2 * MINUTE, 4 * MINUTE, 4 * MINUTE, 4 * MINUTE]
    assert actions.ASKED_EVERY < GRACE, "a payment made in time is found in time"


async def test_canceling_and_giving_back_are_tried_for_ever_with_pauses_of_an_hour(desk: Desk) -> None:
    desk.bank.answer = breaks
    (payment,) = await desk.owe(status="canceling", external_id="ext")
    await pass_by_the_minute(desk, 26 * 120)
    pauses = desk.bank.pauses()
    assert pauses[:8] == [MINUTE // 2 * 2**n for n in range(7)] + [HOUR]
    assert set(pauses[7:]) == {HOUR}
    assert len(pauses) > 30
    assert await desk.rows("status") == ["canceling"]
    async with desk.db.write() as tx:
        await tx.conn.execute("update payments.payment set status = 'captured', due_at = null")
    await desk.owe_back(payment)
    desk.bank.asked.clear()
    await pass_by_the_minute(desk, 26 * 120)
    assert (desk.bank.pauses(), {path for _, path in desk.bank.asked}) == (pauses, {"/payments/ext/refunds"})
    assert await desk.rows("status", "refund") == ["created"]


async def test_tries_are_counted_anew_when_the_status_changes(desk: Desk) -> None:
    desk.bank.answer = breaks
    (payment,) = await desk.owe()
    await pass_by_the_minute(desk, 10)
    assert await desk.rows("attempts") == [4]
    async with desk.db.write() as tx:
        await payments.cancel_many(tx, 0, [payment])
    assert await desk.rows("attempts") == [0]


async def test_one_that_was_never_known_there_is_made_to_be_canceled(desk: Desk) -> None:
    """The call that would have made it may have arrived. Then it is canceled at once, not after a pause."""
    (payment,) = await desk.owe(status="canceling")

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/payments":
            told = msgspec.json.decode(captured(request).content)
            return httpx.Response(201, json=told | {"status": "requires_action"})
        told = {"reference": f"pmt_{payment.hex}", "amount_minor": 1_000, "currency": "USD", "refunded_minor": 0}
        return httpx.Response(200, json=told | {"id": f"ext-{payment.hex}", "status": "canceled"})

    desk.bank.answer = answer
    assert await desk.sweep() == 2
    assert [path for _, path in desk.bank.asked] == ["/payments", f"/payments/ext-{payment.hex}/cancel"]
    assert await desk.rows("status") == ["failed"]


async def test_an_answer_about_something_else_does_not_end_canceling(desk: Desk) -> None:
    (payment,) = await desk.owe(status="canceling", external_id="ext")

    async def lie(_: httpx.Request) -> httpx.Response:
        told = {"reference": f"pmt_{payment.hex}", "amount_minor": 1, "currency": "USD", "refunded_minor": 0}
        return httpx.Response(200, json=told | {"id": "ext", "status": "canceled"})

    desk.bank.answer = lie
    assert await desk.sweep() == 1
    assert (await desk.rows("status"), await desk.rows("due_at")) == (["canceling"], [START + MINUTE // 2])


def test_the_client_has_a_connection_for_each_lane() -> None:
    pool: Any = payments.open_client()._transport._pool  # type: ignore[attr-defined]
    assert (pool._max_connections, pool._max_keepalive_connections) == (payments.LANES, payments.LANES)
