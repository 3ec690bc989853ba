"""Parts' SQL: units of an order's lines that go their own way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Amounts(msgspec.Struct, frozen=True):
    """What an order or a part of it is worth to each side, minor units. Named as in OrderRow."""

    paid_minor: int
    operator_discount_minor: int
    commission_minor: int
    payment_fee_minor: int


class PartedRow(Amounts, frozen=True):
    """The sums of the parts of an order."""

    order_id: UUID


class PartRow(Amounts, frozen=True):
    order_id: UUID


class UnitsRow(msgspec.Struct, frozen=True):
    """A line of an order, its amounts, and how many of its units are in parts."""

    line_no: int
    quantity: int
    taken: int
    paid_minor: int
    operator_discount_minor: int
    commission_minor: int


class PartLine(msgspec.Struct, frozen=True):
    """So many units of a line of an order."""

    part_id: UUID
    line_no: int
    title: str
    quantity: int
    unit: str


# For who has locked the orders: asked with the lock, it would not see a part that was made while the lock was awaited.
PARTED = sql(
    """
    select sum(paid_minor)::bigint, sum(operator_discount_minor)::bigint, sum(commission_minor)::bigint,
           sum(payment_fee_minor)::bigint, order_id
      from orders.part where cell = :cell and order_id = any (:ids::uuid[])
     group by order_id
    """,
    PartedRow,
)
UNITS = sql(
    """
    select l.line_no, l.quantity, coalesce(p.taken, 0)::bigint, l.gross_minor - l.discount_minor + l.shipping_minor,
           coalesce(d.amount, 0)::bigint, l.commission_minor
      from orders.order_line l
      left join (select line_no, sum(quantity) as taken from orders.part_line
                  where cell = :cell and order_id = :order_id group by line_no) p on p.line_no = l.line_no
      left join (select line_no, sum(amount_minor) as amount from orders.discount_line
                  where cell = :cell and order_id = :order_id and funding_party = 'operator' group by line_no) d
        on d.line_no = l.line_no
     where l.cell = :cell and l.order_id = :order_id
     order by l.line_no
    """,
    UnitsRow,
)
ENDED_AT = sql("select ended_at from orders.order where cell = :cell and id = :id", datetime)
FREEZE = sql("""
    insert into orders.part (cell, id, order_id, recalled, paid_minor, operator_discount_minor, commission_minor,
                             payment_fee_minor, frozen_at)
    values (:cell, :id, :order_id, :recalled, :paid_minor, :operator_discount_minor, :commission_minor,
            :payment_fee_minor, :now)
""")
FREEZE_LINES = sql("""
    insert into orders.part_line (cell, part_id, order_id, line_no, quantity)
    select :cell, :id, :order_id, l.line_no, l.quantity
      from unnest(:lines::smallint[], :quantities::bigint[]) as l (line_no, quantity)
""")
LOCK_FROZEN = sql(
    """
    select paid_minor, operator_discount_minor, commission_minor, payment_fee_minor, order_id
      from orders.part where cell = :cell and id = :id and ended_at is null for no key update
    """,
    PartRow,
)
END = sql("""
    update orders.part
       set back_minor = :paid_minor, back_operator_discount_minor = :operator_discount_minor,
           back_commission_minor = :commission_minor, back_payment_fee_minor = :payment_fee_minor, ended_at = :now
     where cell = :cell and id = :id
""")
PART_LINES = sql(
    """
    select l.part_id, l.line_no, p.title || case v.title when '' then '' else ', ' || v.title end, l.quantity, v.unit
      from orders.part_line l
      join orders.order_line o on o.cell = l.cell and o.order_id = l.order_id and o.line_no = l.line_no
      join catalog.variant v on v.id = o.variant_id
      join catalog.product p on p.id = v.product_id
     where l.cell = :cell and l.part_id = any (:ids::uuid[])
     order by l.part_id, l.line_no
    """,
    PartLine,
)
