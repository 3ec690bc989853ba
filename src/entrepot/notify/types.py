"""Messages, and what is refused about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

Way = Literal["mail", "sms"]
Party = Literal["buyer", "seller", "operator"]
Topic = Literal["deliveries", "sales", "digest"]
"""What one may do without. Everything else is transactional."""


class Message(msgspec.Struct, frozen=True):
    """One row: see migration 0027."""

    cell: int
    id: UUID
    user_id: UUID
    channel: str
    party: str
    kind: str
    subject_id: UUID
    data: dict[str, Any]
    language: str
    status: str
    at: datetime
    attempts: int
    sent_at: datetime | None
    reason: str


class Preference(msgspec.Struct, frozen=True):
    """How a user wants to be told. `language` is a BCP 47 tag, empty for the market's; `phone` as E.164 writes it,
    empty for no text messages; `muted` are topics."""

    language: str = ""
    phone: str = ""
    muted: list[Topic] = []


class Letter(msgspec.Struct, frozen=True):
    """What goes out: `to` is an e-mail address or a phone number. `unsubscribe` is empty for what cannot be muted."""

    id: UUID
    to: str
    subject: str
    text: str
    html: str
    language: str
    at: datetime
    unsubscribe: str = ""


class RefusedError(Exception):
    """The other side will not take a message, however often it is asked; the message is a code of its own."""


@dataclass(eq=False)
class NotFailed(Problem):
    """Only what has failed is sent again."""

    status: ClassVar[int] = 409
    message_status: str
