"""What the ledger is asked and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem


class Transfer(msgspec.Struct, frozen=True):
    """`amount` minor units from account `debit` to account `credit`, caused by `cause_id`, being a `code`."""

    cause_id: UUID
    code: str
    debit: int
    credit: int
    amount: int


@dataclass(eq=False)
class InsufficientFunds(Problem):
    """There is not enough money in the account."""

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
