"""What returns are, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem


class Line(msgspec.Struct, frozen=True):
    """What was collected in a country at a rate in a currency or, with `corrects`, what went back of what was collected
    in the period that began that day: negative. `late` says that it is too late to correct it by a return. The amounts
    are minor units of `currency`, `declared_` those of the return's; None where there is no rate for it."""

    country: str
    rate_bp: int
    currency: str
    base_minor: int
    tax_minor: int
    corrects: date | None = None
    late: bool = False
    declared_base_minor: int | None = None
    declared_tax_minor: int | None = None


class Part(msgspec.Struct, frozen=True):
    """What a return comes to in a cell and currency: what the account of its scheme moved in its period. Paying it is
    the transfer of this id."""

    id: UUID
    cell: int
    currency: str
    tax_minor: int


class Content(msgspec.Struct, frozen=True):
    """What a return says, and what it comes to."""

    lines: list[Line]
    parts: list[Part]


class Period(msgspec.Struct, frozen=True):
    """From its first day to its last, UTC; the return is due on `due_on`."""

    first_day: date
    last_day: date
    due_on: date


@dataclass(eq=False)
class PeriodNotValid(Problem):
    """A period of this scheme does not begin on this day."""

    status: ClassVar[int] = 422


@dataclass(eq=False)
class PeriodNotOver(Problem):
    """The period is not over yet: a return can be made from then on."""

    status: ClassVar[int] = 409
    until: datetime


@dataclass(eq=False)
class ReturnFiled(Problem):
    """There is a return of this period."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ReturnPaid(Problem):
    """This return was paid."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NotDeclared(Problem):
    """Nothing of this order is to be declared: its goods do not lie in bond, or it is not paid, or sent."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ReleasedAlready(Problem):
    """Customs was asked already: what is declared can be changed when it has rejected it."""

    status: ClassVar[int] = 409
    declaration_status: str
