"""Markets, terms and sellers, and what is refused about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, NewType
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit.ids import END
from entrepot.kit.problem import Problem

SellerId = NewType("SellerId", UUID)


class Market(msgspec.Struct, frozen=True):
    """A country site: ISO 4217 currency, BCP 47 language, ISO 3166-1 country, by whose law goods are shown here (None:
    by nobody's). Whether prices have the country's own tax in them is said beside them. `payments` are the ways of
    paying that it offers; without any, all that the installation has. When something is delivered is said by the clock
    of its `time_zone`, as in Europe/Berlin."""

    code: str
    name: str
    currency: str
    language: str
    country: str | None = None
    prices_with_tax: bool = True
    payments: list[str] = []
    time_zone: str = "UTC"


class Terms(msgspec.Struct, frozen=True):
    """What holds in a market from `valid_from` on. Rates in basis points, lifetimes in seconds.

    A delivered order is confirmed in the buyer's place after `confirm_after_s`, a shipped one without any scan after
    `untracked_after_s`; `confirm_after_s` 0 means that the scan of its delivery releases it. A completed order may be
    disputed for `dispute_within_s`; in a dispute each party answers within `answer_within_s`, and what was decided is
    final after `appeal_within_s`. What was delivered may be sent back unwanted for `return_within_s` (0: never); the
    buyer sends it within `send_back_within_s`, and the seller looks at it within as long. `source` says where the terms
    were agreed."""

    market: str
    valid_from: datetime
    commission_bp: int
    payment_fee_bp: int
    quote_ttl_s: int
    payment_ttl_s: int
    confirm_after_s: int
    untracked_after_s: int
    source: str
    dispute_within_s: int = 14 * 86_400
    answer_within_s: int = 3 * 86_400
    appeal_within_s: int = 7 * 86_400
    return_within_s: int = 14 * 86_400
    send_back_within_s: int = 14 * 86_400


class Seller(msgspec.Struct, frozen=True):
    """`kind` is third_party or own, `status` active or suspended; without `commission_bp` the market's rate holds.
    It is paid in the currency `settles_in`, None: in what each sale was made in."""

    id: SellerId
    cell: int
    slug: str
    name: str
    kind: str
    status: str
    commission_bp: int | None
    created_at: datetime
    settles_in: str | None = None


Text = Annotated[str, Meta(min_length=1, max_length=200)]
MaybeText = Annotated[str, Meta(max_length=200)]
Country = Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["DE"])]
MaybeCountry = Annotated[str, Meta(pattern=f"^([A-Z]{{2}})?{END}")]
Number = Annotated[str, Meta(pattern=f"^([A-Za-z0-9][A-Za-z0-9 ./+*-]{{0,39}})?{END}")]


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who a seller is before the law: a person or a company, where it lives or has its seat, and the numbers by which
    tax offices and registers know it. `tax_country` gave `tax_id`; of a person `name` is the family name; `branches`
    are countries in which a company has a permanent establishment. What is not known is left out. Countries are ISO
    3166-1 codes."""

    kind: Literal["person", "company"]
    name: Text
    line1: Text
    postal_code: Text
    city: Text
    country: Country
    first_name: MaybeText = ""
    line2: MaybeText = ""
    region: MaybeText = ""
    tax_id: Number = ""
    tax_country: MaybeCountry = ""
    vat_id: Number = ""
    register_number: Number = ""
    birth_date: date | None = None
    birth_place: MaybeText = ""
    branches: Annotated[list[Country], Meta(max_length=60)] = []

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.name}".strip()


@dataclass(eq=False)
class CountryNotValid(Problem):
    """There is no such country, or a tax id has none that gave it."""

    status: ClassVar[int] = 400
    field: str


@dataclass(eq=False)
class MarketExists(Problem):
    """There is a market of this code, and it is another one."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class TermsNotLater(Problem):
    """New terms must begin after those that the market has."""

    status: ClassVar[int] = 409
    last_valid_from: datetime


@dataclass(eq=False)
class NoTerms(Problem):
    """The market has no terms at this time."""

    status: ClassVar[int] = 409
    market: str


@dataclass(eq=False)
class SlugTaken(Problem):
    """Another seller has this slug."""

    status: ClassVar[int] = 409
    slug: str


@dataclass(eq=False)
class SellerStatusIs(Problem):
    """The seller's status does not allow this."""

    status: ClassVar[int] = 409
    seller_status: str


@dataclass(eq=False)
class CurrencyNotTaken(Problem):
    """No market has this currency, so nothing can be settled in it."""

    status: ClassVar[int] = 409
    currency: str


@dataclass(eq=False)
class TaxIdNotValid(Problem):
    """Its country gives out no such number."""

    status: ClassVar[int] = 400
    field: str
    country: str
