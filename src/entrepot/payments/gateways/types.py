"""What is asked of a gateway and what it can answer, whichever it is; and what its file has (Connector)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from entrepot.kit.money import MAX_MINOR
from entrepot.kit.outside import OutsideError

WEBHOOK_TOLERANCE = timedelta(minutes=5)
MISMATCH_MAX = 200  # characters of what a gateway told that we repeat
EXTERNAL_ID = r"\A[A-Za-z0-9_-]{1,64}\Z"
ExternalId = Annotated[str, Meta(pattern=EXTERNAL_ID)]
"""The gateway's id of something: safe in a path, a row and a log."""
PaymentStatus = Literal["requires_action", "authorized", "captured", "failed", "canceled"]


class AnswerError(OutsideError):
    """An answer that cannot be understood."""


class BusyError(AnswerError):
    """Too many calls: the gateway wants none for a moment."""


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
    captured_minor: int = MAX_MINOR
    """Of the payment: more than that is never given back."""


class TransferAsked(msgspec.Struct, frozen=True):
    """What is to leave our account at the provider for a seller's there, `destination`."""

    reference: str
    destination: str
    amount_minor: int
    currency: str


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
    """How a payment stands."""

    external_id: str
    status: PaymentStatus


class Refunded(msgspec.Struct, frozen=True):
    """The money went back."""

    external_id: str


class Transferred(msgspec.Struct, frozen=True):
    """The money is in the seller's account at the provider."""

    external_id: str


class Action(msgspec.Struct, frozen=True):
    """What the buyer has to do now: `status` in the provider's word; with `client_secret` the provider's script in the
    buyer's browser goes on. `refusal` is why the last try failed, such as `expired_card`."""

    status: str
    client_secret: str | None
    refusal: str | None


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
    """A refund in the gateway's words. One that was done may fail later, when the buyer's bank sends it back."""

    id: ExternalId
    payment_id: ExternalId
    status: Literal["done", "failed"]
    amount_minor: int
    currency: str
    reference: str


class Hint(msgspec.Struct, frozen=True):
    """Something happened to a payment: a look will show what. With `is_over` there is no money in it."""

    id: ExternalId
    reference: str
    is_over: bool


class DisputeAsked(msgspec.Struct, frozen=True):
    """A dispute of a cardholder that the gateway calls `id`, of the payment of `captured_minor` that it calls
    `payment_id`."""

    id: str
    payment_id: str
    currency: str
    captured_minor: int


class Evidence(msgspec.Struct, frozen=True):
    """What the cardholder's bank is to read, of our `reference`."""

    reference: str
    text: str


class DisputeTold(msgspec.Struct, frozen=True):
    """A cardholder's dispute in the gateway's words. `amount_minor` is what is disputed; of the money of the house it
    has taken `withdrawn_minor` and given back `returned_minor`, and keeps `fee_minor` for itself. An inquiry only
    asks."""

    id: ExternalId
    payment_id: ExternalId
    status: Literal["inquiry", "open", "review", "won", "lost"]
    reason: Annotated[str, Meta(max_length=100)]
    amount_minor: Annotated[int, Meta(ge=0)]
    currency: str
    withdrawn_minor: Annotated[int, Meta(ge=0)]
    returned_minor: Annotated[int, Meta(ge=0)]
    fee_minor: Annotated[int, Meta(ge=0)]
    evidence_by: Annotated[int, Meta(ge=0, le=253_402_300_799)] | None = None


class DisputeHint(msgspec.Struct, frozen=True):
    """There is a dispute of this payment: a look will show how it stands."""

    id: ExternalId
    payment_id: ExternalId


class DisputesTold(msgspec.Struct, frozen=True):
    """A page of disputes; `after` is where the next begins."""

    hints: list[DisputeHint]
    after: str | None


class WebhookEvent(msgspec.Struct, frozen=True):
    """A genuine, fresh webhook. It may be a duplicate (store `event_id`) and out of order; `told` is still to
    be held against what was asked, with `payment_mismatch` or `refund_mismatch`, and None when it is nothing to us."""

    event_id: str
    type: str
    created_at: datetime
    told: PaymentTold | RefundTold | Hint | DisputeHint | None


Answer = Created | Standing | Declined | Refunded | Transferred | GatewayRefused | Mismatch | DisputeTold | DisputesTold


class Step(NamedTuple):
    """What to send, in a form that the gateway's line takes (lines.py), and what the HTTP status and body of the answer
    mean; None: the next step will tell."""

    request: Any
    parse: Callable[[int, bytes], Answer | None]


class Connector(Protocol):
    """What a gateway's file has. Its steps are made of two pure halves each, `build_*` and `parse_*`. What the gateway
    echoes (reference, amount, currency, ids) is compared with what was asked. A difference is a Mismatch: nothing in
    such an answer may move money. An answer that cannot be understood raises AnswerError, which is an OutsideError:
    what the other side did is unknown, ask again with the same key. A refusal (GatewayRefused) is final. No steps at
    all: the gateway has no way to write that amount."""

    def create(self, asked: PaymentAsked) -> list[Step]:
        """Makes a payment known; Created, Declined."""

    def look(self, asked: PaymentAsked, external_id: str, capture_minor: int) -> list[Step]:
        """How a payment stands (Standing); what is authorized is captured, `capture_minor` of it."""

    def cancel(self, asked: PaymentAsked, external_id: str, capture_minor: int) -> list[Step]:
        """A Standing whose status is not canceled means that it came too late."""

    def refund(self, asked: RefundAsked) -> list[Step]:
        """Gives back; Refunded."""

    def parse_webhook(self, secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        """The event in a webhook that the holder of `secret` sent at most WEBHOOK_TOLERANCE before or after `now`. The
        names of `headers` are in lower case, or the mapping does not mind. Raises WebhookError."""


class DisputeConnector(Protocol):
    """What the file of a gateway's disputes has, in the same manner."""

    def look(self, asked: DisputeAsked) -> list[Step]:
        """How a dispute stands; DisputeTold."""

    def answer(self, asked: DisputeAsked, evidence: Evidence) -> list[Step]:
        """Sends what there is to say, once and for good; DisputeTold."""

    def latest(self, since: datetime, after: str | None) -> list[Step]:
        """The disputes that were opened since then, a page of them; DisputesTold."""


def dispute_mismatch(asked: DisputeAsked, told: DisputeTold) -> Mismatch | None:
    """The first member that differs, or None. More than was captured nobody can dispute."""
    return difference(
        ("id", asked.id, told.id),
        ("payment_id", asked.payment_id, told.payment_id),
        ("currency", asked.currency, told.currency),
        ("withdrawn_minor", min(told.withdrawn_minor, asked.captured_minor), told.withdrawn_minor),
        ("returned_minor", min(told.returned_minor, told.withdrawn_minor), told.returned_minor),
    )


def payment_mismatch(asked: PaymentAsked, told: PaymentTold) -> Mismatch | None:
    """The first member that differs, or None."""
    return difference(
        ("reference", asked.reference, told.reference),
        ("amount_minor", asked.amount_minor, told.amount_minor),
        ("currency", asked.currency, told.currency),
    )


def refund_mismatch(asked: RefundAsked, told: RefundTold) -> Mismatch | None:
    """The first member that differs, or None."""
    return difference(
        ("reference", asked.reference, told.reference),
        ("payment_id", asked.payment_id, told.payment_id),
        ("amount_minor", asked.amount_minor, told.amount_minor),
        ("currency", asked.currency, told.currency),
    )


def standing(asked: PaymentAsked, external_id: str, told: PaymentTold) -> Standing | Mismatch:
    mismatch = difference(("id", external_id, told.id)) or payment_mismatch(asked, told)
    return mismatch or Standing(told.id, told.status)


def difference(*members: tuple[str, Any, Any]) -> Mismatch | None:
    for field, asked, told in members:
        if asked != told:
            return Mismatch(field, str(asked), str(told)[:MISMATCH_MAX])
    return None
