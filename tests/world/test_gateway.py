"""The sandbox gateway over real HTTP: what it promises, and every way in which it misbehaves."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bench.machine import free_port
from entrepot.kit import outside
from entrepot.kit.clock import VirtualClock
from entrepot.payments.gateways import sandbox
from entrepot.payments.gateways.types import (
    Created,
    GatewayRefused,
    PaymentAsked,
    RefundAsked,
    Refunded,
    Standing,
    WebhookEvent,
    payment_mismatch,
    refund_mismatch,
)
from entrepot.reconciliation import ReportLine
from entrepot.reconciliation.report import read_report
from entrepot.world.gateway import HOST, SECRET_VARIABLE, Gateway
from entrepot.world.gateway_book import JournalError
from entrepot.world.gateway_webhooks import WEBHOOK_TRIES, Faults, sign

pytestmark = pytest.mark.anyio

SECRET = b"whsec_test"
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ORDER = {
    "amount_minor": 1250,
    "currency": "USD",
    "reference": "pay_1",
    "return_url": "http://shop.example/orders/1",
}
ASKED = PaymentAsked("pay_1", 1250, "USD", "http://shop.example/orders/1")


class Shop:
    """Whom the webhooks are for: answers 200, or first the `answers`, and keeps what it believes."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.tries = 0
        self.events: list[WebhookEvent] = []
        self.bodies: list[bytes] = []
        self.url = ""

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.tries += 1
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.events.append(sandbox.parse_webhook(SECRET, headers, body, NOON))
            self.bodies.append(body)
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    server = await asyncio.start_server(shop.serve, HOST, 0)
    shop.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/webhooks"
    yield shop
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def running(
    shop: Shop | None = None, *, seed: int = 7, journal: Path | None = None, **faults: Any
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    gateway = Gateway(
        seed=seed, secret=SECRET, webhook_url=shop.url if shop else None, faults=Faults(**faults),
        clock=VirtualClock(NOON), journal=journal,
    )  # fmt: skip
    async with gateway, httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield gateway, client


async def create(client: httpx.AsyncClient, key: str = "k1", **changes: Any) -> httpx.Response:
    return await client.post("/payments", json=ORDER | changes, headers={"idempotency-key": key})


async def refund(client: httpx.AsyncClient, id_: str, amount_minor: int, key: str) -> httpx.Response:
    body = {"amount_minor": amount_minor, "reference": key}
    return await client.post(f"/payments/{id_}/refunds", json=body, headers={"idempotency-key": key})


async def test_a_payment_is_created_approved_and_told(shop: Shop) -> None:
    async with running(shop) as (gateway, client):
        created = await create(client)
        payment = created.json()
        id_ = payment.pop("id")
        assert created.status_code == 201
        assert payment == {
            "status": "requires_action", "amount_minor": 1250, "currency": "USD", "reference": "pay_1",
            "refunded_minor": 0, "created_at": 1714564800, "redirect_url": f"{gateway.url}/pay/{id_}",
        }  # fmt: skip
        approved = await client.post(f"/payments/{id_}/approve")
        assert approved.json() == payment | {"id": id_, "status": "captured"}
        assert (await client.get(f"/payments/{id_}")).json() == approved.json()
        await gateway.quiet()
        assert shop.types == ["payment.captured"]
        assert payment_mismatch(ASKED, shop.events[0].told) is None  # type: ignore[arg-type]
        # Decided is decided: again is no change, otherwise is refused, and neither tells anything.
        assert (await client.post(f"/payments/{id_}/approve")).status_code == 200
        for verb in ("decline", "cancel"):
            late = await client.post(f"/payments/{id_}/{verb}")
            assert (late.status_code, late.json()) == (409, approved.json())
        await gateway.quiet()
        assert len(shop.events) == 1


@pytest.mark.parametrize(
    ("verb", "status", "event"),
    [("decline", "failed", "payment.failed"), ("cancel", "canceled", "payment.canceled")],
)
async def test_a_payment_that_comes_to_nothing_is_told(shop: Shop, verb: str, status: str, event: str) -> None:
    async with running(shop) as (gateway, client):
        id_ = (await create(client)).json()["id"]
        assert (await client.post(f"/payments/{id_}/{verb}")).json()["status"] == status
        assert (await client.post(f"/payments/{id_}/approve")).status_code == 409
        refused = await refund(client, id_, 1, "r1")
        assert (refused.status_code, refused.json()) == (409, {"error": "not_captured"})
        await gateway.quiet()
        assert shop.types == [event]


async def test_one_key_makes_one_payment_also_at_once() -> None:
    async with running(delay_ms=(0, 20)) as (gateway, client):
        answers = await asyncio.gather(*(create(client) for _ in range(40)))
        assert sorted(answer.status_code for answer in answers) == [200] * 39 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        other = await create(client, amount_minor=1251)
        assert (other.status_code, other.json()) == (409, {"error": "key_conflict"})
        assert [payment.order.amount_minor for payment in gateway.book.payments.values()] == [1250]


async def test_never_more_goes_back_than_was_captured(shop: Shop) -> None:
    async with running(shop) as (gateway, client):
        id_ = (await create(client)).json()["id"]
        await client.post(f"/payments/{id_}/approve")
        answers = await asyncio.gather(*(refund(client, id_, 500, f"r{n}") for n in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
        refused = await refund(client, id_, 251, "r9")
        assert (refused.status_code, refused.json()) == (409, {"error": "exceeds_captured"})
        last = await refund(client, id_, 250, "rest")
        assert last.json() == (await refund(client, id_, 250, "rest")).json()  # the same key is the same refund
        assert (await refund(client, id_, 249, "rest")).json() == {"error": "key_conflict"}
        assert (await client.get(f"/payments/{id_}")).json()["refunded_minor"] == 1250
        await gateway.quiet()
        assert shop.types == ["payment.captured", "refund.done", "refund.done", "refund.done"]
        told = RefundAsked("rest", id_, 250, "USD")
        matching = [e for e in shop.events if getattr(e.told, "reference", "") == "rest"]
        assert refund_mismatch(told, matching[0].told) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"amount_minor": 10**15 + 1},
        {"amount_minor": 12.5},
        {"amount_minor": 10**30},
        {"currency": "usd"},
        {"reference": ""},
        {"return_url": "javascript:alert(1)"},
        {"unknown": 1},
    ],
)
async def test_a_malformed_order_changes_nothing(change: dict[str, Any]) -> None:
    async with running() as (gateway, client):
        answer = await create(client, **change)
        assert (answer.status_code, answer.json()) == (400, {"error": "malformed"})
        assert gateway.book.payments == {}


async def test_other_bad_input() -> None:
    async with running() as (gateway, client):
        for key in ("", "x" * 201):
            answer = await create(client, key)
            assert (answer.status_code, answer.json()) == (400, {"error": "key_needed"})
        large = await create(client, reference="x" * 20_000)
        assert (large.status_code, large.json()) == (413, {"error": "too_large"})
        deep = await client.post("/payments", content=b"[" * 10_000, headers={"idempotency-key": "k"})
        assert (deep.status_code, deep.json()) == (400, {"error": "malformed"})
        for path in ("/payments/sp_none", "/pay/sp_none"):
            absent = await client.get(path)
            assert (absent.status_code, absent.json()) == (404, {"error": "not_found"})
        stranger = await client.get("/faults", headers={"host": "evil.example"})
        assert stranger.status_code == 400
        assert gateway.book.payments == {}


async def test_the_buyers_page(shop: Shop) -> None:
    async with running(shop) as (gateway, client):
        payment = (await create(client, reference="<b>1</b>", return_url="http://shop.example/?a=1&b=2")).json()
        page = await client.get(payment["redirect_url"])
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "12.50 <small>USD</small>" in page.text
        assert "&lt;b&gt;1&lt;/b&gt;" in page.text
        assert "<script" not in page.text
        assert (await client.post(payment["redirect_url"], data={"decision": "maybe"})).status_code == 400
        for decision in ("approve", "decline"):  # the second comes too late, and is sent back all the same
            back = await client.post(payment["redirect_url"], data={"decision": decision})
            assert (back.status_code, back.headers["location"]) == (303, "http://shop.example/?a=1&b=2")
        after = (await client.get(payment["redirect_url"])).text
        assert "<h1>Paid</h1>" in after
        assert "<form" not in after
        await gateway.quiet()
        assert shop.types == ["payment.captured"]


def test_the_signature_to_the_letter() -> None:
    # printf '1714564800.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
    assert (
        sign(SECRET, NOON, b'{"a":1}')
        == "t=1714564800,v1=929103466b442d258ec65ed32917b1967f5f18fff7e139d49da93027d2ffcc3f"
    )


async def test_a_refused_webhook_is_told_again_a_bounded_number_of_times(shop: Shop) -> None:
    async with running(shop, webhook_retry_ms=1) as (gateway, client):
        shop.answers = [500, 404, 302]
        id_ = (await create(client)).json()["id"]
        await client.post(f"/payments/{id_}/approve")
        await gateway.quiet()
        assert (shop.tries, shop.types) == (4, ["payment.captured"])
        shop.answers = [500] * 100
        await refund(client, id_, 1, "r1")
        await gateway.quiet()
        assert (shop.tries, len(shop.events)) == (4 + WEBHOOK_TRIES, 1)
        assert gateway.book.untold == {}


async def test_fault_error_does_nothing() -> None:
    async with running(error_rate=1) as (gateway, client):
        assert (await create(client)).status_code == 500
        assert gateway.book.payments == {}


async def test_fault_lost_reply_does_the_work() -> None:
    async with running(lost_reply_rate=1) as (gateway, client):
        request = sandbox.build_create(ASKED)
        with pytest.raises(outside.OutsideError, match="RemoteProtocolError"):
            await outside.call(client, request.method, request.path, key=request.key, body=request.body)
        (payment,) = gateway.book.payments.values()
        gateway.faults = Faults()
        again = await outside.call(client, request.method, request.path, key=request.key, body=request.body)
        assert sandbox.parse_created(ASKED, again.status_code, again.content) == Created(
            payment.id, "requires_action", f"{gateway.url}/pay/{payment.id}"
        )
        assert len(gateway.book.payments) == 1


async def test_fault_delay() -> None:
    async with running(delay_ms=(150, 150)) as (gateway, client):
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/payments/sp_none", timeout=0.05)
        # Nobody waits any more, yet it is done: that is what a timeout after success looks like.
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/payments", json=ORDER, headers={"idempotency-key": "k"}, timeout=0.05)
        await asyncio.sleep(0.3)
        assert len(gateway.book.payments) == 1


async def test_fault_decline(shop: Shop) -> None:
    async with running(shop, decline_rate=1) as (gateway, client):
        id_ = (await create(client)).json()["id"]
        assert (await client.post(f"/payments/{id_}/approve")).json()["status"] == "failed"
        await gateway.quiet()
        assert shop.types == ["payment.failed"]


async def test_fault_duplicate_webhook(shop: Shop) -> None:
    async with running(shop, webhook_duplicate_rate=1) as (gateway, client):
        await client.post(f"/payments/{(await create(client)).json()['id']}/approve")
        await gateway.quiet()
        assert shop.types == ["payment.captured"] * 2
        assert shop.bodies[0] == shop.bodies[1]


async def test_fault_lost_webhook(shop: Shop) -> None:
    async with running(shop, webhook_lost_rate=1) as (gateway, client):
        id_ = (await create(client)).json()["id"]
        await client.post(f"/payments/{id_}/approve")
        await gateway.quiet()
        assert shop.tries == 0
        assert (await client.get(f"/payments/{id_}")).json()["status"] == "captured"


async def test_fault_late_webhook(shop: Shop) -> None:
    async with running(shop, webhook_late_rate=1, webhook_late_ms=(200, 200)) as (gateway, client):
        await client.post(f"/payments/{(await create(client)).json()['id']}/approve")
        await asyncio.sleep(0.05)
        assert shop.tries == 0
        await gateway.quiet()
        assert shop.types == ["payment.captured"]


async def test_fault_overtaken_webhook(shop: Shop) -> None:
    async with running(shop, webhook_overtaken_rate=1, webhook_late_ms=(0, 5_000)) as (gateway, client):
        id_ = (await create(client)).json()["id"]
        await client.post(f"/payments/{id_}/approve")
        gateway.faults = Faults()
        await refund(client, id_, 1250, "r1")
        async with asyncio.timeout(3):
            await gateway.quiet()
        assert shop.types == ["refund.done", "payment.captured"]


async def test_an_overtaken_webhook_that_nothing_overtakes_comes_all_the_same(shop: Shop) -> None:
    async with running(shop, webhook_overtaken_rate=1, webhook_late_ms=(0, 50)) as (gateway, client):
        await client.post(f"/payments/{(await create(client)).json()['id']}/approve")
        await gateway.quiet()
        assert shop.types == ["payment.captured"]


async def test_faults_change_at_run_time(shop: Shop) -> None:
    async with running(shop) as (gateway, client):
        assert (await client.get("/faults")).content == msgspec.json.encode(Faults())
        changed = await client.put("/faults", json={"error_rate": 1, "auto_approve": True})
        assert changed.json()["auto_approve"] is True
        assert (await create(client)).status_code == 500
        for bad in ({"error_rate": 1.5}, {"delay_ms": [5, 1]}, {"delay_ms": [0, 60_001]}, {"eror_rate": 1}):
            answer = await client.put("/faults", json=bad)
            assert (answer.status_code, answer.json()) == (400, {"error": "malformed"})
        assert gateway.faults == Faults(error_rate=1, auto_approve=True)
        await client.put("/faults", json={})
        assert gateway.faults == Faults()


async def test_auto_approve_needs_nobody(shop: Shop) -> None:
    async with running(shop, auto_approve=True) as (gateway, client):
        await asyncio.gather(*(create(client, f"k{n}", reference=f"pay_{n}") for n in range(20)))
        await gateway.quiet()
        assert {payment.status for payment in gateway.book.payments.values()} == {"captured"}
        assert sorted(getattr(event.told, "reference", "") for event in shop.events if event.told) == sorted(
            f"pay_{n}" for n in range(20)
        )


async def test_the_same_seed_is_the_same_fate() -> None:
    async def story(seed: int) -> list[object]:
        async with running(seed=seed, error_rate=0.3, decline_rate=0.5) as (gateway, client):
            statuses = [(await create(client, f"k{n}")).status_code for n in range(12)]
            for id_ in list(gateway.book.payments):
                await client.post(f"/payments/{id_}/approve")
            return [statuses, *((p.id, p.status) for p in gateway.book.payments.values())]

    first = await story(7)
    assert first == await story(7)
    assert first != await story(8)


async def test_the_connector_and_the_gateway_understand_each_other() -> None:
    async with running() as (_, client):

        async def call(request: sandbox.OutRequest) -> tuple[int, bytes]:
            answer = await outside.call(client, request.method, request.path, key=request.key, body=request.body)
            return answer.status_code, answer.content

        created = sandbox.parse_created(ASKED, *await call(sandbox.build_create(ASKED)))
        assert isinstance(created, Created)
        id_ = created.external_id
        await client.post(f"/payments/{id_}/approve")
        refund_asked = RefundAsked("ref_1", id_, 250, "USD")
        refunded = sandbox.parse_refunded(refund_asked, *await call(sandbox.build_refund(refund_asked)))
        assert isinstance(refunded, Refunded)
        expected = Standing(id_, "captured")
        assert sandbox.parse_got(ASKED, id_, *await call(sandbox.build_get(ASKED, id_))) == expected
        assert sandbox.parse_canceled(ASKED, id_, *await call(sandbox.build_cancel(ASKED, id_))) == expected
        second = PaymentAsked("pay_2", 5, "JPY", ASKED.return_url)
        other = sandbox.parse_created(second, *await call(sandbox.build_create(second)))
        assert isinstance(other, Created)
        canceled = sandbox.parse_canceled(
            second, other.external_id, *await call(sandbox.build_cancel(second, other.external_id))
        )
        assert canceled == Standing(other.external_id, "canceled")
        absent = sandbox.parse_got(ASKED, "sp_none", *await call(sandbox.build_get(ASKED, "sp_none")))
        assert absent == GatewayRefused(404, "not_found")


async def test_the_journal_outlives_the_gateway(shop: Shop, tmp_path: Path) -> None:
    journal = tmp_path / "gateway.jsonl"
    async with running(shop, journal=journal, webhook_late_rate=1, webhook_late_ms=(60_000, 60_000)) as (
        gateway,
        client,
    ):
        id_ = (await create(client)).json()["id"]
        await create(client, "k2", reference="pay_2")
        await client.post(f"/payments/{id_}/approve")
        await refund(client, id_, 500, "r1")
        before = (gateway.book.payments, gateway.book.refunds, gateway.book.untold)
    assert shop.tries == 0
    with journal.open("ab") as file:
        file.write(b'{"payment":{"id":"sp_x"')  # killed in the middle of a line
    async with running(shop, journal=journal) as (gateway, client):
        assert (gateway.book.payments, gateway.book.refunds) == before[:2]
        await gateway.quiet()
        assert sorted(shop.types) == ["payment.captured", "refund.done"]
        assert (await create(client)).json()["id"] == id_  # the keys are remembered too
        assert (await refund(client, id_, 500, "r1")).json()["id"] == next(iter(before[1]))
        assert (await refund(client, id_, 751, "r2")).json() == {"error": "exceeds_captured"}
    async with running(shop, journal=journal) as (gateway, _):
        assert gateway.book.untold == {}
        assert (gateway.book.payments, gateway.book.refunds) == before[:2]


async def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    journal = tmp_path / "gateway.jsonl"
    journal.write_text('{"settled":"se_1"}\nnonsense\n')
    with pytest.raises(JournalError, match=r"gateway\.jsonl: line 2:"):
        async with running(journal=journal):
            pass
    assert journal.read_text() == '{"settled":"se_1"}\nnonsense\n'


async def test_it_listens_on_127_0_0_1_and_nowhere_else() -> None:
    async with running() as (gateway, _):
        for address in ("127.0.0.2", "::1"):
            with pytest.raises(OSError):  # noqa: PT011 - refused here, no such address there
                await asyncio.open_connection(address, gateway.port)


async def test_as_a_process_killed_and_started_again(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "gateway.jsonl"
    command = [sys.executable, "-m", "entrepot.world.gateway", "--port", str(port), "--journal", str(journal)]

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, SECRET_VARIABLE: "s"}, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"gateway: http://127.0.0.1:%d\n" % port
        return process

    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
        process = await start()
        id_ = (await create(client)).json()["id"]
        process.kill()
        await process.wait()
        process = await start()
        assert (await create(client)).json()["id"] == id_
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_as_a_process_it_says_in_one_line_that_its_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "entrepot.world.gateway", "--port", str(other.getsockname()[1]),
            env={**os.environ, SECRET_VARIABLE: "s"}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors == b"gateway: [Errno 98] Address already in use\n"


async def test_a_stamp_follows_the_virtual_clock(shop: Shop) -> None:
    clock = VirtualClock(NOON - timedelta(minutes=4))
    async with (
        Gateway(seed=1, secret=SECRET, webhook_url=shop.url, clock=clock) as gateway,
        httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client,
    ):
        await client.post(f"/payments/{(await create(client)).json()['id']}/approve")
        await gateway.quiet()
        assert shop.events[0].created_at == NOON - timedelta(minutes=4)


async def test_its_report_of_a_day_has_what_was_captured_and_given_back_and_what_it_settles() -> None:
    async with running() as (_, client):
        paid = (await create(client)).json()["id"]
        await create(client, "k2", reference="pay_2")  # nobody has approved it
        await client.post(f"/payments/{paid}/approve")
        given_back = (await refund(client, paid, 250, "rfd_1")).json()["id"]
        report = read_report((await client.get("/reports/2024-05-01")).content)
        st = "st_20240501_USD"
        assert (report.name, report.first_day, report.last_day) == ("2024-05-01", NOON.date(), NOON.date())
        assert report.lines == [
            ReportLine("payment", paid, "pay_1", "USD", 1_250, 43, st, NOON),  # 17.5, rounded up, and 25
            ReportLine("refund", given_back, "rfd_1", "USD", 250, 0, st, NOON),
            ReportLine("settlement", st, "", "USD", 1_250 - 250 - 43, 0, "", NOON.replace(hour=23)),
        ]
        assert read_report((await client.get("/reports/2024-05-02")).content).lines == []
        assert (await client.get("/reports/today")).status_code == 404
