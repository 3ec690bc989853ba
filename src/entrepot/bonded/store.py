"""The SQL of goods in bond."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Good(msgspec.Struct, frozen=True):
    """Which item a row of stock in bond is of."""

    stock_id: int
    item_id: int
    per_unit_milli: int


class Mapped(msgspec.Struct, frozen=True):
    variant_id: int
    item_id: int
    per_unit_milli: int


class Left(msgspec.Struct, frozen=True):
    id: int
    record_no: str
    left_milli: int


class OutOfBond(msgspec.Struct, frozen=True):
    order_id: UUID
    released: bool
    carrier: str
    tracking_number: str


class ItemRow(msgspec.Struct, frozen=True):
    id: int
    location_id: int
    location: str
    book: str
    seller: str
    record_no: str
    hs_code: str
    country_of_origin: str
    description: str
    unit: str
    unit_value_minor: int
    currency: str
    quantity_milli: int
    asked_milli: int
    received_milli: int
    released_milli: int
    written_off_milli: int


class EntryRow(msgspec.Struct, frozen=True):
    kind: str
    cause_id: UUID
    quantity_milli: int
    at: datetime


OPEN_BOOK = sql(
    """
    insert into bonded.book (cell, location_id, number, office, opened_at, opened_by)
    values (:cell, :location_id, :number, :office, :now, :by)
    on conflict (cell, location_id) do update set number = excluded.number, office = excluded.office
    returning location_id
    """,
    int,
)
BOOK = sql("select number from bonded.book where cell = :cell and location_id = :location_id", str)
SAY_ITEM = sql(
    """
    insert into bonded.item (cell, location_id, seller_id, record_no, hs_code, country_of_origin, description, unit,
                             unit_value_minor, currency, added_at)
    values (:cell, :location_id, :seller_id, :record_no, :hs_code, :country_of_origin, :description, :unit,
            :unit_value_minor, :currency, :now)
    on conflict (cell, location_id, seller_id, record_no) do update
       set hs_code = excluded.hs_code, country_of_origin = excluded.country_of_origin,
           description = excluded.description, unit = excluded.unit, unit_value_minor = excluded.unit_value_minor,
           currency = excluded.currency
     where item.quantity_milli = 0
        or item.hs_code = excluded.hs_code and item.country_of_origin = excluded.country_of_origin
       and item.unit = excluded.unit and item.currency = excluded.currency
       and item.unit_value_minor = excluded.unit_value_minor
    returning id
    """,
    int,
)
# Locked: what a variant is stays while goods of it come in.
MAPPED = sql(
    """
    select variant_id, item_id, per_unit_milli from bonded.good
     where cell = :cell and location_id = :location_id and seller_id = :seller_id
       and variant_id = any (:variants::bigint[])
     order by variant_id
       for no key update
    """,
    Mapped,
)
MAP = sql("""
    insert into bonded.good (cell, location_id, seller_id, variant_id, item_id, per_unit_milli)
    values (:cell, :location_id, :seller_id, :variant_id, :item_id, :per_unit_milli)
    on conflict (cell, location_id, seller_id, variant_id) do update
       set item_id = excluded.item_id, per_unit_milli = excluded.per_unit_milli
""")
# Whoever moves goods of the variant in or out holds these rows; the version counts what has moved.
MOVED = sql(
    """
    select s.version from inventory.stock s
     where s.cell = :cell and s.seller_id = :seller_id and s.variant_id = :variant_id and s.location_id = :location_id
     order by s.id
       for no key update
    """,
    int,
)
RECEIVE = sql(
    """
    insert into bonded.receipt (cell, id, location_id, seller_id, declaration_no, received_at, received_by)
    values (:cell, :id, :location_id, :seller_id, :declaration_no, :now, :by)
    on conflict (cell, location_id, declaration_no, seller_id) do nothing
    returning id
    """,
    UUID,
)
ENTER = sql("select bonded.enter_many(:cell, :now, :kind, :cause_id, :items, :quantities)")
GOODS = sql(
    """
    select s.id, g.item_id, g.per_unit_milli
      from inventory.stock s
      join bonded.good g on g.cell = s.cell and g.location_id = s.location_id and g.seller_id = s.seller_id
                        and g.variant_id = s.variant_id
     where s.cell = :cell and s.id = any (:stocks::bigint[])
    """,
    Good,
)
LOCK_ITEMS = sql(
    """
    select id, record_no, quantity_milli - asked_milli
      from bonded.item
     where cell = :cell and id = any (:items::bigint[])
     order by id
       for no key update
    """,
    Left,
)
PROMISE = sql("""
    update bonded.item i set asked_milli = i.asked_milli + e.quantity
      from unnest(:items::bigint[], :quantities::bigint[]) as e (item_id, quantity)
     where i.cell = :cell and i.id = e.item_id
""")
ASK = sql("""
    insert into bonded.release (cell, id, order_id, status, carrier, tracking_number, asked_at)
    values (:cell, :id, :order_id, 'asked', :carrier, :tracking_number, :now)
""")
ASK_LINES = sql("""
    insert into bonded.release_line (cell, release_id, item_id, quantity_milli)
    select :cell, :id, l.item_id, l.quantity
      from unnest(:items::bigint[], :quantities::bigint[]) as l (item_id, quantity)
""")
LINES = sql(
    """
    select item_id, '', quantity_milli from bonded.release_line
     where cell = :cell and release_id = :id order by item_id
    """,
    Left,
)
# A release goes from one status to the next once, whoever asks for it.
MOVE_ON = sql(
    """
    update bonded.release
       set status = :status, ended_at = case when :status in ('dropped', 'revoked') then :now::timestamptz end
     where cell = :cell and id = :id and status = :was
    returning id
    """,
    UUID,
)
STATUS = sql("select status from bonded.release where cell = :cell and id = :id", str)
# Orders of which goods lie in bond: whether customs has let out just these, and by which parcel they are to go.
OUT_OF_BOND = sql(
    """
    select w.order_id, bool_and(coalesce(r.milli = w.milli, false)), coalesce(max(r.carrier), ''),
           coalesce(max(r.tracking_number), '')
      from (select u.order_id, g.item_id, sum(u.quantity * g.per_unit_milli) as milli
              from unnest(:orders::uuid[], :stocks::bigint[], :quantities::bigint[])
                   as u (order_id, stock_id, quantity)
              join inventory.stock s on s.cell = :cell and s.id = u.stock_id
              join bonded.book k on k.cell = s.cell and k.location_id = s.location_id
              left join bonded.good g on g.cell = s.cell and g.location_id = s.location_id
                                     and g.seller_id = s.seller_id and g.variant_id = s.variant_id
             group by u.order_id, g.item_id) w
      left join (select r.order_id, l.item_id, l.quantity_milli as milli, r.carrier, r.tracking_number
                   from bonded.release r
                   join bonded.release_line l on l.cell = r.cell and l.release_id = r.id
                  where r.cell = :cell and r.order_id = any (:orders::uuid[]) and r.status = 'released') r
        on r.order_id = w.order_id and r.item_id = w.item_id
     group by w.order_id
     order by w.order_id
    """,
    OutOfBond,
)
# Of these locations the bonded warehouses.
BONDED = sql("select location_id from bonded.book where cell = :cell and location_id = any (:locations::bigint[])", int)
ITEMS = sql(
    """
    select i.id, i.location_id, l.name, b.number, s.name, i.record_no, i.hs_code, i.country_of_origin, i.description,
           i.unit, i.unit_value_minor, i.currency, i.quantity_milli, i.asked_milli,
           i.received_milli, i.released_milli, i.received_milli - i.released_milli - i.quantity_milli
      from bonded.item i
      join bonded.book b on b.cell = i.cell and b.location_id = i.location_id
      join logistics.location l on l.cell = i.cell and l.id = i.location_id
      join sellers.seller s on s.id = i.seller_id
     where i.cell = :cell and (:seller_id::uuid is null or i.seller_id = :seller_id) and i.id > :after
     order by i.id
     limit :limit
    """,
    ItemRow,
)
ENTRIES = sql(
    """
    select kind, cause_id, quantity_milli, at from bonded.entry
     where cell = :cell and item_id = :item_id order by at desc, cause_id limit :limit
    """,
    EntryRow,
)
