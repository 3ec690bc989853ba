"""What payments are told and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
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
    """A refund that a gateway has still to make, of the payment it knows as `external_id`."""

    id: UUID
    payment_id: UUID
    currency: str
    amount_minor: int
    external_id: str
    attempts: int


@dataclass(eq=False)
class RefundNotFailed(Problem):
    """The gateway has not refused this refund, or somebody has dealt with it already."""

    status: ClassVar[int] = 409
    refund_status: str


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
class WebhookRefused(Problem):
    """The gateway did not send this, or not now."""

    detail: str


@dataclass(eq=False)
class MethodNotOffered(Problem):
    """This payment method is not offered here."""

    status: ClassVar[int] = 409
    method: str
