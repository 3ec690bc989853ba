"""Guests over HTTP: to buy without an account, to come back by a letter's link, and to prove an e-mail."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.accounts import guests
from entrepot.accounts.api import Email
from entrepot.accounts.sessions import Session, session_of
from entrepot.accounts.types import NotAGuest
from entrepot.kit.auth import Caller, Keys
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import BUYER, PUBLIC, post, put
from entrepot.kit.problem import NotFound

Token = Annotated[str, Meta(min_length=1, max_length=300)]


class NewGuest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The e-mail may be said later (PUT /v1/guests/me), before the first address."""

    email: Email | None = None


class GuestEmail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands after the last slash of a letter's link."""

    token: Token


async def add_guest(request: Request, body: NewGuest) -> Session:
    """Lets somebody buy without an account. The answer is the same whether or not the e-mail has an account."""
    db: Database = request.app.state.db
    return session_of(request, await db.transact(lambda tx: guests.add_guest(tx, body.email)))


async def set_email(tx: Tx, caller: Caller, body: GuestEmail) -> None:
    """Says where a guest's letters go."""
    await guests.set_guest_email(tx, caller.cell, caller.user_id, body.email)


async def follow_link(tx: ReadTx, request: Request, body: Link) -> Session:
    """A session for the one purchase that the link in a guest's letter opens."""
    return session_of(request, await guests.follow_link(tx, request.app.state.keys, body.token))


async def ask_proof(tx: Tx, caller: Caller) -> None:
    """Has a letter sent whose link proves that the caller reads its e-mail."""
    await guests.ask_proof(tx, caller.cell, caller.user_id)


async def prove(tx: Tx, request: Request, caller: Caller, body: Link) -> None:
    """Proves the caller's e-mail by the link of that letter: what guests of it have bought is the caller's to see."""
    keys: Keys = request.app.state.keys
    await guests.prove(tx, keys, caller.user_id, body.token)


routes = [
    post("/v1/guests", add_guest, access=PUBLIC, status=201),
    put("/v1/guests/me", set_email, access=BUYER, raises=(NotAGuest,), key="taken"),
    post("/v1/guests/links", follow_link, access=PUBLIC, status=201, raises=(NotFound,)),
    post("/v1/accounts/me/proof", ask_proof, access=BUYER, raises=(NotFound,), key="taken", account="proof"),
    post("/v1/accounts/proofs", prove, access=BUYER, raises=(NotFound,), account="proof"),
]
