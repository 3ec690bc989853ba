"""The SQL of orders whose sellers are paid in another currency than they were sold in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class ExchangeRow(msgspec.Struct, frozen=True):
    """What an order was locked at; its seller has `net_minor` of the order's currency, exchanged."""

    order_id: UUID
    currency: str
    settles_in: str
    day: date
    per_euro: Decimal
    settles_per_euro: Decimal
    source: str
    spread_bp: int
    net_minor: int


ADD_EXCHANGE = sql("""
    insert into orders.exchange (cell, order_id, quote_id, currency, settles_in, day, per_euro, settles_per_euro,
                                 source, spread_bp)
    values (:cell, :order_id, :quote_id, :currency, :settles_in, :day, :per_euro, :settles_per_euro, :source,
            :spread_bp)
""")
# Parts of one order may end at once: each is told what the others left.
LOCK_EXCHANGES = sql(
    """
    select order_id, currency, settles_in, day, per_euro, settles_per_euro, source, spread_bp, net_minor
      from orders.exchange
     where cell = :cell and order_id = any (:order_ids::uuid[])
     order by order_id
       for no key update
    """,
    ExchangeRow,
)
SET_NET = sql("""
    update orders.exchange x
       set net_minor = n.net
      from unnest(:order_ids::uuid[], :nets::bigint[]) as n (order_id, net)
     where x.cell = :cell and x.order_id = n.order_id
""")
OF_ORDERS = sql(
    """
    select order_id, currency, settles_in, day, per_euro, settles_per_euro, source, spread_bp, net_minor
      from orders.exchange
     where cell = :cell and order_id = any (:order_ids::uuid[])
    """,
    ExchangeRow,
)
