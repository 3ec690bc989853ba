"""What credit is told and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

MONTHS = (3, 6, 12, 24)
MINIMUM_MINOR = MONTHS[-1]
"""Each installment is something."""
Months = Literal[3, 6, 12, 24]
Bearer = Literal["buyer", "seller", "platform"]
Method = Literal["wallet", "sandbox"]
"""How a buyer pays what is owed."""
COLLECTED_BY = "sandbox"
"""The gateway that is asked for what is due: without it there are no installments."""
INSTALLMENTS = "installments"
"""The payment method of a purchase that a funder pays."""


class PlanTerms(msgspec.Struct, frozen=True):
    """From `valid_from` on, what costs `minimum_minor` or more may be paid in so many months; `fee_bp` of it, once for
    the whole plan, is borne by `bearer`. Not `offered`: no longer."""

    market: str
    months: int
    valid_from: datetime
    offered: bool
    fee_bp: int
    bearer: str
    minimum_minor: int
    source: str


class Terms(msgspec.Struct, frozen=True):
    """What holds for all plans of a market that are opened from `valid_from` on. An installment that is not paid
    `grace_s` after it is due is late and costs `late_fee_minor` once, at most `late_fee_max_bp` of it. What is due is
    asked for every `retry_s`, until `default_after_s`. From `scores[i]` on a buyer may owe `limits_minor[i]`."""

    market: str
    valid_from: datetime
    grace_s: int
    retry_s: int
    late_fee_minor: int
    late_fee_max_bp: int
    default_after_s: int
    scores: list[int]
    limits_minor: list[int]
    source: str


class Plan(msgspec.Struct, frozen=True):
    """A purchase on installments, with the terms of the day. `fee_minor` is what the funder asked for it; of a `bearer`
    other than the buyer it is in no installment."""

    id: UUID
    buyer_id: UUID
    market: str
    currency: str
    months: int
    bearer: str
    principal_minor: int
    fee_minor: int
    grace_s: int
    retry_s: int
    late_fee_minor: int
    late_fee_max_bp: int
    default_after_s: int
    back_principal_minor: int
    back_fee_minor: int
    status: str
    opened_at: datetime


class Installment(msgspec.Struct, frozen=True):
    """`status`: open (owed), paid or void (all of it was cut). What was `cut` need not be paid: goods went back, or the
    plan was paid off early."""

    plan_id: UUID
    no: int
    due_at: datetime
    principal_minor: int
    fee_minor: int
    cut_principal_minor: int = 0
    cut_fee_minor: int = 0
    status: str = "open"
    payment_id: UUID | None = None
    paid_at: datetime | None = None
    late_at: datetime | None = None
    late_fee_minor: int = 0
    late_payment_id: UUID | None = None

    @property
    def amount_minor(self) -> int:
        return self.principal_minor + self.fee_minor

    @property
    def late_fee_owed_minor(self) -> int:
        return self.late_fee_minor if self.late_payment_id is None else 0


class History(msgspec.Struct, frozen=True):
    """How somebody has paid until now. `on_time` counts payments, so that paying off a plan at once is one; `late`
    installments were paid, but not in time; `overdue` ones are not paid, and late."""

    member_days: int
    on_time: int
    late: int
    overdue: int
    defaults: int
    used_bp: int


class Reason(msgspec.Struct, frozen=True):
    """`points` of a score, for `count` of what `what` says: start, member_days, on_time, late, overdue, default or used
    (percent of the limit)."""

    what: str
    count: int
    points: int


class Score(msgspec.Struct, frozen=True):
    """`points` from 0 to 1,000: the sum of the reasons' points, kept in these bounds."""

    points: int
    reasons: list[Reason]


class Standing(msgspec.Struct, frozen=True):
    """What a buyer may owe in a currency, what is owed, and why."""

    currency: str
    limit_minor: int
    exposure_minor: int
    available_minor: int
    score: Score


@dataclass(eq=False)
class InstallmentsNotOffered(Problem):
    """This cannot be paid in so many installments here, or costs too little for it."""

    status: ClassVar[int] = 409
    months: int


@dataclass(eq=False)
class CreditRefused(Problem):
    """This is more than the buyer may owe now."""

    status: ClassVar[int] = 409
    asked_minor: int
    standing: Standing


@dataclass(eq=False)
class CreditTermsNotLater(Problem):
    """New terms must begin after those that there are."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NothingOwed(Problem):
    """Nothing of this is owed now."""

    status: ClassVar[int] = 409
