"""Registering, sellers' staff, sessions and addresses.

No answer to a keyed write repeats personal data: answers are kept with keys.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from entrepot.accounts import actions, guests, postal, reads
from entrepot.accounts.sessions import Session, session_of
from entrepot.accounts.types import (
    AddressForm,
    AddressNotValid,
    EmailNeeded,
    EmailTaken,
    Member,
    NewAddress,
    NotAGuest,
    SavedAddress,
    TooManyAddresses,
    WrongCredentials,
)
from entrepot.kit import ids
from entrepot.kit.auth import Caller, Role, hash_password
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import ANYONE, BUYER, OPERATOR, PUBLIC, delete, get, post, put
from entrepot.kit.problem import NotFound, Overloaded, TooManyRequests

Email = Annotated[str, Meta(pattern=rf"^[^@\s]{{1,64}}@[^@\s]{{1,190}}{ids.END}", examples=["ada@example.org"])]
AddressPath = Annotated[UUID, "adr"]
SellerPath = Annotated[UUID, "sel"]


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Annotated[str, Meta(min_length=10, max_length=200)]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=200)]


class StaffView(msgspec.Struct, frozen=True):
    user_id: str
    seller_id: str


class MeView(msgspec.Struct, frozen=True):
    """`guest`: it has no account; `proven`: the e-mail of its account is read by whoever it is."""

    id: str
    role: Literal["buyer", "seller", "operator"]
    seller_id: str | None
    email: str | None
    name: str | None
    guest: bool
    proven: bool


class AddressId(msgspec.Struct, frozen=True):
    id: str


class AddressView(SavedAddress, frozen=True, kw_only=True):
    """`lines` are the address as it is written there, without its country; `lines_abroad` in Latin letters."""

    id: str  # type: ignore[assignment]
    lines: list[str]
    lines_abroad: list[str]


class Within(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was chosen already: cities are listed of a region, districts of a city."""

    region: Annotated[str, Meta(max_length=200)] = ""
    city: Annotated[str, Meta(max_length=200)] = ""


class Addresses(msgspec.Struct, frozen=True):
    items: list[AddressView]


async def register(request: Request, caller: Caller | None, body: NewPerson) -> Session:
    """Registers a buyer and signs it in. With the session of a guest it is that guest who has an account from now on,
    with its cart and orders."""
    db: Database = request.app.state.db
    password_hash = await hash_password(body.password)

    async def add(tx: Tx) -> Member:
        if caller is not None and caller.guest:
            return await guests.register_guest(
                tx, caller.cell, caller.user_id, body.email, body.name, password_hash
            )  # fmt: skip
        return await actions.register_buyer(tx, body.email, body.name, password_hash)

    member = await db.transact(add)
    await request.app.state.sessions.refresh()
    return session_of(request, member)


async def add_staff(request: Request, seller_id: SellerPath, body: NewPerson) -> StaffView:
    """Adds somebody who works for a seller, and can sign in at once."""
    db: Database = request.app.state.db
    password_hash = await hash_password(body.password)
    user_id = await db.transact(
        lambda tx: actions.add_staff(tx, Role.SELLER, seller_id, body.email, body.name, password_hash)
    )
    return StaffView(ids.show("usr", user_id), ids.show("sel", seller_id))


async def sign_in(request: Request, body: Credentials) -> Session:
    """Signs in."""
    ip = request.client.host if request.client else ""
    return session_of(request, await actions.sign_in(request.app.state.db, body.email, body.password, ip))


async def sign_out() -> Response:
    """Takes the session cookie back; a token is simply thrown away."""
    response = Response(status_code=204)
    response.delete_cookie("session", path="/", httponly=True, samesite="lax")
    return response


async def end_own_sessions(request: Request, caller: Caller) -> None:
    """Ends all sessions of the caller's, this one too: whoever has a token of theirs is signed out."""
    await _end(request, caller.user_id, caller.user_id)


async def end_sessions_of(request: Request, caller: Caller, user_id: Annotated[UUID, "usr"]) -> None:
    """Ends all sessions of somebody."""
    await _end(request, user_id, caller.user_id)


async def _end(request: Request, user_id: UUID, by: UUID) -> None:
    db: Database = request.app.state.db
    await db.transact(lambda tx: actions.end_sessions(tx, user_id, by))
    await request.app.state.sessions.refresh()


async def read_me(tx: ReadTx, caller: Caller) -> MeView:
    """The caller's own account."""
    me = await reads.me(tx, caller.cell, caller.user_id)
    seller_id = ids.show("sel", me.seller_id) if me.seller_id else None
    return MeView(ids.show("usr", me.user_id), me.role, seller_id, me.email, me.name, me.guest, me.proven)  # type: ignore[arg-type]


async def erase_me(tx: Tx, caller: Caller) -> None:
    """Forgets who the caller is: log-in, name and addresses. Orders stay, under a pseudonym."""
    await actions.erase(tx, caller.cell, caller.user_id)


async def add_address(tx: Tx, caller: Caller, body: NewAddress) -> AddressId:
    """Adds an address of the caller's."""
    return AddressId(ids.show("adr", await actions.add_address(tx, caller.cell, caller.user_id, body)))


async def list_addresses(tx: ReadTx, caller: Caller) -> Addresses:
    """The caller's addresses."""
    found = await reads.addresses(tx, caller.cell, caller.user_id)
    return Addresses([
        AddressView(
            **{**msgspec.structs.asdict(one), "id": ids.show("adr", one.id)}, lines=postal.lines(one),
            lines_abroad=postal.lines(one, abroad=True),
        )
        for one in found
    ])  # fmt: skip


async def read_address_form(country: str, query: Within) -> AddressForm:
    """The fields of a country's addresses, in its order."""
    try:
        return postal.form(country, query.region, query.city)
    except AddressNotValid:
        raise NotFound from None


async def change_address(tx: Tx, caller: Caller, address_id: AddressPath, body: NewAddress) -> AddressId:
    """Puts another address in the place of one. What was ordered goes where it was to go."""
    changed = await actions.change_address(tx, caller.cell, caller.user_id, address_id, body)
    return AddressId(ids.show("adr", changed))


async def make_default(tx: Tx, caller: Caller, address_id: AddressPath) -> None:
    """Takes this address where nothing else is said."""
    await actions.make_default(tx, caller.cell, caller.user_id, address_id)


async def delete_address(tx: Tx, caller: Caller, address_id: AddressPath) -> None:
    """Deletes one of the caller's addresses."""
    await actions.delete_address(tx, caller.cell, caller.user_id, address_id)


routes = [
    post("/v1/accounts", register, access=PUBLIC, raises=(EmailTaken, NotAGuest, Overloaded), status=201),
    post(
        "/v1/sellers/{seller_id}/staff", add_staff, access=OPERATOR, raises=(NotFound, EmailTaken, Overloaded),
        status=201,
    ),
    get("/v1/accounts/me", read_me, access=ANYONE, raises=(NotFound,)),
    delete("/v1/accounts/me", erase_me, access=BUYER, raises=(NotFound,)),
    post("/v1/sessions", sign_in, access=PUBLIC, raises=(WrongCredentials, TooManyRequests, Overloaded), status=201),
    delete("/v1/sessions", sign_out, access=PUBLIC),
    post("/v1/sessions/end", end_own_sessions, access=ANYONE, raises=(NotFound,)),
    post("/v1/operator/users/{user_id}/sessions/end", end_sessions_of, access=OPERATOR),
    get("/v1/addresses", list_addresses, access=BUYER),
    post(
        "/v1/addresses", add_address, access=BUYER, status=201, key="taken",
        raises=(AddressNotValid, EmailNeeded, NotFound, TooManyAddresses),
    ),
    put(
        "/v1/addresses/{address_id}", change_address, access=BUYER, raises=(AddressNotValid, NotFound), key="taken"
    ),
    put("/v1/addresses/{address_id}/default", make_default, access=BUYER, raises=(NotFound,), key="taken"),
    delete("/v1/addresses/{address_id}", delete_address, access=BUYER),
    get("/v1/address-forms/{country}", read_address_form, access=PUBLIC),
]  # fmt: skip
