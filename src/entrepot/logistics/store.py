"""Logistics' SQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.logistics.types import Location


class NameRow(msgspec.Struct, frozen=True):
    id: int
    name: str


class StockRow(msgspec.Struct, frozen=True):
    id: int
    variant_id: int
    sku: str
    title: str
    unit: str
    location_id: int
    location: str
    on_hand: int
    held: int
    allocated: int
    available: int
    cost_minor: int
    currency: str | None


class TrackingEvent(msgspec.Struct, frozen=True):
    """One scan of a shipment."""

    status: str
    at: datetime
    place: str


class ScanRow(msgspec.Struct, frozen=True):
    shipment_id: UUID
    status: str
    at: datetime
    place: str


class ShipmentRow(msgspec.Struct, frozen=True):
    id: UUID
    order_id: UUID
    carrier: str
    tracking_number: str
    status: str
    shipped_at: datetime
    delivered_at: datetime | None


STAGES = ["in_transit", "out_for_delivery", "delivered"]
"""How far a shipment is, in order."""

IMPORT_LOCATIONS = sql("""
    insert into logistics.location (cell, id, code, name, seller_id, country)
    select :cell, l.id, l.code, l.name, null, l.country
      from unnest(:ids::bigint[], :codes::text[], :names::text[], :countries::text[]) as l (id, code, name, country)
    on conflict do nothing
""")
# Ids that an import gave are passed by, so that the next id we draw is free.
PASS_LOCATIONS = sql(
    "select setval('logistics.location_id_seq', greatest(:high, last_value)) from logistics.location_id_seq", int
)
LOCATION_NAMES = sql(
    "select id, name from logistics.location where cell = :cell and id = any (:ids::bigint[])",
    NameRow,
)
LOCATION_COUNTRIES = sql(
    "select id, country from logistics.location where cell = :cell and id = any (:ids::bigint[])",
    NameRow,
)
ADD_LOCATION = sql(
    """
    insert into logistics.location (cell, code, name, seller_id, country)
    values (:cell, :code, :name, :seller_id, :country)
    on conflict on constraint location_code do nothing
    returning id, code, name, country, line1, postal_code, city, seller_id is null, bonded
    """,
    Location,
)
SET_ADDRESS = sql(
    """
    update logistics.location set line1 = :line1, postal_code = :postal_code, city = :city
     where cell = :cell and id = :location_id and seller_id is not distinct from :seller_id
    returning id, code, name, country, line1, postal_code, city, seller_id is null, bonded
    """,
    Location,
)
# Only one where nothing has ever lain: it would be in bond, or come back there, without a declaration.
SET_BONDED = sql(
    """
    update logistics.location l set bonded = true
     where l.cell = :cell and l.id = :location_id
       and (l.bonded or not exists (select from inventory.stock s
                                     where s.cell = l.cell and s.location_id = l.id and s.version > 0))
    returning id, code, name, country, line1, postal_code, city, seller_id is null, bonded
    """,
    Location,
)
LOCK_LOCATION = sql("select id from logistics.location where cell = :cell and id = :location_id for update", int)
# Whoever brings goods to a location holds it as it is.
BONDED = sql("select bonded from logistics.location where cell = :cell and id = :location_id for key share", bool)
# A seller's own come first; without a seller there are the shared ones only.
LOCATIONS = sql(
    """
    select id, code, name, country, line1, postal_code, city, seller_id is null, bonded
      from logistics.location
     where cell = :cell and (seller_id is null or seller_id = :seller_id)
       and (seller_id is null, id) > (
           coalesce((select a.seller_id is null from logistics.location a
                      where a.cell = :cell and a.id = :after), false), :after)
     order by seller_id is null, id
     limit :limit
    """,
    Location,
)
LOCATION = sql(
    """
    select id, code, name, country, line1, postal_code, city, seller_id is null, bonded
      from logistics.location
     where cell = :cell and id = :location_id and (seller_id is null or seller_id = :seller_id)
    """,
    Location,
)

_SHELVES = """
    select s.id, s.variant_id, v.sku, case v.title when '' then p.title else p.title || ', ' || v.title end, v.unit,
           s.location_id, coalesce(l.name, ''), s.on_hand, s.held, s.allocated, s.on_hand - s.held - s.allocated,
           s.cost_minor, s.currency
      from shelf s
      join catalog.variant v on v.id = s.variant_id
      join catalog.product p on p.id = v.product_id
      left join logistics.location l on l.cell = s.cell and l.id = s.location_id
     order by s.variant_id, s.location_id
     limit :limit
"""
STOCK = sql(
    """
    with shelf as (
        select s.* from inventory.stock s
         where s.cell = :cell and s.seller_id = :seller_id and s.id = :stock_id
           and s.aside_id = '00000000-0000-0000-0000-000000000000'
    )
    """  # noqa: S608 - two constants
    + _SHELVES,
    StockRow,
)
# One range of the key (cell, seller_id, variant_id, location_id): of all variants, or of the one that was asked for.
# The inner limit (PAGE_MAX) is for the planner, which would else read the whole catalog for a page of it.
STOCKS = sql(
    """
    with shelf as (
        select s.*
          from inventory.stock s
         where s.cell = :cell and s.seller_id = :seller_id and s.variant_id between :first and :last
           and s.aside_id = '00000000-0000-0000-0000-000000000000'
           and (s.variant_id, s.location_id) > (
               coalesce((select a.variant_id from inventory.stock a
                          where a.cell = :cell and a.id = :after and a.seller_id = :seller_id), 0),
               coalesce((select a.location_id from inventory.stock a
                          where a.cell = :cell and a.id = :after and a.seller_id = :seller_id), 0))
         order by s.variant_id, s.location_id
         limit 100
    )
    """  # noqa: S608 - two constants
    + _SHELVES,
    StockRow,
)

CLOSE_REQUESTS = sql(
    """
    with locked as (
        select id from logistics.fulfillment_order
         where cell = :cell and id = any (:ids::uuid[]) and status = 'open' order by id for no key update
    )
    update logistics.fulfillment_order f set status = :status from locked l
     where f.cell = :cell and f.id = l.id
    returning f.id
    """,
    UUID,
)
INSERT_SHIPMENTS = sql("""
    insert into logistics.shipment (cell, id, fulfillment_order_id, carrier, tracking_number, status, shipped_at)
    select :cell, s.id, s.fulfillment_order_id, s.carrier, s.tracking_number, 'in_transit', :now
      from unnest(:ids::uuid[], :fulfillment_orders::uuid[], :carriers::text[], :tracking_numbers::text[])
           as s (id, fulfillment_order_id, carrier, tracking_number)
""")
# Scans are kept whatever their order; only a later stage moves the shipment on.
INSERT_SCANS = sql("""
    insert into logistics.tracking_event (cell, shipment_id, status, at, place)
    select :cell, s.id, e.status, e.at, e.place
      from unnest(:carriers::text[], :tracking_numbers::text[], :statuses::text[], :ats::timestamptz[], :places::text[])
           as e (carrier, tracking_number, status, at, place)
      join logistics.shipment s
        on s.cell = :cell and s.carrier = e.carrier and s.tracking_number = e.tracking_number
    on conflict do nothing
""")
ADVANCE = sql(
    """
    select found from logistics.advance_many(:cell, :stages, :carriers, :tracking_numbers, :statuses, :ats) found
     order by found
    """,
    UUID,
)
SHIPMENTS_OF = sql(
    """
    select id, fulfillment_order_id, carrier, tracking_number, status, shipped_at, delivered_at
      from logistics.shipment where cell = :cell and fulfillment_order_id = any (:order_ids::uuid[])
    """,
    ShipmentRow,
)
SCANS = sql(
    """
    select s.id, e.status, e.at, e.place
      from unnest(:ids::uuid[]) as s (id)
     cross join lateral (select status, at, place from logistics.tracking_event
                          where cell = :cell and shipment_id = s.id order by at, status limit :limit) e
     order by s.id, e.at, e.status
    """,
    ScanRow,
)
# Which of the scans are of a shipment in this cell, by their place among those asked about, from 1.
KNOWN = sql(
    """
    select e.place::int
      from unnest(:carriers::text[], :tracking_numbers::text[]) with ordinality as e (carrier, tracking_number, place)
      join logistics.shipment s
        on s.cell = :cell and s.carrier = e.carrier and s.tracking_number = e.tracking_number
     order by e.place
    """,
    int,
)
