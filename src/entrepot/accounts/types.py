"""People as the system knows them, and what is refused to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit.auth import Role
from entrepot.kit.ids import END
from entrepot.kit.problem import Problem

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Optional = Annotated[str, Meta(max_length=200)]
FieldName = Literal["recipient", "line1", "line2", "district", "city", "region", "postal_code"]


class Member(msgspec.Struct, frozen=True):
    """Who signed in: all that a session says."""

    role: Role
    user_id: UUID
    cell: int
    seller_id: UUID | None
    generation: int = 0
    guest: bool = False
    only: UUID | None = None


class Login(msgspec.Struct, frozen=True):
    role: str
    user_id: UUID
    cell: int
    seller_id: UUID | None
    password_hash: str
    generation: int


class Me(msgspec.Struct, frozen=True):
    """A user with what tells who it is; None after it was erased, or for a buyer that an import brought in."""

    user_id: UUID
    role: str
    seller_id: UUID | None
    email: str | None
    name: str | None
    guest: bool = False
    proven: bool = False


class NewAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`country` is an ISO 3166-1 alpha-2 code; which fields it has and needs says `GET /v1/address-forms/{country}`. A
    `phone` number may be written as people of that country do. A business says by which `tax_id` that country knows
    it: papers name it."""

    recipient: Text
    line1: Text
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["DE"])]
    city: Optional = ""
    postal_code: Annotated[str, Meta(max_length=20)] = ""
    line2: Optional = ""
    district: Optional = ""
    region: Optional = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    tax_id: Annotated[str, Meta(max_length=40)] = ""


class Address(msgspec.Struct, frozen=True):
    id: UUID
    recipient: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str
    phone: str = ""
    tax_id: str = ""
    district: str = ""


class SavedAddress(Address, frozen=True):
    """One of somebody's own; the default is taken where nothing else is said."""

    is_default: bool = False


class Choice(msgspec.Struct, frozen=True):
    """One of a closed list: what is kept, what people there call it, and that in Latin letters."""

    value: str
    name: str
    latin: str


class AddressField(msgspec.Struct, frozen=True):
    """A field of a country's addresses. `kind` is what it is there: a region is a province, state, prefecture, emirate
    ... Where there are `choices` nothing else is taken; they are known when the field `after` is."""

    name: FieldName
    kind: str
    required: bool
    choices: list[Choice]
    example: str
    after: FieldName | None = None


class AddressForm(msgspec.Struct, frozen=True):
    """The fields of a country's addresses, in its order."""

    country: str
    fields: list[AddressField]


@dataclass(eq=False)
class AddressNotValid(Problem):
    """A field of an address is missing, or its country has no such thing."""

    status: ClassVar[int] = 400
    field: str
    kind: str
    country: str
    reason: Literal["missing", "unknown"]
    example: str


@dataclass(eq=False)
class EmailNeeded(Problem):
    """A guest says first where letters about the order go: PUT /v1/guests/me."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NotAGuest(Problem):
    """This is an account, and has its e-mail."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class EmailTaken(Problem):
    """There is an account with this e-mail."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class WrongCredentials(Problem):
    """E-mail or password is wrong."""

    status: ClassVar[int] = 401


@dataclass(eq=False)
class TooManyAddresses(Problem):
    """An account has too many addresses."""

    status: ClassVar[int] = 409
    limit: int
