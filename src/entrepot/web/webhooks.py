"""Where sellers and the operator have their own servers told what happens, and what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from starlette.responses import Response

from entrepot import webhooks
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.i18n import N
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import Malformed
from entrepot.web.account import Nothing
from entrepot.web.visit import Go, Visit, form, page

WHO = SELLER | OPERATOR
FIELDS = {name.replace(".", "_"): name for name in webhooks.NAMES}
"""By the name of its box in the form."""
Said = msgspec.defstruct(
    "Said", [("url", str), *((field, str, "") for field in FIELDS)], frozen=True, forbid_unknown_fields=True
)
WHY_OFF = {
    "owner": N("turned off"),
    "failing": N("turned off: no call has succeeded for three days"),
    "gone": N("turned off: it has answered that it is gone"),
}
STATES = {"due": N("Waits to be sent"), "sent": N("Sent"), "failed": N("Could not be sent")}
ANSWERS = {
    "timeout": N("no answer in time"),
    "no_answer": N("nobody there"),
    "private_address": N("its name leads into a private network"),
    "no_secret": N("its secret cannot be read"),
}


def _owner(visit: Visit) -> UUID:
    return NIL if visit.me.seller_id is None else visit.me.seller_id


def _id(visit: Visit) -> UUID:
    return visit.id("whk", "webhook_id")


async def list_page(tx: ReadTx, visit: Visit) -> Response:
    found = await webhooks.endpoints(tx, _owner(visit))
    return await visit.show(tx, "webhooks.html", found=found, fields=FIELDS, why=WHY_OFF, limit=webhooks.ENDPOINTS)


async def one_page(tx: ReadTx, visit: Visit) -> Response:
    return await _show(tx, visit, _id(visit))


async def _show(tx: ReadTx, visit: Visit, id_: UUID, secret: str = "") -> Response:
    """An endpoint; with its secret, only in answer to who has just made it."""
    owner = _owner(visit)
    sent = await webhooks.deliveries(tx, owner, id_, before=visit.query_id("evt", "before"))
    shown = await visit.show(
        tx, "webhook.html", one=await webhooks.endpoint(tx, owner, id_), sent=sent, secret=secret, fields=FIELDS,
        why=WHY_OFF, states=STATES, answers=ANSWERS, page_size=webhooks.PAGE,
    )  # fmt: skip
    if secret:
        shown.headers["cache-control"] = "no-store"
    return shown


def _types(body: Any) -> list[str]:
    """Raises Malformed when none is chosen."""
    chosen = [name for field, name in FIELDS.items() if getattr(body, field)]
    if not chosen:
        raise Malformed("no type is chosen - at `$.types`")
    return chosen


def _private(visit: Visit) -> bool:
    private: bool = visit.request.app.state.webhooks_private
    return private


async def add(tx: Tx, visit: Visit, body: Any) -> Response:
    made = await webhooks.add(tx, visit.keys, _owner(visit), body.url, _types(body), private=_private(visit))
    return await _show(tx, visit, made.id, made.secret)


async def change(tx: Tx, visit: Visit, body: Any) -> Go:
    await webhooks.change(tx, _owner(visit), _id(visit), body.url, _types(body), private=_private(visit))
    return _back(visit, "webhook_changed")


async def rotate(tx: Tx, visit: Visit, _: Nothing) -> Response:
    made = await webhooks.rotate(tx, visit.keys, _owner(visit), _id(visit))
    return await _show(tx, visit, made.id, made.secret)


async def turn_on(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await webhooks.turn_on(tx, _owner(visit), _id(visit))
    return _back(visit, "webhook_on")


async def turn_off(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await webhooks.turn_off(tx, _owner(visit), _id(visit))
    return _back(visit, "webhook_off")


async def test(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await webhooks.test(tx, visit.me.cell, _owner(visit), _id(visit))
    return _back(visit, "webhook_tested")


async def resend(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await webhooks.resend(tx, _owner(visit), _id(visit), visit.id("evt", "event_id"))
    return _back(visit, "webhook_resent")


async def remove(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await webhooks.remove(tx, _owner(visit), _id(visit))
    return Go("/webhooks", done="webhook_removed")


def _back(visit: Visit, done: str) -> Go:
    return Go(f"/webhooks/{show('whk', _id(visit))}", done=done)


_ONE = "/webhooks/{webhook_id}"
routes = [
    page("/webhooks", list_page, WHO),
    form("/webhooks", add, Said, WHO, again=list_page),
    page(_ONE, one_page, WHO),
    form(_ONE, change, Said, WHO, again=one_page),
    form(f"{_ONE}/rotate", rotate, Nothing, WHO),
    form(f"{_ONE}/on", turn_on, Nothing, WHO),
    form(f"{_ONE}/off", turn_off, Nothing, WHO),
    form(f"{_ONE}/test", test, Nothing, WHO),
    form(f"{_ONE}/remove", remove, Nothing, WHO),
    form(f"{_ONE}/deliveries/{{event_id}}/resend", resend, Nothing, WHO),
]
