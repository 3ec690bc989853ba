"""What the ledger is asked and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem


class Transfer(msgspec.Struct, frozen=True):
    """`amount` minor units from account `debit` to account `credit`, caused by `cause_id`, being a `code`.

    `link`, here and below: commands with one link stand or fall together."""

    cause_id: UUID
    code: str
    debit: int
    credit: int
    amount: int
    link: int | None = None


class Hold(msgspec.Struct, frozen=True):
    """The first phase of a transfer: the amount is nobody else's until it is settled, voided or expires at `due_at`."""

    cause_id: UUID
    code: str
    debit: int
    credit: int
    amount: int
    due_at: datetime | None = None
    link: int | None = None


class Settle(msgspec.Struct, frozen=True):
    """The second phase: `amount` of the hold of this name becomes its transfer (None: all of it), once at most; what is
    left of it is free again."""

    cause_id: UUID
    code: str
    amount: int | None = None
    link: int | None = None


class Void(msgspec.Struct, frozen=True):
    """The hold of this name ends, and all of it is free again."""

    cause_id: UUID
    code: str
    link: int | None = None


Command = Transfer | Hold | Settle | Void


@dataclass(eq=False)
class InsufficientFunds(Problem):
    """There is not enough money in the account."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class DayNotOver(Problem):
    """Only a day that is over (UTC) can be closed."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class StatementTooLong(Problem):
    """The statement has too many lines; ask for a shorter period."""

    status: ClassVar[int] = 409
    limit: int


@dataclass(eq=False)
class TransferRefused(Problem):
    """The ledger does not take this transfer."""

    status: ClassVar[int] = 409
    verdict: str
