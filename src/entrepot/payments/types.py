"""What payments are told and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem


class Due(msgspec.Struct, frozen=True):
    """A gateway payment that the sweeper looks at: `status` created (never answered), pending or canceling."""

    id: UUID
    group_id: UUID
    currency: str
    amount_minor: int
    status: str
    external_id: str | None
    attempts: int


class RefundDue(msgspec.Struct, frozen=True):
    """A refund that a gateway has still to make, of the payment of `captured_minor` that it knows as `external_id`."""

    id: UUID
    payment_id: UUID
    currency: str
    amount_minor: int
    external_id: str
    attempts: int
    captured_minor: int


Method = Literal["wallet", "sandbox", "stripe"]
"""How a buyer pays: from the wallet at once, or through a gateway."""
Every = Literal["day", "week", "two_weeks", "month"]
"""Of a schedule."""


class Schedule(msgspec.Struct, frozen=True):
    """A payout day comes `every` so often, `on_day` of the week (1 is Monday) or of the month."""

    every: str
    on_day: int


class PayoutTerms(msgspec.Struct, frozen=True):
    """When sellers are paid out in a currency, from `valid_from` on, if it is `minimum_minor` or more. `seller_id` NIL:
    all that have no terms of their own. `source` says where they were agreed."""

    currency: str
    seller_id: UUID
    valid_from: datetime
    every: str
    on_day: int
    minimum_minor: int
    source: str


class BankAccount(msgspec.Struct, frozen=True, array_like=True):
    """Never shown and never logged: it is sealed before it reaches a row."""

    holder: str
    iban: str


class Fact(msgspec.Struct, frozen=True):
    """Money that others must tell of as well: `kind` payment, refund, dispute or dispute_back (through a gateway; what
    a buyer's bank took, and gave back), or payout (in a file for the bank), of the UTC day `day`. One that is not due
    may be told of: it is under way, or was undone. A dispute is known by the gateway's `name` of it, and the gateway
    keeps `fee_minor` for it."""

    kind: str
    id: UUID
    currency: str
    amount_minor: int
    day: date
    is_due: bool
    name: str = ""
    fee_minor: int | None = None


class BankWord(msgspec.Struct, frozen=True):
    """What a statement says of a payout, by its id: that so much was sent, or came back."""

    payout_id: UUID
    currency: str
    amount_minor: int


@dataclass(eq=False)
class BankAccountNotValid(Problem):
    """A bank account needs an IBAN without a typing mistake and a holder's name in Latin letters."""

    field: str


@dataclass(eq=False)
class SealedOtherwise(Problem):
    """Bank accounts were encrypted with another ENTREPOT_SECRET than this one."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class PayoutTermsNotLater(Problem):
    """New terms must begin after those that there are."""

    status: ClassVar[int] = 409
    last_valid_from: datetime


class ReserveTerms(msgspec.Struct, frozen=True):
    """From `valid_from` on `reserve_bp` basis points of what a release leaves a seller after commission and payment fee
    are held back for `hold_s` seconds. `source` says why."""

    seller_id: UUID
    valid_from: datetime
    reserve_bp: int
    hold_s: int
    source: str


@dataclass(eq=False)
class ReserveTermsNotLater(Problem):
    """New terms must begin after those that the seller has."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class DebtIs(Problem):
    """The seller owes less than this."""

    status: ClassVar[int] = 409
    owed_minor: int


@dataclass(eq=False)
class RefundNotFailed(Problem):
    """The gateway has not refused this refund, or somebody has dealt with it already."""

    status: ClassVar[int] = 409
    refund_status: str


@dataclass(eq=False)
class RefundCameBack(Problem):
    """The buyer's bank has sent this refund back, and the gateway keeps it so: it can only be credited."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class PayoutNotSent(Problem):
    """The bank has answered for this payout already."""

    status: ClassVar[int] = 409
    payout_status: str


@dataclass(eq=False)
class PaymentNotThere(Problem):
    """The group has no captured payment to give back."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class PaymentChargedBack(Problem):
    """The buyer's bank has taken this payment back, or some of it: of the rest no more than this can be given back."""

    status: ClassVar[int] = 409
    left_minor: int


@dataclass(eq=False)
class EvidenceTooLate(Problem):
    """The bank takes no evidence for this any more, or has some already."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class WebhookRefused(Problem):
    """The gateway did not send this, or not now."""

    detail: str


@dataclass(eq=False)
class MethodNotOffered(Problem):
    """This payment method is not offered here."""

    status: ClassVar[int] = 409
    method: str
