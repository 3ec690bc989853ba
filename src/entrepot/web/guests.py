"""Buying without an account: the e-mail, the link of a letter, and what an account finds again of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import RedirectResponse, Response

from entrepot import accounts, orders
from entrepot.kit import ids
from entrepot.kit.auth import SESSION_TTL
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER
from entrepot.kit.ids import show
from entrepot.web.account import Nothing, session_for
from entrepot.web.visit import Go, Visit, form, form_of_its_own, page, page_of_its_own


class GuestEmail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(pattern=rf"^[^@\s]{{1,64}}@[^@\s]{{1,190}}{ids.END}")]


async def email_page(tx: ReadTx, visit: Visit) -> Response:
    """Where letters go, the one thing that a guest says of itself besides an address."""
    me = await accounts.me(tx, visit.me.cell, visit.me.user_id)
    return await visit.show(tx, "guest.html", me=me) if me.guest else RedirectResponse("/checkout", 303)


async def say_email(tx: Tx, visit: Visit, body: GuestEmail) -> Go:
    await accounts.set_guest_email(tx, visit.me.cell, visit.me.user_id, body.email)
    return Go("/checkout")


async def follow_link(visit: Visit) -> Response:
    """The link of a guest's letter: its purchase, in a cookie beside the one of whoever is signed in."""
    async with visit.db.read() as tx:
        member = await accounts.follow_link(tx, visit.keys, visit.param("token"))
    assert member.only is not None, "a letter's link is of one purchase"
    response = RedirectResponse(f"/orders/{show('grp', member.only)}", 303)
    visit.set_cookie(response, "purchase", session_for(visit, member), int(SESSION_TTL.total_seconds()))
    response.headers["cache-control"] = "no-store"
    return response


async def open_own(visit: Visit, _: Nothing) -> Go:
    """What was bought as a guest, opened by the account that has proven the e-mail."""
    group_id = visit.id("grp", "group_id")
    async with visit.db.read() as tx:
        member = await orders.open_guest_group(tx, visit.me.user_id, group_id)
    return Go(f"/orders/{show('grp', group_id)}", cookies={"purchase": session_for(visit, member)})


async def prove_page(tx: ReadTx, visit: Visit) -> Response:
    """A button, for what looks into mail before its reader does follows links; for the account that asked for it."""
    return await visit.show(tx, "prove.html", token_of_letter=visit.param("token"))


async def prove(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await accounts.prove(tx, visit.keys, visit.with_account("proof").user_id, visit.param("token"))
    return Go("/orders", done="email_proven")


async def ask_proof(tx: Tx, visit: Visit, _: Nothing) -> Go:
    me = visit.with_account("proof")
    await accounts.ask_proof(tx, me.cell, me.user_id)
    return Go("/account", done="proof_asked")


routes = [
    page("/checkout/guest", email_page, BUYER),
    form("/checkout/guest", say_email, GuestEmail, BUYER, again=email_page),
    page_of_its_own("/guest/{token}", follow_link),
    page("/prove/{token}", prove_page, BUYER),
    form("/prove/{token}", prove, Nothing, BUYER),
    form("/account/prove", ask_proof, Nothing, BUYER),
    form_of_its_own("/orders/{group_id}/open", open_own, Nothing, BUYER),
]
