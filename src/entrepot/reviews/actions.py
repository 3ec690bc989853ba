"""The verbs of reviews."""

from __future__ import annotations

from uuid import UUID

from entrepot import orders
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id
from entrepot.kit.problem import NotFound
from entrepot.reviews import rules, store
from entrepot.reviews.store import Locked
from entrepot.reviews.types import ReviewClosed, Said

COUNTED = 5_000
"""Reviews that one `count` takes on."""


async def write(tx: Tx, cell: int, buyer_id: UUID, order_id: UUID, line_no: int, said: Said, language: str) -> UUID:
    """The buyer, whose cell it is, reviews a line of an order, or changes what it said; the review's id. Raises
    NotFound, NotDelivered, ReviewClosed, LinksNotTaken."""
    text = rules.plain(said.text)
    cell = await orders.cell_of(tx, cell, order_id)
    lines = await tx.all(store.LINES, cell=cell, order_id=order_id, buyer_id=buyer_id)
    line = next((one for one in lines if one.line_no == line_no), None)
    if line is None:
        raise NotFound
    rules.require_open(line.delivered_at, line.received, line.written_at, tx.now)
    id_ = await tx.maybe(
        store.WRITE, cell=cell, id=new_id(tx.now), order_id=order_id, line_no=line_no, product_id=line.product_id,
        language=language, stars=said.stars, seller_stars=said.seller_stars, text=text, now=tx.now,
        since=tx.now - rules.EDIT_FOR,
    )  # fmt: skip
    if id_ is None:
        raise ReviewClosed
    told = {"order_id": order_id, "seller_id": line.seller_id}
    tx.emit("review_written" if line.review_id is None else "review_changed", id_, told, cell)
    return id_


async def answer(tx: Tx, seller_id: UUID, review_id: UUID, text: str) -> None:
    """The seller's one public answer, which it may change for as long as a buyer may a review. Raises NotFound, also
    for a review of another's, ReviewClosed, LinksNotTaken."""
    text = rules.plain(text)
    review = await _lock(tx, review_id)
    if review.seller_id != seller_id or review.hidden_at is not None:
        raise NotFound
    if review.answered_at is not None and tx.now >= review.answered_at + rules.EDIT_FOR:
        raise ReviewClosed
    tx.was(answered_at=review.answered_at)
    await tx.run(store.ANSWER, cell=review.cell, id=review_id, answer=text, now=review.answered_at or tx.now)
    _tell(tx, "review_answered", review)


async def report(tx: Tx, review_id: UUID, user_id: UUID, reason: str, text: str) -> None:
    """Somebody finds that a review should not stand there; once for each. Raises NotFound."""
    review = await _lock(tx, review_id)
    if review.hidden_at is not None:
        raise NotFound
    of = {"cell": review.cell, "id": review_id, "user_id": user_id}
    if await tx.maybe(store.REPORT, reason=reason, text=text, now=tx.now, **of) is not None:
        tx.emit("review_reported", review_id, {"user_id": user_id}, review.cell)


async def set_hidden(tx: Tx, review_id: UUID, user_id: UUID, why: str, *, hidden: bool) -> None:
    """The operator has looked: the review is shown and counted no more, or again; reports of it are dealt with. Raises
    NotFound."""
    review = await _lock(tx, review_id)
    tx.was(hidden=review.hidden_at is not None)
    hidden_at = (review.hidden_at or tx.now) if hidden else None
    await tx.run(store.SET_HIDDEN, cell=review.cell, id=review_id, hidden_at=hidden_at, user_id=user_id, why=why)
    await tx.run(store.CLOSE_REPORTS, cell=review.cell, id=review_id, now=tx.now)
    _tell(tx, "review_hidden" if hidden else "review_shown", review)


async def count(tx: Tx, cell: int) -> int:
    """Counts a batch of what is new or changed into the ratings; how many reviews."""
    return await tx.one(store.COUNT, cell=cell, limit=COUNTED)


async def _lock(tx: Tx, review_id: UUID) -> Locked:
    review = await tx.maybe(store.LOCK, id=review_id)
    if review is None:
        raise NotFound
    return review


def _tell(tx: Tx, kind: str, review: Locked) -> None:
    tx.emit(kind, review.id, {"order_id": review.order_id, "seller_id": review.seller_id}, review.cell)
