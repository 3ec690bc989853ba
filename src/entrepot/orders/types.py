"""What orders are asked, what they answer, and what they refuse."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from entrepot.kit.problem import KeyConflict, NotFound, Problem
from entrepot.pricing import LimitReached, Line, QuotaUse, SlotFull

REASON_MAX = 500
"""Characters in which it is said why something is canceled or refunded."""


class Purchase(msgspec.Struct, frozen=True):
    """What a quote is asked for: `lines` of `buyer_id` in `market`, sent by `shipping_code` to `address_id`.

    `ids` are the quote's id and, after it, one per order, for a caller that must get the same ones again (an import);
    otherwise they are made. `uses` are quotas that it uses beside those of the promotion. From `until` on the quote is
    no longer good, however long quotes are good in the market. Each of its orders takes a place of the time `slot`,
    which a service that is slotted needs."""

    buyer_id: UUID
    market: str
    shipping_code: str
    lines: list[Line]
    address_id: UUID | None = None
    promotion_code: str | None = None
    cart_id: UUID | None = None
    ids: tuple[UUID, ...] = ()
    uses: Sequence[QuotaUse] = ()
    until: datetime | None = None
    slot: int | None = None


class Place(msgspec.Struct, frozen=True):
    """The command to place a quote. `key` is the caller's idempotency key. `body` is what the caller asked for where
    that was no quote of theirs (see buy_many). `months` is how many installments it is paid in, by the method of that
    name."""

    caller: UUID
    key: str
    quote_id: UUID
    method: str
    body: bytes = b""
    months: int = 0

    @property
    def body_hash(self) -> bytes:
        return hashlib.sha256(self.body or f"{self.quote_id} {self.method}{self.months or ''}".encode()).digest()


class KeyPlaced(msgspec.Struct, frozen=True):
    """An idempotency key that placed the group `group_id`, and what it was used with."""

    caller: UUID
    key: str
    body_hash: bytes
    group_id: UUID


class Verdict(msgspec.Struct, frozen=True):
    """What became of a Place: `verdict` is `placed` or the reason why not (see problem_of); `replayed` says that the
    effect was there before; `detail` has the reason's figures."""

    ord: int
    verdict: str
    replayed: bool
    group_id: UUID | None
    detail: dict[str, Any] | None


class Placed(msgspec.Struct, frozen=True):
    """The answer to placing: the group's id, and whether it is paid or awaits payment."""

    id: str
    status: str


@dataclass(eq=False)
class QuotePlaced(Problem):
    """This quote was placed before, under another key."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class QuoteExpired(Problem):
    """The quote has expired; ask for a new one."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class AddressNotLatin(Problem):
    """Something crosses a border, and neither the post nor customs can read this address: give it in Latin letters."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class IdentityNeeded(Problem):
    """The country it would go to counts what each person brings in: say who you are there first (PUT /v1/identity)."""

    status: ClassVar[int] = 409
    country: str


@dataclass(eq=False)
class IdentityNotValid(Problem):
    """This is no number of a person in this country."""

    status: ClassVar[int] = 422


@dataclass(eq=False)
class IdentityElsewhere(Problem):
    """Another account, which is kept elsewhere, has said this number: buy with that one."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class OfferUnavailable(Problem):
    """One of the offers can no longer be bought."""

    status: ClassVar[int] = 409
    offer_id: int


@dataclass(eq=False)
class PriceChanged(Problem):
    """A price has changed since the quote."""

    status: ClassVar[int] = 409
    offer_id: int
    unit_price_minor: int


@dataclass(eq=False)
class SoldOut(Problem):
    """There is not enough left of one of the offers."""

    status: ClassVar[int] = 409
    offer_id: int
    available: int


@dataclass(eq=False)
class WalletTooLow(Problem):
    """There is not enough money in the wallet."""

    status: ClassVar[int] = 409
    available_minor: int


@dataclass(eq=False)
class CartEmpty(Problem):
    """The cart has no lines."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class CartIncomplete(Problem):
    """The cart lacks something that a quote needs."""

    status: ClassVar[int] = 409
    missing: str


@dataclass(eq=False)
class CartFull(Problem):
    """The cart has as many lines as it can."""

    status: ClassVar[int] = 409
    limit: int


@dataclass(eq=False)
class WrongStatus(Problem):
    """The order's status does not allow this."""

    status: ClassVar[int] = 409
    order_status: str


@dataclass(eq=False)
class OrderHeld(Problem):
    """The order waits until the operator has looked at who gets it."""

    status: ClassVar[int] = 409
    order_id: str


@dataclass(eq=False)
class LineNotThere(Problem):
    """The order has no line of this number."""

    status: ClassVar[int] = 409
    line_no: int


@dataclass(eq=False)
class UnitsTaken(Problem):
    """Fewer units of this line are left: each can be canceled, returned or disputed once."""

    status: ClassVar[int] = 409
    line_no: int
    left: int


@dataclass(eq=False)
class AmountNotLeft(Problem):
    """Less of what was paid for this line is left."""

    status: ClassVar[int] = 409
    line_no: int
    left_minor: int


@dataclass(eq=False)
class NothingPaid(Problem):
    """Nothing was paid for these units, so nothing can go back."""

    status: ClassVar[int] = 409


PLACE_PROBLEMS: dict[str, type[Problem]] = {
    "key_conflict": KeyConflict,
    "quote_not_found": NotFound,
    "quote_placed": QuotePlaced,
    "quote_expired": QuoteExpired,
    "offer_unavailable": OfferUnavailable,
    "price_changed": PriceChanged,
    "sold_out": SoldOut,
    "limit_reached": LimitReached,
    "slot_full": SlotFull,
    "insufficient_funds": WalletTooLow,
}
"""Every verdict of place_many but `placed`."""


def problem_of(verdict: Verdict) -> Problem:
    """The Problem that a refusing verdict is."""
    return PLACE_PROBLEMS[verdict.verdict](**(verdict.detail or {}))
