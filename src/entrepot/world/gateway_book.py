"""What the sandbox gateway knows: payments, refunds and events, in memory and, if asked, in a journal.

A journal is a file of JSON lines, one per change, written before the change is seen; so a gateway that is
killed knows after its restart what it had told anyone. It is not fsynced: it survives the death of the
process, not of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from entrepot.kit.clock import Clock

MAX_PAYMENTS = 1_000_000

Amount = Annotated[int, Meta(ge=1, le=10**15)]
Reference = Annotated[str, Meta(min_length=1, max_length=200)]


class PaymentOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /payments. `return_url` is where the buyer's browser goes afterwards."""

    amount_minor: Amount
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    reference: Reference
    return_url: Annotated[str, Meta(max_length=2_000, pattern=r"\Ahttps?://[!-~]+\Z")]


class RefundOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /payments/{id}/refunds."""

    amount_minor: Amount
    reference: Reference


class DisputeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /payments/{id}/disputes: what a cardholder says to the bank. An `inquiry` takes no money yet."""

    amount_minor: Amount
    reason: Annotated[str, Meta(min_length=1, max_length=100)] = "fraudulent"
    fee_minor: Annotated[int, Meta(ge=0, le=10**15)] = 1_500
    answer_within_s: Annotated[int, Meta(ge=0, le=10**8)] = 7 * 86_400
    inquiry: bool = False


class EvidenceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /disputes/{id}/evidence."""

    text: Annotated[str, Meta(min_length=1, max_length=100_000)]


class DisputeEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /disputes/{id}/close: the bank's word. Without `returned_minor` a won one comes back whole; the
    fee only with `fee_back`."""

    status: Literal["won", "lost"]
    returned_minor: Annotated[int, Meta(ge=0, le=10**15)] | None = None
    fee_back: bool = False


class Payment(msgspec.Struct, frozen=True):
    id: str
    key: str
    order: PaymentOrder
    created_at: int
    status: Literal["requires_action", "captured", "failed", "canceled"] = "requires_action"
    refunded_minor: int = 0
    decided_at: int = 0
    disputed_minor: int = 0

    def view(self) -> dict[str, Any]:
        """What the outside sees, but for redirect_url, which depends on where the server listens."""
        return {
            "id": self.id,
            "status": self.status,
            "amount_minor": self.order.amount_minor,
            "currency": self.order.currency,
            "reference": self.order.reference,
            "refunded_minor": self.refunded_minor,
            "created_at": self.created_at,
        }


class Refund(msgspec.Struct, frozen=True):
    id: str
    key: str
    payment_id: str
    order: RefundOrder
    currency: str
    created_at: int

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "payment_id": self.payment_id,
            "status": "done",
            "amount_minor": self.order.amount_minor,
            "currency": self.currency,
            "reference": self.order.reference,
            "created_at": self.created_at,
        }


class Dispute(msgspec.Struct, frozen=True):
    """What a bank took of a payment, or asks about."""

    id: str
    payment_id: str
    order: DisputeOrder
    currency: str
    created_at: int
    status: Literal["inquiry", "open", "review", "won", "lost"]
    withdrawn_minor: int
    fee_minor: int
    returned_minor: int = 0
    decided_at: int = 0
    evidence: str = ""

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "payment_id": self.payment_id,
            "status": self.status,
            "reason": self.order.reason,
            "amount_minor": self.order.amount_minor,
            "currency": self.currency,
            "withdrawn_minor": self.withdrawn_minor,
            "returned_minor": self.returned_minor,
            "fee_minor": self.fee_minor,
            "evidence_by": self.created_at + self.order.answer_within_s,
        }


class Event(msgspec.Struct, frozen=True):
    """Something to tell by webhook; `data` is the payment or refund as it was at that moment."""

    id: str
    type: str
    created_at: int
    data: dict[str, Any]


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the journal. `settled` is the id of an event that need not be told any more."""

    payment: Payment | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None
    event: Event | None = None
    settled: str | None = None


class RefusedError(Exception):
    """The gateway says no: an HTTP status and a word. `payment` is how it stands, where that is the
    answer."""

    def __init__(self, status: int, code: str, payment: Payment | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.payment = payment


class JournalError(Exception):
    """The journal has a line that cannot be read, other than a last one that was cut off."""


class Book:
    """Every verb is one step without a pause, so that concurrent requests cannot come between its look and
    its write."""

    def __init__(self, random: Random, clock: Clock, journal: Path | None) -> None:
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self.untold: dict[str, Event] = {}
        self.on_event: Callable[[Event], None] | None = None
        self._payment_of_key: dict[str, str] = {}
        self._refund_of_key: dict[tuple[str, str], str] = {}
        self._random = random
        self._clock = clock
        self._journal = None
        if journal is not None:
            self._read(journal)
            self._journal = journal.open("ab", buffering=0)

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def create(self, key: str, order: PaymentOrder) -> Payment:
        """The payment of this key, made now or before. Raises RefusedError."""
        if known := self._payment_of_key.get(key):
            payment = self.payments[known]
            if payment.order != order:
                raise RefusedError(409, "key_conflict")
            return payment
        if len(self.payments) >= MAX_PAYMENTS:
            raise RefusedError(503, "sandbox_full")
        payment = Payment(self._new_id("sp"), key, order, self._now())
        self._write(Change(payment=payment))
        return payment

    def payment(self, id_: str) -> Payment:
        """Raises RefusedError."""
        try:
            return self.payments[id_]
        except KeyError:
            raise RefusedError(404, "not_found") from None

    def decide(self, id_: str, status: Literal["captured", "failed", "canceled"]) -> Payment:
        """The payment, brought to `status`; again is no change. Raises RefusedError once it stands
        otherwise."""
        payment = self.payment(id_)
        if payment.status == status:
            return payment
        if payment.status != "requires_action":
            raise RefusedError(409, "already_decided", payment)
        payment = replace(payment, status=status, decided_at=self._now())
        self._write(Change(payment=payment, event=self._event(f"payment.{status}", payment.view())))
        return payment

    def refund(self, id_: str, key: str, order: RefundOrder) -> Refund:
        """The refund of this key, made now or before. Raises RefusedError; never more than was captured."""
        payment = self.payment(id_)
        if known := self._refund_of_key.get((id_, key)):
            refund = self.refunds[known]
            if refund.order != order:
                raise RefusedError(409, "key_conflict")
            return refund
        if payment.status != "captured":
            raise RefusedError(409, "not_captured")
        if payment.refunded_minor + payment.disputed_minor + order.amount_minor > payment.order.amount_minor:
            raise RefusedError(409, "exceeds_captured")
        payment = replace(payment, refunded_minor=payment.refunded_minor + order.amount_minor)
        refund = Refund(self._new_id("sr"), key, id_, order, payment.order.currency, self._now())
        event = self._event("refund.done", refund.view())
        self._write(Change(payment=payment, refund=refund, event=event))
        return refund

    def dispute(self, id_: str, order: DisputeOrder) -> Dispute:
        """The cardholder turns to the bank, which takes the money at once; whatever was given back before. Raises
        RefusedError."""
        payment = self.payment(id_)
        if payment.status != "captured":
            raise RefusedError(409, "not_captured")
        if payment.disputed_minor + order.amount_minor > payment.order.amount_minor:
            raise RefusedError(409, "exceeds_captured")
        taken = 0 if order.inquiry else order.amount_minor
        dispute = Dispute(
            self._new_id("sd"), id_, order, payment.order.currency, self._now(),
            "inquiry" if order.inquiry else "open", taken, order.fee_minor if taken else 0,
        )  # fmt: skip
        payment = replace(payment, disputed_minor=payment.disputed_minor + taken)
        self._write(Change(payment=payment, dispute=dispute, event=self._event("dispute.opened", dispute.view())))
        return dispute

    def disputed(self, id_: str) -> Dispute:
        """Raises RefusedError."""
        try:
            return self.disputes[id_]
        except KeyError:
            raise RefusedError(404, "not_found") from None

    def answer(self, id_: str, text: str) -> Dispute:
        """Evidence for the bank, once and in time; the same again is no change. Raises RefusedError."""
        dispute = self.disputed(id_)
        if dispute.evidence == text:
            return dispute
        if dispute.evidence or dispute.status not in ("inquiry", "open"):
            raise RefusedError(409, "already_answered")
        if self._now() > dispute.created_at + dispute.order.answer_within_s:
            raise RefusedError(409, "too_late")
        dispute = replace(dispute, status="review", evidence=text)
        self._write(Change(dispute=dispute, event=self._event("dispute.answered", dispute.view())))
        return dispute

    def close_dispute(self, id_: str, end: DisputeEnd) -> Dispute:
        """The bank decides, once. Raises RefusedError."""
        dispute = self.disputed(id_)
        if dispute.status in ("won", "lost"):
            raise RefusedError(409, "already_decided")
        whole = dispute.withdrawn_minor if end.status == "won" else 0
        back = min(dispute.withdrawn_minor, whole if end.returned_minor is None else end.returned_minor)
        payment = self.payments[dispute.payment_id]
        payment = replace(payment, disputed_minor=payment.disputed_minor - back)
        dispute = replace(
            dispute, status=end.status, returned_minor=back, decided_at=self._now(),
            fee_minor=0 if end.fee_back else dispute.fee_minor,
        )  # fmt: skip
        self._write(Change(payment=payment, dispute=dispute, event=self._event("dispute.closed", dispute.view())))
        return dispute

    def disputes_since(self, since: int) -> list[Dispute]:
        return [dispute for dispute in self.disputes.values() if dispute.created_at >= since]

    def settle(self, event: Event) -> None:
        """Nothing more will be told of `event`: it arrived, was lost, or was given up."""
        self._write(Change(settled=event.id))

    def _event(self, type_: str, data: dict[str, Any]) -> Event:
        return Event(self._new_id("se"), type_, self._now(), data)

    def _write(self, change: Change) -> None:
        if self._journal is not None:
            self._journal.write(msgspec.json.encode(change) + b"\n")
        self._apply(change)
        if change.event is not None and self.on_event is not None:
            self.on_event(change.event)

    def _apply(self, change: Change) -> None:
        if (payment := change.payment) is not None:
            self.payments[payment.id] = payment
            self._payment_of_key[payment.key] = payment.id
        if (refund := change.refund) is not None:
            self.refunds[refund.id] = refund
            self._refund_of_key[refund.payment_id, refund.key] = refund.id
        if (dispute := change.dispute) is not None:
            self.disputes[dispute.id] = dispute
        if change.event is not None:
            self.untold[change.event.id] = change.event
        if change.settled is not None:
            self.untold.pop(change.settled, None)

    def _read(self, journal: Path) -> None:
        journal.touch(mode=0o600)
        with journal.open("r+b") as file:
            end = 0
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break  # we were killed while writing it, before anyone had seen the change
                try:
                    self._apply(msgspec.json.decode(line, type=Change))
                except msgspec.DecodeError as error:
                    raise JournalError(f"{journal}: line {number}: {error}") from error
                end += len(line)
            file.truncate(end)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _new_id(self, prefix: str) -> str:
        """Time first, so that a gateway that begins anew with the same seed does not repeat the ids of
        yesterday."""
        while True:
            ms = int(self._clock.now().timestamp() * 1000)
            id_ = f"{prefix}_{ms:012x}{self._random.getrandbits(64):016x}"
            if not any(id_ in known for known in (self.payments, self.refunds, self.disputes, self.untold)):
                return id_
