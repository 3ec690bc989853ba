"""The sandbox gateway (entrepot.world.gateway) as pure halves: what to ask, and what an answer means. No I/O
here.

    request = build_create(asked)                  # intent: a committed row holds the facts in `asked`
    answer = await outside.call(...)               # call: with request.key, outside any transaction
    parse_created(asked, answer.status_code, answer.content)  # record: Created, Declined, ...

It captures what its buyer approves: nothing is ever only authorized. What all gateways' files have in common is said
in types.py (Connector).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from entrepot.payments.gateways.types import (
    EXTERNAL_ID,
    WEBHOOK_TOLERANCE,
    AnswerError,
    BusyError,
    Created,
    Declined,
    DisputeHint,
    ExternalId,
    GatewayRefused,
    Mismatch,
    PaymentAsked,
    PaymentTold,
    RefundAsked,
    Refunded,
    RefundTold,
    Standing,
    Step,
    WebhookError,
    WebhookEvent,
    payment_mismatch,
    refund_mismatch,
    standing,
)

SIGNATURE_HEADER = "entrepot-signature"
REFUSALS = frozenset({400, 404, 409, 413, 422})
"""Statuses that say no for good. Others (401 is our key) may be cured, so they raise AnswerError."""

EventType = Literal[
    "payment.captured", "payment.failed", "payment.canceled", "refund.done", "dispute.opened", "dispute.withdrawn",
    "dispute.answered", "dispute.closed",
]  # fmt: skip


class OutRequest(msgspec.Struct, frozen=True):
    """What to send: `path` is below the gateway's base address, `key` is the Idempotency-Key."""

    method: str
    path: str
    body: bytes
    key: str


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


def create(asked: PaymentAsked) -> list[Step]:
    return [Step(build_create(asked), partial(parse_created, asked))]


def look(asked: PaymentAsked, external_id: str, capture_minor: int) -> list[Step]:  # noqa: ARG001 - of a Connector
    return [Step(build_get(asked, external_id), partial(parse_got, asked, external_id))]


def cancel(asked: PaymentAsked, external_id: str, capture_minor: int) -> list[Step]:  # noqa: ARG001 - of a Connector
    return [Step(build_cancel(asked, external_id), partial(parse_canceled, asked, external_id))]


def refund(asked: RefundAsked) -> list[Step]:
    return [Step(build_refund(asked), partial(parse_refunded, asked))]


def build_create(asked: PaymentAsked) -> OutRequest:
    return OutRequest("POST", "/payments", msgspec.json.encode(asked), asked.reference)


def parse_created(asked: PaymentAsked, status: int, body: bytes) -> Created | Declined | GatewayRefused | Mismatch:
    if status not in (200, 201):
        return refusal_of(status, body)
    told = _payment(body)
    if mismatch := payment_mismatch(asked, told):
        return mismatch
    if told.status == "failed":
        return Declined(told.id)
    if told.redirect_url is None:
        raise AnswerError("a payment without redirect_url")
    return Created(told.id, told.status, told.redirect_url)


def build_get(asked: PaymentAsked, external_id: str) -> OutRequest:
    return OutRequest("GET", f"/payments/{path_part(external_id)}", b"", asked.reference)


def parse_got(asked: PaymentAsked, external_id: str, status: int, body: bytes) -> Standing | GatewayRefused | Mismatch:
    if status != 200:
        return refusal_of(status, body)
    return standing(asked, external_id, _payment(body))


def build_cancel(asked: PaymentAsked, external_id: str) -> OutRequest:
    return OutRequest("POST", f"/payments/{path_part(external_id)}/cancel", b"", asked.reference)


def parse_canceled(
    asked: PaymentAsked, external_id: str, status: int, body: bytes
) -> Standing | GatewayRefused | Mismatch:
    if status == 409:  # the answer to a cancel that comes too late is the payment as it stands
        return standing(asked, external_id, _payment(body))
    return parse_got(asked, external_id, status, body)


def build_refund(asked: RefundAsked) -> OutRequest:
    body = {"amount_minor": asked.amount_minor, "reference": asked.reference}
    path = f"/payments/{path_part(asked.payment_id)}/refunds"
    return OutRequest("POST", path, msgspec.json.encode(body), asked.reference)


def parse_refunded(asked: RefundAsked, status: int, body: bytes) -> Refunded | GatewayRefused | Mismatch:
    if status not in (200, 201):
        return refusal_of(status, body)
    told = _refund(body)
    return refund_mismatch(asked, told) or Refunded(told.id)


def parse_webhook(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
    """By its header `Entrepot-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`."""
    match = _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, ""))
    if match is None:
        raise WebhookError("no signature in the right form")
    if not hmac.compare_digest(_mac(secret, match[1], body), match[2]):
        raise WebhookError("the signature does not fit")
    # The time is part of what is signed, so it is judged only once it is known to be the sender's.
    if abs(now.timestamp() - int(match[1])) > WEBHOOK_TOLERANCE.total_seconds():
        raise WebhookError("too old, or from the future")
    try:
        envelope = decode(body, _Envelope)
        data = bytes(envelope.data)
        if envelope.type.startswith("dispute."):
            hint, at = decode(data, DisputeHint), datetime.fromtimestamp(envelope.created_at, UTC)
            return WebhookEvent(envelope.id, envelope.type, at, hint)
        told = _refund(data) if envelope.type == "refund.done" else _payment(data)
    except AnswerError as bad:
        raise WebhookError("malformed") from bad
    if told.status != _STATUS_OF_TYPE[envelope.type]:
        raise WebhookError("its type and its data contradict each other")
    return WebhookEvent(envelope.id, envelope.type, datetime.fromtimestamp(envelope.created_at, UTC), told)


def _mac(secret: bytes, stamp: str, body: bytes) -> str:
    return hmac.digest(secret, stamp.encode() + b"." + body, "sha256").hex()


def _payment(body: bytes) -> PaymentTold:
    told = decode(body, PaymentTold)
    if told.status == "authorized":
        raise AnswerError("a payment that is only authorized")
    return told


def _refund(body: bytes) -> RefundTold:
    told = decode(body, RefundTold)
    if told.status != "done":
        raise AnswerError("a refund that is not done")
    return told


def refusal_of(status: int, body: bytes) -> GatewayRefused:
    if status == 429:
        raise BusyError("too many calls")
    if status not in REFUSALS:
        raise AnswerError(f"status {status}")
    return GatewayRefused(status, decode(body, _Error).error)


def decode(body: bytes, into: type[Told]) -> Told:
    try:
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"not a {into.__name__.strip('_')}: {type(error).__name__}") from error


def path_part(external_id: str) -> str:
    """The id as it stands in a path. Raises ValueError for one that no answer of the gateway can have given
    us."""
    if re.search(EXTERNAL_ID, external_id) is None:
        raise ValueError("not an id of the gateway")
    return external_id
