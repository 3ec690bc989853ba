"""What returns are, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.catalog import Price
from entrepot.kit.money import MAX_MINOR
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


class BrokerLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a broker asks for one parcel: `of` is the order's id or, of a carrier, its tracking number. Below zero it is
    given back."""

    of: Annotated[str, Meta(min_length=1, max_length=80)]
    amount_minor: Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]

    def __post_init__(self) -> None:
        if self.amount_minor == 0:
            raise ValueError("amount_minor must not be 0")


class BrokerLineView(msgspec.Struct, frozen=True):
    """`settled` is what buyers had paid for it. `status`: settled; open, for `reason` (unknown, currency, nothing_paid,
    settled_before, differs); or rejected."""

    id: str
    no: int
    of: str
    order_id: str | None
    asked: Price
    settled: Price
    status: str
    reason: str
    note: str


class BrokerView(msgspec.Struct, frozen=True):
    """A broker's invoice; `total` is what is to be paid of it as it stands."""

    id: str
    broker: str
    number: str
    issued_on: date
    total: Price
    lines: list[BrokerLineView]
    recorded_at: datetime
    paid_at: datetime | None
    reference: str


@dataclass(eq=False)
class BrokerInvoiceRecorded(Problem):
    """This broker's invoice of this number was taken in before."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class BrokerInvoicePaid(Problem):
    """This invoice was paid."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class BrokerLinesOpen(Problem):
    """Somebody has to accept or to reject the lines of this invoice that do not fit."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class BrokerLineDecided(Problem):
    """This line waits for nobody."""

    status: ClassVar[int] = 409
