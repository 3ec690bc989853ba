"""For what the platform and its sellers are registered, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, get, put
from entrepot.kit.ids import END, show
from entrepot.trade import registrations
from entrepot.trade.store_modes import Registration
from entrepot.trade.types import RegistrationNotValid

SellerPath = Annotated[UUID, "sel"]


class NewRegistration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It holds from `valid_from` until before `valid_to`."""

    number: Annotated[str, Meta(pattern=f"^[A-Za-z0-9 -]{{3,40}}{END}", examples=["IM2760000001"])]
    valid_from: date
    valid_to: date | None = None


class Registrations(msgspec.Struct, frozen=True):
    """Of the `unknown` sellers nobody has said where they are established: they are taken to be outside of any union
    (not all of very many)."""

    items: list[Registration]
    unknown: list[str]


class Establishment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]


async def register_platform(tx: Tx, caller: Caller, scheme: str, body: NewRegistration) -> Registration:
    """Says that the platform is registered for a scheme (IOSS, OSS, UK, AU, NZ, SG, CN): it then collects the tax of
    what is sold by it."""
    return await registrations.register(tx, scheme, body.number, body.valid_from, body.valid_to, caller.user_id)


async def list_registrations(tx: ReadTx) -> Registrations:
    """The platform's registrations, and the sellers of whom it has to know more."""
    return Registrations(
        await registrations.registrations(tx),
        [show("sel", one.seller_id) for one in await registrations.unestablished(tx)],
    )


async def set_establishment(tx: Tx, seller_id: SellerPath, body: Establishment) -> None:
    """Says where a seller is established, whatever the seller itself says of it."""
    await registrations.set_established(tx, seller_id, body.country)


routes = [
    put(
        "/v1/operator/registrations/{scheme}", register_platform, access=OPERATOR, key="taken",
        raises=(RegistrationNotValid,),
    ),
    get("/v1/operator/registrations", list_registrations, access=OPERATOR),
    put("/v1/sellers/{seller_id}/establishment", set_establishment, access=OPERATOR, key="taken"),
]  # fmt: skip
