"""Orders: the way of a purchase from cart to completion.

cart -> quote (stored, expires) -> place: one order group (one payment), one order per seller and ship-from, stock taken,
money in escrow -> shipped -> delivered -> confirmed by the buyer or the timer -> released to the seller. Canceled before
shipping, or refunded before release, everything goes back.

Invariants (the auditor re-derives them):
  the orders of a group sum to what was paid; an order's amounts are the sums of its lines', frozen when it was placed;
  escrow holds exactly what paid, shipped and delivered orders say; a quote is placed at most once (same id);
  every way out of escrow is taken once, by the order's status and by the ledger's transfer names.

`place_many` is the primitive: a verdict per command, exactly once by idempotency key.

Events: group_awaiting_payment, group_paid, group_expired (key: the group; data: buyer_id, orders), order_shipped,
order_delivered, order_completed, order_canceled, order_refunded (key: the order; data: seller_id, buyer_id).
"""

from entrepot.orders.actions import (
    cancel,
    confirm,
    deliver_many,
    expire_groups,
    place_many,
    quote_many,
    record_paid,
    refund,
    release_many,
    ship_many,
)
from entrepot.orders.carts import (
    CartView,
    QuoteView,
    add_line,
    cart_view,
    create_cart,
    latest_cart,
    quote_cart,
    quote_view,
    remove_line,
    set_address,
    set_promotion,
    set_quantity,
    set_shipping,
)
from entrepot.orders.jobs import CONSUMERS, run_timers, settle, sweep
from entrepot.orders.placing import Placing
from entrepot.orders.reads import buyer_groups, days, group_view, order_view, seller_orders
from entrepot.orders.types import Place, Placed, Purchase, Verdict, problem_of

__all__ = [
    "CONSUMERS", "CartView", "Place", "Placed", "Placing", "QuoteView", "Purchase", "Verdict", "add_line", "buyer_groups", "cancel", "cart_view", "confirm",
    "create_cart", "days", "deliver_many", "expire_groups", "group_view", "order_view", "latest_cart", "place_many", "problem_of",
    "quote_cart", "quote_many", "quote_view", "record_paid", "refund", "release_many", "remove_line", "run_timers", "seller_orders", "set_address",
    "set_promotion", "set_quantity", "set_shipping", "settle", "ship_many", "sweep",
]  # fmt: skip
