"""Two providers in memory, at which everything can be made to happen in any order: a sandbox gateway, and as much of
Stripe as the connector asks for. That one forgets every key at once."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any, Protocol
from urllib.parse import parse_qsl

import httpx
import msgspec
from stripe import WebhookSignature

from entrepot import payments
from entrepot.kit.clock import VirtualClock
from entrepot.world import faults
from entrepot.world.gateway_webhooks import sign

SECRET = b"whsec_of_the_tests"


class Provider(Protocol):
    """`reference` is ours. While `cut`, answers that tell of money are lost, after what was asked for was done."""

    gateway: payments.Gateway
    cut: bool

    def knows(self, reference: str) -> bool: ...

    def approve(self, reference: str) -> None:
        """The buyer pays, if it is not too late."""

    def letter(self, reference: str) -> tuple[dict[str, str], bytes] | None:
        """The webhook that tells of it, signed as of now."""

    def taken(self, reference: str) -> list[tuple[int, int]]:
        """(captured, given back) of each charge."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response: ...


class Sandbox(faults.Bank):
    gateway = payments.Gateway(faults.URL, "http://shop.test", SECRET)

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(Random(7), clock)
        self.clock, self.cut = clock, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if self.cut:
            raise httpx.ReadError("broken off")
        return answer

    def knows(self, reference: str) -> bool:
        return any(payment.order.reference == reference for payment in self.book.payments.values())

    def approve(self, reference: str) -> None:
        for payment in self.open_payments():
            if payment.order.reference == reference:
                self.book.decide(payment.id, "captured")

    def letter(self, reference: str) -> tuple[dict[str, str], bytes] | None:
        for event in self.letters:
            if event.type == "payment.captured" and event.data["reference"] == reference:
                body = msgspec.json.encode(event)
                return {"entrepot-signature": sign(SECRET, self.clock.now(), body)}, body
        return None

    def taken(self, reference: str) -> list[tuple[int, int]]:
        return [
            (payment.order.amount_minor, payment.refunded_minor)
            for payment in self.book.payments.values()
            if payment.order.reference == reference and payment.status == "captured"
        ]


class Stripe(httpx.AsyncBaseTransport):
    gateway = payments.Gateway("http://stripe.test", "http://shop.test", SECRET, "stripe", "sk_test_1", "pk_test_1")

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.cut = clock, False
        self._intents: dict[str, dict[str, Any]] = {}
        self._refunds: list[dict[str, Any]] = []
        self.transfers: list[dict[str, Any]] = []
        self.disputes: list[dict[str, Any]] = []
        self.refusal = ""
        self._numbers = count(1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl((request.url.query or request.content).decode()))
        answer = self._answer(request.method, request.url.path.split("/")[2:], form)
        if self.cut and request.method == "POST":
            raise httpx.ReadError("broken off")
        return answer

    def _answer(self, method: str, path: list[str], form: dict[str, str]) -> httpx.Response:
        match method, path:
            case "POST", ["payment_intents"]:
                return httpx.Response(200, json=self._made("pi", form, "requires_payment_method"))
            case "GET", ["payment_intents", id_]:
                return httpx.Response(200, json=self._intents[id_])
            case "POST", ["payment_intents", id_, "capture"]:
                received = {"status": "succeeded", "amount_received": int(form["amount_to_capture"])}
                return self._changed(id_, ("requires_capture",), received)
            case "POST", ["payment_intents", id_, "cancel"]:
                return self._changed(id_, ("requires_payment_method", "requires_capture"), {"status": "canceled"})
            case "GET", ["transfers"]:
                found = [one for one in self.transfers if one["transfer_group"] == form["transfer_group"]]
                return httpx.Response(200, json={"data": found, "has_more": False})
            case "POST", ["transfers"]:
                if self.refusal:
                    failure = {"code": self.refusal, "type": "invalid_request_error"}
                    return httpx.Response(400, json={"error": failure})
                given = {name: form[name] for name in ("destination", "transfer_group")} | {"amount_reversed": 0}
                self.transfers.append(self._made("tr", form, "") | given)
                return httpx.Response(200, json=self.transfers[-1])
            case "GET", ["disputes"]:
                return httpx.Response(200, json={"data": self.disputes, "has_more": False})
            case "GET", ["disputes", id_]:
                return httpx.Response(200, json=next(one for one in self.disputes if one["id"] == id_))
            case "GET", ["refunds"]:
                found = [one for one in self._refunds if one["payment_intent"] == form["payment_intent"]]
                return httpx.Response(200, json={"data": found, "has_more": False})
            case "POST", ["refunds"]:
                refund = self._made("re", form, "succeeded") | {"payment_intent": form["payment_intent"]}
                self._refunds.append(refund)
                return httpx.Response(200, json=refund)
        raise ValueError((method, path))

    def _made(self, prefix: str, form: dict[str, str], status: str) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": f"{prefix}_{next(self._numbers)}", "status": status, "amount": int(form["amount"]),
            "amount_received": 0, "currency": form.get("currency", "usd"), "client_secret": "secret",
            "metadata": {"reference": form["metadata[reference]"]},
        }  # fmt: skip
        if prefix == "pi":
            self._intents[made["id"]] = made
        return made

    def _changed(self, id_: str, when: tuple[str, ...], change: dict[str, Any]) -> httpx.Response:
        if self._intents[id_]["status"] not in when:
            failure = {"code": "payment_intent_unexpected_state", "type": "invalid_request_error"}
            return httpx.Response(400, json={"error": failure})
        self._intents[id_] |= change
        return httpx.Response(200, json=self._intents[id_])

    def _of(self, reference: str) -> list[dict[str, Any]]:
        return [one for one in self._intents.values() if one["metadata"]["reference"] == reference]

    def knows(self, reference: str) -> bool:
        return bool(self._of(reference))

    def approve(self, reference: str) -> None:
        """The page is of the last intent that was made: of one whose making nobody heard nobody has the secret."""
        intent = self._of(reference)[-1]
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_capture"

    def letter(self, reference: str) -> tuple[dict[str, str], bytes] | None:
        for intent in self._of(reference):
            if intent["status"] in ("requires_capture", "succeeded"):
                at = int(self.clock.now().timestamp())
                kind = "payment_intent.amount_capturable_updated"
                event = {"id": f"evt_{intent['id']}", "type": kind, "created": at, "data": {"object": intent}}
                body = msgspec.json.encode(event)
                header = WebhookSignature.generate_signature_header(body.decode(), SECRET.decode(), at)
                return {"stripe-signature": header}, body
        return None

    def taken(self, reference: str) -> list[tuple[int, int]]:
        return [
            (one["amount_received"], sum(r["amount"] for r in self._refunds if r["payment_intent"] == one["id"]))
            for one in self._of(reference)
            if one["status"] == "succeeded"
        ]
