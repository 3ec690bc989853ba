"""People as the system knows them, and what is refused to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit.auth import Role
from entrepot.kit.ids import END
from entrepot.kit.problem import Problem

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Optional = Annotated[str, Meta(max_length=200)]


class Member(msgspec.Struct, frozen=True):
    """Who signed in: all that a session says."""

    role: Role
    user_id: UUID
    cell: int
    seller_id: UUID | None
    generation: int = 0


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


class NewAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`country` is an ISO 3166-1 alpha-2 code; a `phone` number may be written as people of that country do. A business
    says by which `tax_id` that country knows it: papers name it."""

    recipient: Text
    line1: Text
    city: Text
    postal_code: Annotated[str, Meta(min_length=1, max_length=20)]
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["DE"])]
    line2: Optional = ""
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


@dataclass(eq=False)
class AddressNotValid(Problem):
    """The country has no such postal code, region, phone or tax number."""

    status: ClassVar[int] = 400
    field: str
    country: str


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
