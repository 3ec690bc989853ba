"""Reviews over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot import sellers
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import ANYONE, BUYER, OPERATOR, PUBLIC, SELLER, get, post, put
from entrepot.kit.ids import END, parse, ref, show
from entrepot.kit.problem import Malformed, NotFound
from entrepot.reviews import actions, reads
from entrepot.reviews.reads import Mine, ReportedView, ReviewView
from entrepot.reviews.types import ANSWER_MAX, LinksNotTaken, NotDelivered, Rating, Reason, ReviewClosed, Said, Stars

OrderPath = Annotated[UUID, "ord"]
ReviewPath = Annotated[UUID, "rvw"]
PRODUCTS_MAX = 50


class NewReview(Said, frozen=True, forbid_unknown_fields=True):
    """`language` is the one that the text is in (ISO 639-1)."""

    language: Annotated[str, Meta(pattern=f"^[a-z]{{2}}{END}", examples=["en"])] = "en"


class ReviewId(msgspec.Struct, frozen=True):
    id: str


class OrderReviews(msgspec.Struct, frozen=True):
    items: list[Mine]


class RatingView(msgspec.Struct, frozen=True):
    """`tenths` is the mean in tenths of a star, `counts` how many gave one star, two, ... five."""

    count: int
    tenths: int
    counts: list[int]


class Reviews(msgspec.Struct, frozen=True):
    """The latest first."""

    rating: RatingView
    items: list[ReviewView]


class ReviewsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before; with `stars` only those."""

    before: Annotated[str, ref("rvw")] | None = None
    stars: Stars | None = None


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ref("rvw")] | None = None


class RatingsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`products`: ids of products, with commas between them, at most 50."""

    products: Annotated[str, Meta(pattern=f"^[0-9]{{1,18}}(,[0-9]{{1,18}}){{0,{PRODUCTS_MAX - 1}}}{END}")]


class ProductRating(msgspec.Struct, frozen=True):
    product_id: int
    rating: RatingView


class ProductRatings(msgspec.Struct, frozen=True):
    """Of those that have any."""

    items: list[ProductRating]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=ANSWER_MAX)]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason
    text: Annotated[str, Meta(max_length=500)] = ""


class ReportedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[str, ref("rvw")] | None = None


class Reported(msgspec.Struct, frozen=True):
    items: list[ReportedView]


class Moderation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hidden: bool
    why: Annotated[str, Meta(min_length=1, max_length=500)]


async def review_line(tx: Tx, caller: Caller, order_id: OrderPath, line_no: int, body: NewReview) -> ReviewId:
    """Reviews a line of an order that was delivered to the caller, or changes what it said."""
    if line_no > 32_767:
        raise NotFound
    id_ = await actions.write(tx, caller.cell, caller.user_id, order_id, line_no, body, body.language)
    return ReviewId(show("rvw", id_))


async def list_order_reviews(tx: ReadTx, caller: Caller, order_id: OrderPath) -> OrderReviews:
    """The lines of an order of the caller's, what it said of them, and whether it may."""
    return OrderReviews(await reads.of_order(tx, caller.cell, caller.user_id, order_id))


async def list_product_reviews(tx: ReadTx, product_id: int, query: ReviewsQuery) -> Reviews:
    """What buyers say of a product."""
    rating = await reads.rating_of_product(tx, product_id)
    return Reviews(_rating(rating), await reads.of_product(tx, product_id, _before(query.before), query.stars))


async def list_ratings(tx: ReadTx, query: RatingsQuery) -> ProductRatings:
    """The ratings of products, as lists show them."""
    products = [int(id_) for id_ in query.products.split(",")]
    found = await reads.ratings(tx, products)
    return ProductRatings([ProductRating(id_, _rating(found[id_])) for id_ in dict.fromkeys(products) if id_ in found])


async def list_seller_reviews(tx: ReadTx, seller_id: Annotated[UUID, "sel"], query: PageQuery) -> Reviews:
    """What buyers say of what a seller sold; the rating is the seller's."""
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    return await _of_seller(tx, seller.cell, seller_id, query)


async def list_own_reviews(tx: ReadTx, caller: Caller, query: PageQuery) -> Reviews:
    """The same to the seller itself."""
    return await _of_seller(tx, caller.cell, caller.seller, query)


async def _of_seller(tx: ReadTx, cell: int, seller_id: UUID, query: PageQuery) -> Reviews:
    rating = await reads.rating_of_seller(tx, cell, seller_id)
    return Reviews(_rating(rating), await reads.of_seller(tx, cell, seller_id, _before(query.before)))


async def answer_review(tx: Tx, caller: Caller, review_id: ReviewPath, body: Answer) -> None:
    """The seller's one public answer to a review of what it sold."""
    await actions.answer(tx, caller.seller, review_id, body.text)


async def report_review(tx: Tx, caller: Caller, review_id: ReviewPath, body: Report) -> None:
    """Says that a review should not stand there; once."""
    await actions.report(tx, review_id, caller.user_id, body.reason, body.text)


async def list_reported_reviews(tx: ReadTx, query: ReportedQuery) -> Reported:
    """Reviews that were reported, and that nobody has looked at."""
    return Reported(await reads.reported(tx, _before(query.after)))


async def moderate_review(tx: Tx, caller: Caller, review_id: ReviewPath, body: Moderation) -> None:
    """Hides a review, or shows it again; reports of it are dealt with."""
    await actions.set_hidden(tx, review_id, caller.user_id, body.why, hidden=body.hidden)


def _rating(rating: Rating) -> RatingView:
    return RatingView(rating.count, rating.tenths, list(rating.counts))


def _before(shown: str | None) -> UUID | None:
    return None if shown is None else parse("rvw", shown)


_WRITES = (LinksNotTaken, Malformed, NotDelivered, ReviewClosed)

routes = [
    put(
        "/v1/orders/{order_id}/lines/{line_no}/review", review_line, access=BUYER, raises=_WRITES, key="taken",
        switch="reviews",
    ),
    get("/v1/orders/{order_id}/reviews", list_order_reviews, access=BUYER, switch="reviews"),
    get("/v1/products/{product_id}/reviews", list_product_reviews, access=PUBLIC, switch="reviews"),
    get("/v1/ratings", list_ratings, access=PUBLIC, switch="reviews"),
    get("/v1/sellers/{seller_id}/reviews", list_seller_reviews, access=PUBLIC, switch="reviews"),
    get("/v1/seller/reviews", list_own_reviews, access=SELLER, switch="reviews"),
    put(
        "/v1/seller/reviews/{review_id}/answer", answer_review, access=SELLER, raises=(LinksNotTaken, ReviewClosed),
        key="taken", switch="reviews",
    ),
    post("/v1/reviews/{review_id}/report", report_review, access=ANYONE, key="taken", switch="reviews"),
    get("/v1/operator/reviews", list_reported_reviews, access=OPERATOR),
    put("/v1/operator/reviews/{review_id}", moderate_review, access=OPERATOR, key="taken"),
]  # fmt: skip
