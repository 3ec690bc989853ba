"""The verbs of disputes. A dispute's row is locked before anything else, and its lock is that of its part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from entrepot import approvals, catalog, orders, sellers
from entrepot.approvals import Asked
from entrepot.catalog import Alternative
from entrepot.disputes import rules, store
from entrepot.disputes.types import (
    STEPS_MAX,
    Claim,
    Dispute,
    DisputeFull,
    DisputeStatusIs,
    NotInstead,
    Party,
    Word,
)
from entrepot.inventory import Goods, StockPromised
from entrepot.kit.db import Tx
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import new_id
from entrepot.kit.problem import NotFound
from entrepot.sellers import Calendar

HELD_WHILE = ("returning", "sent_back")
"""What is wanted instead is held while the goods travel, and no longer than each of these may take."""
PASSED_MAX = 100
"""Culprits that one timer run passes over."""


async def open_dispute(tx: Tx, cell: int, order_id: UUID, buyer_id: UUID, claim: Claim) -> UUID:
    """The buyer, whose cell it is, says what is wrong with some units of an order, or that they are unwanted and will
    be sent back. Their money is frozen: it stays in escrow, or comes back there from the seller. Raises NotFound,
    WrongStatus, DisputeTooLate, ReturnTooLate, ReturnNotTaken, LineNotThere, UnitsTaken, NothingPaid, and of an
    exchange NotInstead, ReplacementDearer, SoldOut."""
    cell = await orders.cell_of(tx, cell, order_id)
    id_ = new_id(tx.now)
    is_return = claim.kind == "unwanted"
    kind: Literal["returned", "disputed"] = "returned" if is_return else "disputed"
    line, offer, units = await _instead(tx, cell, order_id, buyer_id, claim)
    promised = None if offer is None else Goods(offer.stock_id, units, id_)
    try:
        part = await orders.freeze(tx, cell, id_, order_id, claim.units, kind, buyer_id=buyer_id, promised=promised)
    except StockPromised as gone:
        assert offer is not None, "only what is promised is held"
        raise orders.SoldOut(offer.offer_id, gone.available) from None
    terms = await sellers.terms_at(tx, part.market, tx.now)
    calendar = await sellers.calendar_of(tx, part.market)
    rules.require_in_time(claim.kind, part.delivered_at, part.released_at, terms, tx.now, calendar)
    status = "returning" if is_return else "opened"
    await tx.run(
        store.OPEN, cell=cell, id=id_, order_id=order_id, buyer_id=buyer_id, seller_id=part.seller_id,
        market=part.market, currency=part.currency, kind=claim.kind, claimed_minor=part.paid_minor, now=tx.now,
        status=status, due_at=_working(calendar, rules.due_at(status, terms, tx.now)),
    )  # fmt: skip
    if line is not None and offer is not None:
        await tx.run(
            store.PROMISE, cell=cell, id=id_, offer_id=offer.offer_id, variant_id=offer.variant_id,
            stock_id=offer.stock_id, quantity=units, back_minor=rules.back_of(line, offer, units, part.paid_minor),
        )  # fmt: skip
    await _say(tx, cell, id_, "buyer", Word("open", claim.text, part.paid_minor, claim.file))
    who = {"buyer_id": buyer_id, "seller_id": part.seller_id, "due_at": rules.due_at(status, terms, tx.now)}
    _tell(tx, cell, "dispute_opened", id_, order_id, {**who, "status": status})
    return id_


async def _instead(
    tx: Tx, cell: int, order_id: UUID, buyer_id: UUID, claim: Claim
) -> tuple[orders.SoldLine | None, Alternative | None, int]:
    """The line that is sent back, the offer that is wanted in its place, and how many; nothing, where money is. Raises
    NotFound, NotInstead, ReplacementDearer."""
    if claim.instead is None:
        return None, None, 0
    if claim.kind != "unwanted" or len(claim.units) != 1:
        raise NotInstead(claim.instead)
    ((line_no, units),) = claim.units.items()
    line = await orders.sold_line(tx, cell, order_id, buyer_id, line_no)
    found = [one for one in await catalog.alternatives(tx, cell, line.offer_id) if one.offer_id == claim.instead]
    if line.bundle_no or line.crossed or not found or found[0].price_per != line.price_per:
        raise NotInstead(claim.instead)
    rules.back_of(line, found[0], units, 0)
    return line, found[0], units


async def act(
    tx: Tx,
    cell: int,
    dispute_id: UUID,
    party: Party,
    word: Word,
    *,
    order_id: UUID | None = None,
    buyer_id: UUID | None = None,
    seller_id: UUID | None = None,
) -> None:
    """A party goes on with a dispute; the last word moves the money. With `order_id`, `buyer_id` or `seller_id` only
    theirs. Raises NotFound, DisputeStatusIs, AmountNotInDispute, DisputeFull, and of goods that came back LineNotThere
    and UnitsTaken."""
    dispute = await tx.maybe(store.LOCK, cell=cell, id=dispute_id)
    if dispute is None or not dispute.is_of(order_id=order_id, buyer_id=buyer_id, seller_id=seller_id):
        raise NotFound
    if dispute.due_at is not None and dispute.due_at <= tx.now and word.act != "note":
        raise DisputeStatusIs(dispute.status)  # the turn is over, and what follows from that is the timer's to do
    if await tx.one(store.STEPS_SAID, cell=cell, id=dispute_id) >= STEPS_MAX and word.act == "note":
        raise DisputeFull(STEPS_MAX)
    await _go_on(tx, dispute, party, word)


class Verdict(msgspec.Struct, frozen=True):
    """`amount_minor` of what is claimed goes back to the buyer; of a dispute that is as it was when this was asked for:
    nobody decides an appeal by approving the verdict that came before it."""

    dispute_id: UUID
    status: str
    amount_minor: int
    text: str


async def decide_by(tx: Tx, user_id: UUID, dispute_id: UUID, amount_minor: int, text: str) -> Asked | None:
    """The operator's verdict, for which he may need another. Raises NotFound, DisputeStatusIs, AmountNotInDispute."""
    status = (await tx.one(store.DISPUTE, cell=await _cell_of(tx, dispute_id), id=dispute_id)).status
    return await approvals.do(tx, VERDICT, Verdict(dispute_id, status, amount_minor, text), user_id)


async def _decide(tx: Tx, one: Verdict, _: UUID) -> None:
    cell = await _cell_of(tx, one.dispute_id)
    dispute = await tx.one(store.LOCK, cell=cell, id=one.dispute_id)
    if dispute.status != one.status:
        raise DisputeStatusIs(dispute.status)
    await act(tx, cell, one.dispute_id, "operator", Word("decide", one.text, one.amount_minor))


async def _worth(tx: Tx, one: Verdict) -> tuple[str, int]:
    cell = await _cell_of(tx, one.dispute_id)
    return (await tx.one(store.DISPUTE, cell=cell, id=one.dispute_id)).currency, one.amount_minor


async def _cell_of(tx: Tx, dispute_id: UUID) -> int:
    cell = await tx.maybe(store.CELL_OF, id=dispute_id)
    if cell is None:
        raise NotFound
    return cell


VERDICT = approvals.action("verdict", Verdict, _decide, _worth)


async def end_turns(tx: Tx, cell: int) -> int:
    """Takes the turn of who was silent for too long, in one dispute: another has other locks. What fails stays due and
    is passed over. How many, so that it is asked again."""
    passed = list[UUID]()
    while len(passed) < PASSED_MAX:
        dispute = await tx.maybe(store.LOCK_DUE, cell=cell, now=tx.now, passed=passed)
        if dispute is None:
            break

        async def wait(_: object, dispute: Dispute = dispute) -> int:
            await _go_on(tx, dispute, "timer", Word("wait"))
            return 1

        done, culprits = await in_halves(tx, "dispute", [dispute.id], wait)
        if done:
            return done
        passed += culprits
    return 0


async def lock_open(tx: Tx, cell: int, order_id: UUID) -> list[Dispute]:
    """The disputes of an order that its parties still argue about, locked before anything else."""
    return await tx.all(store.LOCK_OPEN, cell=cell, order_id=order_id)


async def give_to_bank(tx: Tx, dispute: Dispute) -> None:
    """The buyer has turned to the bank, which decides instead. The dispute is locked (`lock_open`). What was promised
    instead of what comes back is free again."""
    await tx.run(
        store.MOVE, cell=dispute.cell, id=dispute.id, status="at_bank", offered_minor=dispute.offered_minor,
        granted_minor=None, due_at=None, closed_at=None,
    )  # fmt: skip
    instead = await tx.maybe(store.REPLACEMENT, cell=dispute.cell, id=dispute.id)
    if instead is not None and instead.status == "held":
        await tx.run(store.END_PROMISE, cell=dispute.cell, id=dispute.id, status="freed")
        promised = Goods(instead.stock_id, instead.quantity, dispute.id)
        await orders.take_promise(tx, dispute.cell, dispute.id, promised)
    who = {"buyer_id": dispute.buyer_id, "seller_id": dispute.seller_id, "granted_minor": None}
    _tell(
        tx, dispute.cell, "dispute_at_bank", dispute.id, dispute.order_id, {**who, "status": "at_bank", "due_at": None}
    )


async def close_by_bank(tx: Tx, cell: int, dispute_id: UUID, granted_minor: int) -> None:
    """The bank has decided: so much of what is claimed it keeps for the buyer, and the rest is released. Raises
    OrderHeld."""
    dispute = await tx.one(store.LOCK, cell=cell, id=dispute_id)
    await tx.run(
        store.MOVE, cell=cell, id=dispute_id, status="closed", offered_minor=dispute.offered_minor,
        granted_minor=granted_minor, due_at=None, closed_at=tx.now,
    )  # fmt: skip
    await orders.end_charged(tx, cell, dispute_id, granted_minor)
    who = {"buyer_id": dispute.buyer_id, "seller_id": dispute.seller_id, "granted_minor": granted_minor}
    _tell(tx, cell, "dispute_closed", dispute_id, dispute.order_id, {**who, "status": "closed", "due_at": None})


def _working(calendar: Calendar, due_at: datetime | None) -> datetime | None:
    return due_at and sellers.working_time(calendar, due_at)


async def _go_on(tx: Tx, dispute: Dispute, party: Party, word: Word) -> None:
    terms = await sellers.terms_at(tx, dispute.market, tx.now)
    instead = await tx.maybe(store.REPLACEMENT, cell=dispute.cell, id=dispute.id)
    is_held = instead is not None and instead.status == "held"
    if word.act == "replace":
        if instead is None or not is_held:
            raise DisputeStatusIs(dispute.status)
        word = msgspec.structs.replace(word, amount_minor=instead.back_minor)
    after = rules.next_state(dispute, party, word.act, word.amount_minor, terms, tx.now)
    await _say(tx, dispute.cell, dispute.id, party, word)
    if word.act == "note":
        return
    await tx.run(
        store.MOVE, cell=dispute.cell, id=dispute.id, status=after.status, offered_minor=after.offered_minor,
        granted_minor=after.granted_minor, closed_at=after.closed_at,
        due_at=_working(await sellers.calendar_of(tx, dispute.market), after.due_at),
    )  # fmt: skip
    promised = Goods(instead.stock_id, instead.quantity, dispute.id) if instead is not None and is_held else None
    if promised is not None and after.status not in HELD_WHILE:
        ends_as = "sent" if word.act == "replace" else "freed"
        await tx.run(store.END_PROMISE, cell=dispute.cell, id=dispute.id, status=ends_as)
        if ends_as == "freed":
            await orders.take_promise(tx, dispute.cell, dispute.id, promised)
    if word.act in ("inspect", "replace"):
        sent = promised if word.act == "replace" else None
        await orders.restock(tx, dispute.cell, dispute.id, word.restock, sent)
    if after.status == "closed":
        assert after.granted_minor is not None
        await orders.end_part(tx, dispute.cell, dispute.id, after.granted_minor)
    who = {"buyer_id": dispute.buyer_id, "seller_id": dispute.seller_id, "granted_minor": after.granted_minor}
    told = {**who, "status": after.status, "due_at": after.due_at}
    _tell(tx, dispute.cell, f"dispute_{after.status}", dispute.id, dispute.order_id, told)


async def _say(tx: Tx, cell: int, dispute_id: UUID, party: Party, word: Word) -> None:
    file = word.file
    await tx.run(
        store.ADD_STEP, cell=cell, id=new_id(tx.now), dispute_id=dispute_id, party=party, act=word.act,
        amount_minor=word.amount_minor, text=word.text, file_name=file.name if file else "",
        file_type=file.type if file else "", file=file.content if file else None, now=tx.now,
    )  # fmt: skip


def _tell(tx: Tx, cell: int, kind: str, id_: UUID, order_id: UUID, more: Mapping[str, object]) -> None:
    tx.emit(kind, id_, {"order_id": order_id, **more}, cell)
