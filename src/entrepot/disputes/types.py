"""What disputes are made of, and what they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

Kind = Literal["not_received", "not_as_described", "wrong_or_damaged", "unwanted"]
Status = Literal[
    "returning", "sent_back", "replaced", "opened", "answered", "escalated", "decided", "appealed", "at_bank", "closed"
]
Party = Literal["buyer", "seller", "operator", "timer"]
Act = Literal[
    "open",
    "note",
    "send_back",
    "inspect",
    "replace",
    "answer",
    "accept",
    "escalate",
    "withdraw",
    "appeal",
    "decide",
    "wait",
]

TEXT_MAX = 4_000
FILE_MAX_BYTES = 1_000_000
STEPS_MAX = 50
"""Of one dispute: whoever has more to say has said it."""
MAGIC: dict[str, bytes] = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
    "application/pdf": b"%PDF-",
}
"""How the files begin that may be shown, by their media type."""


class File(msgspec.Struct, frozen=True):
    """Evidence: a picture or a paper."""

    name: str
    type: str
    content: bytes


class Claim(msgspec.Struct, frozen=True):
    """What a buyer says is wrong with so many units of lines (by number) of an order. For what is unwanted as many
    units of the offer `instead` may be wanted in its place."""

    kind: Kind
    units: Mapping[int, int]
    text: str
    file: File | None = None
    instead: int | None = None


class Word(msgspec.Struct, frozen=True):
    """What a party does in a dispute, and says with it. `amount_minor` is what a seller offers (answer, inspect) or the
    operator grants (decide). Of goods that came back (inspect) `restock` units by line are good to be sold again, or
    all of them (None); the others are written off."""

    act: Act
    text: str = ""
    amount_minor: int | None = None
    file: File | None = None
    restock: Mapping[int, int] | None = None


class Replacement(msgspec.Struct, frozen=True):
    """What is wanted instead of the money of a return; `back_minor` of what was paid goes back, as it is cheaper.
    `status`: held, sent or freed."""

    offer_id: int
    variant_id: int
    stock_id: int
    quantity: int
    back_minor: int
    status: str


class Dispute(msgspec.Struct, frozen=True):
    """`claimed_minor` is what was paid for the disputed units, `offered_minor` the seller's last offer, `granted_minor`
    the verdict: what the buyer gets back of it."""

    cell: int
    id: UUID
    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    market: str
    currency: str
    kind: str
    status: str
    claimed_minor: int
    offered_minor: int | None
    granted_minor: int | None
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None

    def is_of(self, *, order_id: UUID | None, buyer_id: UUID | None, seller_id: UUID | None) -> bool:
        """Whether it is of each of these that is given."""
        given = ((order_id, self.order_id), (buyer_id, self.buyer_id), (seller_id, self.seller_id))
        return all(asked is None or asked == mine for asked, mine in given)


@dataclass(eq=False)
class DisputeStatusIs(Problem):
    """The dispute has moved on, so this can no longer be done."""

    status: ClassVar[int] = 409
    dispute_status: str


@dataclass(eq=False)
class ReturnTooLate(Problem):
    """The time in which this could be sent back is over."""

    status: ClassVar[int] = 409
    until: datetime


@dataclass(eq=False)
class ReturnNotTaken(Problem):
    """In this market nothing is taken back that is only unwanted."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NotInstead(Problem):
    """Of one line that is sent back, and crossed no border, something else of the same product, seller and country site
    can be had instead."""

    status: ClassVar[int] = 409
    offer_id: int


@dataclass(eq=False)
class ReplacementDearer(Problem):
    """What is wanted instead costs more than what was paid for it: send it back for its money, and buy the other."""

    status: ClassVar[int] = 409
    price_minor: int
    frozen_minor: int


@dataclass(eq=False)
class DisputeTooLate(Problem):
    """The time in which this order could be disputed is over."""

    status: ClassVar[int] = 409
    until: datetime


@dataclass(eq=False)
class AmountNotInDispute(Problem):
    """Between nothing and what was paid for the disputed units can be given back."""

    status: ClassVar[int] = 409
    claimed_minor: int


@dataclass(eq=False)
class DisputeFull(Problem):
    """So much was said in this dispute that nothing can be added."""

    status: ClassVar[int] = 409
    limit: int


@dataclass(eq=False)
class FileNotTaken(Problem):
    """A file must be a JPEG, PNG or WebP picture or a PDF, and not too large."""

    status: ClassVar[int] = 409
    limit_bytes: int
