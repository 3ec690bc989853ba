"""Paying through the sandbox gateway: whatever is lost, late, twice or out of order, a capture ends in an order or in a
refund, and never in both. The gateway is the real one on loopback; its webhooks go to a letterbox, from which each test
takes them to the shop when, and as often as, it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from entrepot import payments, worker
from entrepot.kit.auth import Role
from entrepot.kit.clock import VirtualClock
from entrepot.kit.ids import new_id, parse, show
from entrepot.orders.actions import GRACE
from entrepot.payments.actions import RETRY_AFTER
from entrepot.world.gateway import HOST, Gateway
from entrepot.world.gateway_book import Payment
from entrepot.world.gateway_webhooks import Faults, sign
from tests.shop import START, Buyer, Shop, open_shop

SECRET = b"whsec_of_the_tests"
WEBHOOKS = "/v1/webhooks/sandbox"
DEADLINE = timedelta(seconds=900) + GRACE
"""When a group whose payment does not come is given up: payment_ttl_s of the tests' terms, and the grace."""


class Letterbox:
    """Takes every webhook with 200 and keeps its body."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        self.bodies.append(await reader.readexactly(int(headers["content-length"])))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Lying(httpx.AsyncHTTPTransport):
    """Changes what the gateway answers, as a gateway with a bug would."""

    lies: dict[str, Any] = {}  # noqa: RUF012 - replaced, never changed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        told = msgspec.json.decode(await answer.aread())
        return httpx.Response(answer.status_code, json=told | self.lies)


@dataclass
class Stage:
    """A shop with one seller, one offer of 10.00 (16.00 with shipping) and a gateway beside it."""

    shop: Shop
    gateway: Gateway
    letterbox: Letterbox
    client: httpx.AsyncClient
    transport: Lying
    seller: UUID = field(init=False)
    offer: int = field(init=False)

    async def prepare(self, units: int = 1_000) -> Stage:
        self.seller = await self.shop.seller()
        self.offer = await self.shop.offer(self.seller, 1_000, units)
        return self

    async def order(self, quantity: int = 1, *, cell: int = 0, offer: int | None = None) -> Sale:
        """Places an order that is to be paid through the gateway."""
        buyer = await self.shop.buyer(0, cell)
        placed = await buyer.place(await buyer.quote([(offer or self.offer, quantity)]), method="sandbox")
        assert (placed.status_code, placed.json()["status"]) == (201, "awaiting_payment"), placed.text
        return Sale(self, buyer, parse("grp", placed.json()["id"]))

    async def work(self, after: timedelta = timedelta()) -> None:
        """The worker does what is due `after` that time, gateway included."""
        self.shop.clock.advance(after)
        await worker.run_until_idle(
            self.shop.db, payments.Gateway(self.gateway.url, "http://shop.test", SECRET), self.client
        )

    async def told(self, count: int = 1) -> Sequence[bytes]:
        """The bodies of the webhooks sent so far, which are `count`."""
        await self.gateway.quiet()
        assert len(self.letterbox.bodies) == count
        return self.letterbox.bodies

    async def deliver(self, body: bytes, *, secret: bytes = SECRET, age: timedelta = timedelta()) -> httpx.Response:
        """Takes a webhook to the shop, signed as of now: the gateway signs every try anew."""
        signature = sign(secret, self.shop.clock.now() - age, body)
        return await self.shop.http.post(WEBHOOKS, content=body, headers={"entrepot-signature": signature})

    @property
    def theirs(self) -> list[Payment]:
        """What the gateway knows."""
        return list(self.gateway.book.payments.values())


@dataclass
class Sale:
    stage: Stage
    buyer: Buyer
    group: UUID

    async def pay(self, decision: str = "approve") -> int:
        """The buyer decides at the gateway; the status of its answer."""
        payment = (await self.buyer.send("GET", f"/v1/groups/{show('grp', self.group)}/payment")).json()
        id_ = payment["redirect_url"].rpartition("/")[2]
        return (await self.stage.client.post(f"{self.stage.gateway.url}/payments/{id_}/{decision}")).status_code

    async def status(self) -> tuple[str, str]:
        """(of the group, of its payment)."""
        async with self.stage.shop.db.read() as tx:
            row = await tx.conn.fetchrow(
                "select g.status, p.status from orders.order_group g "
                "join payments.payment p on p.group_id = g.id where g.id = $1",
                self.group,
            )
        assert row is not None
        return (row[0], row[1])

    async def take_back(self) -> int:
        """The buyer cancels what is not paid yet; the status of the answer."""
        return (await self.buyer.send("POST", f"/v1/groups/{show('grp', self.group)}/cancel")).status_code

    @property
    def theirs(self) -> Payment:
        """The gateway's payment of this sale: there is exactly one."""
        (found,) = [p for p in self.stage.theirs if p.order.reference == show("pmt", self.group)]
        return found

    async def order_id(self) -> str:
        group = (await self.buyer.send("GET", f"/v1/groups/{show('grp', self.group)}")).json()
        found: str = group["orders"][0]["id"]
        return found


@asynccontextmanager
async def staged(url: str, **faults: Any) -> AsyncIterator[Stage]:
    letterbox, clock, transport = Letterbox(), VirtualClock(START), Lying()
    server = await asyncio.start_server(letterbox.serve, HOST, 0)
    gateway = Gateway(
        seed=7, secret=SECRET, webhook_url=f"http://{HOST}:{server.sockets[0].getsockname()[1]}/",
        faults=Faults(**faults), clock=clock,
    )  # fmt: skip
    async with server, gateway, httpx.AsyncClient(transport=transport, trust_env=False) as client:
        known = payments.Gateway(gateway.url, "http://shop.test", SECRET)
        async with open_shop(url, known, clock) as shop:
            yield await Stage(shop, gateway, letterbox, client, transport).prepare()


@pytest.fixture
async def stage(own_db_url: str) -> AsyncIterator[Stage]:
    async with staged(own_db_url) as opened:
        yield opened
        await opened.shop.audited()


async def test_approved_told_paid(stage: Stage) -> None:
    sale = await stage.order(2)
    assert await stage.shop.stock(stage.offer) == (1_000, 2, 0)
    await stage.work()
    assert await sale.status() == ("awaiting_payment", "pending")
    assert (sale.theirs.order.amount_minor, sale.theirs.order.currency) == (2_600, "USD")
    await sale.pay()
    (body,) = await stage.told()
    assert (await stage.deliver(body)).status_code == 204
    assert await sale.status() == ("placed", "captured")
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 2)
    assert (await stage.shop.balance("gateway"), await stage.shop.balance("escrow")) == (-2_600, 2_600)
    before = await stage.shop.state()
    assert (await stage.deliver(body)).status_code == 204
    await stage.work(RETRY_AFTER)
    assert (await stage.shop.state())["ledger.transfer"] == before["ledger.transfer"]
    assert await sale.status() == ("placed", "captured")


async def test_a_webhook_and_the_sweeper_find_the_payments_cell(stage: Stage) -> None:
    await stage.shop.open_cell(1)
    offer = await stage.shop.offer(await stage.shop.seller(cell=1), 1_000, 10, cell=1)
    told, lost = [await stage.order(cell=1, offer=offer) for _ in range(2)]
    await stage.work()
    await told.pay()
    (body,) = await stage.told()
    assert (await stage.deliver(body)).status_code == 204
    assert [await sale.status() for sale in (told, lost)] == [("placed", "captured"), ("awaiting_payment", "pending")]
    await lost.pay()
    await stage.work(RETRY_AFTER)
    assert await lost.status() == ("placed", "captured")
    assert [await stage.shop.balance("escrow", cell=cell) for cell in (0, 1)] == [0, 3_200]


async def test_a_lost_webhook_is_found_by_the_sweeper(stage: Stage) -> None:
    sale = await stage.order()
    await stage.work()
    await sale.pay()
    await stage.work(RETRY_AFTER - timedelta(seconds=1))
    assert await sale.status() == ("awaiting_payment", "pending")
    await stage.work(timedelta(seconds=1))
    assert await sale.status() == ("placed", "captured")
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 1)


async def test_told_before_the_answer_to_its_creation_was_recorded(stage: Stage) -> None:
    sale = await stage.order()
    stage.gateway.faults = Faults(lost_reply_rate=1)
    await stage.work()
    assert await sale.status() == ("awaiting_payment", "created")
    stage.gateway.faults = Faults()
    assert (await stage.client.post(f"{stage.gateway.url}/payments/{sale.theirs.id}/approve")).status_code == 200
    (body,) = await stage.told()
    await stage.deliver(body)
    assert await sale.status() == ("placed", "captured")
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("placed", "captured")


async def test_a_lost_reply_is_asked_again_with_the_same_key(stage: Stage) -> None:
    sale = await stage.order()
    stage.gateway.faults = Faults(lost_reply_rate=1)
    for pause in (0, 1, 2):
        await stage.work(pause * RETRY_AFTER)
    stage.gateway.faults = Faults(error_rate=1)
    await stage.work(4 * RETRY_AFTER)
    assert await sale.status() == ("awaiting_payment", "created")
    stage.gateway.faults = Faults()
    await stage.work(8 * RETRY_AFTER)
    assert await sale.status() == ("awaiting_payment", "pending")
    assert len(stage.theirs) == 1
    await sale.pay()
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("placed", "captured")


@pytest.mark.parametrize("told_by", ["webhook", "sweeper"])
async def test_a_declined_payment_gives_the_stock_back_at_once(stage: Stage, told_by: str) -> None:
    sale = await stage.order()
    await stage.work()
    await sale.pay("decline")
    if told_by == "webhook":
        (body,) = await stage.told()
        await stage.deliver(body)
        await stage.work()
    else:
        await stage.work(RETRY_AFTER)
    assert await sale.status() == ("expired", "failed")
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 0)
    assert await stage.shop.balance("gateway") == 0


async def test_a_buyer_who_never_pays(stage: Stage) -> None:
    sale = await stage.order()
    await stage.work()
    await stage.work(DEADLINE - timedelta(seconds=1))
    assert await sale.status() == ("awaiting_payment", "pending")
    await stage.work(timedelta(seconds=1))
    assert await sale.status() == ("expired", "failed")
    assert sale.theirs.status == "canceled"
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 0)
    assert await sale.pay() == 409
    (body,) = await stage.told()
    await stage.deliver(body)
    await stage.work(DEADLINE)
    async with stage.shop.db.read() as tx:
        expired = await tx.conn.fetchval("select count(*) from inventory.movement where kind = 'expire'")
    assert expired == 1


async def test_a_buyer_who_takes_the_purchase_back(stage: Stage) -> None:
    """Before the gateway knows of it, and after."""
    early, known = await stage.order(), await stage.order()
    assert await early.take_back() == 204
    assert await early.status() == ("canceled", "canceling")
    assert await stage.shop.stock(stage.offer) == (1_000, 1, 0)
    await stage.work()
    assert await known.take_back() == 204
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 0)
    await stage.work()
    for sale in (early, known):
        assert (await sale.status(), sale.theirs.status) == (("canceled", "failed"), "canceled")
    assert await known.pay() == 409
    for body in await stage.told(2):
        assert (await stage.deliver(body)).status_code == 204
    await stage.work(DEADLINE)
    assert await known.status() == ("canceled", "failed")
    assert await stage.shop.balance("gateway") == 0


async def test_a_capture_after_the_purchase_was_taken_back_goes_back(stage: Stage) -> None:
    sale = await stage.order()
    await stage.work()
    await sale.pay()
    assert await sale.take_back() == 204
    await stage.work()
    assert await sale.status() == ("canceled", "returned")
    assert sale.theirs.refunded_minor == 1_600
    (told, _) = await stage.told(2)
    await stage.deliver(told)
    await stage.work(RETRY_AFTER)
    assert (await sale.status(), len(stage.gateway.book.refunds)) == (("canceled", "returned"), 1)


async def test_a_capture_after_the_end_goes_back(stage: Stage) -> None:
    sale = await stage.order()
    await stage.work()
    stage.gateway.faults = Faults(error_rate=1)  # so that it cannot be canceled there
    await stage.work(DEADLINE)
    assert await sale.status() == ("expired", "canceling")
    await sale.pay()
    (body,) = await stage.told()
    assert (await stage.deliver(body)).status_code == 204
    assert await sale.status() == ("expired", "returning")
    stage.gateway.faults = Faults()
    await stage.work()
    assert await sale.status() == ("expired", "returned")
    assert (sale.theirs.status, sale.theirs.refunded_minor) == ("captured", 1_600)
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 0)


@pytest.mark.parametrize("given_up", ["decline", "mismatch"])
async def test_a_capture_of_what_we_had_given_up_goes_back(stage: Stage, given_up: str) -> None:
    """We gave the payment up by our own judgement; the gateway then says that it has the money all the same."""
    sale = await stage.order()
    await stage.work()
    stage.transport.lies = {"status": "failed"} if given_up == "decline" else {"amount_minor": 1}
    await stage.work(RETRY_AFTER)
    stage.transport.lies = {}
    assert await sale.status() == ("expired", "failed")
    await sale.pay()
    (body,) = await stage.told()
    await stage.deliver(body)
    await stage.work()
    assert await sale.status() == ("expired", "returned")
    assert sale.theirs.refunded_minor == 1_600


async def test_a_canceled_and_a_refunded_order_are_refunded_by_the_gateway(stage: Stage) -> None:
    canceled, refunded = await stage.order(), await stage.order()
    await stage.work()
    for sale in (canceled, refunded):
        await sale.pay()
    await stage.work(RETRY_AFTER)
    staff = stage.shop.session(Role.SELLER, new_id(START), stage.seller)
    order = await refunded.order_id()
    shipment = {"carrier": "house", "tracking_number": order}
    assert (
        await stage.shop.http.post(f"/v1/seller/orders/{order}/ship", json=shipment, headers=staff)
    ).status_code == 204
    assert (await stage.shop.http.post(f"/v1/seller/orders/{order}/refund", headers=staff)).status_code == 204
    assert (await canceled.buyer.send("POST", f"/v1/orders/{await canceled.order_id()}/cancel")).status_code == 204
    stage.gateway.faults = Faults(lost_reply_rate=1)  # done there, and asked again with the same key
    await stage.work()
    stage.gateway.faults = Faults()
    await stage.work(RETRY_AFTER)
    assert [sale.theirs.refunded_minor for sale in (canceled, refunded)] == [1_600, 1_600]
    assert len(stage.gateway.book.refunds) == 2
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select array_agg(status) from payments.refund") == ["done", "done"]
    assert (await stage.shop.balance("gateway"), await stage.shop.balance("escrow")) == (0, 0)
    assert await stage.shop.stock(stage.offer) == (999, 0, 0)


async def test_while_refunds_rest_they_are_taken_and_sent_when_it_is_over(stage: Stage) -> None:
    """The order ends and its goods are sold again at once, and others pay; only the call that sends the money waits."""
    sale = await stage.order(3)
    await stage.work()
    await sale.pay()
    await stage.deliver((await stage.told())[0])
    headers, off = stage.shop.operator, {"for_s": 3_600, "why": "midnight"}
    switched = await stage.shop.http.post("/v1/operator/switches/refunds/off", json=off, headers=headers)
    assert switched.status_code == 204
    assert (await sale.buyer.send("POST", f"/v1/orders/{await sale.order_id()}/cancel")).status_code == 204
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 0)
    other = await stage.order()
    await stage.work()
    assert (await sale.status(), await other.status()) == (("placed", "captured"), ("awaiting_payment", "pending"))
    await stage.work(timedelta(minutes=59))
    assert stage.gateway.book.refunds == {}
    await stage.shop.audited()
    await stage.work(timedelta(minutes=1))
    (refund,) = stage.gateway.book.refunds.values()
    assert refund.view()["amount_minor"] == sale.theirs.order.amount_minor


@pytest.mark.parametrize("lie", [{"amount_minor": 1}, {"currency": "EUR"}, {"reference": "pmt_else"}])
@pytest.mark.parametrize("when", ["created", "asked"])
async def test_an_answer_about_something_else_moves_nothing(stage: Stage, lie: dict[str, Any], when: str) -> None:
    sale = await stage.order()
    if when == "asked":
        await stage.work()
    stage.transport.lies = lie | {"status": "captured"}
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("expired", "failed")
    assert await stage.shop.balance("escrow") == 0
    assert await stage.shop.stock(stage.offer) == (1_000, 0, 0)


async def test_a_webhook_that_is_not_the_gateways_or_not_of_now_is_refused(stage: Stage) -> None:
    sale = await stage.order()
    await stage.work()
    await sale.pay()
    (body,) = await stage.told()
    before = await stage.shop.state()
    old = timedelta(minutes=5, seconds=1)
    for refused in (
        await stage.deliver(body, secret=b"another"),
        await stage.deliver(body, age=old),
        await stage.deliver(body, age=-old),
        await stage.deliver(body[:-1]),
        await stage.shop.http.post(WEBHOOKS, content=body),
    ):
        assert (refused.status_code, refused.json()["type"]) == (400, "/problems/webhook_refused")
    # Genuine, but of another amount, or of a payment that is not ours: taken, and nothing moves.
    for old_text, new_text in ((b":1600", b":1"), (show("pmt", sale.group).encode(), b"pmt_" + b"0" * 32)):
        assert (await stage.deliver(body.replace(old_text, new_text).replace(b"se_", b"sx_"))).status_code == 204
    assert await stage.shop.state() == before
    await stage.deliver(body)
    assert await sale.status() == ("placed", "captured")


async def test_a_webhook_of_a_stranger_costs_no_transaction(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    write = stage.shop.db.write

    def noted(**how: Any) -> Any:
        opened.append("write")
        return write(**how)

    monkeypatch.setattr(stage.shop.db, "write", noted)
    assert (await stage.deliver(b"{}", secret=b"another")).status_code == 400
    assert opened == []
    refund = b'{"id":"se_1","type":"refund.done","created_at":1,"data":{"id":"sr_1","payment_id":"sp_1",'
    refund += b'"status":"done","amount_minor":1,"currency":"USD","reference":"rfd_1"}}'
    assert (await stage.deliver(refund)).status_code == 204
    assert opened == ["write"]


async def test_a_group_that_costs_nothing_is_paid_without_the_gateway(stage: Stage) -> None:
    sale = await free_order(stage)
    await stage.work()
    assert await sale.status() == ("placed", "captured")
    assert stage.theirs == []
    late = await free_order(stage)
    await stage.shop.run(after=DEADLINE)  # no gateway, so nobody looks at it
    assert await late.status() == ("expired", "canceling")
    await stage.work()
    assert await late.status() == ("expired", "returned")


async def test_a_payment_may_take_longer_than_its_quote_is_kept(stage: Stage) -> None:
    sale = await stage.order()
    async with stage.shop.db.write() as tx:
        await tx.conn.execute("update orders.order_group set pay_by = $1", stage.shop.clock.now() + timedelta(days=5))
    await stage.work()
    await stage.work(timedelta(days=3))
    await sale.pay()
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("placed", "captured")
    assert await stage.shop.balance("escrow") == 1_600


def orders_of_events(end: str) -> list[tuple[str, ...]]:
    """Every order of approval, webhook, its duplicate, a look by the sweeper and the end; nothing is told of an
    approval before it is made."""
    every = permutations(("approve", "webhook", "duplicate", "sweep", end))
    return [e for e in every if e.index("approve") < min(e.index("webhook"), e.index("duplicate"))]


@pytest.mark.parametrize("end", ["expire", "cancel"])
async def test_in_every_order_of_events_a_capture_ends_in_an_order_or_a_refund(stage: Stage, end: str) -> None:
    """The end is the payment deadline, or the buyer who takes the purchase back."""
    outcomes = set()
    for events in orders_of_events(end):
        stage.letterbox.bodies.clear()
        sale = await stage.order()
        await stage.work()
        for event in events:
            if event == "approve":
                await sale.pay()
                await stage.gateway.quiet()
            elif event == "sweep":
                await stage.work(RETRY_AFTER)
            elif event == "expire":
                await stage.shop.run(after=DEADLINE)
            elif event == "cancel":
                assert await sale.take_back() in (204, 409)
            elif stage.letterbox.bodies:
                assert (await stage.deliver(stage.letterbox.bodies[0])).status_code == 204
        await stage.work()
        outcomes.add(await the_one_outcome(sale))
    assert outcomes == {"paid", "returned", "never captured"}
    await balanced(stage)


async def test_at_once_a_capture_ends_in_an_order_or_a_refund(stage: Stage) -> None:
    outcomes = set()
    for round_ in range(24):
        stage.letterbox.bodies.clear()
        sale = await stage.order()
        await stage.work()
        await sale.pay()
        await stage.gateway.quiet()
        (body,) = stage.letterbox.bodies
        stage.shop.clock.advance(DEADLINE)
        # The scheduler and PostgreSQL decide who is first; starting in another order each time gives each a chance.
        racers = [stage.deliver(body), stage.deliver(body), stage.work(), stage.shop.run()]
        await asyncio.gather(*racers[round_ % 4 :], *racers[: round_ % 4])
        await stage.work(RETRY_AFTER)
        outcomes.add(await the_one_outcome(sale))
    assert outcomes <= {"paid", "returned"}
    await balanced(stage)


async def the_one_outcome(sale: Sale) -> str:
    found = (await sale.status(), sale.theirs.status, sale.theirs.refunded_minor)
    return {
        (("placed", "captured"), "captured", 0): "paid",
        (("expired", "returned"), "captured", 1_600): "returned",
        (("expired", "failed"), "canceled", 0): "never captured",
        (("canceled", "returned"), "captured", 1_600): "returned",
        (("canceled", "failed"), "canceled", 0): "never captured",
    }[found]


async def balanced(stage: Stage) -> None:
    """What the gateway has for us is what the books say, and stock is allocated for what was paid and nothing else."""
    kept = sum(p.order.amount_minor - p.refunded_minor for p in stage.theirs if p.status == "captured")
    assert -await stage.shop.balance("gateway") == kept == await stage.shop.balance("escrow")
    assert await stage.shop.stock(stage.offer) == (1_000, 0, kept // 1_600)


async def free_order(stage: Stage) -> Sale:
    buyer = await stage.shop.buyer(0)
    quote = await buyer.quote([(stage.offer, 1)])
    async with stage.shop.db.write() as tx:
        await tx.conn.execute(
            "update orders.quote set paid_minor = 0, order_items = '{0}', order_shipping = '{0}', "
            "line_grosses = '{0}', "
            "line_roundings = '{-1000}', line_shippings = '{0}', order_commissions = '{0}', line_commissions = '{0}', "
            "order_payment_fees = '{0}' where id = $1",
            parse("quo", quote["id"]),
        )
    placed = await buyer.place(quote, method="sandbox")
    assert placed.status_code == 201, placed.text
    return Sale(stage, buyer, parse("grp", placed.json()["id"]))
