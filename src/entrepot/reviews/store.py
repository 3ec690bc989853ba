"""The SQL of reviews. They are in the cell of their order; products are in no cell, and their counts in each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class HiddenWhy(msgspec.Struct, frozen=True):
    """None for a review that is shown."""

    why: str | None


class LineRow(msgspec.Struct, frozen=True):
    """A line of an order as its buyer may review it; `received` are the units that were not canceled before they were
    sent. `written_at` is null while nobody has said anything."""

    order_id: UUID
    line_no: int
    buyer_id: UUID
    seller_id: UUID
    product_id: int
    title: str
    slug: str
    delivered_at: datetime | None
    received: int
    review_id: UUID | None
    stars: int | None
    seller_stars: int | None
    text: str | None
    written_at: datetime | None
    answer: str | None
    hidden_at: datetime | None


class ReviewRow(msgspec.Struct, frozen=True):
    id: UUID
    product_id: int
    title: str
    slug: str
    seller_id: UUID
    seller_name: str
    market: str
    language: str
    stars: int
    seller_stars: int | None
    text: str
    written_at: datetime
    edited_at: datetime | None
    answer: str
    answered_at: datetime | None
    hidden_at: datetime | None


class ReportedRow(msgspec.Struct, frozen=True):
    review: UUID
    reports: int
    reasons: list[str]
    notes: list[str]


class RatingRow(msgspec.Struct, frozen=True):
    product_id: int
    n1: int
    n2: int
    n3: int
    n4: int
    n5: int


class SellerRating(msgspec.Struct, frozen=True):
    n1: int
    n2: int
    n3: int
    n4: int
    n5: int


class Locked(msgspec.Struct, frozen=True):
    cell: int
    id: UUID
    order_id: UUID
    seller_id: UUID
    answered_at: datetime | None
    hidden_at: datetime | None


LINES = sql(
    """
    select o.id, l.line_no, o.buyer_id, o.seller_id, v.product_id, p.title, p.slug,
           coalesce(o.delivered_at, case when o.status = 'completed' then o.ended_at end),
           (l.quantity - coalesce((select sum(t.quantity)
                                     from orders.part_line t
                                     join orders.part c on c.cell = t.cell and c.id = t.part_id and c.kind = 'canceled'
                                    where t.cell = :cell and t.order_id = o.id and t.line_no = l.line_no), 0))::bigint,
           r.id, r.stars, r.seller_stars, r.text, r.written_at, r.answer, r.hidden_at
      from orders.order o
      join orders.order_line l on l.cell = o.cell and l.order_id = o.id
      join catalog.variant v on v.id = l.variant_id
      join catalog.product p on p.id = v.product_id
      left join reviews.review r on r.cell = o.cell and r.order_id = o.id and r.line_no = l.line_no
     where o.cell = :cell and o.id = :order_id and o.buyer_id = :buyer_id
     order by l.line_no
    """,
    LineRow,
)
# Two of the buyer's at once: the second finds the first's, and changes it.
WRITE = sql(
    """
    insert into reviews.review as r (cell, id, order_id, line_no, buyer_id, seller_id, product_id, market, language,
                                     stars, seller_stars, text, written_at)
    select :cell, :id, o.id, :line_no, o.buyer_id, o.seller_id, :product_id, o.market, :language, :stars,
           :seller_stars, :text, :now
      from orders.order o where o.cell = :cell and o.id = :order_id
    on conflict (cell, order_id, line_no) do update
       set stars = excluded.stars, seller_stars = excluded.seller_stars, text = excluded.text,
           language = excluded.language, edited_at = excluded.written_at
     where r.written_at > :since
    returning id
    """,
    UUID,
)
LOCK = sql(
    """
    select cell, id, order_id, seller_id, answered_at, hidden_at from reviews.review
     where cell = any (array(select c.cell from kit.cell c)) and id = :id for no key update
    """,
    Locked,
)
ANSWER = sql("update reviews.review set answer = :answer, answered_at = :now where cell = :cell and id = :id")
SET_HIDDEN = sql("""
    update reviews.review set hidden_at = :hidden_at, hidden_by = :user_id, hidden_why = :why
     where cell = :cell and id = :id
""")
HIDDEN_WHY = sql(
    """
    select case when hidden_at is not null then hidden_why end as why from reviews.review
     where cell = :cell and id = :id
    """,
    HiddenWhy,
)
REPORT = sql(
    """
    insert into reviews.report (cell, review_id, user_id, reason, text, at)
    values (:cell, :id, :user_id, :reason, :text, :now)
    on conflict do nothing
    returning review_id
    """,
    UUID,
)
CLOSE_REPORTS = sql(
    "update reviews.report set closed_at = :now where cell = :cell and review_id = :id and closed_at is null"
)
FORGET = sql(
    "update reviews.review set text = '' where cell = :cell and buyer_id = any (:buyers::uuid[]) and text <> ''"
)

# What is new is counted, what was counted otherwise is taken back, and both are marked: the row of a rating is written
# once for each batch, however many reviews it has, and by whoever counts alone.
COUNT = sql(
    """
    with due as (
        select r.id, r.product_id, r.seller_id, r.counted, r.counted_seller,
               case when r.hidden_at is null then r.stars end as stars,
               case when r.hidden_at is null then r.seller_stars end as seller_stars
          from reviews.review r
         where r.cell = :cell
           and (r.counted is distinct from case when r.hidden_at is null then r.stars end
                or r.counted_seller is distinct from case when r.hidden_at is null then r.seller_stars end)
         order by r.id limit :limit for no key update skip locked
    ), marked as (
        update reviews.review r set counted = d.stars, counted_seller = d.seller_stars
          from due d where r.cell = :cell and r.id = d.id
    ), products as (
        insert into reviews.product_rating as p (cell, product_id, n1, n2, n3, n4, n5)
        select :cell, d.product_id, coalesce(sum(s.n) filter (where s.star = 1), 0),
               coalesce(sum(s.n) filter (where s.star = 2), 0), coalesce(sum(s.n) filter (where s.star = 3), 0),
               coalesce(sum(s.n) filter (where s.star = 4), 0), coalesce(sum(s.n) filter (where s.star = 5), 0)
          from due d cross join lateral (values (d.counted, -1), (d.stars, 1)) as s (star, n)
         group by d.product_id order by d.product_id
        on conflict (cell, product_id) do update
           set n1 = p.n1 + excluded.n1, n2 = p.n2 + excluded.n2, n3 = p.n3 + excluded.n3, n4 = p.n4 + excluded.n4,
               n5 = p.n5 + excluded.n5
    ), sellers as (
        insert into reviews.seller_rating as p (cell, seller_id, n1, n2, n3, n4, n5)
        select :cell, d.seller_id, coalesce(sum(s.n) filter (where s.star = 1), 0),
               coalesce(sum(s.n) filter (where s.star = 2), 0), coalesce(sum(s.n) filter (where s.star = 3), 0),
               coalesce(sum(s.n) filter (where s.star = 4), 0), coalesce(sum(s.n) filter (where s.star = 5), 0)
          from due d cross join lateral (values (d.counted_seller, -1), (d.seller_stars, 1)) as s (star, n)
         group by d.seller_id order by d.seller_id
        on conflict (cell, seller_id) do update
           set n1 = p.n1 + excluded.n1, n2 = p.n2 + excluded.n2, n3 = p.n3 + excluded.n3, n4 = p.n4 + excluded.n4,
               n5 = p.n5 + excluded.n5
    )
    select count(*) from due
    """,
    int,
)

PRODUCT = sql("select id from catalog.product where id = :id", int)
_EVERYWHERE = "cell = any (array(select c.cell from kit.cell c))"
RATINGS = sql(
    f"""
    select product_id, sum(n1)::bigint, sum(n2)::bigint, sum(n3)::bigint, sum(n4)::bigint, sum(n5)::bigint
      from reviews.product_rating where {_EVERYWHERE} and product_id = any (:products::bigint[])
     group by product_id
    """,  # noqa: S608
    RatingRow,
)
RATING_OF_SELLER = sql(
    "select n1, n2, n3, n4, n5 from reviews.seller_rating where cell = :cell and seller_id = :seller_id", SellerRating
)
_REVIEW = """
    select r.id, r.product_id, p.title, p.slug, r.seller_id, s.name, r.market, r.language, r.stars, r.seller_stars,
           r.text, r.written_at, r.edited_at, r.answer, r.answered_at, r.hidden_at
      from reviews.review r
      join catalog.product p on p.id = r.product_id
      join sellers.seller s on s.id = r.seller_id
"""
OF_PRODUCT = sql(
    _REVIEW
    + f"""
     where r.{_EVERYWHERE} and r.product_id = :product_id and r.hidden_at is null
       and (:before::uuid is null or r.id < :before) and (:stars::smallint is null or r.stars = :stars)
     order by r.id desc limit :limit
    """,
    ReviewRow,
)
OF_SELLER = sql(
    _REVIEW
    + """
     where r.cell = :cell and r.seller_id = :seller_id and r.hidden_at is null
       and (:before::uuid is null or r.id < :before)
     order by r.id desc limit :limit
    """,
    ReviewRow,
)
BY_ID = sql(_REVIEW + f" where r.{_EVERYWHERE} and r.id = any (:ids::uuid[])", ReviewRow)
# The reviews that were reported and nobody has looked at, the oldest report first.
REPORTED = sql(
    f"""
    select review_id, count(*), array_agg(distinct reason), (array_agg(text order by at) filter (where text <> ''))[1:3]
      from reviews.report where {_EVERYWHERE} and closed_at is null and review_id > :after
     group by review_id order by review_id limit :limit
    """,  # noqa: S608
    ReportedRow,
)
