"""What is matched, and what is refused about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

FILE_MAX_BYTES = 5_000_000
"""A statement or report; a bank splits what is longer."""

Kind = Literal[
    "missing_in_report",
    "missing_in_books",
    "duplicate_in_report",
    "wrong_amount_in_report",
    "fee_difference",
    "settlement_sum",
    "missing_at_bank",
    "unknown_at_bank",
    "duplicate_at_bank",
    "wrong_amount_at_bank",
    "wrong_currency",
    "payout_returned",
]
"""Of a discrepancy, in the order of a payment's way: provider's report, settlement, bank."""


class Entry(msgspec.Struct, frozen=True):
    """An entry of a bank statement; a negative amount left the account. `id` is its account, statement and number."""

    id: str
    day: date
    currency: str
    amount_minor: int
    reference: str
    is_return: bool


class Statement(msgspec.Struct, frozen=True):
    """What a bank booked on an account. Where it tells the balances, opening + entries == closing."""

    name: str
    iban: str
    currency: str
    first_day: date
    last_day: date
    opening_minor: int | None
    closing_minor: int | None
    entries: list[Entry]


class ReportLine(msgspec.Struct, frozen=True):
    """What the provider says it did. `kind`: payment or refund, by our `reference`; dispute or dispute_back, what a
    buyer's bank took and gave back, by the provider's; or settlement, its payment to us.

    `amount_minor` of a payment is what the buyer paid, of which `fee_minor` is the provider's; `settlement` says by
    which settlement it was paid to us."""

    kind: str
    id: str
    reference: str
    currency: str
    amount_minor: int
    fee_minor: int
    settlement: str
    at: datetime


class Report(msgspec.Struct, frozen=True):
    """What happened at a provider from `first_day` to `last_day`, both included."""

    provider: str
    name: str
    first_day: date
    last_day: date
    lines: list[ReportLine]


class ProviderFee(msgspec.Struct, frozen=True):
    """What a provider may keep of a payment from `valid_from` on: `fee_bp`, rounded half up, and `fixed_minor`."""

    provider: str
    currency: str
    valid_from: datetime
    fee_bp: int
    fixed_minor: int
    source: str


class Discrepancy(msgspec.Struct, frozen=True):
    """`subject` is a thing of ours (pmt_, rfd_, pay_, cbk_; what came back of that is cbk_..._back), or the provider's
    or the bank's own name of theirs."""

    kind: Kind
    subject: str
    day: date
    currency: str
    expected_minor: int | None
    found_minor: int | None


class Matching(msgspec.Struct, frozen=True):
    """`matched` of `judged` facts, lines and entries are as they should be."""

    judged: int
    matched: int
    discrepancies: list[Discrepancy]


class Imported(msgspec.Struct, frozen=True):
    """`new` is false for what was taken in before; then nothing has changed. Of `judged` facts, lines and entries of
    the last weeks `matched` fit; `discrepancies` are open now."""

    kind: Literal["statement", "report"]
    names: list[str]
    new: bool
    judged: int
    matched: int
    discrepancies: int


class Open(msgspec.Struct, frozen=True):
    """A discrepancy that waits for a person."""

    id: UUID
    kind: str
    subject: str
    day: date
    currency: str
    expected_minor: int | None
    found_minor: int | None
    status: str
    found_at: datetime
    ended_at: datetime | None
    ended_by: UUID | None
    note: str | None


@dataclass(eq=False)
class FileNotRead(Problem):
    """This is no statement (camt.053) or report that can be read; nothing of it was taken in."""

    detail: str


@dataclass(eq=False)
class NotOurAccount(Problem):
    """The statement is of an account that is not the house's."""

    status: ClassVar[int] = 409
    ending: str


@dataclass(eq=False)
class ToldOtherwise(Problem):
    """A statement or report of this name was taken in before, and said something else."""

    status: ClassVar[int] = 409
    name: str


@dataclass(eq=False)
class DiscrepancyEnded(Problem):
    """Somebody has resolved this discrepancy already, or it is no longer there."""

    status: ClassVar[int] = 409
    discrepancy_status: str


@dataclass(eq=False)
class FeeNotLater(Problem):
    """A new fee must begin after the last one."""

    status: ClassVar[int] = 409
    last_valid_from: datetime
