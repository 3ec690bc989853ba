"""Inventory's SQL."""

from __future__ import annotations

from entrepot.kit.sql import sql

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
       and s.location_id = a.location_id
     order by a.ord
    """,
    int,
)
LOCK = sql("select available from inventory.lock_many(:cell, :stocks)", int)
MOVE = sql("""
    select inventory.move_many(:cell, :now, :kind, :stocks, :quantities, :causes, :costs)
""")
SHIP_COSTS = sql(
    """
    select cost_delta from inventory.ship_costs(:cell, :stocks, :quantities) order by ord
    """,
    int,
)
