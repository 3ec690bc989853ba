"""The sandbox connector: what is asked, to the byte; what each answer means; which webhooks are believed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.outside import OutsideError
from entrepot.payments.gateways import sandbox
from entrepot.payments.gateways.sandbox import OutRequest
from entrepot.payments.gateways.types import (
    AnswerError,
    Created,
    Declined,
    GatewayRefused,
    Mismatch,
    PaymentAsked,
    PaymentTold,
    RefundAsked,
    Refunded,
    RefundTold,
    Standing,
    WebhookError,
    WebhookEvent,
    payment_mismatch,
)

ASKED = PaymentAsked("pay_1", 1250, "USD", "http://shop.example/orders/1")
URL = "http://127.0.0.1:8400/pay/sp_1"
PAYMENT = {
    "id": "sp_1", "status": "requires_action", "amount_minor": 1250, "currency": "USD", "reference": "pay_1",
    "refunded_minor": 0, "redirect_url": URL,
}  # fmt: skip
REFUND_ASKED = RefundAsked("ref_1", "sp_1", 250, "USD")
REFUND = {
    "id": "sr_1", "payment_id": "sp_1", "status": "done", "amount_minor": 250, "currency": "USD",
    "reference": "ref_1",
}  # fmt: skip

SECRET = b"whsec_test"
SENT_AT = datetime(2024, 5, 1, 12, tzinfo=UTC)  # 1714564800
CAPTURED = {k: v for k, v in PAYMENT.items() if k != "redirect_url"} | {"status": "captured"}
EVENT = {"id": "se_1", "type": "payment.captured", "created_at": 1714564790, "data": CAPTURED}


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def signed(body: bytes, at: datetime = SENT_AT, secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    return {"entrepot-signature": f"t={stamp},v1={sandbox._mac(secret, stamp, body)}"}


def test_what_is_asked() -> None:
    assert sandbox.build_create(ASKED) == OutRequest(
        "POST",
        "/payments",
        b'{"reference":"pay_1","amount_minor":1250,"currency":"USD","return_url":"http://shop.example/orders/1"}',
        "pay_1",
    )
    assert sandbox.build_get(ASKED, "sp_1") == OutRequest("GET", "/payments/sp_1", b"", "pay_1")
    assert sandbox.build_cancel(ASKED, "sp_1") == OutRequest("POST", "/payments/sp_1/cancel", b"", "pay_1")
    assert sandbox.build_refund(REFUND_ASKED) == OutRequest(
        "POST", "/payments/sp_1/refunds", b'{"amount_minor":250,"reference":"ref_1"}', "ref_1"
    )


@pytest.mark.parametrize("id_", ["", "../faults", "sp_1?x", "sp_1\n", "é", "a" * 65])
def test_an_id_that_no_gateway_gave_is_not_put_in_a_path(id_: str) -> None:
    with pytest.raises(ValueError, match="not an id of the gateway"):
        sandbox.build_get(ASKED, id_)


def test_answers_to_create() -> None:
    assert sandbox.parse_created(ASKED, 201, encode(PAYMENT)) == Created("sp_1", "requires_action", URL)
    assert sandbox.parse_created(ASKED, 200, encode(PAYMENT | {"status": "captured"})) == Created(
        "sp_1", "captured", URL
    )
    assert sandbox.parse_created(ASKED, 200, encode(PAYMENT | {"status": "failed"})) == Declined("sp_1")
    assert sandbox.parse_created(ASKED, 409, b'{"error":"key_conflict"}') == GatewayRefused(409, "key_conflict")


def test_answers_to_get_and_cancel() -> None:
    captured = encode(CAPTURED | {"refunded_minor": 50})
    canceled = encode(PAYMENT | {"status": "canceled"})
    assert sandbox.parse_got(ASKED, "sp_1", 200, captured) == Standing("sp_1", "captured")
    assert sandbox.parse_got(ASKED, "sp_1", 404, b'{"error":"not_found"}') == GatewayRefused(404, "not_found")
    assert sandbox.parse_got(ASKED, "sp_2", 200, captured) == Mismatch("id", "sp_2", "sp_1")
    assert sandbox.parse_canceled(ASKED, "sp_1", 200, canceled) == Standing("sp_1", "canceled")
    assert sandbox.parse_canceled(ASKED, "sp_1", 409, captured) == Standing("sp_1", "captured")
    assert sandbox.parse_canceled(ASKED, "sp_2", 409, captured) == Mismatch("id", "sp_2", "sp_1")


def test_answers_to_refund() -> None:
    assert sandbox.parse_refunded(REFUND_ASKED, 201, encode(REFUND)) == Refunded("sr_1")
    assert sandbox.parse_refunded(REFUND_ASKED, 409, b'{"error":"exceeds_captured"}') == GatewayRefused(
        409, "exceeds_captured"
    )


@pytest.mark.parametrize(("field", "told"), [("reference", "pay_2"), ("amount_minor", 1251), ("currency", "EUR")])
@pytest.mark.parametrize("status", ["requires_action", "captured", "failed", "canceled"])
def test_an_echo_that_differs_is_a_mismatch_whatever_the_status_is(field: str, told: object, status: str) -> None:
    expected = Mismatch(field, str(getattr(ASKED, field)), str(told))
    body = encode(PAYMENT | {"status": status, field: told})
    assert sandbox.parse_created(ASKED, 201, body) == expected
    assert sandbox.parse_got(ASKED, "sp_1", 200, body) == expected
    assert sandbox.parse_canceled(ASKED, "sp_1", 200, body) == expected
    assert sandbox.parse_canceled(ASKED, "sp_1", 409, body) == expected


@pytest.mark.parametrize(
    ("field", "told"),
    [("reference", "ref_2"), ("payment_id", "sp_2"), ("amount_minor", 249), ("currency", "EUR")],
)
def test_a_refunds_echo_that_differs_is_a_mismatch(field: str, told: object) -> None:
    answer = sandbox.parse_refunded(REFUND_ASKED, 201, encode(REFUND | {field: told}))
    assert answer == Mismatch(field, str(getattr(REFUND_ASKED, field)), str(told))


def test_a_mismatch_repeats_at_most_200_characters() -> None:
    answer = sandbox.parse_created(ASKED, 201, encode(PAYMENT | {"reference": "x" * 100_000}))
    assert answer == Mismatch("reference", "pay_1", "x" * 200)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b""),
        (201, b"<html>"),
        (201, b'{"new":' + b"[" * 100_000),
        (201, b'{"id":"\xff"}'),
        (201, b"{}"),
        (201, encode(PAYMENT | {"id": "../1"})),
        (201, encode(PAYMENT | {"id": "sp_1\n"})),
        (201, encode(PAYMENT | {"status": "paid"})),
        (201, encode(PAYMENT | {"amount_minor": 1250.0})[:-1] + b"0"),
        (201, encode(PAYMENT | {"amount_minor": "1250"})),
        (201, encode(PAYMENT | {"redirect_url": "javascript:alert(1)"})),
        (201, encode(PAYMENT | {"redirect_url": None})),
        (202, encode(PAYMENT)),
        (302, b""),
        (401, b'{"error":"unauthorized"}'),
        (404, b"<html>no such page</html>"),
        (409, b'{"error":"Bad Word!"}'),
        (429, b'{"error":"slow_down"}'),
        (503, b'{"error":"sandbox_full"}'),
    ],
)
def test_what_cannot_be_understood_is_asked_again(status: int, body: bytes) -> None:
    with pytest.raises(AnswerError) as caught:
        sandbox.parse_created(ASKED, status, body)
    assert isinstance(caught.value, OutsideError)


def test_a_webhook_by_its_exact_signature() -> None:
    # printf '1714564800.{"id":...}' | openssl dgst -sha256 -hmac whsec_test
    body = (
        b'{"id":"se_1","type":"refund.done","created_at":1714564790,"data":{"id":"sr_1","payment_id":"sp_1",'
        b'"status":"done","amount_minor":250,"currency":"USD","reference":"ref_1"}}'
    )
    header = "t=1714564800,v1=523e3676e1db166efe2734d65792353c6cea61e19a7fd88b55ebecbd89e38981"
    event = sandbox.parse_webhook(SECRET, {"entrepot-signature": header}, body, SENT_AT)
    assert event == WebhookEvent(
        "se_1",
        "refund.done",
        datetime(2024, 5, 1, 11, 59, 50, tzinfo=UTC),
        RefundTold("sr_1", "sp_1", "done", 250, "USD", "ref_1"),
    )


def test_a_webhooks_payment_is_held_against_what_was_asked() -> None:
    body = encode(EVENT)
    event = sandbox.parse_webhook(SECRET, signed(body), body, SENT_AT)
    assert event.told == PaymentTold("sp_1", "captured", 1250, "USD", "pay_1", 0)
    assert payment_mismatch(ASKED, event.told) is None
    more = PaymentAsked("pay_1", 1251, "USD", ASKED.return_url)
    assert payment_mismatch(more, event.told) == Mismatch("amount_minor", "1251", "1250")


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_webhook_is_good_for_five_minutes(seconds: int) -> None:
    body = encode(EVENT)
    event = sandbox.parse_webhook(SECRET, signed(body), body, SENT_AT + timedelta(seconds=seconds))
    assert event.event_id == "se_1"  # also when it is replayed: by this id the second one is seen to be the first


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_webhook_replayed_later_is_refused(seconds: int) -> None:
    body = encode(EVENT)
    with pytest.raises(WebhookError, match="too old"):
        sandbox.parse_webhook(SECRET, signed(body), body, SENT_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=" + "0" * 64,
        "t=1714564800",
        "t=1714564800,v1=" + "0" * 63,
        "t=1714564800,v1=" + "0" * 64 + "\n",
        "t=١٧١٤٥٦٤٨٠٠,v1=" + "0" * 64,
        "t=-1,v1=" + "0" * 64,
    ],
)
def test_a_webhook_without_a_signature_in_form_is_refused(header: str) -> None:
    with pytest.raises(WebhookError, match="no signature"):
        sandbox.parse_webhook(SECRET, {"entrepot-signature": header}, encode(EVENT), SENT_AT)


def test_a_tampered_webhook_is_refused() -> None:
    body = encode(EVENT)
    header = signed(body)["entrepot-signature"]
    later = header.replace("t=1714564800", "t=1714564801")
    last = "0" if header[-1] != "0" else "1"
    for secret, tampered, sent in (
        (SECRET, header, body.replace(b"1250", b"9250")),
        (SECRET, later, body),
        (SECRET, header[:-1] + last, body),
        (b"another", header, body),
    ):
        with pytest.raises(WebhookError, match="does not fit"):
            sandbox.parse_webhook(secret, {"entrepot-signature": tampered}, sent, SENT_AT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"new":' + b"[" * 100_000,
        encode(EVENT | {"type": "payment.maybe"}),
        encode(EVENT | {"created_at": -1}),
        encode(EVENT | {"created_at": 10**12}),
        encode(EVENT | {"data": REFUND}),
        encode(EVENT | {"type": "refund.done"}),
        encode(EVENT | {"type": "payment.failed"}),  # its data say captured
    ],
)
def test_a_signed_webhook_in_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookError, match=r"malformed|contradict"):
        sandbox.parse_webhook(SECRET, signed(body), body, SENT_AT)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
near = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from([PAYMENT.get(name), REFUND.get(name), EVENT.get(name), "failed"]) | scalars
        for name in (*PAYMENT, *EVENT, "payment_id", "error")
    },
)
bodies = st.binary(max_size=200) | near.map(encode)


@given(status=st.integers(100, 599), body=bodies)
def test_no_answer_raises_anything_but_answer_error(status: int, body: bytes) -> None:
    told: list[object] = []
    for parse in (
        lambda: sandbox.parse_created(ASKED, status, body),
        lambda: sandbox.parse_got(ASKED, "sp_1", status, body),
        lambda: sandbox.parse_canceled(ASKED, "sp_1", status, body),
        lambda: sandbox.parse_refunded(REFUND_ASKED, status, body),
    ):
        try:
            told.append(parse())
        except AnswerError:
            continue
    for result in told:
        # Good news is believed only of what was asked.
        if isinstance(result, Created | Declined | Standing):
            answer = msgspec.json.decode(body)
            assert [answer[name] for name in ("reference", "amount_minor", "currency")] == [
                "pay_1",
                1250,
                "USD",
            ]
        else:
            assert isinstance(result, Refunded | GatewayRefused | Mismatch)


@given(header=st.text(max_size=100), body=bodies, now=st.datetimes(timezones=st.just(UTC)))
def test_no_webhook_raises_anything_but_webhook_error(header: str, body: bytes, now: datetime) -> None:
    with pytest.raises(WebhookError):
        sandbox.parse_webhook(SECRET, {"entrepot-signature": header}, body, now)


@given(body=bodies | st.builds(lambda data: encode(EVENT | {"data": data}), near))
def test_no_signed_webhook_raises_anything_but_webhook_error(body: bytes) -> None:
    try:
        event = sandbox.parse_webhook(SECRET, signed(body), body, SENT_AT)
    except WebhookError:
        return
    assert event.type in ("payment.captured", "payment.failed", "payment.canceled", "refund.done")
