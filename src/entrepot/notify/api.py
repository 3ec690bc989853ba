"""Messages over HTTP: everybody's own, and what they want; the operator's list of what was not sent."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import ANYONE, OPERATOR, get, post, put
from entrepot.kit.ids import END, parse, ref
from entrepot.kit.problem import NotFound
from entrepot.notify import actions, reads
from entrepot.notify.reads import MessageText, MessageView
from entrepot.notify.types import NotFailed, Preference, Topic

MessagePath = Annotated[UUID, "msg"]


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the caller wants to be told. `language` is a BCP 47 tag, empty for the market's; `phone` as E.164 writes it,
    empty for no text messages; `muted` are topics that need not be told. Everything else is told always."""

    language: Annotated[str, Meta(pattern=f"^([a-z]{{2,3}}(-[A-Za-z0-9]{{2,8}}){{0,3}})?{END}", max_length=35)] = ""
    phone: Annotated[str, Meta(pattern=rf"^(\+[1-9][0-9]{{6,14}})?{END}")] = ""
    muted: Annotated[list[Topic], Meta(max_length=3)] = []


class OwnQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before."""

    before: Annotated[str, ref("msg")] | None = None


class MessagesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before."""

    status: Literal["due", "sent", "dropped", "failed"] = "failed"
    before: Annotated[str, ref("msg")] | None = None


class Messages(msgspec.Struct, frozen=True):
    items: list[MessageView]


async def list_own_messages(tx: ReadTx, caller: Caller, query: OwnQuery) -> Messages:
    """What the caller was told, the latest first."""
    before = parse("msg", query.before) if query.before else None
    return Messages(await reads.messages_of(tx, caller.user_id, before))


async def read_preferences(tx: ReadTx, caller: Caller) -> Preference:
    """How the caller wants to be told."""
    return await reads.preference(tx, caller.user_id)


async def set_preferences(tx: Tx, caller: Caller, body: Wish) -> None:
    """Says how the caller wants to be told."""
    await actions.prefer(tx, caller.cell, caller.user_id, Preference(body.language, body.phone, body.muted))


async def list_messages(tx: ReadTx, query: MessagesQuery) -> Messages:
    """Messages of a status, the latest first: those that have failed, or what waits to be sent."""
    before = parse("msg", query.before) if query.before else None
    return Messages(await reads.messages(tx, query.status, before))


async def read_message(tx: ReadTx, request: Request, message_id: MessagePath) -> MessageText:
    """A message as it would go out now."""
    return await reads.message_text(tx, message_id, request.app.state.public_url)


async def resend_message(tx: Tx, message_id: MessagePath) -> None:
    """Sends what has failed again, under the same Message-ID."""
    await actions.resend(tx, message_id)


routes = [
    get("/v1/messages", list_own_messages, access=ANYONE),
    get("/v1/message-preferences", read_preferences, access=ANYONE),
    put("/v1/message-preferences", set_preferences, access=ANYONE, key="taken"),
    get("/v1/operator/messages", list_messages, access=OPERATOR),
    get("/v1/operator/messages/{message_id}", read_message, access=OPERATOR, raises=(NotFound,)),
    post(
        "/v1/operator/messages/{message_id}/resend", resend_message, access=OPERATOR, key="taken",
        raises=(NotFound, NotFailed),
    ),
]  # fmt: skip
