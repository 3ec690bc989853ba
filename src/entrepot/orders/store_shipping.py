"""What a seller has to send next."""

from __future__ import annotations

from entrepot.kit.sql import sql
from entrepot.orders.store import SUMMARY, OrderSummary

# By the cut-off of the time at which it is awaited: from then on nothing joins it.
AWAITED = sql(
    SUMMARY
    + """
      join pricing.slot t on t.id = o.slot_id
     where o.cell = :cell and o.seller_id = :seller_id and o.status = 'paid' and o.slot_id is not null
     order by t.closes_at, t.starts_at, o.id limit :limit
    """,
    OrderSummary,
)
UNTIMED = sql(
    SUMMARY
    + """
     where o.cell = :cell and o.seller_id = :seller_id and o.status = 'paid' and o.slot_id is null and o.id < :before
     order by o.id desc limit :limit
    """,
    OrderSummary,
)
