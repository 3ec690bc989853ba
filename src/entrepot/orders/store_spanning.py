"""The SQL of purchases that span cells. Each statement names one cell."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.orders.rules import Asked


class QuoteRow(msgspec.Struct, frozen=True):
    id: UUID
    buyer_id: UUID
    currency: str
    expires_at: datetime
    paid_minor: int
    other_cells: list[int]
    quota_ids: list[int]
    quota_amounts: list[int]


class KeyRow(msgspec.Struct, frozen=True):
    caller: UUID
    key: str


class Locked(msgspec.Struct, frozen=True):
    """What the rows have, in the order of their ids; None where none were asked for."""

    stocks: list[int] | None
    quotas: list[int] | None
    quota_names: list[str] | None
    wallets: list[int] | None


QUOTES = sql(
    """
    select id, buyer_id, currency, expires_at, paid_minor, other_cells, quota_ids, quota_amounts
      from orders.quote
     where cell = :cell and id = any (:ids::uuid[]) and other_cells is not null
    """,
    QuoteRow,
)
# Whoever comes second with a key waits here for the first.
CLAIM_KEYS = sql(
    """
    insert into kit.idempotency_key (cell, caller, route, key, body_hash, ref, status, at)
    select distinct on (a.caller, a.key) :cell, a.caller, 'place', a.key, a.hash, a.quote, 201, :now
      from unnest(:callers::uuid[], :keys::text[], :hashes::bytea[], :quotes::uuid[])
           with ordinality as a (caller, key, hash, quote, ord)
     order by a.caller, a.key, a.ord
    on conflict do nothing
    returning caller, key
    """,
    KeyRow,
)
DROP_KEYS = sql("""
    delete from kit.idempotency_key k
     using unnest(:callers::uuid[], :keys::text[]) as a (caller, key)
     where k.cell = :cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
""")
CLAIM_GROUPS = sql("select claim_groups from orders.claim_groups(:cell, :now, :quotes, :methods)", UUID)
DROP_GROUPS = sql("delete from orders.order_group where cell = :cell and id = any (:ids::uuid[])")
LINES = sql(
    """
    select :cell::smallint, q.id, q.order_ids[q.line_orders[i]], q.line_offers[i], q.line_stocks[i],
           q.line_quantities[i], coalesce(q.line_bundles[i], 0::smallint),
           case when q.line_bundles[i] > 0 then q.line_prices_per[i] else 1 end,
           p.quoted,
           case when f.unit_price_minor <> p.quoted and catalog.price_holds(:cell, q.line_offers[i], p.quoted)
                then p.quoted else f.unit_price_minor end,
           coalesce(f.buyable, false)
      from orders.quote q
     cross join lateral generate_series(1, cardinality(q.line_offers)) i
     cross join lateral (select coalesce(q.bundle_prices[q.line_bundles[i]], q.line_prices[i]) as quoted) p
      left join catalog.offer_fact f on f.cell = :cell and f.offer_id = q.line_offers[i]
     where q.cell = :cell and q.id = any (:quotes::uuid[])
     order by array_position(:quotes::uuid[], q.id), i
    """,
    Asked,
)
LOCK = sql("select s_left, q_left, q_names, w_left from orders.lock_all(:cell, :stocks, :quotas, :wallets)", Locked)
WRITE_ORDERS = sql("select orders.write_orders(:cell, :now, :quotes, :methods)")
TAKE = sql("select orders.take_many(:cell, :now, :quotes, :wallets, true)")
ADD_AWAY = sql("""
    insert into orders.away_order (cell, id, order_cell)
    select distinct :cell::smallint, a.id, a.order_cell
      from unnest(:ids::uuid[], :order_cells::smallint[]) as a (id, order_cell)
""")
