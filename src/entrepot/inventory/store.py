"""Inventory's SQL."""

from __future__ import annotations

from uuid import UUID

import msgspec

from entrepot.inventory.types import Adjustment
from entrepot.kit.sql import sql


class Row(msgspec.Struct, frozen=True):
    """A locked row of stock; `currency` is null for sellers' goods."""

    available: int
    currency: str | None


class Left(msgspec.Struct, frozen=True):
    stock_id: int
    available: int


AVAILABLE = sql(
    """
    select stock_id, available from inventory.availability where cell = :cell and stock_id = any (:stocks::bigint[])
    """,
    Left,
)
OPEN = sql("""
    insert into inventory.stock (cell, seller_id, variant_id, location_id)
    select :cell, a.seller_id, a.variant_id, a.location_id
      from unnest(:sellers::uuid[], :variants::bigint[], :locations::bigint[]) as a (seller_id, variant_id, location_id)
     order by a.seller_id, a.variant_id, a.location_id
    on conflict do nothing
""")
# A statement of its own: what another opened while OPEN waited for it, OPEN itself cannot see.
STOCK_IDS = sql(
    """
    select s.id
      from unnest(:sellers::uuid[], :variants::bigint[], :locations::bigint[])
           with ordinality as a (seller_id, variant_id, location_id, ord)
      join inventory.stock s
        on s.cell = :cell and s.seller_id = a.seller_id and s.variant_id = a.variant_id
       and s.location_id = a.location_id and s.aside_id = '00000000-0000-0000-0000-000000000000'
     order by a.ord
    """,
    int,
)
# What is set aside lies where it lay, in a row of its own.
OPEN_ASIDE = sql("""
    insert into inventory.stock (cell, seller_id, variant_id, location_id, aside_id, currency)
    select :cell, s.seller_id, s.variant_id, s.location_id, :aside_id, s.currency
      from inventory.stock s
     where s.cell = :cell and s.id = any (:stocks::bigint[])
     order by s.seller_id, s.variant_id, s.location_id
    on conflict do nothing
""")


class Pair(msgspec.Struct, frozen=True):
    """A row of stock that is for all, and the one of the same goods that is set aside."""

    stock_id: int
    aside_stock_id: int
    aside_id: UUID


# By what is aside, or by where it comes from and what for.
PAIRS = sql(
    """
    select s.id, a.id, a.aside_id
      from inventory.stock a
      join inventory.stock s
        on s.cell = a.cell and s.seller_id = a.seller_id and s.variant_id = a.variant_id
       and s.location_id = a.location_id and s.aside_id = '00000000-0000-0000-0000-000000000000'
     where a.cell = :cell and a.aside_id <> s.aside_id
       and (a.id = any (:aside_stocks::bigint[]) or s.id = any (:stocks::bigint[]) and a.aside_id = :aside_id)
     order by s.id, a.id
    """,
    Pair,
)
LEFT = sql("select stock_id, available from inventory.lock_many(:cell, :stocks)", Left)
LOCK = sql("select available from inventory.lock_many(:cell, :stocks)", int)
LOCK_OWN = sql(
    """
    select on_hand - held - allocated, currency
      from inventory.stock
     where cell = :cell and id = :stock_id and seller_id = :seller_id
       for no key update
    """,
    Row,
)
MOVE = sql("""
    select inventory.move_many(:cell, :now, :kind, :stocks, :quantities, :causes, :costs)
""")
TAKEN_COSTS = sql(
    """
    select cost_delta from inventory.ship_costs(:cell, :stocks, :quantities) order by ord
    """,
    int,
)

FIX_CURRENCY = sql("""
    update inventory.stock set currency = :currency
     where cell = :cell and id = any (:stocks::bigint[]) and currency is null
""")
OTHER_CURRENCY = sql(
    """
    select currency from inventory.stock
     where cell = :cell and id = any (:stocks::bigint[]) and currency <> :currency
     limit 1
    """,
    str,
)

ADD_ADJUSTMENT = sql("""
    insert into inventory.adjustment (cell, id, stock_id, on_hand_delta, reason, user_id, at)
    values (:cell, :id, :stock_id, :on_hand_delta, :reason, :user_id, :now)
""")
ADJUSTMENTS = sql(
    """
    select id, on_hand_delta, reason, at from inventory.adjustment
     where cell = :cell and stock_id = :stock_id
     order by id desc
     limit :limit
    """,
    Adjustment,
)
