"""Endpoints, deliveries, and what is refused about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem


class Endpoint(msgspec.Struct, frozen=True):
    """One row: see migration 0038."""

    id: UUID
    owner_id: UUID
    url: str
    types: list[str]
    secret: bytes
    old_secret: bytes | None
    old_until: datetime | None
    status: str
    reason: str
    fails: int
    failing_since: datetime | None
    created_at: datetime


class Delivery(msgspec.Struct, frozen=True):
    """What is to be sent: `attempts` counts the one that it was claimed for."""

    cell: int
    endpoint_id: UUID
    id: UUID
    body: str
    attempts: int


class Made(msgspec.Struct, frozen=True):
    """An endpoint, and its secret, which is shown this once."""

    id: UUID
    secret: str


@dataclass(eq=False)
class EndpointNotValid(Problem):
    """A webhook goes to an https address in the public network, without a user in it or a fragment."""

    status: ClassVar[int] = 400
    why: str


@dataclass(eq=False)
class UnknownTypes(Problem):
    """There are no such types: GET /v1/webhook-endpoints lists those that there are."""

    status: ClassVar[int] = 400
    types: list[str]


@dataclass(eq=False)
class TooManyEndpoints(Problem):
    """There are as many endpoints as one may have: remove one first."""

    status: ClassVar[int] = 409
    limit: int


@dataclass(eq=False)
class EndpointIs(Problem):
    """An endpoint that is off sends nothing, and one that is on needs not be turned on."""

    status: ClassVar[int] = 409
    endpoint_status: str


@dataclass(eq=False)
class DeliveryIsDue(Problem):
    """It waits to be sent already."""

    status: ClassVar[int] = 409
