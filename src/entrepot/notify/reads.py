"""Messages as their reader and the operator see them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound
from entrepot.notify import store, writing
from entrepot.notify.types import Message, Preference

LAST = UUID(int=2**128 - 1)
PAGE = 50


class MessageView(msgspec.Struct, frozen=True):
    """A message to a user. `status`: due, sent, dropped (nobody needs it any more, or nobody is there to get it) or
    failed; `reason` is a code that says why, or why the last try was none."""

    id: str
    user_id: str
    channel: str
    party: str
    kind: str
    subject: str
    language: str
    status: str
    reason: str
    attempts: int
    at: datetime
    sent_at: datetime | None


class MessageText(msgspec.Struct, frozen=True):
    """`text` is what it says now; empty when there is nothing to tell any more."""

    message: MessageView
    text: str


async def messages(tx: ReadTx, status: str, before: UUID | None = None, language: str = "") -> list[MessageView]:
    """Those of a status in all cells, the latest first, PAGE at a time; subjects in a language, else in theirs."""
    rows = await tx.all(store.MESSAGES, status=status, before=before or LAST, limit=PAGE)
    return [_view(row, language) for row in rows]


async def messages_of(tx: ReadTx, user_id: UUID, before: UUID | None = None, language: str = "") -> list[MessageView]:
    """What a user was told or is about to be, the latest first, PAGE at a time."""
    rows = await tx.all(store.OF_USER, user_id=user_id, before=before or LAST, now=tx.now, limit=PAGE)
    return [_view(row, language) for row in rows]


async def message_text(tx: ReadTx, message_id: UUID, public_url: str) -> MessageText:
    """What a message says. Raises NotFound, also when what it is about is gone."""
    cell = await tx.maybe(store.CELL_OF, id=message_id)
    if cell is None:
        raise NotFound
    message = await tx.one(store.MESSAGE, cell=cell, id=message_id)
    written = await writing.write(tx, message, public_url)
    return MessageText(_view(message), "" if written is None else written.text)


async def preference(tx: ReadTx, user_id: UUID) -> Preference:
    """How a user wants to be told."""
    rows = await tx.all(store.PREFERENCES, user_ids=[user_id])
    return Preference(rows[0].language, rows[0].phone, rows[0].muted) if rows else Preference()  # type: ignore[arg-type]


def _view(row: Message, language: str = "") -> MessageView:
    texts = writing.words(language or row.language)
    return MessageView(
        show("msg", row.id), show("usr", row.user_id), row.channel, row.party, row.kind,
        texts.subject(row.kind, row.party), row.language, row.status, row.reason, row.attempts, row.at, row.sent_at,
    )  # fmt: skip
