"""Stripe (https://docs.stripe.com/api) as pure halves: PaymentIntents, their capture by hand, refunds, Connect
transfers, signed webhooks. No I/O here; stripe_client.py sends a Call. What is in common: types.Connector.

The buyer gives the card to Stripe on our page (web/purchases.py), which authorizes it, with 3-D Secure where the bank
wants that: requires_capture, our `authorized`. We capture while the order waits for it, so that what comes too late is
canceled and never charged. A card that is declined or expired leaves the intent open for another one: only `canceled`
is the end of it.

Stripe forgets idempotency keys after a day, so before a refund or a transfer is asked for it is looked whether that was
done already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from stripe import SignatureVerificationError, WebhookSignature

from entrepot.kit.money import exponent
from entrepot.payments.gateways.types import (
    EXTERNAL_ID,
    WEBHOOK_TOLERANCE,
    Action,
    Answer,
    AnswerError,
    BusyError,
    Created,
    DisputeHint,
    ExternalId,
    GatewayRefused,
    Hint,
    Mismatch,
    PaymentAsked,
    PaymentStatus,
    PaymentTold,
    RefundAsked,
    Refunded,
    RefundTold,
    Standing,
    Step,
    TransferAsked,
    Transferred,
    WebhookError,
    WebhookEvent,
    difference,
    payment_mismatch,
    refund_mismatch,
    standing,
)

REFUSALS = frozenset({400, 402, 404})
"""Statuses that say no for good. Others (401 and 403 are our key, 409 is a call under way) may be
cured, so they raise AnswerError."""
LISTED = 100
"""Refunds of one payment that are looked through: as many as Stripe lists at a time."""
SIGNATURE_MAX = 1_000  # characters

# https://docs.stripe.com/currencies. Who counts hundredths of ISK and UGX may name whole ones only, and thousandths end
# in 0. In MGA Stripe has no parts, ISO 4217 has two digits.
_NO_PARTS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))

_STATUS: dict[str, PaymentStatus] = {
    "requires_payment_method": "requires_action",
    "requires_confirmation": "requires_action",
    "requires_action": "requires_action",
    "processing": "requires_action",  # the bank's turn, not the buyer's: to us it is as open
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "canceled",
}
IntentStatus = Literal[
    "requires_payment_method", "requires_confirmation", "requires_action", "processing", "requires_capture",
    "succeeded", "canceled",
]  # fmt: skip
PAYMENT_EVENTS = frozenset(
    {"payment_intent.amount_capturable_updated", "payment_intent.succeeded", "payment_intent.canceled"}
)
REFUND_EVENTS = frozenset({"refund.updated", "refund.failed", "charge.refund.updated"})
DISPUTE_EVENTS = frozenset(
    f"charge.dispute.{what}" for what in ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
)


class Call(msgspec.Struct, frozen=True):
    """What Stripe's client is to send. `key` is the idempotency key of what would be done twice: not of a capture or
    cancel, which an intent takes once, while a refusal kept under a key would be repeated for a day."""

    method: Literal["get", "post"]
    path: str
    params: dict[str, Any]
    key: str


class _Failure(msgspec.Struct, frozen=True):
    code: str | None = None
    decline_code: str | None = None
    type: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: _Failure


class _Intent(msgspec.Struct, frozen=True):
    """Amounts are in Stripe's units."""

    id: ExternalId
    status: IntentStatus
    amount: int
    currency: str
    metadata: dict[str, str]
    client_secret: str | None = None
    last_payment_error: _Failure | None = None


class _Received(_Intent, frozen=True, kw_only=True):
    amount_received: int


class _Known(msgspec.Struct, frozen=True):
    id: ExternalId
    metadata: dict[str, str]


class _Disputed(msgspec.Struct, frozen=True):
    id: ExternalId
    payment_intent: ExternalId | None = None


class _Refund(msgspec.Struct, frozen=True):
    id: ExternalId
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    amount: int
    currency: str
    payment_intent: ExternalId | None
    metadata: dict[str, str] | None


class _Refunds(msgspec.Struct, frozen=True):
    data: list[_Refund]
    has_more: bool


class _Transfer(msgspec.Struct, frozen=True):
    id: ExternalId
    amount: int
    amount_reversed: int
    currency: str
    destination: str
    metadata: dict[str, str]


class _Transfers(msgspec.Struct, frozen=True):
    data: list[_Transfer]


class _Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class _Event(msgspec.Struct, frozen=True):
    id: ExternalId
    type: str
    created: Annotated[int, Meta(ge=0, le=253_402_300_799)]  # the last second of the year 9999
    data: _Data


Told = TypeVar("Told")


def units_of(currency: str, minor: int) -> int | None:
    """An amount as Stripe counts it, or None for one that it cannot say."""
    theirs = 0 if currency in _NO_PARTS else 3 if currency in _THOUSANDTHS else 2
    units, rest = divmod(minor * 10**theirs, 10 ** exponent(currency))
    return None if rest or (theirs == 3 and units % 10) else units


def sayable(currency: str, minor: int) -> int:
    """The most of an amount that Stripe can say: of 1.234 KWD 1.230."""
    while units_of(currency, minor) is None:
        minor -= 1
    return minor


def minor_of(currency: str, units: int) -> int:
    """The other way; -1 for what is no amount of ours, which then differs from whatever was asked."""
    theirs = 0 if currency in _NO_PARTS else 3 if currency in _THOUSANDTHS else 2
    minor, rest = divmod(units * 10 ** exponent(currency), 10**theirs)
    return -1 if rest else minor


def create(asked: PaymentAsked) -> list[Step]:
    if units_of(asked.currency, asked.amount_minor) is None:
        return []
    return [Step(build_create(asked), partial(parse_created, asked))]


def look(asked: PaymentAsked, external_id: str, capture_minor: int) -> list[Step]:
    def open_or_settled(status: int, body: bytes) -> Answer | None:
        told = parse_got(asked, external_id, capture_minor, status, body)
        return None if isinstance(told, Standing) and told.status == "authorized" else told

    return [
        Step(build_get(asked, external_id), open_or_settled),
        Step(build_capture(asked, external_id, capture_minor), partial(parse_got, asked, external_id, capture_minor)),
    ]


def cancel(asked: PaymentAsked, external_id: str, capture_minor: int) -> list[Step]:
    return [
        Step(build_cancel(external_id), partial(parse_canceled, asked, external_id, capture_minor)),
        Step(build_get(asked, external_id), partial(parse_got, asked, external_id, capture_minor)),
    ]


def refund(asked: RefundAsked) -> list[Step]:
    if units_of(asked.currency, asked.amount_minor) is None:
        return []
    return [
        Step(build_find_refund(asked), partial(parse_found_refund, asked)),
        Step(build_refund(asked), partial(parse_refunded, asked)),
    ]


def transfer(asked: TransferAsked) -> list[Step]:
    if units_of(asked.currency, asked.amount_minor) is None:
        return []
    return [
        Step(build_find_transfer(asked), partial(parse_found_transfer, asked)),
        Step(build_transfer(asked), partial(parse_transferred, asked)),
    ]


def build_create(asked: PaymentAsked) -> Call:
    params = {
        "amount": units_of(asked.currency, asked.amount_minor),
        "currency": asked.currency.lower(),
        "capture_method": "manual",
        "metadata": {"reference": asked.reference},
    }
    return Call("post", "/v1/payment_intents", params, asked.reference)


def parse_created(asked: PaymentAsked, status: int, body: bytes) -> Created | GatewayRefused | Mismatch:
    if status != 200:
        return refusal_of(status, body)
    told = _payment(decode(body, _Intent))
    # An intent that is new is paid by nobody; should it be, the next look tells of how much.
    stands: PaymentStatus = "canceled" if told.status == "canceled" else "requires_action"
    return payment_mismatch(asked, told) or Created(told.id, stands, f"{asked.return_url}/pay")


def build_get(asked: PaymentAsked, external_id: str) -> Call:
    return Call("get", _intent_path(external_id), {}, asked.reference)


def parse_got(
    asked: PaymentAsked, external_id: str, capture_minor: int, status: int, body: bytes
) -> Standing | Mismatch:
    """Also raises AnswerError for a refusal: what was known there once is not forgotten, so it is a matter of keys."""
    must_be_told(status, body)
    intent = decode(body, _Received)
    stands = standing(asked, external_id, _payment(intent))
    if isinstance(stands, Standing) and stands.status == "captured":
        received = minor_of(asked.currency, intent.amount_received)
        if received != capture_minor:  # there is money, but not as much as ours should be: a person must look
            raise AnswerError(f"{received} were captured instead of {capture_minor}")
    return stands


def parse_action(asked: PaymentAsked, external_id: str, status: int, body: bytes) -> Action | GatewayRefused | Mismatch:
    """What the buyer has to do now, of the answer to `build_get`."""
    if status != 200:
        return refusal_of(status, body)
    intent = decode(body, _Intent)
    if not isinstance(stands := standing(asked, external_id, _payment(intent)), Standing):
        return stands
    failure = intent.last_payment_error or _Failure()
    is_open = stands.status == "requires_action" and intent.status != "processing"
    return Action(intent.status, intent.client_secret if is_open else None, failure.decline_code or failure.code)


def build_capture(asked: PaymentAsked, external_id: str, capture_minor: int) -> Call:
    params = {"amount_to_capture": units_of(asked.currency, capture_minor)}
    return Call("post", f"{_intent_path(external_id)}/capture", params, "")


def build_cancel(external_id: str) -> Call:
    return Call("post", f"{_intent_path(external_id)}/cancel", {}, "")


def parse_canceled(
    asked: PaymentAsked, external_id: str, capture_minor: int, status: int, body: bytes
) -> Standing | Mismatch | None:
    """None when it refuses, since it is captured or the bank has it just now: it must be looked at."""
    if status == 400 and isinstance(refusal_of(status, body), GatewayRefused):
        return None
    return parse_got(asked, external_id, capture_minor, status, body)


def build_find_refund(asked: RefundAsked) -> Call:
    return Call("get", "/v1/refunds", {"payment_intent": asked.payment_id, "limit": LISTED}, asked.reference)


def parse_found_refund(asked: RefundAsked, status: int, body: bytes) -> Refunded | GatewayRefused | Mismatch | None:
    """What became of this refund before, if anything did. More than was captured is never asked back, whatever Stripe
    would take: what others gave back there counts."""
    must_be_told(status, body)
    refunds = decode(body, _Refunds)
    for refund in refunds.data:
        if (refund.metadata or {}).get("reference") == asked.reference:
            return _refunded(asked, status, refund)
    if refunds.has_more:
        return GatewayRefused(status, "too_many_refunds")
    gone = sum(minor_of(asked.currency, one.amount) for one in refunds.data if one.status not in ("failed", "canceled"))
    if gone + asked.amount_minor > asked.captured_minor:
        return GatewayRefused(status, "more_than_captured")
    return None


def build_refund(asked: RefundAsked) -> Call:
    params = {
        "payment_intent": asked.payment_id,
        "amount": units_of(asked.currency, asked.amount_minor),
        "metadata": {"reference": asked.reference},
    }
    return Call("post", "/v1/refunds", params, asked.reference)


def parse_refunded(asked: RefundAsked, status: int, body: bytes) -> Refunded | GatewayRefused | Mismatch:
    return refusal_of(status, body) if status != 200 else _refunded(asked, status, decode(body, _Refund))


def build_find_transfer(asked: TransferAsked) -> Call:
    return Call("get", "/v1/transfers", {"transfer_group": asked.reference, "limit": 1}, asked.reference)


def parse_found_transfer(
    asked: TransferAsked, status: int, body: bytes
) -> Transferred | GatewayRefused | Mismatch | None:
    must_be_told(status, body)
    found = decode(body, _Transfers).data
    return _transferred(asked, status, found[0]) if found else None


def build_transfer(asked: TransferAsked) -> Call:
    params = {
        "amount": units_of(asked.currency, asked.amount_minor),
        "currency": asked.currency.lower(),
        "destination": asked.destination,
        "transfer_group": asked.reference,
        "metadata": {"reference": asked.reference},
    }
    return Call("post", "/v1/transfers", params, asked.reference)


def parse_transferred(asked: TransferAsked, status: int, body: bytes) -> Transferred | GatewayRefused | Mismatch:
    return refusal_of(status, body) if status != 200 else _transferred(asked, status, decode(body, _Transfer))


def parse_webhook(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
    """By its header `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=...]`: while a secret is being replaced there are
    several."""
    header = headers.get("stripe-signature", "")
    stamp = re.match(r"t=([0-9]{1,12}),", header, re.ASCII)
    if stamp is None or not header.isascii() or len(header) > SIGNATURE_MAX or header.count("t=") > 1:
        raise WebhookError("no signature in the right form")
    try:
        WebhookSignature.verify_header(body, header, secret.decode())
    except (SignatureVerificationError, ValueError):
        raise WebhookError("the signature does not fit") from None
    # Stripe's own check of the time would ask the machine's clock, and takes what comes from the future.
    if abs(now.timestamp() - int(stamp[1])) > WEBHOOK_TOLERANCE.total_seconds():
        raise WebhookError("too old, or from the future")
    try:
        event = decode(body, _Event)
        told = _told(event.type, bytes(event.data.object))
    except AnswerError as bad:
        raise WebhookError("malformed") from bad
    return WebhookEvent(event.id, event.type, datetime.fromtimestamp(event.created, UTC), told)


def _told(kind: str, data: bytes) -> RefundTold | Hint | DisputeHint | None:
    """Events come late, twice and out of order: how an intent stands is only learnt by looking."""
    if kind in PAYMENT_EVENTS:
        intent = decode(data, _Known)
        return Hint(intent.id, intent.metadata.get("reference", ""), kind == "payment_intent.canceled")
    if kind in REFUND_EVENTS:
        refund = decode(data, _Refund)
        return _refund_told(refund) if refund.status in ("failed", "canceled") else None
    if kind in DISPUTE_EVENTS:
        disputed = decode(data, _Disputed)
        return DisputeHint(disputed.id, disputed.payment_intent) if disputed.payment_intent else None
    return None


def _payment(intent: _Intent) -> PaymentTold:
    currency = intent.currency.upper()
    return PaymentTold(
        intent.id, _STATUS[intent.status], minor_of(currency, intent.amount), currency,
        intent.metadata.get("reference", ""), 0,
    )  # fmt: skip


def _refund_told(refund: _Refund) -> RefundTold:
    currency = refund.currency.upper()
    return RefundTold(
        refund.id, refund.payment_intent or "", "failed" if refund.status in ("failed", "canceled") else "done",
        minor_of(currency, refund.amount), currency, (refund.metadata or {}).get("reference", ""),
    )  # fmt: skip


def _refunded(asked: RefundAsked, status: int, refund: _Refund) -> Refunded | GatewayRefused | Mismatch:
    told = _refund_told(refund)
    if mismatch := refund_mismatch(asked, told):
        return mismatch
    return GatewayRefused(status, f"refund_{refund.status}") if told.status == "failed" else Refunded(told.id)


def _transferred(asked: TransferAsked, status: int, told: _Transfer) -> Transferred | GatewayRefused | Mismatch:
    currency = told.currency.upper()
    mismatch = difference(
        ("reference", asked.reference, told.metadata.get("reference", "")),
        ("destination", asked.destination, told.destination),
        ("amount_minor", asked.amount_minor, minor_of(currency, told.amount)),
        ("currency", asked.currency, currency),
        # Taken back in part it is neither the seller's again nor there.
        ("amount_reversed", told.amount if told.amount_reversed else 0, told.amount_reversed),
    )
    if mismatch:
        return mismatch
    return GatewayRefused(status, "transfer_reversed") if told.amount_reversed else Transferred(told.id)


def must_be_told(status: int, body: bytes) -> None:
    """Of what is only looked at, or is known there, a refusal says nothing: raises AnswerError."""
    if status != 200:
        raise AnswerError(f"refused: {refusal_of(status, body).code}")


def refusal_of(status: int, body: bytes) -> GatewayRefused:
    if status == 429:
        raise BusyError("too many calls")
    if status not in REFUSALS:
        raise AnswerError(f"status {status}")
    failure = decode(body, _Refusal).error
    code = failure.code or failure.type
    if code == "rate_limit":
        raise BusyError("too many calls")
    return GatewayRefused(status, code if re.fullmatch(r"[a-z0-9_]{1,64}", code, re.ASCII) else "refused")


def decode(body: bytes, into: type[Told]) -> Told:
    try:
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"not a {into.__name__.strip('_')}: {type(error).__name__}") from error


def _intent_path(external_id: str) -> str:
    return f"/v1/payment_intents/{path_part(external_id)}"


def path_part(external_id: str) -> str:
    """Raises ValueError for an id that no answer of Stripe's can have given us."""
    if re.search(EXTERNAL_ID, external_id) is None:
        raise ValueError("not an id of the gateway")
    return external_id
