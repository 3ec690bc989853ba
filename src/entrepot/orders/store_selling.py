"""The SQL of what may be sold: buyers' ages, and quotes that are not placed yet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class AgeRow(msgspec.Struct, frozen=True):
    """The age that a buyer has given by `proof`."""

    buyer_id: UUID
    proof: str
    age: int


class OpenLine(msgspec.Struct, frozen=True):
    """What a quote would sell, sent from a country. The quote is a buyer's of the cell `home`."""

    expires_at: datetime
    quote_id: UUID
    home: int
    buyer_id: UUID
    address_id: UUID
    offer_id: int
    variant_id: int
    seller_id: UUID
    from_country: str


GIVE_AGE = sql("""
    insert into orders.age_given (cell, buyer_id, age, proof, given_at) values (:cell, :buyer_id, :age, :proof, :now)
    on conflict (cell, buyer_id, proof) do update set age = excluded.age, given_at = excluded.given_at
""")
AGES = sql(
    "select buyer_id, proof, age from orders.age_given where cell = :cell and buyer_id = any (:buyers::uuid[])", AgeRow
)
# Of a bundle its own variant, too. A buyer's row of what only other cells sell has no lines: those have their own rows.
OPEN_LINES = sql(
    """
    select q.expires_at, q.id, q.home, q.buyer_id, q.address_id, l.offer_id, v.variant_id,
           q.order_sellers[l.order_no], w.country
      from (select q.*, coalesce(q.group_cell, q.cell) as home
              from orders.quote q
             where q.cell = :cell and q.expires_at > :now and (q.expires_at, q.id) > (:at, :after)
               and q.address_id is not null and q.line_offers <> '{}'
               and not exists (select from orders.order o where o.cell = q.cell and o.id = q.order_ids[1])
               and (:variants::bigint[] is null or q.line_variants && :variants
                    or exists (select from catalog.offer o
                                where o.cell = q.cell and o.id = any (q.line_offers)
                                  and o.variant_id = any (:variants)))
             order by q.expires_at, q.id
             limit :limit) q
     cross join unnest(q.line_orders, q.line_offers, q.line_variants) as l (order_no, offer_id, variant_id)
      join logistics.location w on w.cell = q.cell and w.id = q.order_locations[l.order_no]
      join catalog.offer o on o.cell = q.cell and o.id = l.offer_id
     cross join lateral (select l.variant_id union select o.variant_id) v
     order by q.expires_at, q.id
    """,
    OpenLine,
)
END_QUOTES = sql(
    """
    update orders.quote q set expires_at = e.at
      from unnest(:ids::uuid[], :ends::timestamptz[]) as e (id, at)
     where q.cell = :cell and q.id = e.id and q.expires_at > e.at
    returning q.id
    """,
    UUID,
)
