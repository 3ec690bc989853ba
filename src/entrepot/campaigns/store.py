"""Campaigns' SQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class CampaignRow(msgspec.Struct, frozen=True):
    cell: int
    id: UUID
    market: str
    currency: str
    name: str
    starts_at: datetime
    ends_at: datetime
    admit_per_s: int | None
    given: int
    served: int
    served_at: datetime


class SaleRow(msgspec.Struct, frozen=True):
    """The goods lie in `country`."""

    campaign_id: UUID
    offer_id: int
    shelf_offer_id: int
    title: str
    slug: str
    price_minor: int
    shelf_price_minor: int
    units: int
    max_per_buyer: int
    left: int
    version: int
    variant_id: int
    seller_id: UUID
    country: str


class BoughtRow(msgspec.Struct, frozen=True):
    """A purchase that used a quota; `used` is what its owner has used of it altogether."""

    owner: UUID
    used: int
    key: str
    body_hash: bytes
    group_id: UUID


class DueRow(msgspec.Struct, frozen=True):
    offer_id: int
    stock_id: int
    on_hand: int


class Terms(msgspec.Struct, frozen=True):
    """What decides in the database about a purchase. The goods lie in `country`."""

    offer_id: int
    campaign_id: UUID
    starts_at: datetime
    ends_at: datetime
    max_per_buyer: int
    left: int
    country: str


ADD = sql("""
    insert into campaigns.campaign (cell, id, market, name, starts_at, ends_at)
    values (:cell, :id, :market, :name, :starts_at, :ends_at)
""")
ADD_LINE = sql("""
    insert into campaigns.line (cell, campaign_id, admit_per_s, served_at) values (:cell, :id, :admit_per_s, :served_at)
""")
ADD_OFFERS = sql("""
    insert into campaigns.offer (cell, campaign_id, offer_id, shelf_offer_id, stock_id, units, max_per_buyer)
    select :cell, :id, o.* from unnest(:offers::bigint[], :shelf_offers::bigint[], :stocks::bigint[], :units::bigint[],
                                       :max_per_buyers::bigint[]) as o
""")
# Led by the id, which says nothing of its cell.
CELL_OF = sql(
    "select cell from campaigns.campaign where cell = any (array(select k.cell from kit.cell k)) and id = :id", int
)
LOCK = sql("select ends_at from campaigns.campaign where cell = :cell and id = :id for no key update", datetime)
END = sql("""
    update campaigns.campaign set ends_at = :now, starts_at = least(starts_at, :now) where cell = :cell and id = :id
""")
_CAMPAIGN = """
    select c.cell, c.id, c.market, m.currency, c.name, c.starts_at, c.ends_at, l.admit_per_s, l.given, l.served,
           l.served_at
      from campaigns.campaign c
      join campaigns.line l on l.cell = c.cell and l.campaign_id = c.id
      join sellers.market m on m.code = c.market
"""
CAMPAIGN = sql(
    _CAMPAIGN + " where c.cell = any (array(select k.cell from kit.cell k)) and c.id = :id",  # noqa: S608 - constants
    CampaignRow,
)
CAMPAIGNS = sql(
    _CAMPAIGN
    + " where c.ends_at > :ends_after and c.starts_at < :starts_before order by c.starts_at, c.id limit :limit",
    CampaignRow,
)
SALES = sql(
    """
    select o.campaign_id, o.offer_id, o.shelf_offer_id,
           case v.title when '' then p.title else p.title || ', ' || v.title end, p.slug, f.unit_price_minor,
           s.unit_price_minor, o.units, o.max_per_buyer, a.available, a.version, f.variant_id, f.seller_id, l.country
      from campaigns.offer o
      join catalog.offer f on f.cell = o.cell and f.id = o.offer_id
      join catalog.offer s on s.cell = o.cell and s.id = o.shelf_offer_id
      join catalog.variant v on v.id = f.variant_id
      join catalog.product p on p.id = f.product_id
      join logistics.location l on l.cell = o.cell and l.id = f.location_id
      join inventory.availability a on a.cell = o.cell and a.stock_id = o.stock_id
     where o.cell = any (:cells::smallint[]) and o.campaign_id = any (:ids::uuid[])
     order by o.campaign_id, o.offer_id
    """,
    SaleRow,
)
# Purchases of an offer by all buyers of a cell, or by some.
BOUGHT = sql(
    """
    select q.owner, q.used, k.key, k.body_hash, k.ref
      from pricing.quota q
      join kit.idempotency_key k on k.cell = q.cell and k.caller = q.owner and k.route = 'place'
      join pricing.quota_use u on u.cell = q.cell and u.cause_id = k.ref and u.quota_id = q.id
     where q.cell = :cell and q.name = :name and q.name <> '' and (:buyers::uuid[] is null or q.owner = any (:buyers))
     limit :limit
    """,
    BoughtRow,
)
TERMS = sql(
    """
    select o.offer_id, c.id, c.starts_at, c.ends_at, o.max_per_buyer, a.available, l.country
      from campaigns.offer o
      join campaigns.campaign c on c.cell = o.cell and c.id = o.campaign_id
      join inventory.availability a on a.cell = o.cell and a.stock_id = o.stock_id
      join catalog.offer f on f.cell = o.cell and f.id = o.offer_id
      join logistics.location l on l.cell = o.cell and l.id = f.location_id
     where o.cell = :cell and o.campaign_id = any (:ids::uuid[]) and o.offer_id = any (:offers::bigint[])
    """,
    Terms,
)
# Over, and with something to put back or nothing more to wait for.
DUE = sql(
    """
    select o.offer_id, o.stock_id, a.on_hand
      from campaigns.offer o
      join campaigns.campaign c on c.cell = o.cell and c.id = o.campaign_id
      join inventory.availability a on a.cell = o.cell and a.stock_id = o.stock_id
     where o.cell = :cell and not o.settled and c.ends_at <= :now and (a.available > 0 or a.on_hand = 0)
     order by o.campaign_id, o.offer_id
     limit :limit
       for no key update of o skip locked
    """,
    DueRow,
)
SETTLED = sql("""
    update campaigns.offer set settled = true where cell = :cell and offer_id = any (:offers::bigint[]) and not settled
""")

# How many of a line were let in by now (rules.served).
_SERVED = """
    least(l.given, l.served + case when l.admit_per_s is null then 0 else
        greatest(0, floor(extract(epoch from :now::timestamptz - l.served_at) * l.admit_per_s))::bigint end)
"""
# The waiting room. Positions are given many at a time; a line in which nobody waits starts anew, so that what was not
# needed is not saved up for a crowd.
TAKE_POSITIONS = sql(
    f"""
    update campaigns.line l
       set served = case when {_SERVED} = l.given and :now > l.served_at then l.given else l.served end,
           served_at = case when {_SERVED} = l.given and :now > l.served_at then :now else l.served_at end,
           given = l.given + :count
     where l.cell = :cell and l.campaign_id = :id and l.admit_per_s is not null
    returning l.given - :count
    """,  # noqa: S608
    int,
)
ADMISSION = sql("select admit_per_s from campaigns.line where cell = :cell and campaign_id = :id", int)
# Who got a position stays in; who waits is let in at the new rate.
SET_ADMISSION = sql(f"""
    update campaigns.line l
       set served = case when :admit_per_s::int is null then l.given else {_SERVED} end,
           served_at = greatest(:now, c.starts_at), admit_per_s = :admit_per_s
      from campaigns.campaign c
     where l.cell = :cell and l.campaign_id = :id and c.cell = l.cell and c.id = l.campaign_id
""")  # noqa: S608
