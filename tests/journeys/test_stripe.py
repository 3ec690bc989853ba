"""Paying through Stripe, against localstripe as a process of its own: what is authorized in time is captured and is an
order, what is not is canceled or goes back, and nothing is done twice because an answer was lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from stripe import WebhookSignature

from entrepot import payments, worker
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.ids import parse, show
from entrepot.payments.actions import RETRY_AFTER
from entrepot.payments.gateways import stripe
from entrepot.payments.gateways.lines import open_line
from entrepot.payments.gateways.types import Created, PaymentAsked, Standing
from tests.journeys.test_gateway import DEADLINE
from tests.payments import localstripe
from tests.payments.localstripe import KEY, Letterbox, Wire
from tests.shop import Buyer, Shop, open_shop

SECRET = "whsec_of_the_tests"
GOOD, DECLINED, ASKS, ASKS_THEN_DECLINED = (
    "4242424242424242", "4000000000000341", "4000002500003155", "4000008400001629",
)  # fmt: skip
SOON = 2 * RETRY_AFTER


@dataclass
class Stage:
    """A shop with an offer of 10.00 (16.00 with shipping), paid through localstripe."""

    shop: Shop
    gateway: payments.Gateway
    wire: Wire
    client: httpx.AsyncClient
    letterbox: Letterbox
    offer: int

    async def order(self) -> Sale:
        """Placed, and known to Stripe."""
        buyer = await self.shop.buyer(0)
        placed = await buyer.place(await buyer.quote([(self.offer, 1)]), method="stripe")
        assert (placed.status_code, placed.json()["status"]) == (201, "awaiting_payment"), placed.text
        sale = Sale(self, buyer, parse("grp", placed.json()["id"]))
        await self.work()
        return sale

    async def work(self, after: timedelta = timedelta()) -> None:
        self.shop.clock.advance(after)
        await worker.run_until_idle(self.shop.db, self.gateway, self.client)

    async def ask(self, path: str, **form: Any) -> dict[str, Any]:
        """What localstripe says; with a form it is told something."""
        method = "POST" if form else "GET"
        answer = await self.client.request(method, self.gateway.url + path, data=form or None, auth=(KEY, ""))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@dataclass
class Sale:
    stage: Stage
    buyer: Buyer
    group: UUID

    async def status(self) -> tuple[str, str]:
        """(of the group, of its payment)."""
        async with self.stage.shop.db.read() as tx:
            row = await tx.conn.fetchrow(
                "select g.status, p.status from orders.order_group g join payments.payment p on p.id = g.id "
                "where g.id = $1", self.group,
            )  # fmt: skip
        assert row is not None
        return (row[0], row[1])

    async def intent(self) -> dict[str, Any]:
        """Ours, as Stripe knows it."""
        async with self.stage.shop.db.read() as tx:
            id_ = await tx.conn.fetchval("select external_id from payments.payment where id = $1", self.group)
        return await self.stage.ask(f"/v1/payment_intents/{id_}")

    async def card(self, number: str, **more: Any) -> httpx.Response:
        id_ = (await self.intent())["id"]
        return await localstripe.card(self.stage.client, self.stage.gateway.url, id_, number, **more)

    async def step(self) -> dict[str, Any]:
        told = await self.buyer.send("GET", f"/v1/groups/{show('grp', self.group)}/payment/step")
        assert told.status_code == 200, told.text
        step: dict[str, Any] = told.json()
        return step

    async def order_id(self) -> str:
        group = (await self.buyer.send("GET", f"/v1/groups/{show('grp', self.group)}")).json()
        found: str = group["orders"][0]["id"]
        return found

    async def refunded(self) -> list[int]:
        """What Stripe gave back, each by its amount."""
        told = await self.stage.ask(f"/v1/refunds?payment_intent={(await self.intent())['id']}")
        return [refund["amount"] for refund in told["data"]]


@pytest.fixture(scope="module")
async def stage(db_url: str) -> AsyncIterator[Stage]:
    letterbox, wire = Letterbox(), Wire()
    server = await asyncio.start_server(letterbox.serve, "127.0.0.1", 0)
    with localstripe.running() as url:
        async with server, httpx.AsyncClient(transport=wire) as client:
            hook = {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "secret": SECRET}
            localstripe.register(url, hook)
            known = payments.Gateway(url, "http://shop.test", SECRET.encode(), "stripe", KEY, "pk_test_1")
            async with open_shop(db_url, known, VirtualClock(RealClock().now())) as shop:
                offer = await shop.offer(await shop.seller(), 1_000, 1_000)
                yield Stage(shop, known, wire, client, letterbox, offer)
                await shop.audited()


async def test_authorized_captured_told_twice(stage: Stage) -> None:
    sale = await stage.order()
    assert await sale.status() == ("awaiting_payment", "pending")
    step = await sale.step()
    assert (step["status"], step["publishable_key"]) == ("requires_payment_method", "pk_test_1")
    assert step["client_secret"] == (await sale.intent())["client_secret"]
    await sale.card(GOOD)
    intent = await sale.intent()
    assert (intent["status"], intent["amount"], intent["currency"]) == ("requires_capture", 1_600, "usd")
    assert intent["metadata"] == {"reference": show("pmt", sale.group)}
    assert (await sale.step())["client_secret"] is None
    escrow = await stage.shop.balance("escrow")
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("placed", "captured")
    assert (await sale.intent())["status"] == "succeeded"
    assert await stage.shop.balance("escrow") == escrow + 1_600
    async with asyncio.timeout(10):
        while not stage.letterbox.letters:  # noqa: ASYNC110 - localstripe tells after a second
            await asyncio.sleep(0.05)
    signature, body = stage.letterbox.letters.pop()
    before = await stage.shop.state()
    for _ in range(2):
        told = await stage.shop.http.post("/v1/webhooks/stripe", content=body, headers={"stripe-signature": signature})
        assert told.status_code == 204, told.text
    await stage.work(RETRY_AFTER)
    assert await stage.shop.state() == before


async def test_a_webhook_that_is_not_stripes_moves_nothing(stage: Stage) -> None:
    """Whatever it says, and however long it is; and one that is only makes us look."""
    sale = await stage.order()
    intent = await sale.intent()
    data = {"object": intent | {"status": "succeeded", "amount_received": 1_600}}
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "created": 0, "data": data}
    body = json.dumps(event)
    now = int(stage.shop.clock.now().timestamp())

    async def send(body: str, secret: str, at: int) -> int:
        header = {"stripe-signature": WebhookSignature.generate_signature_header(body, secret, at)}
        return (await stage.shop.http.post("/v1/webhooks/stripe", content=body, headers=header)).status_code

    before = await stage.shop.state()
    refused = [await send(body, "whsec_another", now), await send(body, SECRET, now - 301)]
    refused += [(await stage.shop.http.post("/v1/webhooks/stripe", content=body)).status_code]
    assert [*refused, await send("x" * 70_000, SECRET, now)] == [400, 400, 400, 413]
    assert await stage.shop.state() == before
    assert await send(body, SECRET, now) == 204
    await stage.work()
    assert await sale.status() == ("awaiting_payment", "pending")


async def test_three_d_secure_and_cards_that_are_refused(stage: Stage) -> None:
    """Each leaves the payment open for the next card."""
    sale = await stage.order()
    assert (await sale.card(GOOD, exp_year=2018)).json()["error"]["code"] == "invalid_expiry_year"
    assert (await sale.card(DECLINED)).status_code == 402
    await stage.work(SOON)
    assert await sale.status() == ("awaiting_payment", "pending")
    assert ((await sale.step())["status"], (await sale.step())["refusal"]) == (
        "requires_payment_method", "card_declined",
    )  # fmt: skip
    paid = await stage.order()
    for success in (False, True):
        await paid.card(ASKS)
        step = await paid.step()
        assert step["status"] == "requires_action"
        intent = await paid.intent()
        await localstripe.authenticate(
            stage.client, stage.gateway.url, intent["id"], step["client_secret"], success=success
        )
        await stage.work(SOON)
        expected = ("placed", "captured") if success else ("awaiting_payment", "pending")
        assert await paid.status() == expected
        assert success or (await paid.step())["refusal"] == "payment_intent_authentication_failure"
    await stage.work(DEADLINE)
    assert await sale.status() == ("expired", "failed")
    assert (await sale.intent())["status"] == "canceled"


async def test_answers_that_are_lost(stage: Stage) -> None:
    """Localstripe forgets keys at once, as Stripe does after a day: nothing is charged or given back twice."""
    stage.wire.cut = 1
    sale = await stage.order()
    assert await sale.status() == ("awaiting_payment", "created")
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("awaiting_payment", "pending")
    await sale.card(GOOD)
    stage.wire.asked.clear()
    looks = [("GET", f"/v1/payment_intents/{(id_ := (await sale.intent())['id'])}")]
    capture = ("POST", f"/v1/payment_intents/{id_}/capture")
    stage.wire.asked.clear()
    stage.wire.cut = 0
    await _cut_second(stage, RETRY_AFTER)
    assert await sale.status() == ("awaiting_payment", "pending")
    assert (await sale.intent())["status"] == "succeeded"
    await stage.work(4 * RETRY_AFTER)
    assert await sale.status() == ("placed", "captured")
    assert [call for call in stage.wire.asked if call == capture] == [capture]
    assert looks[0] in stage.wire.asked
    assert (await sale.buyer.send("POST", f"/v1/orders/{await sale.order_id()}/cancel")).status_code == 204
    await _cut_second(stage)
    await stage.work(RETRY_AFTER)
    assert await sale.refunded() == [1_600]
    async with stage.shop.db.read() as tx:
        refund = await tx.conn.fetchval("select status from payments.refund where payment_id = $1", sale.group)
    assert refund == "done"


async def _cut_second(stage: Stage, after: timedelta = timedelta()) -> None:
    """The first call looks; the answer to the second, which does something, is lost."""
    passed = stage.wire.handle_async_request

    async def cut(request: httpx.Request) -> httpx.Response:
        stage.wire.cut = int(request.method == "POST")
        return await passed(request)

    stage.wire.handle_async_request = cut  # type: ignore[method-assign]
    await stage.work(after)
    stage.wire.handle_async_request = passed  # type: ignore[method-assign]


async def test_what_comes_too_late_is_never_charged_or_goes_back(stage: Stage) -> None:
    authorized, captured = await stage.order(), await stage.order()
    for sale in (authorized, captured):
        await sale.card(GOOD)
    await stage.ask(f"/v1/payment_intents/{(await captured.intent())['id']}/capture", amount_to_capture=1_600)
    for sale in (authorized, captured):
        taken_back = await sale.buyer.send("POST", f"/v1/groups/{show('grp', sale.group)}/cancel")
        assert taken_back.status_code == 204
    await stage.work()
    assert (await authorized.status(), (await authorized.intent())["status"]) == (("canceled", "failed"), "canceled")
    assert (await captured.status(), await captured.refunded()) == (("canceled", "returned"), [1_600])


async def test_a_part_of_what_is_authorized_is_captured(stage: Stage) -> None:
    """As the connector asks for it; Stripe lets go of the rest. No purchase of ours asks for less than all yet."""
    asked = PaymentAsked("pmt_part", 1_600, "USD", "http://shop.test")
    line = open_line(stage.client, stage.gateway)
    (create,) = stripe.create(asked)
    known = create.parse(*await line.send(create.request))
    assert isinstance(known, Created)
    await localstripe.card(stage.client, stage.gateway.url, known.external_id, GOOD)
    for _ in range(2):  # again it is found captured
        told = None
        for step in stripe.look(asked, known.external_id, 900):
            told = step.parse(*await line.send(step.request))
            if told is not None:
                break
        assert told == Standing(known.external_id, "captured")
    intent = await stage.ask(f"/v1/payment_intents/{known.external_id}")
    assert (intent["latest_charge"]["amount"], intent["latest_charge"]["amount_refunded"]) == (1_600, 700)


async def test_more_than_was_captured_is_never_asked_back(stage: Stage) -> None:
    """Somebody gave back a part at Stripe itself; localstripe would give the rest twice."""
    sale = await stage.order()
    await sale.card(GOOD)
    await stage.work(RETRY_AFTER)
    by_hand = {"payment_intent": (await sale.intent())["id"], "amount": 100, "metadata[by]": "hand"}
    await stage.ask("/v1/refunds", **by_hand)
    assert (await sale.buyer.send("POST", f"/v1/orders/{await sale.order_id()}/cancel")).status_code == 204
    await stage.work()
    assert await sale.refunded() == [100]
    async with stage.shop.db.read() as tx:
        told = await tx.conn.fetchval("select refusal from payments.refund where payment_id = $1", sale.group)
    assert told == "more_than_captured"


async def test_a_capture_of_another_amount_is_no_order(stage: Stage) -> None:
    """Somebody captured less at Stripe itself: that is asked about until the operator sees it."""
    sale = await stage.order()
    await sale.card(GOOD)
    await stage.ask(f"/v1/payment_intents/{(await sale.intent())['id']}/capture", amount_to_capture=1_599)
    await stage.work(RETRY_AFTER)
    assert await sale.status() == ("awaiting_payment", "pending")
    await stage.work(DEADLINE)
    assert await sale.status() == ("expired", "canceling")
