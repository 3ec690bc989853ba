"""What chargebacks are made of, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

Liable = Literal["seller", "operator"]
TEXT_MAX = 4_000
EVIDENCE_MAX = 20
"""Things that each party says about one chargeback: nobody takes the word from another."""


class Rule(msgspec.Struct, frozen=True):
    """From `valid_from` on `liable` bears what banks take back; for a market, a seller and the gateway's word for the
    reason, each of which may be None: any."""

    market: str | None
    seller_id: UUID | None
    reason: str | None
    valid_from: datetime
    liable: str
    source: str


class Case(msgspec.Struct, frozen=True):
    """What was posted of a chargeback. See chargebacks.case."""

    id: UUID
    payment_id: UUID
    currency: str
    withdrawn_minor: int
    over_minor: int
    fee_minor: int
    returned_minor: int
    status: str


class Share(msgspec.Struct, frozen=True):
    """What of a chargeback falls on an order. See chargebacks.share."""

    cell: int
    id: UUID
    case_id: UUID
    case_cell: int
    order_id: UUID
    seller_id: UUID
    currency: str
    amount_minor: int
    fee_minor: int
    liable: str
    status: str
    charged_minor: int
    lost_minor: int | None
    fee_back_minor: int
    from_parts_minor: int | None


class Taken(msgspec.Struct, frozen=True):
    """A part that a share is paid from: a dispute's, or one that was made for it."""

    id: UUID
    taken_minor: int
    is_dispute: bool


@dataclass(eq=False)
class RuleTooEarly(Problem):
    """A rule begins now or later: what was decided stays as it is."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class EvidenceFull(Problem):
    """Its party can say no more about this chargeback."""

    status: ClassVar[int] = 409
    at_most: int


@dataclass(eq=False)
class NothingToSend(Problem):
    """Nothing was said that could be sent to the bank."""

    status: ClassVar[int] = 409
