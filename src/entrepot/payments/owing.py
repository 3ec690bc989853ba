"""What sellers owe because more went back than they had, and what is held back from them against that.

A debt is a seller's account below zero. What is released next fills it up before anything is paid out: nothing has to
be done for that. A reserve is a part of each release that is held in the seller's account until its time has passed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from entrepot import ledger, sellers
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id, show
from entrepot.kit.money import share_bp
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer
from entrepot.payments import store_debts as store
from entrepot.payments.types import DebtIs, ReserveTerms, ReserveTermsNotLater

SOONEST = timedelta(minutes=5)
"""Terms of a reserve are made to begin so much later at least: whoever releases meanwhile is judged by those before."""
PAGE = 50
DEBTS_MAX = 200


class Debt(msgspec.Struct, frozen=True):
    """What a seller owes, and since when its account has been below zero without a break: for `days` whole days."""

    seller_id: str
    currency: str
    owed_minor: int
    since: datetime
    days: int


async def set_reserve(tx: Tx, terms: ReserveTerms) -> None:
    """What is held back of a seller's releases from `terms.valid_from` on; `reserve_bp` 0 ends it. What is held already
    stays until its time. Raises NotFound, ReserveTermsNotLater."""
    await sellers.seller(tx, sellers.SellerId(terms.seller_id))
    if await tx.maybe(store.ADD_TERMS, **msgspec.structs.asdict(terms)) is None:
        raise ReserveTermsNotLater


async def reserve_terms(tx: ReadTx, seller_id: UUID) -> list[ReserveTerms]:
    """A seller's terms, the latest first; at most PAGE."""
    return await tx.all(store.TERMS, seller_id=seller_id, limit=PAGE)


async def reserves_at(tx: ReadTx, seller_ids: Collection[UUID], now: datetime) -> dict[UUID, ReserveTerms]:
    """The terms that hold at `now`, of those of the sellers that have any."""
    found = await tx.all(store.TERMS_AT, sellers=seller_ids, now=now)
    return {terms.seller_id: terms for terms in found if terms.reserve_bp}


def held_back(terms: ReserveTerms, earned_minor: int, now: datetime) -> tuple[int, datetime]:
    """How much of what a seller earned is held back, and until when. Of little that is left of a part the fees, whose
    shares were rounded, may be more than that: then nothing is."""
    return share_bp(max(0, earned_minor), terms.reserve_bp), now + timedelta(seconds=terms.hold_s)


async def debts(tx: ReadTx, seller_id: UUID | None = None) -> list[Debt]:
    """What a seller owes, or all sellers of all cells, the oldest debts first; at most DEBTS_MAX."""
    found = await ledger.below_zero(tx, await cells(tx), "seller", DEBTS_MAX, seller_id)
    return [
        Debt(show("sel", row.owner), row.currency, row.owed_minor, row.since, (tx.now - row.since).days)
        for row in found
    ]


async def write_off(tx: Tx, seller_id: UUID, currency: str, amount_minor: int, reason: str, user_id: UUID) -> None:
    """The operator gives up what a seller owes, or some of it: bad_debt 95 -> seller 95. Raises NotFound, DebtIs."""
    cell = (await sellers.seller(tx, sellers.SellerId(seller_id))).cell
    ids = await ledger.account_ids(tx, cell, ["bad_debt", "seller"], [NIL, seller_id], [currency] * 2)
    if 0 in ids:
        raise NotFound
    loss, account = ids
    await ledger.lock(tx, cell, [account])
    owed = max(0, -await ledger.balance(tx, cell, "seller", currency, seller_id))
    if amount_minor > owed:
        raise DebtIs(owed)
    id_ = new_id(tx.now)
    await tx.run(
        store.ADD_WRITE_OFF, cell=cell, id=id_, seller_id=seller_id, currency=currency, amount_minor=amount_minor,
        reason=reason, user_id=user_id, now=tx.now,
    )  # fmt: skip
    await ledger.post_all(tx, cell, [Transfer(id_, "write_off", loss, account, amount_minor)])
    told = {"write_off_id": id_, "currency": currency, "amount_minor": amount_minor}
    tx.emit("debt_written_off", seller_id, told, cell)
