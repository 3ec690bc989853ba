"""The Stripe connector: what goes out, to the byte; what each answer means; which webhooks are believed. Names of
parameters and members are held against Stripe's own types, which it makes from its OpenAPI description."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest
import stripe as stripes_own
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit import outside
from entrepot.payments.gateways import lines, stripe
from entrepot.payments.gateways.types import (
    Action,
    AnswerError,
    Created,
    GatewayRefused,
    Hint,
    Mismatch,
    PaymentAsked,
    RefundAsked,
    Refunded,
    RefundTold,
    Standing,
    Step,
    TransferAsked,
    Transferred,
    WebhookError,
)

ASKED = PaymentAsked("pmt_1", 1_250, "USD", "https://shop.test/orders/grp_1")
REFUND = RefundAsked("rfd_1", "pi_1", 250, "USD", 1_250)
TRANSFER = TransferAsked("pay_1", "acct_1", 9_700, "EUR")
INTENT = {
    "id": "pi_1", "object": "payment_intent", "amount": 1_250, "amount_received": 0, "amount_capturable": 0,
    "currency": "usd", "status": "requires_payment_method", "metadata": {"reference": "pmt_1"}, "next_action": None,
    "client_secret": "pi_1_secret_x", "last_payment_error": None, "latest_charge": None, "capture_method": "manual",
    "livemode": False,
}  # fmt: skip
BACK = {
    "id": "re_1", "object": "refund", "amount": 250, "currency": "usd", "payment_intent": "pi_1", "status": "succeeded",
    "metadata": {"reference": "rfd_1"}, "charge": "ch_1", "reason": None,
}  # fmt: skip
MOVED = {
    "id": "tr_1", "object": "transfer", "amount": 9_700, "amount_reversed": 0, "currency": "eur", "reversed": False,
    "destination": "acct_1", "metadata": {"reference": "pay_1"}, "transfer_group": "pay_1", "livemode": False,
}  # fmt: skip
SECRET = b"whsec_test"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
GATEWAY = lines.Gateway("https://api.stripe.test", "https://shop.test", SECRET, "stripe", "sk_test_key", "pk_test_key")


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def listed(*items: dict[str, Any], more: bool = False) -> bytes:
    return encode({"object": "list", "data": items, "has_more": more, "url": "/v1/refunds"})


def captured(received: int = 1_250) -> bytes:
    return encode(INTENT | {"status": "succeeded", "amount_received": received})


CALLS = [
    (stripe.build_create(ASKED), "POST", "/v1/payment_intents", "pmt_1", stripes_own.params.PaymentIntentCreateParams, {
        "amount": "1250", "currency": "usd", "capture_method": "manual", "metadata[reference]": "pmt_1",
    }),
    (stripe.build_get(ASKED, "pi_1"), "GET", "/v1/payment_intents/pi_1", "pmt_1",
     stripes_own.params.PaymentIntentRetrieveParams, {}),
    (stripe.build_capture(ASKED, "pi_1", 900), "POST", "/v1/payment_intents/pi_1/capture", None,
     stripes_own.params.PaymentIntentCaptureParams, {"amount_to_capture": "900"}),
    (stripe.build_cancel("pi_1"), "POST", "/v1/payment_intents/pi_1/cancel", None,
     stripes_own.params.PaymentIntentCancelParams, {}),
    (stripe.build_find_refund(REFUND), "GET", "/v1/refunds", "rfd_1", stripes_own.params.RefundListParams,
     {"payment_intent": "pi_1", "limit": "100"}),
    (stripe.build_refund(REFUND), "POST", "/v1/refunds", "rfd_1", stripes_own.params.RefundCreateParams,
     {"payment_intent": "pi_1", "amount": "250", "metadata[reference]": "rfd_1"}),
    (stripe.build_find_transfer(TRANSFER), "GET", "/v1/transfers", "pay_1", stripes_own.params.TransferListParams,
     {"transfer_group": "pay_1", "limit": "1"}),
    (stripe.build_transfer(TRANSFER), "POST", "/v1/transfers", "pay_1", stripes_own.params.TransferCreateParams, {
        "amount": "9700", "currency": "eur", "destination": "acct_1", "transfer_group": "pay_1",
        "metadata[reference]": "pay_1",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("call", "method", "path", "key", "known", "form"), CALLS)
async def test_what_goes_out_is_what_stripe_knows(
    call: stripe.Call, method: str, path: str, key: str | None, known: type, form: dict[str, str]
) -> None:
    """Through Stripe's own client and ours, once."""
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=INTENT)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        told = await lines.open_line(client, GATEWAY).send(call)
    assert (told[0], msgspec.json.decode(told[1])) == (200, INTENT)
    (request,) = seen
    assert (request.method, request.url.path) == (method, path)
    assert dict(parse_qsl((request.url.query or request.content).decode())) == form
    assert request.headers["authorization"] == "Bearer sk_test_key"
    assert request.headers["stripe-version"] == stripes_own.api_version
    assert key is None or request.headers["idempotency-key"] == key
    assert len(request.headers.get_list("content-type")) == 1
    assert "telemetry" not in str(request.headers).lower()
    assert call.params.keys() <= known.__annotations__.keys()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (stripe._Received, stripes_own.PaymentIntent), (stripe._Refund, stripes_own.Refund),
        (stripe._Transfer, stripes_own.Transfer), (stripe._Refunds, stripes_own.ListObject),
        (stripe._Event, stripes_own.Event),
    ],
)  # fmt: skip
def test_what_is_read_is_what_stripe_tells(ours: type[msgspec.Struct], theirs: type) -> None:
    assert set(ours.__struct_fields__) <= {
        name for kind in theirs.__mro__ for name in vars(kind).get("__annotations__", ())
    }


@pytest.mark.parametrize(
    ("currency", "minor", "units"),
    [
        ("USD", 1, 1), ("EUR", 123_456, 123_456), ("JPY", 500, 500), ("KWD", 1_230, 1_230), ("KWD", 1_234, None),
        ("BHD", 10, 10), ("TND", 5, None), ("ISK", 500, 50_000), ("UGX", 7, 700), ("MGA", 300, 3), ("MGA", 350, None),
        ("HUF", 12_345, 12_345), ("CLP", 990, 990),
    ],
)  # fmt: skip
def test_amounts_are_written_as_stripe_counts_or_not_at_all(currency: str, minor: int, units: int | None) -> None:
    assert stripe.units_of(currency, minor) == units
    asked = PaymentAsked("pmt_1", minor, currency, "https://shop.test")
    assert len(stripe.create(asked)) == (units is not None)
    assert len(stripe.refund(RefundAsked("rfd_1", "pi_1", minor, currency))) == 2 * (units is not None)
    if units is not None:
        assert stripe.build_create(asked).params["amount"] == units
        assert stripe.minor_of(currency, units) == minor


def test_what_no_amount_of_ours_is() -> None:
    assert [stripe.minor_of("ISK", 50_001), stripe.minor_of("MGA", 3)] == [-1, 300]


def run(steps: list[Step], *answers: tuple[int, bytes]) -> Any:
    """What the steps tell of these answers; all of them are asked for."""
    told = None
    for step, answer in zip(steps, answers, strict=False):
        assert told is None
        told = step.parse(*answer)
    return told


def test_a_payment_is_known_then_authorized_then_captured() -> None:
    assert run(stripe.create(ASKED), (200, encode(INTENT))) == Created(
        "pi_1", "requires_action", "https://shop.test/orders/grp_1/pay"
    )
    look = stripe.look(ASKED, "pi_1", 1_250)
    for status in ("requires_payment_method", "requires_confirmation", "requires_action", "processing"):
        assert run(look, (200, encode(INTENT | {"status": status}))) == Standing("pi_1", "requires_action")
    authorized = encode(INTENT | {"status": "requires_capture"})
    assert run(look, (200, authorized)) is None
    assert run(look, (200, authorized), (200, captured())) == Standing("pi_1", "captured")
    assert run(look, (200, encode(INTENT | {"status": "canceled"}))) == Standing("pi_1", "canceled")
    part = stripe.look(ASKED, "pi_1", 900)
    assert run(part, (200, authorized), (200, captured(900))) == Standing("pi_1", "captured")
    for other in (stripe.look(ASKED, "pi_1", 900), stripe.cancel(ASKED, "pi_1", 900)):
        with pytest.raises(AnswerError, match="1250 were captured instead of 900"):
            run(other, (200, captured()))
    with pytest.raises(AnswerError, match="refused: charge_expired_for_capture"):
        run(look, (200, authorized), (400, failure("charge_expired_for_capture")))


def failure(code: str, kind: str = "invalid_request_error") -> bytes:
    return encode({"error": {"code": code, "type": kind, "message": "Something that a person typed"}})


def test_what_cannot_be_canceled_is_looked_at() -> None:
    cancel = stripe.cancel(ASKED, "pi_1", 1_250)
    assert run(cancel, (200, encode(INTENT | {"status": "canceled"}))) == Standing("pi_1", "canceled")
    late = failure("payment_intent_unexpected_state")
    assert run(cancel, (400, late), (200, captured())) == Standing("pi_1", "captured")
    for steps in (cancel, stripe.look(ASKED, "pi_1", 1_250), stripe.refund(REFUND), stripe.transfer(TRANSFER)):
        with pytest.raises(AnswerError, match="refused: resource_missing"):  # keys of another account, perhaps
            run(steps, (404, failure("resource_missing")))
    assert run(stripe.create(ASKED), (400, failure("amount_too_small"))) == GatewayRefused(400, "amount_too_small")
    assert run(stripe.create(ASKED), (200, captured())) == Created("pi_1", "requires_action", f"{ASKED.return_url}/pay")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 1_251}, "amount_minor"), ({"currency": "eur"}, "currency"), ({"metadata": {}}, "reference"),
        ({"metadata": {"reference": "pmt_2"}}, "reference"),
    ],
)  # fmt: skip
def test_an_echo_that_differs_is_a_mismatch_whatever_the_status_is(change: dict[str, Any], field: str) -> None:
    for status in ("requires_capture", "succeeded", "canceled"):
        body = encode(INTENT | {"status": status, "amount_received": 1_250} | change)
        for steps in (stripe.create(ASKED), stripe.look(ASKED, "pi_1", 1_250), stripe.cancel(ASKED, "pi_1", 1_250)):
            told = run(steps, (200, body))
            assert isinstance(told, Mismatch)
            assert told.field == field
    other = run(stripe.look(ASKED, "pi_2", 1_250), (200, captured()))
    assert other == Mismatch("id", "pi_2", "pi_1")


def test_a_refund_is_looked_for_before_it_is_asked_for() -> None:
    refund = stripe.refund(REFUND)
    assert run(refund, (200, listed(BACK))) == Refunded("re_1")
    assert run(refund, (200, listed()), (200, encode(BACK))) == Refunded("re_1")
    assert run(refund, (200, listed()), (200, encode(BACK | {"status": "pending"}))) == Refunded("re_1")
    assert run(refund, (200, listed(BACK | {"status": "failed"}))) == GatewayRefused(200, "refund_failed")
    assert run(refund, (200, listed(BACK | {"amount": 251}))) == Mismatch("amount_minor", "250", "251")
    others = BACK | {"id": "re_2", "metadata": None}
    assert run(refund, (200, listed(others | {"amount": 1_000}))) is None
    assert run(refund, (200, listed(others | {"amount": 1_001}))) == GatewayRefused(200, "more_than_captured")
    assert run(refund, (200, listed(others | {"amount": 1_250, "status": "canceled"}))) is None
    assert run(refund, (200, listed(BACK, more=True))) == Refunded("re_1")
    assert run(refund, (200, listed(more=True))) == GatewayRefused(200, "too_many_refunds")
    gone = run(refund, (200, listed()), (400, failure("charge_already_refunded")))
    assert gone == GatewayRefused(400, "charge_already_refunded")


def test_a_transfer_to_a_connected_account() -> None:
    transfer = stripe.transfer(TRANSFER)
    assert run(transfer, (200, listed(MOVED))) == Transferred("tr_1")
    assert run(transfer, (200, listed()), (200, encode(MOVED))) == Transferred("tr_1")
    for change, field in (
        ({"amount": 9_701}, "amount_minor"), ({"currency": "usd"}, "currency"), ({"metadata": {}}, "reference"),
        ({"destination": "acct_2"}, "destination"), ({"amount_reversed": 1}, "amount_reversed"),
    ):  # fmt: skip
        told = run(transfer, (200, listed()), (200, encode(MOVED | change)))
        assert isinstance(told, Mismatch)
        assert told.field == field
    back = MOVED | {"amount_reversed": MOVED["amount"]}
    assert run(transfer, (200, listed(back))) == GatewayRefused(200, "transfer_reversed")
    poor = run(transfer, (200, listed()), (400, failure("balance_insufficient")))
    assert poor == GatewayRefused(400, "balance_insufficient")
    assert stripe.transfer(TransferAsked("pay_1", "acct_1", 1_234, "KWD")) == []


def test_what_the_buyer_has_to_do() -> None:
    def told(**change: Any) -> Any:
        return stripe.parse_action(ASKED, "pi_1", 200, encode(INTENT | change))

    assert told() == Action("requires_payment_method", "pi_1_secret_x", None)
    expired = {"code": "expired_card", "decline_code": None, "type": "card_error", "message": "Your card has expired."}
    assert told(last_payment_error=expired) == Action("requires_payment_method", "pi_1_secret_x", "expired_card")
    poor = expired | {"code": "card_declined", "decline_code": "insufficient_funds"}
    assert told(last_payment_error=poor).refusal == "insufficient_funds"
    assert told(status="requires_action") == Action("requires_action", "pi_1_secret_x", None)
    for status in ("processing", "requires_capture", "succeeded", "canceled"):
        assert told(status=status) == Action(status, None, None)
    assert isinstance(told(amount=1), Mismatch)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, failure("api_key_expired")), (403, failure("forbidden")), (409, failure("idempotency_key_in_use")),
        (429, failure("rate_limit")), (400, failure("rate_limit")), (302, b""), (200, b"{}"), (200, b"<html>"),
        (200, b""), (200, encode(INTENT | {"id": "../refunds"})),
        (200, encode(INTENT | {"status": "requires_a_dance"})),
        (200, encode(INTENT | {"amount": 12.5})), (404, b"gone"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_asked_again(status: int, body: bytes) -> None:
    for steps in (stripe.create(ASKED), stripe.look(ASKED, "pi_1", 1_250), stripe.cancel(ASKED, "pi_1", 1_250)):
        with pytest.raises(outside.OutsideError):
            run(steps, (status, body))


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_no_answer_raises_anything_but_answer_error(status: int, body: bytes) -> None:
    for step in (
        *stripe.create(ASKED),
        *stripe.look(ASKED, "pi_1", 1),
        *stripe.refund(REFUND),
        *stripe.transfer(TRANSFER),
    ):
        with suppress(AnswerError):
            step.parse(status, body)


@pytest.mark.parametrize("id_", ["", "../refunds", "pi_1/capture", "pi 1", "pi_1\n", "x" * 65])
def test_an_id_that_stripe_never_gave_is_not_put_in_a_path(id_: str) -> None:
    for build in (stripe.look, stripe.cancel):
        with pytest.raises(ValueError, match="not an id of the gateway"):
            build(ASKED, id_, 1_250)


async def test_a_refusal_keeps_its_status_and_nothing_tells_the_key() -> None:
    """Also what is no JSON; a server's error, a line that breaks and a transaction are not Stripe's refusals."""
    answers = iter([
        httpx.Response(402, content=failure("card_declined")), httpx.Response(429, content=failure("rate_limit")),
        httpx.Response(200, content=b"<html>"), httpx.Response(500, content=b"{}"),
    ])  # fmt: skip

    async def answer(_: httpx.Request) -> httpx.Response:
        return next(answers)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        send = lines.open_line(client, GATEWAY).send
        call = stripe.build_create(ASKED)
        assert [(await send(call))[0] for _ in range(3)] == [402, 429, 200]
        with pytest.raises(outside.OutsideError) as broken:
            await send(call)
        token = outside.in_transaction.set(1)
        with pytest.raises(RuntimeError, match="inside a transaction"):
            await send(call)
        outside.in_transaction.reset(token)
    for text in (repr(GATEWAY), str(broken.value), repr(broken.value.__cause__)):
        assert "sk_test" not in text
        assert "whsec" not in text


# Webhooks


def event(kind: str, data: dict[str, Any]) -> bytes:
    return encode(
        {"id": "evt_1", "object": "event", "type": kind, "created": int(NOW.timestamp()), "data": {"object": data}}
    )


def signed(body: bytes, at: datetime = NOW, secret: bytes = SECRET) -> dict[str, str]:
    header = stripes_own.WebhookSignature.generate_signature_header(body.decode(), secret.decode(), int(at.timestamp()))
    return {"stripe-signature": header}


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("payment_intent.succeeded", INTENT, Hint("pi_1", "pmt_1", False)),
        ("payment_intent.amount_capturable_updated", INTENT, Hint("pi_1", "pmt_1", False)),
        ("payment_intent.canceled", INTENT | {"metadata": {}}, Hint("pi_1", "", True)),
        ("payment_intent.payment_failed", INTENT, None),
        ("customer.created", {"id": "cus_1"}, None),
        ("refund.updated", BACK, None),
        ("refund.failed", BACK | {"status": "failed"}, RefundTold("re_1", "pi_1", "failed", 250, "USD", "rfd_1")),
    ],
)
def test_what_webhooks_tell(kind: str, data: dict[str, Any], told: Any) -> None:
    body = event(kind, data)
    heard = stripe.parse_webhook(SECRET, signed(body), body, NOW)
    assert (heard.event_id, heard.type, heard.created_at, heard.told) == ("evt_1", kind, NOW, told)


def test_a_webhook_is_good_for_five_minutes_and_by_its_own_signature() -> None:
    body = event("payment_intent.succeeded", INTENT)
    own = signed(body)["stripe-signature"]
    both = {"stripe-signature": f"{own},v1={'0' * 64},v0=abc"}  # while a secret is being replaced
    for seconds in (-300, 0, 300):
        assert stripe.parse_webhook(SECRET, both, body, NOW + timedelta(seconds=seconds)).event_id == "evt_1"
    bad: list[tuple[dict[str, str], bytes, int]] = [
        (signed(body), body, 301), (signed(body), body, -301), (signed(body, secret=b"whsec_other"), body, 0),
        (signed(body), body + b" ", 0), ({}, body, 0), ({"stripe-signature": ""}, body, 0),
        ({"stripe-signature": own.replace("v1", "v0")}, body, 0), ({"stripe-signature": f"t=1,{own}"}, body, 0),
        ({"stripe-signature": own + ",v1=é"}, body, 0), ({"stripe-signature": own + "," * 1_000}, body, 0),
        (signed(b"[]"), b"[]", 0), (signed(b"{}"), b"{}", 0), ({"stripe-signature": own}, b"\xff", 0),
        (signed(broken := event("payment_intent.succeeded", {})), broken, 0),
    ]  # fmt: skip
    for headers, sent, seconds in bad:
        with pytest.raises(WebhookError):
            stripe.parse_webhook(SECRET, headers, sent, NOW + timedelta(seconds=seconds))


@given(header=st.text(max_size=100), body=st.binary(max_size=100))
def test_no_webhook_raises_anything_but_webhook_error(header: str, body: bytes) -> None:
    with pytest.raises(WebhookError):
        stripe.parse_webhook(SECRET, {"stripe-signature": header}, body, NOW)
