"""The sandbox gateway (entrepot.world.gateway) as pure halves: what to ask, and what an answer means. No I/O
here.

    request = build_create(asked)                  # intent: a committed row holds the facts in `asked`
    answer = await outside.call(...)               # call: with request.key, outside any transaction
    parse_created(asked, answer.status_code, answer.content)  # record: Created, Declined, ...

What the gateway echoes (reference, amount, currency, ids) is compared with what was asked. A difference is a
Mismatch: nothing in such an answer may move money. An answer that cannot be understood raises AnswerError,
which is an OutsideError: what the other side did is unknown, ask again with the same key. A refusal
(GatewayRefused) is final.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from entrepot.kit.outside import OutsideError

SIGNATURE_HEADER = "entrepot-signature"
WEBHOOK_TOLERANCE = timedelta(minutes=5)
REFUSALS = frozenset({400, 404, 409, 413, 422})
"""Statuses that say no for good. Others (401 is our key, 429 is our haste) may be cured, so they raise
AnswerError."""
MISMATCH_MAX = 200  # characters of what a gateway told that we repeat

_EXTERNAL_ID = r"\A[A-Za-z0-9_-]{1,64}\Z"
ExternalId = Annotated[str, Meta(pattern=_EXTERNAL_ID)]
"""The gateway's id of something: safe in a path, a row and a log."""
PaymentStatus = Literal["requires_action", "captured", "failed", "canceled"]
EventType = Literal["payment.captured", "payment.failed", "payment.canceled", "refund.done"]


class AnswerError(OutsideError):
    """An answer that cannot be understood."""


class WebhookError(Exception):
    """A webhook that the gateway did not send, not now, or not in its form; the message says which."""


class PaymentAsked(msgspec.Struct, frozen=True):
    """What we ask to be paid: `amount_minor` of `currency` for `reference` (ours, unique); the buyer's
    browser comes back to `return_url`, which proves nothing."""

    reference: str
    amount_minor: int
    currency: str
    return_url: str


class RefundAsked(msgspec.Struct, frozen=True):
    """What we ask to be paid back of the payment that the gateway calls `payment_id`."""

    reference: str
    payment_id: str
    amount_minor: int
    currency: str


class OutRequest(msgspec.Struct, frozen=True):
    """What to send: `path` is below the gateway's base address, `key` is the Idempotency-Key."""

    method: str
    path: str
    body: bytes
    key: str


class Created(msgspec.Struct, frozen=True):
    """The gateway knows the payment. `status` may be any but failed, also captured: asked again, it says how
    it stands. The buyer decides at `redirect_url`."""

    external_id: str
    status: PaymentStatus
    redirect_url: str


class Declined(msgspec.Struct, frozen=True):
    """The payment failed for good: the buyer or the bank said no."""

    external_id: str


class Standing(msgspec.Struct, frozen=True):
    """How a payment stands, `refunded_minor` of it given back."""

    external_id: str
    status: PaymentStatus
    refunded_minor: int


class Refunded(msgspec.Struct, frozen=True):
    """The money went back."""

    external_id: str


class GatewayRefused(msgspec.Struct, frozen=True):
    """The gateway will not do it, however often it is asked: HTTP `status` and its own word, such as
    `key_conflict`."""

    status: int
    code: str


class Mismatch(msgspec.Struct, frozen=True):
    """The gateway speaks of something else than was asked: `field` should be `asked` and is `told`."""

    field: str
    asked: str
    told: str


class PaymentTold(msgspec.Struct, frozen=True):
    """A payment in the gateway's words. Members that we do not know are let pass: providers add them."""

    id: ExternalId
    status: PaymentStatus
    amount_minor: int
    currency: str
    reference: str
    refunded_minor: Annotated[int, Meta(ge=0)]
    redirect_url: Annotated[str, Meta(max_length=2_000, pattern=r"\Ahttps?://[!-~]+\Z")] | None = None


class RefundTold(msgspec.Struct, frozen=True):
    """A refund in the gateway's words."""

    id: ExternalId
    payment_id: ExternalId
    status: Literal["done"]
    amount_minor: int
    currency: str
    reference: str


class WebhookEvent(msgspec.Struct, frozen=True):
    """A genuine, fresh webhook. It may be a duplicate (store `event_id`) and out of order; `told` is still to
    be held against what was asked, with `payment_mismatch` or `refund_mismatch`."""

    event_id: str
    type: EventType
    created_at: datetime
    told: PaymentTold | RefundTold


class _Error(msgspec.Struct, frozen=True):
    error: Annotated[str, Meta(pattern=r"\A[a-z_]{1,64}\Z")]


class _Envelope(msgspec.Struct, frozen=True):
    id: ExternalId
    type: EventType
    created_at: Annotated[int, Meta(ge=0, le=253_402_300_799)]  # the last second of the year 9999
    data: msgspec.Raw


Told = TypeVar("Told")

_STATUS_OF_TYPE = {
    "payment.captured": "captured",
    "payment.failed": "failed",
    "payment.canceled": "canceled",
    "refund.done": "done",
}
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


def build_create(asked: PaymentAsked) -> OutRequest:
    return OutRequest("POST", "/payments", msgspec.json.encode(asked), asked.reference)


def parse_created(asked: PaymentAsked, status: int, body: bytes) -> Created | Declined | GatewayRefused | Mismatch:
    """Raises AnswerError."""
    if status not in (200, 201):
        return _refusal(status, body)
    told = _decode(body, PaymentTold)
    if mismatch := payment_mismatch(asked, told):
        return mismatch
    if told.status == "failed":
        return Declined(told.id)
    if told.redirect_url is None:
        raise AnswerError("a payment without redirect_url")
    return Created(told.id, told.status, told.redirect_url)


def build_get(asked: PaymentAsked, external_id: str) -> OutRequest:
    return OutRequest("GET", f"/payments/{_path_part(external_id)}", b"", asked.reference)


def parse_got(asked: PaymentAsked, external_id: str, status: int, body: bytes) -> Standing | GatewayRefused | Mismatch:
    """Raises AnswerError."""
    if status != 200:
        return _refusal(status, body)
    return _standing(asked, external_id, _decode(body, PaymentTold))


def build_cancel(asked: PaymentAsked, external_id: str) -> OutRequest:
    return OutRequest("POST", f"/payments/{_path_part(external_id)}/cancel", b"", asked.reference)


def parse_canceled(
    asked: PaymentAsked, external_id: str, status: int, body: bytes
) -> Standing | GatewayRefused | Mismatch:
    """A Standing whose status is not canceled means that the cancel came too late. Raises AnswerError."""
    if status == 409:  # the answer to a cancel that comes too late is the payment as it stands
        return _standing(asked, external_id, _decode(body, PaymentTold))
    return parse_got(asked, external_id, status, body)


def build_refund(asked: RefundAsked) -> OutRequest:
    body = {"amount_minor": asked.amount_minor, "reference": asked.reference}
    path = f"/payments/{_path_part(asked.payment_id)}/refunds"
    return OutRequest("POST", path, msgspec.json.encode(body), asked.reference)


def parse_refunded(asked: RefundAsked, status: int, body: bytes) -> Refunded | GatewayRefused | Mismatch:
    """Raises AnswerError."""
    if status not in (200, 201):
        return _refusal(status, body)
    told = _decode(body, RefundTold)
    return refund_mismatch(asked, told) or Refunded(told.id)


def payment_mismatch(asked: PaymentAsked, told: PaymentTold) -> Mismatch | None:
    """The first member that differs, or None."""
    return _difference(
        ("reference", asked.reference, told.reference),
        ("amount_minor", asked.amount_minor, told.amount_minor),
        ("currency", asked.currency, told.currency),
    )


def refund_mismatch(asked: RefundAsked, told: RefundTold) -> Mismatch | None:
    """The first member that differs, or None."""
    return _difference(
        ("reference", asked.reference, told.reference),
        ("payment_id", asked.payment_id, told.payment_id),
        ("amount_minor", asked.amount_minor, told.amount_minor),
        ("currency", asked.currency, told.currency),
    )


def parse_webhook(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
    """The event in a webhook that the holder of `secret` sent at most WEBHOOK_TOLERANCE before or after
    `now`, by its header `Entrepot-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`. The names
    of `headers` are in lower case, or the mapping does not mind. Raises WebhookError."""
    match = _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, ""))
    if match is None:
        raise WebhookError("no signature in the right form")
    if not hmac.compare_digest(_mac(secret, match[1], body), match[2]):
        raise WebhookError("the signature does not fit")
    # The time is part of what is signed, so it is judged only once it is known to be the sender's.
    if abs(now.timestamp() - int(match[1])) > WEBHOOK_TOLERANCE.total_seconds():
        raise WebhookError("too old, or from the future")
    try:
        envelope = _decode(body, _Envelope)
        kind: type[PaymentTold | RefundTold] = RefundTold if envelope.type == "refund.done" else PaymentTold
        told = _decode(bytes(envelope.data), kind)
    except AnswerError as bad:
        raise WebhookError("malformed") from bad
    if told.status != _STATUS_OF_TYPE[envelope.type]:
        raise WebhookError("its type and its data contradict each other")
    return WebhookEvent(envelope.id, envelope.type, datetime.fromtimestamp(envelope.created_at, UTC), told)


def _mac(secret: bytes, stamp: str, body: bytes) -> str:
    return hmac.digest(secret, stamp.encode() + b"." + body, "sha256").hex()


def _standing(asked: PaymentAsked, external_id: str, told: PaymentTold) -> Standing | Mismatch:
    mismatch = _difference(("id", external_id, told.id)) or payment_mismatch(asked, told)
    return mismatch or Standing(told.id, told.status, told.refunded_minor)


def _difference(*members: tuple[str, Any, Any]) -> Mismatch | None:
    for field, asked, told in members:
        if asked != told:
            return Mismatch(field, str(asked), str(told)[:MISMATCH_MAX])
    return None


def _refusal(status: int, body: bytes) -> GatewayRefused:
    if status not in REFUSALS:
        raise AnswerError(f"status {status}")
    return GatewayRefused(status, _decode(body, _Error).error)


def _decode(body: bytes, into: type[Told]) -> Told:
    try:
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"not a {into.__name__.strip('_')}: {type(error).__name__}") from error


def _path_part(external_id: str) -> str:
    """The id as it stands in a path. Raises ValueError for one that no answer of the gateway can have given
    us."""
    if re.search(_EXTERNAL_ID, external_id) is None:
        raise ValueError("not an id of the gateway")
    return external_id
