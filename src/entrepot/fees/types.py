"""Rules of fees, who charges and who pays them, and what is refused about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, NamedTuple
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem


class Rule(msgspec.Struct, frozen=True):
    """Of what is over `over_minor[i]`, up to the next, it takes `rates_bp[i]` basis points, together rounded half up;
    and `fixed_minor` for each unit; at least `min_minor`, at most `max_minor`. None in a condition is any."""

    id: int
    kind: str
    position: int
    name: str
    market: str | None
    seller_id: UUID | None
    category_id: int | None
    volume_from_minor: int | None
    valid_from: datetime
    valid_to: datetime | None
    over_minor: list[int]
    rates_bp: list[int]
    fixed_minor: int
    min_minor: int
    max_minor: int | None
    source: str


class NewRule(msgspec.Struct, frozen=True):
    """A rule as it is asked for: without `valid_from` it begins at once. Fields as in Rule."""

    kind: str
    position: int
    name: str
    source: str
    over_minor: list[int]
    rates_bp: list[int]
    market: str | None = None
    seller_id: UUID | None = None
    category_id: int | None = None
    volume_from_minor: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    fixed_minor: int = 0
    min_minor: int = 0
    max_minor: int | None = None


class Entity(msgspec.Struct, frozen=True):
    """A legal person of the operator's: who charges fees in a currency from `valid_from` on. `code` begins the numbers
    of its invoices; `country` is an ISO 3166-1 alpha-2 code."""

    currency: str
    valid_from: datetime
    code: str
    name: str
    address: str
    country: str
    tax_id: str


class Billing(msgspec.Struct, frozen=True):
    """To whom a seller's fees are invoiced from `valid_from` on. With a `tax_id` it is a business that accounts for
    VAT itself."""

    seller_id: UUID
    valid_from: datetime
    name: str
    address: str
    country: str
    tax_id: str


class SellerFacts(NamedTuple):
    """What fees depend on of a seller: what was released to it in the month before, and the tax on its fees: kind
    `standard`, `reverse_charge` or `outside`, None where no law is known, and basis points."""

    volume_minor: int = 0
    tax_kind: str | None = None
    tax_bp: int | None = None


class Subject(NamedTuple):
    """What a rule is asked about; `categories` are its own and all that it lies in."""

    market: str
    seller_id: UUID
    categories: tuple[int, ...]
    volume_minor: int


class Explained(msgspec.Struct, frozen=True):
    """Why a fee is what it is: the rule that applies and the rules before it, each with the condition that it fails
    (market, category or volume). Without a rule the rate is of `terms`: seller or market."""

    rule: Rule | None
    passed: list[tuple[Rule, str]]
    terms: str
    rate_bp: int
    amount_minor: int
    tax_kind: str | None
    tax_bp: int | None
    tax_minor: int


class ShopTerms(msgspec.Struct, frozen=True):
    """What a shop in a market costs from `valid_from` on, for all sellers (`seller_id` nil) or for one. Who sold for
    `waived_from_minor` in the month before pays no monthly fee. What is left of the deposit goes back `deposit_kept_s`
    after closing. Amounts in minor units of the market's currency, without tax."""

    market: str
    seller_id: UUID
    valid_from: datetime
    opening_fee_minor: int
    monthly_fee_minor: int
    waived_from_minor: int | None
    deposit_minor: int
    deposit_kept_s: int
    source: str


class Shop(msgspec.Struct, frozen=True):
    """A seller's shop in a market, of whose deposit `deposit_minor` is still held."""

    id: UUID
    seller_id: UUID
    market: str
    currency: str
    deposit_minor: int
    opened_at: datetime
    closed_at: datetime | None
    due_on: date | None


class Charge(msgspec.Struct, frozen=True):
    """What a shop was charged, or what became of its deposit; kinds as in the database."""

    id: UUID
    shop_id: UUID
    seller_id: UUID
    kind: str
    month: date | None
    currency: str
    net_minor: int
    tax_minor: int
    tax_bp: int | None
    tax_kind: str | None
    reason: str
    case_ref: str
    user_id: UUID | None
    at: datetime


@dataclass(eq=False)
class ShopIsOpen(Problem):
    """The seller has a shop in this market."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class ShopIsClosed(Problem):
    """The shop is closed."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NoShopTerms(Problem):
    """The market has no terms for shops."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class DepositIs(Problem):
    """There is not so much left of the deposit."""

    status: ClassVar[int] = 409
    deposit_minor: int


@dataclass(eq=False)
class RuleShadowed(Problem):
    """The rule would never apply: one before it fits all that this one fits."""

    status: ClassVar[int] = 409
    by: int
    name: str


@dataclass(eq=False)
class RuleEnded(Problem):
    """The rule has ended."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NotLater(Problem):
    """What begins must begin now or later, and after what there is."""

    status: ClassVar[int] = 409
