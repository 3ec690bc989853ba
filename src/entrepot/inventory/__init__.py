"""Inventory: one plain row of stock per seller, variant and location, and the typed movements that explain it.

available = on_hand - held - allocated. Held is promised until a deadline, allocated is sold and not shipped yet.

Invariants (the auditor re-derives them):
  a stock row is the sum of its movements, at any time; no count is negative; on_hand >= held + allocated;
  every movement has its cause (a receipt or an order), and each unit given back is given back once.
"""

from entrepot.inventory.actions import Goods, move, open_stock, receive, ship

__all__ = ["Goods", "move", "open_stock", "receive", "ship"]
