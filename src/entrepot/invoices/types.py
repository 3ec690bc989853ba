"""Documents, and what is refused about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

import msgspec

from entrepot.catalog import Price
from entrepot.kit.problem import Problem

NOTES = {
    "reverse_charge": "Reverse charge: VAT is to be accounted for by the recipient "
    "(Directive 2006/112/EC, articles 44 and 196)",
    "outside": "Not taxable in the country of the issuer: the recipient is established elsewhere",
    "": "No tax is charged",
}
"""What stands on an invoice where its tax is nothing, by kind."""


class Party(msgspec.Struct, frozen=True):
    """Who issues a document or gets it, as it was then; `country` is an ISO 3166-1 alpha-2 code, or empty."""

    name: str
    address: str = ""
    country: str = ""
    tax_id: str = ""


class Invoice(msgspec.Struct, frozen=True):
    """A document without its lines. `kind` is invoice or credit_note; `total` is net and tax."""

    id: str
    number: str
    kind: str
    seller_id: str
    month: date
    issued_at: datetime
    net: Price
    tax: Price
    total: Price


class Line(msgspec.Struct, frozen=True):
    """`kind`: commission, payment_fee, opening_fee, monthly_fee or usage_fee. Of a credit note, `of_month` says when it
    was charged, of use when that was; of use there is also of what, how much of which unit, and what one costs."""

    no: int
    kind: str
    tax_kind: str
    tax_bp: int
    of_month: date
    net: Price
    name: str = ""
    unit: str = ""
    quantity: int | None = None
    unit_price: str = ""


class TaxLine(msgspec.Struct, frozen=True):
    """The tax of one kind and rate; `note` says why it is nothing."""

    tax_kind: str
    tax_bp: int
    net: Price
    tax: Price
    note: str


class Document(msgspec.Struct, frozen=True):
    """A document as it is printed. A credit note by hand `corrects` an invoice, for a reason."""

    invoice: Invoice
    issuer: Party
    recipient: Party
    lines: list[Line]
    taxes: list[TaxLine]
    corrects: str | None
    reason: str


@dataclass(eq=False)
class LineIs(Problem):
    """There is not so much left of the line."""

    status: ClassVar[int] = 409
    left_minor: int


@dataclass(eq=False)
class NotAnInvoice(Problem):
    """Only an invoice is credited."""

    status: ClassVar[int] = 409


def number(entity: str, kind: str, year: int, serial: int) -> str:
    """ACME-2026-000001, of a credit note ACME-C2026-000001."""
    return f"{entity}-{'C' if kind == 'credit_note' else ''}{year}-{serial:06}"
