"""What sellers owe and what is held back from them, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.approvals import Asked
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Malformed, NotFound
from entrepot.payments import by_operator, owing
from entrepot.payments.owing import Debt
from entrepot.payments.types import DebtIs, ReserveTerms, ReserveTermsNotLater

SellerPath = Annotated[UUID, "sel"]
DAY_S = 86_400


class Debts(msgspec.Struct, frozen=True):
    """The oldest first, at most 200."""

    items: list[Debt]


class WriteOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class NewReserve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `valid_from` on, in five minutes at the soonest, `reserve_bp` basis points of each release are held back for
    `hold_days`. 0 ends it."""

    reserve_bp: Annotated[int, Meta(ge=0, le=10_000)]
    hold_days: Annotated[int, Meta(ge=1, le=730)]
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)


class ReserveView(msgspec.Struct, frozen=True):
    valid_from: datetime
    reserve_bp: int
    hold_days: int
    source: str


class Reserves(msgspec.Struct, frozen=True):
    """The latest first, at most 50. What is held now is in the statement of account."""

    items: list[ReserveView]


async def list_debts(tx: ReadTx) -> Debts:
    """What sellers owe, because more went back than they had, and for how long."""
    return Debts(await owing.debts(tx))


async def list_own_debts(tx: ReadTx, caller: Caller) -> Debts:
    """What the seller owes. Whatever is released next fills it up before anything is paid out."""
    return Debts(await owing.debts(tx, caller.seller))


async def write_off_debt(tx: Tx, caller: Caller, seller_id: SellerPath, body: WriteOff) -> Asked | None:
    """Gives up what a seller owes, or some of it: it is the operator's loss."""
    by, of = caller.user_id, body.currency
    return await by_operator.write_off_by(tx, by, seller_id, of, body.amount_minor, body.reason)


async def list_seller_reserves(tx: ReadTx, seller_id: SellerPath) -> Reserves:
    """What is held back of a seller's releases, and was."""
    return await _reserves(tx, seller_id)


async def list_own_reserves(tx: ReadTx, caller: Caller) -> Reserves:
    """What is held back of the seller's releases, and was."""
    return await _reserves(tx, caller.seller)


async def _reserves(tx: ReadTx, seller_id: UUID) -> Reserves:
    found = await owing.reserve_terms(tx, seller_id)
    return Reserves([ReserveView(t.valid_from, t.reserve_bp, t.hold_s // DAY_S, t.source) for t in found])


async def set_reserve(tx: Tx, caller: Caller, seller_id: SellerPath, body: NewReserve) -> Asked | None:
    """Says what is held back of a seller's releases from now on."""
    soonest = tx.now + owing.SOONEST
    if body.valid_from is not None and body.valid_from < soonest:
        raise Malformed("terms begin in five minutes at the soonest - at `$.valid_from`")
    terms = ReserveTerms(
        seller_id, body.valid_from or soonest, body.reserve_bp, body.hold_days * DAY_S, body.source
    )  # fmt: skip
    return await by_operator.set_reserve_by(tx, caller.user_id, terms)


routes = [
    get("/v1/operator/debts", list_debts, access=OPERATOR),
    get("/v1/seller/debts", list_own_debts, access=SELLER),
    post(
        "/v1/operator/debts/{seller_id}/write-off", write_off_debt, access=OPERATOR, raises=(DebtIs,), key="taken",
        status=202,
    ),
    get("/v1/sellers/{seller_id}/reserves", list_seller_reserves, access=OPERATOR),
    get("/v1/seller/reserves", list_own_reserves, access=SELLER),
    post(
        "/v1/sellers/{seller_id}/reserves", set_reserve, access=OPERATOR, key="taken", status=202,
        raises=(Malformed, NotFound, ReserveTermsNotLater),
    ),
]  # fmt: skip
