"""Registering, signing in and out, and a buyer's addresses."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import accounts, notify, orders
from entrepot.accounts import Member
from entrepot.kit import ids
from entrepot.kit.auth import Caller, Role, hash_password
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import ANYONE, BUYER, OPERATOR, PUBLIC
from entrepot.kit.problem import Problem
from entrepot.web.visit import Go, Visit, day_of, form, form_of_its_own, local, page

HOMES = {Role.BUYER: "/", Role.SELLER: "/seller", Role.OPERATOR: "/operator"}
"""Where a member's work begins."""
Email = Annotated[str, Meta(pattern=rf"^[^@\s]{{1,64}}@[^@\s]{{1,190}}{ids.END}")]


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Annotated[str, Meta(min_length=10, max_length=200)]
    next: str = "/"


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=200)]
    next: str = ""


class BirthDate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    birth_date: Annotated[str, Meta(max_length=10)]


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the buyer is at customs in China, which is the country that asks."""

    identity_name: Annotated[str, Meta(min_length=1, max_length=100)]
    identity_number: Annotated[str, Meta(min_length=1, max_length=30)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form that is only its button."""


async def sign_in_page(tx: ReadTx, visit: Visit) -> Response:
    return await visit.show(tx, "sign_in.html", next=next_of(visit))


async def register_page(tx: ReadTx, visit: Visit) -> Response:
    return await visit.show(tx, "register.html", next=next_of(visit))


async def sign_in(visit: Visit, body: Credentials) -> Go:
    ip = visit.request.client.host if visit.request.client else ""
    member = await accounts.sign_in(visit.db, body.email, body.password, ip)
    if visit.caller is not None and visit.caller.guest and member.role is Role.BUYER:
        await _take_cart(visit, visit.caller, member)
    return Go(local(body.next) if body.next else HOMES[member.role], session=session_for(visit, member))


async def _take_cart(visit: Visit, guest: Caller, member: Member) -> None:
    """What was in the guest's cart comes along; what cannot be bought any more stays behind."""
    async with visit.db.read() as tx:
        market = (await visit.market(tx)).code
        lines = await orders.cart_lines(tx, guest.cell, guest.user_id, market)

    async def add(tx: Tx, offer_id: int, quantity: int) -> None:
        cart = await orders.own_cart(tx, member.cell, member.user_id, market)
        await orders.add_line(tx, member.cell, member.user_id, cart, offer_id, quantity)

    for offer_id, quantity in lines:
        with suppress(Problem):
            await visit.db.transact(lambda tx, one=(offer_id, quantity): add(tx, *one), durable=False)  # type: ignore[misc]


async def register(visit: Visit, body: Registration) -> Go:
    password_hash = await hash_password(body.password)

    async def add(tx: Tx) -> Member:
        if visit.caller is not None and visit.caller.guest:  # cart and orders stay its own
            return await accounts.register_guest(
                tx, visit.caller.cell, visit.caller.user_id, body.email, body.name, password_hash
            )  # fmt: skip
        added = await accounts.register_buyer(tx, body.email, body.name, password_hash)
        await notify.set_language(tx, added.cell, added.user_id, visit.language.code)
        return added

    member = await visit.db.transact(add)
    await visit.request.app.state.sessions.refresh()
    return Go(local(body.next), session=session_for(visit, member))


async def sign_out(_: Visit, __: Nothing) -> Go:
    return Go("/", session="")


async def sign_out_everywhere(visit: Visit, _: Nothing) -> Go:
    await _end_sessions(visit, visit.me.user_id)
    return Go("/", session="")


async def end_sessions_of(visit: Visit, _: Nothing) -> Go:
    await _end_sessions(visit, visit.id("usr", "user_id"))
    return Go("/operator/audit", done="sessions_ended")


async def _end_sessions(visit: Visit, user_id: UUID) -> None:
    await visit.db.transact(lambda tx: accounts.end_sessions(tx, user_id, visit.me.user_id))
    await visit.request.app.state.sessions.refresh()


async def account(tx: ReadTx, visit: Visit) -> Response:
    """Who I am to this shop, and where things go."""
    me = await accounts.me(tx, visit.me.cell, visit.me.user_id)
    addresses = await accounts.addresses(tx, visit.me.cell, visit.me.user_id)
    identity = await orders.identity(tx, visit.me.cell, visit.me.user_id, "CN")
    return await visit.show(
        tx, "account.html", me=me, shown_id=ids.show("usr", me.user_id), addresses=addresses[::-1], identity=identity,
        address_id=lambda address: ids.show("adr", address.id),
    )  # fmt: skip


async def give_age(tx: Tx, visit: Visit, body: BirthDate) -> Go:
    await orders.give_birth_date(tx, visit.me.cell, visit.me.user_id, day_of(body.birth_date, "birth_date"))
    return Go("/account", done="age_given")


async def say_identity(tx: Tx, visit: Visit, body: Identity) -> Go:
    me = visit.with_account("identity")
    await orders.say_identity(tx, visit.keys, me.cell, me.user_id, "CN", body.identity_name, body.identity_number)
    return Go("/account", done="identity_said")


def next_of(visit: Visit) -> str:
    """Where to go when the form that is asked for is done; empty: nothing was said."""
    wanted = visit.typed.get("next") or visit.query("next", 1_000)
    return local(wanted) if wanted else ""


def session_for(visit: Visit, member: Member) -> str:
    """The cookie of a session that begins now."""
    return visit.keys.session(
        member.role,
        member.user_id,
        visit.db.clock.now(),
        cell=member.cell,
        seller_id=member.seller_id,
        generation=member.generation,
        guest=member.guest,
        only=member.only,
    )


routes = [
    page("/sign-in", sign_in_page),
    page("/register", register_page),
    form_of_its_own("/sign-in", sign_in, Credentials, PUBLIC, again=sign_in_page),
    form_of_its_own("/register", register, Registration, PUBLIC, again=register_page),
    form_of_its_own("/sign-out", sign_out, Nothing, ANYONE),
    form_of_its_own("/sign-out/everywhere", sign_out_everywhere, Nothing, ANYONE),
    form_of_its_own("/operator/users/{user_id}/sessions/end", end_sessions_of, Nothing, OPERATOR),
    page("/account", account, BUYER),
    form("/account/age", give_age, BirthDate, BUYER, again=account),
    form("/account/identity", say_identity, Identity, BUYER, again=account),
]
