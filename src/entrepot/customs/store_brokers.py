"""The SQL of what brokers ask for."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Place(msgspec.Struct, frozen=True):
    """Where the order is that a broker calls `told`."""

    told: str
    cell: int
    order_id: UUID


class Kept(msgspec.Struct, frozen=True):
    """What is kept of what was paid for an order's border; so much of it was settled before."""

    order_id: UUID
    currency: str
    kept_minor: int
    settled_minor: int


class LineRow(msgspec.Struct, frozen=True):
    cell: int
    id: UUID
    invoice_id: UUID
    no: int
    told: str
    order_id: UUID | None
    asked_minor: int
    settled_minor: int
    status: str
    reason: str
    note: str


class InvoiceRow(msgspec.Struct, frozen=True):
    id: UUID
    broker: str
    number: str
    currency: str
    issued_on: date
    recorded_at: datetime
    paid_at: datetime | None
    reference: str


RECORD = sql(
    """
    insert into customs.broker_invoice (id, broker, number, currency, issued_on, recorded_at, recorded_by)
    values (:id, :broker, :number, :currency, :issued_on, :now, :by)
    on conflict do nothing
    returning id
    """,
    UUID,
)
# By the order's id, or by the number that the broker, as its carrier, has given the parcel.
FIND = sql(
    """
    select t.told, x.cell, x.order_id
      from unnest(:told::text[], :orders::uuid[]) as t (told, order_id)
     cross join lateral (
           select o.cell, o.id as order_id from kit.cell c join orders.order o on o.cell = c.cell and o.id = t.order_id
           union
           select s.cell, s.fulfillment_order_id
             from kit.cell c
             join logistics.shipment s on s.cell = c.cell and s.carrier = :broker and s.tracking_number = t.told) x
    """,
    Place,
)
LOCK_ORDERS = sql(
    """
    select id from orders.order where cell = :cell and id = any (:orders::uuid[]) order by id for no key update
    """,
    UUID,
)
# From the ledger: what went into the account of duties for the order, less what went back with it or with parts of it.
KEPT = sql(
    """
    select o.id, o.currency, m.minor - s.settled, s.settled
      from orders.order o
     cross join lateral (
           select coalesce(sum(case t.code when 'duties' then t.amount else -t.amount end), 0)::bigint as minor
             from ledger.transfer t
            where t.cell = o.cell and t.code in ('duties', 'duties_back')
              and t.cause_id = any (array(select p.id from orders.part p
                                           where p.cell = o.cell and p.order_id = o.id) || o.id)) m
     cross join lateral (
           select coalesce(sum(l.settled_minor), 0)::bigint as settled from customs.broker_line l
            where l.cell = o.cell and l.order_id = o.id and l.status = 'settled') s
     where o.cell = :cell and o.id = :order_id
    """,
    Kept,
)
ADD_LINE = sql("""
    insert into customs.broker_line (cell, id, invoice_id, no, told, order_id, asked_minor, settled_minor, status,
                                     reason)
    values (:cell, :id, :invoice_id, :no, :told, :order_id, :asked_minor, :settled_minor, :status, :reason)
""")
_LINE = """
    select cell, id, invoice_id, no, told, order_id, asked_minor, settled_minor, status, reason, note
      from customs.broker_line
"""
LINES = sql(
    _LINE + " where cell = :cell and invoice_id = any (:invoices::uuid[]) order by invoice_id, no limit :limit",
    LineRow,
)
LINE = sql(_LINE + " where cell = :cell and id = :id for no key update", LineRow)
CELL_OF_LINE = sql(
    "select cell from customs.broker_line where cell = any (array(select c.cell from kit.cell c)) and id = :id", int
)
DECIDE = sql("""
    update customs.broker_line
       set status = :status, settled_minor = :settled_minor, decided_at = :now, decided_by = :by, note = :note
     where cell = :cell and id = :id
""")
_INVOICE = """
    select id, broker, number, currency, issued_on, recorded_at, paid_at, reference from customs.broker_invoice
"""
INVOICES = sql(_INVOICE + " order by paid_at is not null, recorded_at desc, id desc limit :limit", InvoiceRow)
INVOICE = sql(_INVOICE + " where id = :id", InvoiceRow)
LOCK_INVOICE = sql(_INVOICE + " where id = :id for no key update", InvoiceRow)
PAY = sql("""
    update customs.broker_invoice set paid_at = :now, paid_by = :by, reference = :reference where id = :id
""")
