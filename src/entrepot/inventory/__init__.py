"""Inventory: one plain row of stock per seller, variant and location, and the typed movements that explain it.

available = on_hand - held - allocated. Held is promised until a deadline, allocated is sold and not shipped yet.
Goods of the operator's own carry their purchase cost, which enters the books when they are bought and leaves them when
they are shipped or found missing; they are bought and sold in one currency.

Invariants (the auditor re-derives them):
  a stock row is the sum of its movements, at any time; no count is negative; on_hand >= held + allocated;
  every movement has its cause (a receipt, an adjustment, an order, a campaign or a sale elsewhere), and each unit
  given back is given back once; what is set aside for a campaign lies in a row of its own, and what that row is given
  another loses;
  own_stock holds the cost of what was received less that of what was shipped and of what went missing.

In SQL: inventory.bundles_left says how many of a bundle its components allow.

Events: stock_adjusted (key: the seller's id; data: adjustment_id, stock_id).
"""

from entrepot.inventory.actions import (
    adjust,
    allocate,
    buy,
    fix_currency,
    hold,
    move,
    open_stock,
    put_back,
    receive,
    set_aside,
    ship,
    take_back,
)
from entrepot.inventory.reads import adjustments, available
from entrepot.inventory.types import Adjustment, Goods, Reason, Short, StockCurrencyIs, StockPromised, Want

__all__ = [
    "Adjustment", "Goods", "Reason", "Short", "StockCurrencyIs", "StockPromised", "Want", "adjust", "adjustments",
    "allocate", "available", "buy", "fix_currency", "hold", "move", "open_stock", "put_back", "receive", "set_aside",
    "ship", "take_back",
]  # fmt: skip
