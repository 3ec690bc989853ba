"""The SQL of discounts by who funds them: what of orders was discounted, and how much of it came back."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot.kit.sql import Query, sql


class GivenRow(msgspec.Struct, frozen=True):
    """A discount of all orders of a market: `kind` names it, as `promotion:CODE`."""

    market: str
    currency: str
    kind: str
    funding_party: str
    orders: int
    amount_minor: int


class PostedRow(msgspec.Struct, frozen=True):
    """What the ledger moved from the operator's promotions into the escrow of these orders, and back."""

    currency: str
    given_minor: int
    back_minor: int


class ChangedRow(msgspec.Struct, frozen=True):
    """An order of which something went back; with `whole` all that is in none of its parts."""

    id: UUID
    market: str
    currency: str
    whole: bool


class OfOrder(msgspec.Struct, frozen=True):
    order_id: UUID


class DiscountRow(OfOrder, frozen=True):
    line_no: int
    kind: str
    funding_party: str
    amount_minor: int


class LineRow(OfOrder, frozen=True):
    """`paid_minor` is what was paid for all its units, with its shipping."""

    line_no: int
    quantity: int
    paid_minor: int


class PartRow(OfOrder, frozen=True):
    """`back_` are null while it is frozen."""

    id: UUID
    of_part: UUID | None
    paid_minor: int
    discount_minor: int
    back_minor: int | None
    back_discount_minor: int | None


class TakenRow(msgspec.Struct, frozen=True):
    part_id: UUID
    line_no: int
    quantity: int
    paid_minor: int
    discount_minor: int


# Orders of a time that were paid, as the ledger knows; one that costs nobody anything has no transfer.
_SOLD = """
      from orders.order o
     where o.cell = :cell and o.placed_at >= :begins and o.placed_at < :ends
       and o.status not in ('awaiting_payment', 'expired')
       and o.seller_discount_minor + o.operator_discount_minor > 0
       and (o.paid_minor + o.duties_minor + o.operator_discount_minor = 0
            or exists (select from ledger.transfer t
                        where t.cell = :cell and t.cause_id = o.id and t.code in ('pay', 'fund')))
"""
# A seller's are found among its own, whatever the others sold: an order's id is made with its quote, a while before.
_SOLD_BY = _SOLD + "and o.seller_id = :seller_id and o.id >= :first and o.id < :last"


def _given(sold: str) -> Query[GivenRow]:
    return sql(
        f"""
        select o.market, o.currency, d.kind, d.funding_party, count(distinct o.id), sum(d.amount_minor)::bigint
          from (select o.* {sold}) o
          join orders.discount_line d on d.cell = o.cell and d.order_id = o.id
         where d.cell = :cell
         group by o.market, o.currency, d.kind, d.funding_party
        """,  # noqa: S608 - a constant
        GivenRow,
    )


def _posted(sold: str) -> Query[PostedRow]:
    return sql(
        f"""
        select o.currency, coalesce(sum(t.amount) filter (where t.code = 'fund'), 0)::bigint,
               coalesce(sum(t.amount) filter (where t.code = 'unfund'), 0)::bigint
          from (select o.id as cause_id, o.currency {sold}
                union all
                select p.id, o.currency
                  from (select o.* {sold}) o
                  join orders.part p on p.cell = o.cell and p.order_id = o.id
                 where p.cell = :cell) o
          join ledger.transfer t on t.cell = :cell and t.cause_id = o.cause_id and t.code in ('fund', 'unfund')
         group by o.currency
        """,  # noqa: S608
        PostedRow,
    )


def _changed(sold: str) -> Query[ChangedRow]:
    return sql(
        f"""
        select o.id, o.market, o.currency, o.status in ('canceled', 'refunded')
        {sold}
           and o.id > :after
           and (o.status in ('canceled', 'refunded')
                or exists (select from orders.part p
                            where p.cell = :cell and p.order_id = o.id and p.ended_at is not null))
         order by o.id limit :limit
        """,  # noqa: S608
        ChangedRow,
    )


class Report(NamedTuple):
    given: Query[GivenRow]
    posted: Query[PostedRow]
    changed: Query[ChangedRow]


OF_ALL = Report(_given(_SOLD), _posted(_SOLD), _changed(_SOLD))
OF_ONE = Report(_given(_SOLD_BY), _posted(_SOLD_BY), _changed(_SOLD_BY))
DISCOUNTS = sql(
    """
    select order_id, line_no, kind, funding_party, amount_minor
      from orders.discount_line where cell = :cell and order_id = any (:ids::uuid[])
     order by order_id, line_no, kind
    """,
    DiscountRow,
)
LINES = sql(
    """
    select order_id, line_no, quantity, gross_minor - discount_minor + shipping_minor
      from orders.order_line where cell = :cell and order_id = any (:ids::uuid[])
     order by order_id, line_no
    """,
    LineRow,
)
PARTS = sql(
    """
    select order_id, id, of_part, paid_minor, operator_discount_minor, back_minor, back_operator_discount_minor
      from orders.part where cell = :cell and order_id = any (:ids::uuid[])
     order by order_id, no
    """,
    PartRow,
)
TAKEN = sql(
    """
    select part_id, line_no, quantity, paid_minor, operator_discount_minor
      from orders.part_line where cell = :cell and order_id = any (:ids::uuid[])
     order by part_id, line_no
    """,
    TakenRow,
)
