"""The SQL of declarations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class OrderRow(msgspec.Struct, frozen=True):
    """An order with what is left of its amounts beside what was given back before it was sent, and what its payment has
    put into escrow and taken back out of it."""

    id: UUID
    status: str
    group_cell: int
    group_id: UUID
    seller_id: UUID
    currency: str
    country: str
    mode: str
    items_minor: int
    freight_minor: int
    discount_minor: int
    tax_minor: int
    paid_minor: int
    told_minor: int
    parted: bool


class LineRow(msgspec.Struct, frozen=True):
    """What is left of a line of goods in bond; `sold_as` is empty where nobody has said what it is at customs."""

    stock_id: int
    quantity: int
    value_minor: int
    record_no: str
    book: str
    hs_code: str
    country_of_origin: str
    unit: str
    per_unit_milli: int
    sold_as: str
    weight_g: int


class HomeRow(msgspec.Struct, frozen=True):
    """Who bought, in the buyer's cell. `sealed` is the number by which customs knows the buyer."""

    recipient: str
    address: str
    name: str
    person_id: UUID | None
    sealed: bytes | None
    method: str
    payment_id: UUID
    external_id: str | None


class MessageRow(msgspec.Struct, frozen=True):
    kind: str
    content: dict[str, Any]


class DeclarationRow(msgspec.Struct, frozen=True):
    cell: int
    order_id: UUID
    no: int
    id: UUID
    status: str
    problems: dict[str, Any]
    reason: str
    reference: str
    citation: str
    attempts: int
    made_at: datetime
    ended_at: datetime | None


class Listed(DeclarationRow, frozen=True):
    """As it is listed, with whose order it is of."""

    seller: str
    order_status: str


class DueRow(msgspec.Struct, frozen=True):
    order_id: UUID
    id: UUID
    status: str
    attempts: int


# Orders of which goods lie in bond.
IN_BOND = sql(
    """
    select o.id from orders.order o
      join bonded.book b on b.cell = o.cell and b.location_id = o.location_id
     where o.cell = :cell and o.id = any (:ids::uuid[]) and o.status = 'paid'
     order by o.id
    """,
    UUID,
)
LOCK_ORDER = sql(
    """
    select status from orders.order where cell = :cell and id = :id for no key update
    """,
    str,
)
ORDER = sql(
    """
    select o.id, o.status, o.group_cell, o.group_id, o.seller_id, o.currency, coalesce(b.to_country, l.country),
           coalesce(b.mode, ''), o.items_minor, o.shipping_minor, o.seller_discount_minor + o.operator_discount_minor,
           o.duties_minor - p.duties, o.paid_minor + o.duties_minor - p.paid - p.duties, t.paid,
           p.parted
      from orders.order o
      join logistics.location l on l.cell = o.cell and l.id = o.location_id
      left join orders.border b on b.cell = o.cell and b.order_id = o.id
     cross join lateral (select coalesce(sum(x.paid_minor), 0)::bigint as paid,
                                coalesce(sum(x.duties_minor), 0)::bigint as duties, count(*) > 0 as parted
                           from orders.part x
                          where x.cell = o.cell and x.order_id = o.id and x.kind in ('canceled', 'refunded')) p
     cross join lateral (select coalesce(sum(case y.code when 'pay' then y.amount else -y.amount end), 0)::bigint
                                    as paid
                           from ledger.transfer y
                          where y.cell = o.cell and y.code in ('pay', 'refund')
                            and y.cause_id = any (array(select x.id from orders.part x
                                                         where x.cell = o.cell and x.order_id = o.id) || o.id)) t
     where o.cell = :cell and o.id = :id
    """,
    OrderRow,
)
LINES = sql(
    """
    select l.stock_id, l.quantity - c.units, ((l.gross_minor - l.discount_minor) * (l.quantity - c.units)) / l.quantity,
           i.record_no, k.number, i.hs_code, i.country_of_origin, i.unit, g.per_unit_milli,
           coalesce(t.hs_code || ' ' || t.country_of_origin, ''), coalesce(t.weight_g, 0)
      from orders.order_line l
     cross join lateral (select coalesce(sum(x.quantity), 0)::bigint as units
                           from orders.part_line x
                           join orders.part p on p.cell = x.cell and p.id = x.part_id and p.kind = 'canceled'
                          where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no) c
      join inventory.stock s on s.cell = l.cell and s.id = l.stock_id
      join bonded.good g on g.cell = s.cell and g.location_id = s.location_id and g.seller_id = s.seller_id
                        and g.variant_id = s.variant_id
      join bonded.item i on i.cell = g.cell and i.id = g.item_id
      join bonded.book k on k.cell = i.cell and k.location_id = i.location_id
      left join trade.item t on t.variant_id = l.variant_id
     where l.cell = :cell and l.order_id = :id and l.quantity > c.units
     order by l.line_no
    """,
    LineRow,
)
HOME = sql(
    """
    select coalesce(a.recipient, ''),
           concat_ws(', ', a.line1, nullif(a.line2, ''), nullif(a.district, ''), nullif(a.city, ''),
                     nullif(a.region, ''), nullif(a.postal_code, '')),
           coalesce(i.name, a.recipient, ''), i.person_id, i.sealed, p.method, p.id, p.external_id
      from orders.order_group g
      join payments.payment p on p.cell = g.cell and p.id = g.id
      left join accounts.address a on a.cell = g.cell and a.id = g.address_id
      left join orders.identity i on i.cell = g.cell and i.buyer_id = g.buyer_id and i.country = :country
     where g.cell = :cell and g.id = :group_id
    """,
    HomeRow,
)
MESSAGES = sql("select kind, content from customs.message where cell = :cell and order_id = :order_id", MessageRow)
SAY = sql("""
    insert into customs.message (cell, order_id, kind, content, said_by, said_at)
    values (:cell, :order_id, :kind, :content, :by, :now)
    on conflict (cell, order_id, kind) do update
       set content = excluded.content, said_by = excluded.said_by, said_at = excluded.said_at
""")
FORGET = sql("""
    delete from customs.message m
     using orders.order o
     where m.cell = :cell and o.cell = m.cell and o.id = m.order_id and o.buyer_id = any (:buyers::uuid[])
""")
# About what their messages did not agree stays, and what each said of it goes: it names people.
FORGET_SAID = sql("""
    update customs.declaration d
       set problems = (select jsonb_object_agg(p.field, '{}'::jsonb) from jsonb_object_keys(d.problems) as p (field))
      from orders.order o
     where d.cell = :cell and d.problems <> '{}' and o.cell = d.cell and o.id = d.order_id
       and o.buyer_id = any (:buyers::uuid[])
""")

_DECLARATION = """
    select cell, order_id, no, id, status, problems, reason, reference, citation, attempts, made_at, ended_at
      from customs.declaration
"""
# Who changes it holds the order's lock, but whoever claims it to ask customs does not: it is seen whether customs is
# being asked.
LATEST = sql(
    _DECLARATION + " where cell = :cell and order_id = :order_id order by no desc limit 1 for no key update",
    DeclarationRow,
)
OF_ORDER = sql(
    _DECLARATION + " where cell = :cell and order_id = :order_id order by no desc limit 20",
    DeclarationRow,
)
MAKE = sql("""
    insert into customs.declaration (cell, order_id, no, id, status, made_at)
    select :cell, :order_id, coalesce(max(d.no), 0) + 1, :id, 'open', :now
      from customs.declaration d where d.cell = :cell and d.order_id = :order_id
""")
CHANGE = sql("""
    update customs.declaration
       set status = :status, problems = :problems, reason = :reason, reference = :reference, citation = :citation,
           due_at = case when :status in ('asked', 'revoking') then :now::timestamptz end,
           ended_at = case when :status in ('released', 'rejected', 'ended') then :now::timestamptz end
     where cell = :cell and id = :id
""")
CLAIM = sql(
    """
    update customs.declaration d
       set attempts = d.attempts + 1, due_at = :again_at
      from (select c.order_id, c.no from customs.declaration c
             where c.cell = :cell and c.due_at <= :now
             order by c.due_at, c.order_id limit :limit for no key update skip locked) due
     where d.cell = :cell and d.order_id = due.order_id and d.no = due.no
    returning d.order_id, d.id, d.status, d.attempts
    """,
    DueRow,
)
# Of these orders those that have been declared.
DECLARED = sql(
    """
    select distinct order_id from customs.declaration
     where cell = :cell and order_id = any (:ids::uuid[]) order by order_id
    """,
    UUID,
)
CELL_OF = sql(
    "select cell from orders.order where cell = any (array(select c.cell from kit.cell c)) and id = :order_id", int
)
# The latest declaration of each order, of all cells, the latest order first.
_LISTED = """
    select d.cell, d.order_id, d.no, d.id, d.status, d.problems, d.reason, d.reference, d.citation, d.attempts,
           d.made_at, d.ended_at, s.name, d.order_status
      from (select x.* from kit.cell c
             cross join lateral (
                   select y.*, o.seller_id, o.status as order_status
                     from customs.declaration y
                     join orders.order o on o.cell = y.cell and o.id = y.order_id
                    where y.cell = c.cell and y.order_id < :before {which}
                      and not exists (select from customs.declaration z
                                       where z.cell = y.cell and z.order_id = y.order_id and z.no > y.no)
                    order by y.order_id desc limit :limit) x) d
      join sellers.seller s on s.id = d.seller_id
     order by d.order_id desc
     limit :limit
"""
LISTED = sql(_LISTED.format(which=""), Listed)
# Those that are under way, or that somebody has to put right: found by the index of these.
WAITING = sql(
    _LISTED.format(
        which="""and y.status in ('open', 'asked', 'rejected', 'revoking')
                      and (o.status = 'paid' or y.status = 'revoking')"""
    ),
    Listed,
)
# Those that wait for the book, which has enough of each of their items now.
SHORT = sql(
    """
    select d.order_id from customs.declaration d
     where d.cell = :cell and d.status = 'open' and d.problems ? 'book'
       and not exists (
           select i.id
             from orders.order_line l
            cross join lateral (select coalesce(sum(x.quantity), 0) as units
                                  from orders.part_line x
                                  join orders.part p on p.cell = x.cell and p.id = x.part_id and p.kind = 'canceled'
                                 where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no) c
             join inventory.stock s on s.cell = l.cell and s.id = l.stock_id
             join bonded.good g on g.cell = s.cell and g.location_id = s.location_id and g.seller_id = s.seller_id
                               and g.variant_id = s.variant_id
             join bonded.item i on i.cell = g.cell and i.id = g.item_id
            where l.cell = d.cell and l.order_id = d.order_id
            group by i.id, i.quantity_milli, i.asked_milli
           having sum((l.quantity - c.units) * g.per_unit_milli) > i.quantity_milli - i.asked_milli)
     order by d.order_id
     limit :limit
    """,
    UUID,
)
