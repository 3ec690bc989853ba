"""Rules, what they look at, and the service outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

Kind = Literal["new_account", "guest", "buyer", "address", "country", "failed_payments"]
"""A rule of each kind finds odd a purchase of `amount_minor` or more in `currency` (0: of any amount in any) if

    new_account      its account is younger than `within_s`
    guest            its buyer has no account
    buyer            it is its buyer's `count`th or later within `within_s`
    address          it is the `count`th or later within `within_s` that goes to the same address, whoever bought them
    country          it goes to another country than that of the market it was bought in
    failed_payments  its buyer has failed to pay `count` times or more within `within_s`
"""
Decision = Literal["released", "rejected"]


class Rule(msgspec.Struct, frozen=True):
    """From `valid_from` until before `valid_to`. What it finds is held for `hold_s` seconds and then decided by
    itself as `then` says. `source` says why there is this rule."""

    name: str
    kind: str
    currency: str
    amount_minor: int
    count: int
    within_s: int
    hold_s: int
    then: str
    valid_from: datetime
    source: str
    valid_to: datetime | None = None


class Facts(msgspec.Struct, frozen=True):
    """What was known of a purchase when it was placed: when its buyer (guests of one e-mail are one) registered, bought
    and failed to pay before, and
    when others bought what went to the same address; of each the latest SEEN_MAX, and itself."""

    cell: int
    group_id: UUID
    buyer_id: UUID
    market: str
    market_country: str
    country: str
    currency: str
    paid_minor: int
    placed_at: datetime
    registered_at: datetime
    bought: list[datetime]
    same_address: list[datetime]
    failed: list[datetime]
    guest: bool = False


class Hook(msgspec.Struct, frozen=True):
    """A service that is asked about each order. When it has not answered within `answer_within_s` the order is let go
    (`open`) or stays held until an operator looks (`closed`)."""

    url: str
    fails: Literal["open", "closed"]
    answer_within_s: int


class Question(msgspec.Struct, frozen=True):
    """An order that the service is to be asked about."""

    order_id: UUID
    asked_at: datetime
    due_at: datetime
    attempts: int
    fails: str
    url: str
    secret: bytes


@dataclass(eq=False)
class RuleExists(Problem):
    """There is a rule of this name now: end it first."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class HookNotValid(Problem):
    """A hook is an https address in the public network, or one on this machine."""

    status: ClassVar[int] = 400
