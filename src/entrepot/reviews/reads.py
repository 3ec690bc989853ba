"""Reviews and ratings as people see them. Nothing says who wrote one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import orders
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import NotFound, Problem
from entrepot.reviews import rules, store
from entrepot.reviews.store import ReviewRow
from entrepot.reviews.types import Rating

PAGE = 20
Ratings = dict[int, Rating]


class ReviewView(msgspec.Struct, frozen=True):
    """A review by a buyer who got it. `stars` are for the product, `seller_stars` for the seller; `language` is the
    one that the page was in; `answer` is the seller's."""

    id: str
    product_id: int
    title: str
    slug: str
    seller_name: str
    market: str
    language: str
    stars: int
    seller_stars: int | None
    text: str
    written_at: datetime
    edited: bool
    answer: str
    answered_at: datetime | None
    hidden: bool


class ReportedView(msgspec.Struct, frozen=True):
    """A review that was reported, how often, why, and the first three notes."""

    review: ReviewView
    reports: int
    reasons: list[str]
    notes: list[str]


class Mine(msgspec.Struct, frozen=True):
    """A line of an order to its buyer: what it said of it, and whether it may say or change it now. `hidden`: the
    operator does not show it."""

    line_no: int
    title: str
    slug: str
    stars: int | None
    seller_stars: int | None
    text: str
    answer: str
    hidden: bool
    open: bool


async def of_product(
    tx: ReadTx, product_id: int, before: UUID | None = None, stars: int | None = None, limit: int = PAGE
) -> list[ReviewView]:
    """The latest first; `before` is the last id of the page before."""
    rows = await tx.all(store.OF_PRODUCT, product_id=product_id, before=before, stars=stars, limit=limit)
    return [_view(row) for row in rows]


async def of_seller(tx: ReadTx, cell: int, seller_id: UUID, before: UUID | None = None) -> list[ReviewView]:
    """The same of what a seller sold; at most PAGE."""
    rows = await tx.all(store.OF_SELLER, cell=cell, seller_id=seller_id, before=before, limit=PAGE)
    return [_view(row) for row in rows]


async def of_order(tx: ReadTx, cell: int, buyer_id: UUID, order_id: UUID) -> list[Mine]:
    """The lines of an order of the buyer's, whose cell it is. Raises NotFound."""
    cell = await orders.cell_of(tx, cell, order_id)
    await orders.order_view(tx, cell, order_id, buyer_id=buyer_id)
    return [
        Mine(
            line.line_no, line.title, line.slug, line.stars, line.seller_stars, line.text or "", line.answer or "",
            line.hidden_at is not None, _is_open(line, tx.now),
        )
        for line in await tx.all(store.LINES, cell=cell, order_id=order_id, buyer_id=buyer_id)
    ]  # fmt: skip


def _is_open(line: store.LineRow, now: datetime) -> bool:
    try:
        rules.require_open(line.delivered_at, line.received, line.written_at, now)
    except Problem:
        return False
    return True


async def hidden_why(tx: ReadTx, cell: int, review_id: UUID) -> str | None:
    """Why the operator does not show a review; None for one that is shown. Raises NotFound."""
    row = await tx.maybe(store.HIDDEN_WHY, cell=cell, id=review_id)
    if row is None:
        raise NotFound
    return row.why


async def ratings(tx: ReadTx, products: Collection[int]) -> Ratings:
    """The ratings of those of the products that have any."""
    rows = await tx.all(store.RATINGS, products=list(products)) if products else []
    found = {row.product_id: Rating(row.n1, row.n2, row.n3, row.n4, row.n5) for row in rows}
    return {product: rating for product, rating in found.items() if rating.count}


async def rating_of_product(tx: ReadTx, product_id: int) -> Rating:
    """Raises NotFound for one that is not there."""
    if await tx.maybe(store.PRODUCT, id=product_id) is None:
        raise NotFound
    return (await ratings(tx, [product_id])).get(product_id, Rating())


async def rating_of_seller(tx: ReadTx, cell: int, seller_id: UUID) -> Rating:
    row = await tx.maybe(store.RATING_OF_SELLER, cell=cell, seller_id=seller_id)
    return Rating() if row is None else Rating(*msgspec.structs.astuple(row))


async def reported(tx: ReadTx, after: UUID | None = None) -> list[ReportedView]:
    """What waits for the operator, at most PAGE reviews."""
    rows = await tx.all(store.REPORTED, after=after or NIL, limit=PAGE)
    views = {row.id: _view(row) for row in await tx.all(store.BY_ID, ids=[row.review for row in rows])}
    return [ReportedView(views[row.review], row.reports, sorted(row.reasons), row.notes or []) for row in rows]


def _view(row: ReviewRow) -> ReviewView:
    return ReviewView(
        show("rvw", row.id), row.product_id, row.title, row.slug, row.seller_name, row.market, row.language, row.stars,
        row.seller_stars, row.text, row.written_at, row.edited_at is not None, row.answer, row.answered_at,
        row.hidden_at is not None,
    )  # fmt: skip
