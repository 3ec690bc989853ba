"""What one was told and how one wants to be, what the operator has to see of it, and the link that ends a topic."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import notify
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import ANYONE, OPERATOR, PUBLIC
from entrepot.kit.i18n import N
from entrepot.kit.ids import END
from entrepot.kit.problem import NotFound
from entrepot.notify import Preference
from entrepot.web.account import Nothing
from entrepot.web.render import LANGUAGES
from entrepot.web.visit import Go, Visit, form, form_of_its_own, page, page_of_its_own

TOPICS = {
    "deliveries": N("What has arrived, and orders that go on"),
    "sales": N("New orders, reviews and payouts"),
    "digest": N("What waits for the operator, once a day"),
}
"""What one may not want to be told."""

MESSAGE_STATES = {
    "due": N("Waits to be sent"),
    "sent": N("Sent"),
    "dropped": N("Not needed any more"),
    "failed": N("Could not be sent"),
}


class Wishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic that is not ticked is muted."""

    language: Annotated[str, Meta(max_length=35)] = ""
    phone: Annotated[str, Meta(pattern=rf"^(\+[1-9][0-9]{{6,14}})?{END}")] = ""
    deliveries: str = ""
    sales: str = ""
    digest: str = ""


class OneClick(msgspec.Struct, frozen=True, rename={"list_unsubscribe": "List-Unsubscribe"}):
    """What a mail program posts (RFC 8058), or the page's own button."""

    list_unsubscribe: str = ""


async def own_page(tx: ReadTx, visit: Visit) -> Response:
    topics = {topic: TOPICS[topic] for topic in notify.topics_of(visit.me.role)}
    return await visit.show(
        tx, "messages.html", wish=await notify.preference(tx, visit.me.user_id), topics=topics, states=MESSAGE_STATES,
        found=await notify.messages_of(tx, visit.me.user_id, visit.query_id("msg", "before"), visit.language.code),
        page_size=notify.PAGE, is_office=visit.me.role is not Role.BUYER,
    )  # fmt: skip


async def wish(tx: Tx, visit: Visit, body: Wishes) -> Go:
    language = body.language if body.language in LANGUAGES else ""
    muted = [topic for topic in notify.topics_of(visit.me.role) if not getattr(body, topic)]
    await notify.prefer(tx, visit.me.cell, visit.me.user_id, Preference(language, body.phone, muted))
    return Go("/messages", done="wishes_noted")


async def operator_page(tx: ReadTx, visit: Visit) -> Response:
    asked = visit.query("status")
    status = asked if asked in MESSAGE_STATES else "failed"
    found = await notify.messages(tx, status, visit.query_id("msg", "before"), visit.language.code)
    return await visit.show(
        tx, "operator_messages.html", found=found, shown=status, states=MESSAGE_STATES, page_size=notify.PAGE
    )


async def message_page(tx: ReadTx, visit: Visit) -> Response:
    public_url = visit.request.app.state.public_url
    told = await notify.message_text(tx, visit.id("msg", "message_id"), public_url)
    return await visit.show(tx, "operator_message.html", told=told, states=MESSAGE_STATES)


async def resend(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await notify.resend(tx, visit.id("msg", "message_id"))
    return Go("/operator/messages", done="message_resent")


async def unsubscribe_page(visit: Visit) -> Response:
    _, topic = _claim(visit)
    return visit.html("unsubscribe.html", frame=None, topic=TOPICS[topic], path=visit.request.url.path)


async def unsubscribe(visit: Visit, _: OneClick) -> Go:
    """Without signing in: whoever has the mail has the link."""
    user_id, topic = _claim(visit)
    await visit.db.transact(lambda tx: notify.unsubscribe(tx, user_id, topic))
    return Go("/", done="wishes_noted")


def _claim(visit: Visit) -> tuple[UUID, str]:
    """The user and the topic that a link is of. Raises NotFound for one that is not ours."""
    found = notify.unsubscribing(visit.keys, visit.param("token"))
    if found is None:
        raise NotFound
    return found


routes = [
    page("/messages", own_page, ANYONE),
    form("/messages", wish, Wishes, ANYONE, again=own_page),
    page("/operator/messages", operator_page, OPERATOR),
    page("/operator/messages/{message_id}", message_page, OPERATOR),
    form("/operator/messages/{message_id}/resend", resend, Nothing, OPERATOR),
    page_of_its_own("/unsubscribe/{token}", unsubscribe_page),
    form_of_its_own("/unsubscribe/{token}", unsubscribe, OneClick, PUBLIC),
]
