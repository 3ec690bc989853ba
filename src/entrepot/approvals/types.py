"""What needs a second person, and what is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

from entrepot.kit.db import Tx
from entrepot.kit.problem import Problem

EXPIRES = timedelta(days=3)
"""How long a request waits for somebody."""
DAY = timedelta(days=1)
NO_AMOUNT = ("XXX", 0)
"""The amount of what is not worth a sum: ISO 4217 calls it so. A limit of 0 lets one do nothing of it alone, where
there is none at all one may."""

Args = TypeVar("Args", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Action(Generic[Args]):
    """`perform(tx, args, user_id)` does it in the name of who asked; `weigh(tx, args)` is (currency, minor units)."""

    name: str
    args: type[Args]
    perform: Callable[[Tx, Args, UUID], Awaitable[Any]]
    weigh: Callable[[Tx, Args], Awaitable[tuple[str, int]]]


class Asked(msgspec.Struct, frozen=True):
    """It was not done: it waits for another operator to approve it."""

    approval_id: str


class Limit(msgspec.Struct, frozen=True):
    """What one operator may do alone of an action in 24 hours, in minor units of a currency."""

    action: str
    currency: str
    limit_minor: int
    set_at: datetime
    set_by: UUID


class Request(msgspec.Struct, frozen=True):
    """What somebody asked for. `status` is waiting, approved or refused; one that waits longer than `expires_at` is
    over."""

    id: UUID
    action: str
    args: dict[str, Any]
    currency: str
    amount_minor: int
    asked_by: UUID
    asked_at: datetime
    expires_at: datetime
    status: str
    decided_by: UUID | None
    decided_at: datetime | None
    note: str


@dataclass(eq=False)
class NotByYourself(Problem):
    """Somebody else has to approve what you asked for."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ApprovalOver(Problem):
    """This request was decided, or nobody did in time."""

    status: ClassVar[int] = 409
    is_now: str
