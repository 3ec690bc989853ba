"""The SQL of orders that cross a border."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Crossing(msgspec.Struct, frozen=True):
    """An order of a quote that leaves the country it is sent from, by the terms of its shipping service; or one that
    does not, of a seller who may be established elsewhere."""

    order_id: UUID
    seller_id: UUID
    from_country: str
    to_country: str
    currency: str
    shipping_minor: int
    incoterm: str
    clearance_minor: int
    carried: str
    bonded: bool
    own: bool = False


class CrossingLine(msgspec.Struct, frozen=True):
    """A line of a quote; its value is what is paid for it, less its discounts, `paid_minor` with its transport."""

    order_id: UUID
    line_no: int
    variant_id: int
    quantity: int
    value_minor: int
    paid_minor: int


class BorderRow(msgspec.Struct, frozen=True):
    order_id: UUID
    from_country: str
    to_country: str
    currency: str
    duty_minor: int
    tax_minor: int
    fee_minor: int
    incoterm: str
    why: list[str]
    trace: dict[str, Any]
    mode: str
    scheme: str
    paid_minor: int
    withheld_minor: int


class WithheldRow(msgspec.Struct, frozen=True):
    """Of a line what was paid for it, or is left of that, and the tax of a rate in it that the platform owes."""

    rate_bp: int
    paid_minor: int
    tax_minor: int


class ChargedRow(msgspec.Struct, frozen=True):
    """A line of an order with what was paid for its border: `charge_minor`, and in it the tax that the platform
    collected of `base_minor` at a rate; with what it takes of a quota. So many of its units are canceled."""

    line_no: int
    quantity: int
    canceled: int
    charge_minor: int
    tax_minor: int
    base_minor: int
    rate_bp: int
    quota_minor: int


class ReturnedRow(msgspec.Struct, frozen=True):
    """A line of a part that was returned, with what was paid for the border of all of it, as in ChargedRow; `restocked`
    is None as long as the seller has not seen what came back."""

    country: str
    mode: str
    sent_at: datetime
    asked_at: datetime
    units: int
    restocked: int | None
    quantity: int
    charge_minor: int
    tax_minor: int
    base_minor: int
    rate_bp: int
    quota_minor: int


class TaxBackRow(msgspec.Struct, frozen=True):
    """Tax of a scheme that went back with an order or a part."""

    cause_id: UUID
    scheme: str
    tax_minor: int


class CanceledRow(msgspec.Struct, frozen=True):
    """So many units of a line, and what was paid for them with their transport."""

    line_no: int
    quantity: int
    paid_minor: int


class CanceledBorder(msgspec.Struct, frozen=True):
    """Of what was paid for an order's border the buyer's bank keeps `charged_back_minor`."""

    order_id: UUID
    charged_back_minor: int


class CrossedRow(msgspec.Struct, frozen=True):
    """An order that crosses a border, as the operator sees it."""

    order_id: UUID
    seller_name: str
    status: str
    placed_at: datetime
    from_country: str
    to_country: str
    incoterm: str
    currency: str
    items_minor: int
    duty_minor: int
    tax_minor: int
    fee_minor: int
    estimated: bool


class ExportRow(msgspec.Struct, frozen=True):
    order_id: UUID
    shipped_at: datetime
    from_country: str
    to_country: str
    incoterm: str
    currency: str
    goods_minor: int


CROSSING = sql(
    """
    select q.order_ids[i], q.order_sellers[i], l.country, t.country, q.currency, q.order_shipping[i],
           s.incoterm, s.clearance_minor, s.carried, l.bonded, q.order_owns[i]
      from orders.quote q
      join pricing.shipping_service s on s.market = q.market and s.code = q.shipping_code
     cross join lateral generate_series(1, cardinality(q.order_ids)) i
      join logistics.location l on l.cell = q.cell and l.id = q.order_locations[i]
     cross join lateral (select coalesce(:to_country::text, l.country) as country) t
     where q.cell = :cell and q.id = :quote_id
       and (l.country <> t.country or l.bonded
            or not q.order_owns[i] and exists (select from trade.registration)
               and not exists (select from trade.establishment e
                                where e.seller_id = q.order_sellers[i] and e.country = t.country))
     order by i
    """,
    Crossing,
)
CROSSING_LINES = sql(
    """
    select l.order_id, l.line_no, l.variant_id, l.quantity, l.gross_minor - l.discount_minor,
           l.gross_minor - l.discount_minor + l.shipping_minor
      from orders.quote_lines(:cell, array[:quote_id::uuid]) l
     order by l.line_no
    """,
    CrossingLine,
)
ADD_BORDER = sql("""
    insert into orders.border (cell, order_id, quote_id, from_country, to_country, currency, duty_minor, tax_minor,
                               fee_minor, incoterm, line_nos, line_charges, why, trace, mode, scheme, line_taxes,
                               line_bases, line_rates_bp, withheld_minor, quota_id, line_quotas)
    values (:cell, :order_id, :quote_id, :from_country, :to_country, :currency, :duty_minor, :tax_minor,
            :fee_minor, :incoterm, :line_nos, :line_charges, :why, :trace, :mode, :scheme, :line_taxes, :line_bases,
            :line_rates_bp, :withheld_minor, :quota_id, :line_quotas)
""")
# Beside what promotions take of theirs.
USE_QUOTAS = sql("""
    update orders.quote q
       set quota_ids = q.quota_ids || :ids::bigint[], quota_amounts = q.quota_amounts || :amounts::bigint[]
     where q.cell = :cell and q.id = :quote_id
""")
WITHHOLD = sql("""
    update orders.quote q
       set order_withheld = array(select coalesce(w.amount, 0)
                                    from unnest(q.order_ids) with ordinality as o (id, n)
                                    left join unnest(:orders::uuid[], :amounts::bigint[]) as w (id, amount)
                                      on w.id = o.id
                                   order by o.n)
     where q.cell = :cell and q.id = :quote_id
""")
# The arrays are those of the orders and, in the buyer's row, of the orders that are sold in other cells.
CHARGE = sql("""
    update orders.quote q
       set paid_minor = q.paid_minor + :total_minor,
           order_duties = array(select coalesce(c.amount, 0)
                                  from unnest(q.order_ids) with ordinality as o (id, n)
                                  left join unnest(:orders::uuid[], :amounts::bigint[]) as c (id, amount)
                                    on c.id = o.id
                                 order by o.n),
           away_paid = case when q.away_orders is not null then
                           array(select o.paid + coalesce(c.amount, 0)
                                   from unnest(q.away_orders, q.away_paid) with ordinality as o (id, paid, n)
                                   left join unnest(:orders::uuid[], :amounts::bigint[]) as c (id, amount)
                                     on c.id = o.id
                                  order by o.n) end
     where q.cell = :cell and q.id = :quote_id
""")
# Quotes that were not placed at once, with what they were told.
DROP_QUOTES = sql("""
    with borders as (delete from orders.border where cell = :cell and quote_id = any (:ids::uuid[]))
    delete from orders.quote where cell = :cell and id = any (:ids::uuid[])
""")
CHARGED = sql(
    """
    select l.line_no, l.quantity,
           coalesce((select sum(t.quantity)
                       from orders.part_line t
                       join orders.part p on p.cell = t.cell and p.id = t.part_id
                      where t.cell = b.cell and t.order_id = b.order_id and t.line_no = l.line_no
                        and p.kind = 'canceled'), 0)::bigint,
           case when b.withheld_minor > 0 then 0 when b.incoterm = 'DDP' then c.charge else coalesce(c.tax, 0) end,
           case when b.withheld_minor > 0 then 0 else coalesce(c.tax, 0) end,
           coalesce(c.base, 0), coalesce(c.rate_bp, 0), coalesce(c.quota, 0)
      from orders.border b
     cross join lateral unnest(b.line_nos, b.line_charges, b.line_taxes, b.line_bases, b.line_rates_bp, b.line_quotas)
           as c (line_no, charge, tax, base, rate_bp, quota)
      join orders.order_line l on l.cell = b.cell and l.order_id = b.order_id and l.line_no = c.line_no
     where b.cell = :cell and b.order_id = :order_id
     order by l.line_no
    """,
    ChargedRow,
)
RETURNED = sql(
    """
    select b.to_country, b.mode, o.shipped_at, p.frozen_at, x.quantity, x.restocked, l.quantity,
           case when b.withheld_minor > 0 then 0 when b.incoterm = 'DDP' then c.charge else coalesce(c.tax, 0) end,
           case when b.withheld_minor > 0 then 0 else coalesce(c.tax, 0) end,
           coalesce(c.base, 0), coalesce(c.rate_bp, 0), coalesce(c.quota, 0)
      from orders.part p
      join orders.border b on b.cell = p.cell and b.order_id = p.order_id
      join orders.order o on o.cell = p.cell and o.id = p.order_id
      join orders.part_line x on x.cell = p.cell and x.part_id = p.id
      join orders.order_line l on l.cell = x.cell and l.order_id = x.order_id and l.line_no = x.line_no
     cross join lateral unnest(b.line_nos, b.line_charges, b.line_taxes, b.line_bases, b.line_rates_bp, b.line_quotas)
           as c (line_no, charge, tax, base, rate_bp, quota)
     where p.cell = :cell and p.id = :part_id and c.line_no = x.line_no and o.shipped_at is not null
     order by x.line_no
    """,
    ReturnedRow,
)
CHARGE_BACK = sql("""
    update orders.border set charged_back_minor = least(charged_back_minor + :amount_minor, :duties_minor)
     where cell = :cell and order_id = :order_id
""")
DUTIES_OF_PART = sql("update orders.part set duties_minor = :duties_minor where cell = :cell and id = :id")
TAX_BACK = sql("""
    insert into orders.tax_back (cell, cause_id, rate_bp, order_id, base_minor, tax_minor, at)
    select :cell, :cause_id, t.rate, :order_id, t.base, t.tax, :now
      from unnest(:rates::int[], :bases::bigint[], :taxes::bigint[]) as t (rate, base, tax)
""")
TAXES_BACK = sql(
    """
    select t.cause_id, b.scheme, sum(t.tax_minor)::bigint
      from orders.tax_back t
      join orders.border b on b.cell = t.cell and b.order_id = t.order_id
     where t.cell = :cell and t.cause_id = any (:causes::uuid[])
     group by t.cause_id, b.scheme
    """,
    TaxBackRow,
)
QUOTA_OF = sql("select quota_id from orders.border where cell = :cell and order_id = :order_id", int)
RETURN_QUOTA = sql("select pricing.return_quota(:cell, :group_id, :quota_id, :amount)")
WITHHELD_OF_PART = sql(
    """
    select c.rate_bp, x.paid_minor, x.withheld_minor
      from orders.part p
      join orders.part_line x on x.cell = p.cell and x.part_id = coalesce(p.of_part, p.id)
      join orders.border b on b.cell = x.cell and b.order_id = x.order_id
     cross join lateral unnest(b.line_nos, b.line_rates_bp) as c (line_no, rate_bp)
     where p.cell = :cell and p.id = :part_id and c.line_no = x.line_no
     order by x.line_no
    """,
    WithheldRow,
)
WITHHELD_LEFT = sql(
    """
    select c.rate_bp, l.gross_minor - l.discount_minor + l.shipping_minor - p.paid, c.tax - p.withheld
      from orders.border b
     cross join lateral unnest(b.line_nos, b.line_rates_bp, b.line_taxes) as c (line_no, rate_bp, tax)
      join orders.order_line l on l.cell = b.cell and l.order_id = b.order_id and l.line_no = c.line_no
     cross join lateral (select coalesce(sum(x.paid_minor), 0)::bigint as paid,
                                coalesce(sum(x.withheld_minor), 0)::bigint as withheld
                           from orders.part_line x
                          where x.cell = :cell and x.order_id = l.order_id and x.line_no = l.line_no) p
     where b.cell = :cell and b.order_id = :order_id
     order by l.line_no
    """,
    WithheldRow,
)
# Before an order was sent; units that are disputed later were sent all the same.
CANCELED = sql(
    """
    select l.line_no, sum(l.quantity)::bigint, sum(l.paid_minor)::bigint
      from orders.part_line l
      join orders.part p on p.cell = l.cell and p.id = l.part_id
     where l.cell = :cell and l.order_id = :order_id and p.kind = 'canceled'
     group by l.line_no
    """,
    CanceledRow,
)
# Of these orders those that leave the country they are sent from.
CROSSED = sql(
    "select order_id from orders.border where cell = :cell and order_id = any (:order_ids::uuid[]) order by order_id",
    UUID,
)
CANCELED_BORDERS = sql(
    """
    select order_id, charged_back_minor from orders.border
     where cell = :cell and order_id = any (:order_ids::uuid[]) order by order_id
    """,
    CanceledBorder,
)
# Order ids begin with their time: each cell's latest, and of those the latest. What is only quoted is no order.
CROSSED_ORDERS = sql(
    """
    select x.id, s.name, x.status, x.placed_at, x.from_country, x.to_country, x.incoterm, x.currency, x.items_minor,
           x.duty_minor, x.tax_minor, x.fee_minor, x.estimated
      from kit.cell c
     cross join lateral (
           select o.id, o.seller_id, o.status, o.placed_at, b.from_country, b.to_country, b.incoterm, o.currency,
                  o.items_minor, b.duty_minor, b.tax_minor, b.fee_minor, b.why <> '{}' as estimated
             from orders.border b
             join orders.order o on o.cell = b.cell and o.id = b.order_id
            where b.cell = c.cell and b.order_id < :before and (b.from_country <> b.to_country or b.withheld_minor = 0)
            order by b.order_id desc limit :limit) x
      join sellers.seller s on s.id = x.seller_id
     order by x.id desc
     limit :limit
    """,
    CrossedRow,
)
OF_QUOTE = sql(
    """
    select order_id, from_country, to_country, currency, duty_minor, tax_minor, fee_minor, incoterm, why,
           trace, mode, scheme,
           case when incoterm = 'DDP' then duty_minor + tax_minor + fee_minor
                when scheme <> '' then tax_minor else 0 end,
           withheld_minor
      from orders.border where cell = :cell and quote_id = :quote_id order by order_id
    """,
    BorderRow,
)
OF_ORDERS = sql(
    """
    select order_id, from_country, to_country, currency, duty_minor, tax_minor, fee_minor, incoterm, why,
           trace, mode, scheme,
           case when incoterm = 'DDP' then duty_minor + tax_minor + fee_minor
                when scheme <> '' then tax_minor else 0 end,
           withheld_minor
      from orders.border where cell = :cell and order_id = any (:order_ids::uuid[])
    """,
    BorderRow,
)
# What is canceled of a line before the parcel leaves is not sent; what the parts took is not computed anew, as in
# papers.left_of.
EXPORTS = sql(
    """
    select o.id, o.shipped_at, b.from_country, b.to_country, b.incoterm, o.currency, g.goods
      from orders.order o
      join orders.border b on b.cell = o.cell and b.order_id = o.id
     cross join lateral (
           select sum(l.gross_minor - l.discount_minor + l.shipping_minor - s.paid
                      - l.shipping_minor * (l.quantity - s.units) / l.quantity)::bigint as goods
             from orders.order_line l
            cross join lateral (
                  select coalesce(sum(x.quantity), 0)::bigint as units, coalesce(sum(x.paid_minor), 0)::bigint as paid
                    from orders.part_line x
                    join orders.part p on p.cell = x.cell and p.id = x.part_id and p.kind = 'canceled'
                   where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no) s
            where l.cell = o.cell and l.order_id = o.id) g
     where o.cell = :cell and o.seller_id = :seller_id and o.id > :after
       and o.shipped_at >= :begins and o.shipped_at < :ends and b.from_country <> b.to_country
     order by o.id
     limit :limit
    """,
    ExportRow,
)
