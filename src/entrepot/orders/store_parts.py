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
    fee_tax_minor: int
    withheld_minor: int


class PartedRow(Amounts, frozen=True):
    """The sums of the parts of an order."""

    order_id: UUID
    duties_minor: int


class PartRow(Amounts, frozen=True):
    """`recalled`: its order was released before, with what was held back of it."""

    order_id: UUID
    kind: str
    recalled: bool


class KeptRow(Amounts, frozen=True):
    """What a part that ended has left its seller."""

    id: UUID


class LeftRow(msgspec.Struct, frozen=True):
    """What of a line is in no part: `units` of it, and what is left of its amounts. `sold_for_minor` was paid for all
    of it, of which `charged_minor` were commission. Of a component `price_per` units are in one bundle."""

    line_no: int
    bundle_no: int
    price_per: int
    stock_id: int
    units: int
    sold_for_minor: int
    paid_minor: int
    operator_discount_minor: int
    commission_minor: int
    fee_taken_minor: int
    charged_minor: int
    tax_taken_minor: int
    withheld_minor: int


class SoldLine(msgspec.Struct, frozen=True):
    """What was bought, and at which price: frozen. `bundle_no` 0 is no bundle; `crossed` a border."""

    offer_id: int
    variant_id: int
    unit_price_minor: int
    price_per: int
    bundle_no: int
    crossed: bool


class Times(msgspec.Struct, frozen=True):
    delivered_at: datetime | None
    ended_at: datetime | None


class ToRestock(msgspec.Struct, frozen=True):
    """Units of a line that may come back on stock, and what all of them cost when they were sent."""

    line_no: int
    quantity: int
    stock_id: int
    seller_id: UUID
    currency: str
    cost_minor: int


class PartSummary(msgspec.Struct, frozen=True):
    """A part as screens show it; `back_` are null while it is frozen."""

    order_id: UUID
    id: UUID
    no: int
    kind: str
    party: str
    reason: str
    paid_minor: int
    back_minor: int | None
    back_operator_discount_minor: int | None
    back_commission_minor: int | None
    back_payment_fee_minor: int | None
    back_fee_tax_minor: int | None
    back_withheld_minor: int | None
    duties_minor: int
    frozen_at: datetime
    ended_at: datetime | None


class PartLine(msgspec.Struct, frozen=True):
    """So many units of a line of an order, and what was paid for them; no units are an amount only."""

    part_id: UUID
    line_no: int
    title: str
    quantity: int
    unit: str
    paid_minor: int


# For who has locked the orders: asked with the lock, it would not see a part that was made while the lock was awaited.
PARTED = sql(
    """
    select sum(paid_minor)::bigint, sum(operator_discount_minor)::bigint, sum(commission_minor)::bigint,
           sum(payment_fee_minor)::bigint, sum(fee_tax_minor)::bigint, sum(withheld_minor)::bigint, order_id,
           sum(duties_minor)::bigint
      from orders.part where cell = :cell and order_id = any (:ids::uuid[]) and of_part is null
     group by order_id
    """,
    PartedRow,
)
# Less what was taken of it before, and did not come back.
KEPT = sql(
    """
    select p.paid_minor - p.back_minor - t.paid,
           p.operator_discount_minor - p.back_operator_discount_minor - t.discount,
           p.commission_minor - p.back_commission_minor - t.commission,
           p.payment_fee_minor - p.back_payment_fee_minor - t.fee, p.fee_tax_minor - p.back_fee_tax_minor - t.tax,
           p.withheld_minor - p.back_withheld_minor - t.withheld, p.id
      from orders.part p
     cross join lateral (
           select coalesce(sum(coalesce(x.back_minor, x.paid_minor)), 0)::bigint as paid,
                  coalesce(sum(coalesce(x.back_operator_discount_minor, x.operator_discount_minor)), 0)::bigint
                      as discount,
                  coalesce(sum(coalesce(x.back_commission_minor, x.commission_minor)), 0)::bigint as commission,
                  coalesce(sum(coalesce(x.back_payment_fee_minor, x.payment_fee_minor)), 0)::bigint as fee,
                  coalesce(sum(coalesce(x.back_fee_tax_minor, x.fee_tax_minor)), 0)::bigint as tax,
                  coalesce(sum(coalesce(x.back_withheld_minor, x.withheld_minor)), 0)::bigint as withheld
             from orders.part x where x.cell = :cell and x.order_id = :order_id and x.of_part = p.id) t
     where p.cell = :cell and p.order_id = :order_id and p.of_part is null and p.paid_minor - p.back_minor > t.paid
     order by p.no
    """,
    KeptRow,
)
LEFT = sql(
    """
    select l.line_no, l.bundle_no, l.price_per, l.stock_id, (l.quantity - coalesce(p.quantity, 0))::bigint,
           l.gross_minor - l.discount_minor + l.shipping_minor,
           (l.gross_minor - l.discount_minor + l.shipping_minor - coalesce(p.paid, 0))::bigint,
           (coalesce(d.amount, 0) - coalesce(p.discount, 0))::bigint,
           (l.commission_minor - coalesce(p.commission, 0))::bigint, coalesce(p.fee, 0)::bigint, l.commission_minor,
           coalesce(p.tax, 0)::bigint, (coalesce(w.tax, 0) - coalesce(p.withheld, 0))::bigint
      from orders.order_line l
      left join (select line_no, sum(quantity) as quantity, sum(paid_minor) as paid,
                        sum(operator_discount_minor) as discount, sum(commission_minor) as commission,
                        sum(payment_fee_minor) as fee, sum(fee_tax_minor) as tax, sum(withheld_minor) as withheld
                   from orders.part_line
                  where cell = :cell and order_id = :order_id group by line_no) p on p.line_no = l.line_no
      left join (select line_no, sum(amount_minor) as amount from orders.discount_line
                  where cell = :cell and order_id = :order_id and funding_party = 'operator' group by line_no) d
        on d.line_no = l.line_no
      left join (select c.line_no, c.tax
                   from orders.border b
                  cross join lateral unnest(b.line_nos, b.line_taxes) as c (line_no, tax)
                  where b.cell = :cell and b.order_id = :order_id and b.withheld_minor > 0) w on w.line_no = l.line_no
     where l.cell = :cell and l.order_id = :order_id
     order by l.line_no
    """,
    LeftRow,
)
TIMES = sql("select delivered_at, ended_at from orders.order where cell = :cell and id = :id", Times)
TO_RESTOCK = sql(
    """
    select x.line_no, x.quantity, l.stock_id, o.seller_id, o.currency,
           div(l.cost_minor::numeric * x.quantity, l.quantity - c.units)::bigint
      from orders.part_line x
      join orders.order_line l on l.cell = x.cell and l.order_id = x.order_id and l.line_no = x.line_no
      join orders.order o on o.cell = x.cell and o.id = x.order_id
     cross join lateral (select coalesce(sum(y.quantity), 0) as units
                           from orders.part_line y
                           join orders.part p on p.cell = y.cell and p.id = y.part_id and p.kind = 'canceled'
                          where y.cell = :cell and y.order_id = x.order_id and y.line_no = x.line_no) c
     where x.cell = :cell and x.part_id = :id
     order by x.line_no
    """,
    ToRestock,
)
RESTOCKED = sql("""
    update orders.part_line l set restocked = r.quantity
      from unnest(:lines::smallint[], :quantities::bigint[]) as r (line_no, quantity)
     where l.cell = :cell and l.part_id = :id and l.line_no = r.line_no
""")
FREEZE = sql("""
    insert into orders.part (cell, id, order_id, no, kind, party, reason, recalled, paid_minor, operator_discount_minor,
                             commission_minor, payment_fee_minor, fee_tax_minor, withheld_minor, duties_minor,
                             frozen_at, of_part)
    values (:cell, :id, :order_id,
            (select coalesce(max(no), 0) + 1 from orders.part where cell = :cell and order_id = :order_id),
            :kind, :party, :reason, :recalled, :paid_minor, :operator_discount_minor, :commission_minor,
            :payment_fee_minor, :fee_tax_minor, :withheld_minor, :duties_minor, :now, :of_part)
""")
FREEZE_LINES = sql("""
    insert into orders.part_line (cell, part_id, order_id, line_no, quantity, paid_minor, operator_discount_minor,
                                  commission_minor, payment_fee_minor, fee_tax_minor, withheld_minor)
    select :cell, :id, :order_id, l.*
      from unnest(:lines::smallint[], :quantities::bigint[], :paid::bigint[], :discounts::bigint[],
                  :commissions::bigint[], :fees::bigint[], :taxes::bigint[], :withheld::bigint[]) as l
""")
RECALLED = sql(
    """
    select paid_minor, operator_discount_minor, commission_minor, payment_fee_minor, fee_tax_minor, withheld_minor, id
      from orders.part where cell = :cell and id = any (:ids::uuid[]) and recalled order by id
    """,
    KeptRow,
)
LOCK_FROZEN = sql(
    """
    select paid_minor, operator_discount_minor, commission_minor, payment_fee_minor, fee_tax_minor, withheld_minor,
           order_id, kind, recalled
      from orders.part where cell = :cell and id = :id and ended_at is null for no key update
    """,
    PartRow,
)
END = sql("""
    update orders.part
       set back_minor = :paid_minor, back_operator_discount_minor = :operator_discount_minor,
           back_commission_minor = :commission_minor, back_payment_fee_minor = :payment_fee_minor,
           back_fee_tax_minor = :fee_tax_minor, back_withheld_minor = :withheld_minor, ended_at = :now
     where cell = :cell and id = :id
""")
PARTS = sql(
    """
    select order_id, id, no, kind, party, reason, paid_minor, back_minor, back_operator_discount_minor,
           back_commission_minor, back_payment_fee_minor, back_fee_tax_minor,
           back_withheld_minor, duties_minor, frozen_at, ended_at
      from orders.part where cell = :cell and order_id = any (:orders::uuid[])
     order by order_id, no
    """,
    PartSummary,
)
ORDERS_OF_PARTS = sql("select distinct order_id from orders.part where cell = :cell and id = any (:ids::uuid[])", UUID)
ORDER_OF_PART = sql("select order_id from orders.part where cell = :cell and id = :id", UUID)
SOLD_LINE = sql(
    """
    select l.offer_id, l.variant_id, l.unit_price_minor, l.price_per, l.bundle_no,
           exists (select from orders.border b
                    where b.cell = :cell and b.order_id = o.id
                      and (b.from_country <> b.to_country or b.withheld_minor = 0))
      from orders.order o
      join orders.order_line l on l.cell = o.cell and l.order_id = o.id
     where o.cell = :cell and o.id = :order_id and o.buyer_id = :buyer_id and l.line_no = :line_no
    """,
    SoldLine,
)
PART_LINES = sql(
    """
    select l.part_id, l.line_no, p.title || case v.title when '' then '' else ', ' || v.title end, l.quantity, v.unit,
           l.paid_minor
      from orders.part_line l
      join orders.order_line o on o.cell = l.cell and o.order_id = l.order_id and o.line_no = l.line_no
      join catalog.variant v on v.id = o.variant_id
      join catalog.product p on p.id = v.product_id
     where l.cell = :cell and l.part_id = any (:ids::uuid[])
     order by l.part_id, l.line_no
    """,
    PartLine,
)
