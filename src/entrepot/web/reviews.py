"""Reviews as buyers write them, sellers answer them and the operator looks at them. What others read of them is on a
product's page and in lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import reviews, search
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import ANYONE, BUYER, OPERATOR, SELLER
from entrepot.platform import Switch
from entrepot.reviews import Rating, Reason, Said
from entrepot.search import Card
from entrepot.web.visit import Go, Visit, form, local, page
from entrepot.web.words import REPORT_REASONS

ON_PRODUCT = 5
"""Reviews that a product's page shows; the others are behind it."""


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seller_stars` 0: the buyer says nothing of the seller."""

    stars: Annotated[int, Meta(ge=1, le=5)]
    seller_stars: Annotated[int, Meta(ge=0, le=5)] = 0
    text: Annotated[str, Meta(max_length=2_000)] = ""


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=1_000)]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason
    text: Annotated[str, Meta(max_length=500)] = ""
    to: str = "/"


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    act: Literal["hide", "show"]
    why: Annotated[str, Meta(min_length=1, max_length=500)]


async def ratings_of(tx: ReadTx, visit: Visit, cards: Sequence[Card]) -> reviews.Ratings:
    """The ratings that a list shows; none while reviews are switched off."""
    if await visit.switches.off(Switch.REVIEWS) is not None:
        return {}
    return await reviews.ratings(tx, [card.id for card in cards])


async def product_reviews_page(tx: ReadTx, visit: Visit) -> Response:
    market = await visit.market(tx)
    product = await search.product(tx, market.code, visit.param("slug"), visit.language.code)
    stars = visit.query_number("stars")
    found = await reviews.of_product(
        tx, product.id, visit.query_id("rvw", "before"), stars if 1 <= stars <= 5 else None
    )  # fmt: skip
    rating = (await reviews.ratings(tx, [product.id])).get(product.id, Rating())
    return await visit.show(
        tx, "product_reviews.html", product=product, found=found, rating=rating, reasons=REPORT_REASONS,
        next=found[-1].id if len(found) == reviews.PAGE else None,
    )  # fmt: skip


async def order_reviews_page(tx: ReadTx, visit: Visit) -> Response:
    order_id = visit.id("ord", "order_id")
    lines = await reviews.of_order(tx, visit.me.cell, visit.me.user_id, order_id)
    return await visit.show(tx, "order_reviews.html", lines=lines, path=f"/orders/{visit.param('order_id')}")


async def write(tx: Tx, visit: Visit, body: Form) -> Go:
    await visit.switches.require(Switch.REVIEWS)
    said = Said(body.stars, body.text, body.seller_stars or None)
    order_id, line_no = visit.id("ord", "order_id"), min(visit.number("line_no"), 32_767)
    await reviews.write(tx, visit.me.cell, visit.me.user_id, order_id, line_no, said, visit.language.code[:2])
    return Go(f"/orders/{visit.param('order_id')}/reviews", done="reviewed")


async def report(tx: Tx, visit: Visit, body: Report) -> Go:
    await reviews.report(tx, visit.id("rvw", "review_id"), visit.me.user_id, body.reason, body.text)
    return Go(local(body.to), done="reported")


async def seller_reviews_page(tx: ReadTx, visit: Visit) -> Response:
    before = visit.query_id("rvw", "before")
    found = await reviews.of_seller(tx, visit.me.cell, visit.seller_id, before)
    rating = await reviews.rating_of_seller(tx, visit.me.cell, visit.seller_id)
    return await visit.show(
        tx, "seller_reviews.html", found=found, rating=rating, next=found[-1].id if len(found) == reviews.PAGE else None
    )


async def answer(tx: Tx, visit: Visit, body: Answer) -> Go:
    await reviews.answer(tx, visit.seller_id, visit.id("rvw", "review_id"), body.text)
    return Go("/seller/reviews", done="answered")


async def operator_reviews_page(tx: ReadTx, visit: Visit) -> Response:
    found = await reviews.reported(tx, visit.query_id("rvw", "after"))
    return await visit.show(
        tx, "operator_reviews.html", found=found, reasons=REPORT_REASONS,
        next=found[-1].review.id if len(found) == reviews.PAGE else None,
    )  # fmt: skip


async def moderate(tx: Tx, visit: Visit, body: Decision) -> Go:
    review_id = visit.id("rvw", "review_id")
    await reviews.set_hidden(tx, review_id, visit.me.user_id, body.why, hidden=body.act == "hide")
    return Go("/operator/reviews", done="moderated")


routes = [
    page("/p/{slug}/reviews", product_reviews_page, switch=Switch.REVIEWS),
    page("/orders/{order_id}/reviews", order_reviews_page, BUYER, switch=Switch.REVIEWS),
    form("/orders/{order_id}/lines/{line_no}/review", write, Form, BUYER),
    form("/reviews/{review_id}/report", report, Report, ANYONE),
    page("/seller/reviews", seller_reviews_page, SELLER, switch=Switch.REVIEWS),
    form("/seller/reviews/{review_id}/answer", answer, Answer, SELLER),
    page("/operator/reviews", operator_reviews_page, OPERATOR),
    form("/operator/reviews/{review_id}", moderate, Decision, OPERATOR),
]
