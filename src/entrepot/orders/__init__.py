"""Orders: the way of a purchase from cart to completion.

cart -> quote (stored, expires) -> place: one order group (one payment), one order per seller and ship-from, stock
taken, money in escrow -> shipped -> delivered -> confirmed by the buyer or the timer -> released to the seller.
Canceled before shipping, or refunded before release, everything goes back. A part of an order may go its own way:
`freeze` takes units out of it, `end_part` gives their money back, releases it, or some of each; `cancel_lines` and
`refund_amount` give back at once.

Invariants (the auditor re-derives them):
  the orders of a group sum to what was paid; an order's amounts are the sums of its lines', frozen when it was placed;
  escrow holds exactly what paid, shipped and delivered orders and frozen parts say; a unit is in one part at most;
  a quote is placed at most once (same id);
  every way out of escrow is taken once, by the order's status and by the ledger's transfer names.

`place_many` is the primitive: a verdict per command, exactly once by idempotency key.

A purchase may span cells: cart, quote, group, payment, quotas and wallet are in the buyer's, its home, each order with
its stock and escrow in its seller's. `place` takes any quote; money that goes to another cell passes between_cells.

What may not be sold is refused at the quote (orders.selling), which ends before a rule begins that forbids it.

Events: group_awaiting_payment, group_paid, group_expired, group_canceled (key: the group; data: buyer_id, orders; each
cell of a group tells it of its own orders, the buyer's also when it has none), order_shipped, order_delivered,
order_completed, order_canceled, order_refunded, order_part_frozen, order_part_ended (key: the order; data: seller_id,
buyer_id, and part_id and kind of a part), order_held, order_hold_released, order_hold_rejected (data: user_id).
"""

from entrepot.orders.actions import (
    cancel,
    cancel_own,
    cancel_unpaid,
    confirm,
    place_many,
    quote_many,
    refund,
    release_many,
    ship_many,
)
from entrepot.orders.borders import CROSSED_PAGE, AtDoor, CartDoor, at_door, crossed_orders
from entrepot.orders.buying import Buy, buy_many, keys_placed
from entrepot.orders.carts import (
    Cart,
    CartView,
    QuoteDetail,
    QuoteView,
    add_line,
    cart_at_door,
    cart_lines,
    cart_size,
    cart_view,
    create_cart,
    forget_carts,
    latest_cart,
    load_cart,
    own_cart,
    quote_cart,
    quote_detail,
    quote_view,
    remove_line,
    set_address,
    set_promotion,
    set_quantity,
    set_shipping,
)
from entrepot.orders.charging_back import (
    Charged,
    Sold,
    bank_is_done,
    charge_back,
    charge_kept,
    charge_late,
    end_charged,
    is_own,
    recall_parts,
    sold_by_payment,
)
from entrepot.orders.discounts import Discounts, discounts
from entrepot.orders.guests import guest_groups, open_guest_group, reach
from entrepot.orders.holds import HOLDS_PAGE, HoldView, held_orders, hold_found, let_go, reject_held, release_held
from entrepot.orders.identities import identity
from entrepot.orders.identities import say as say_identity
from entrepot.orders.jobs import CONSUMERS, TIMERS, run_timer, run_timers, settle, sweep
from entrepot.orders.lending import lend, offers_for, place_on_credit
from entrepot.orders.money import tax_account
from entrepot.orders.papers import NotImported, PapersIncomplete, PapersView, papers_of
from entrepot.orders.parts import (
    Frozen,
    cancel_lines,
    end_part,
    freeze,
    part_lines,
    refund_amount,
    restock,
    sold_line,
    take_promise,
)
from entrepot.orders.placing import Placing, place
from entrepot.orders.reads import (
    OrderBrief,
    OrderPart,
    OrderView,
    bought_lately,
    briefs,
    buyer_groups,
    cell_of,
    days,
    group_detail,
    group_view,
    order_of_part,
    order_view,
    orders_of_parts,
    parties,
    seller_orders,
    ship_to,
    to_ship,
)
from entrepot.orders.screening import Found
from entrepot.orders.selling import Judged, ages_of, give_age, give_birth_date, judge_offers, objection
from entrepot.orders.spanning import place_spanning
from entrepot.orders.store import Day
from entrepot.orders.store_holds import Parties
from entrepot.orders.store_parts import PartLine, SoldLine
from entrepot.orders.taxes import TaxEntry, tax_entries
from entrepot.orders.types import (
    PLACE_PROBLEMS,
    REASON_MAX,
    AmountNotLeft,
    LineNotThere,
    NothingPaid,
    OfferUnavailable,
    OrderHeld,
    Place,
    Placed,
    Purchase,
    SoldOut,
    UnitsTaken,
    Verdict,
    WrongStatus,
    problem_of,
)

__all__ = [
    "CONSUMERS", "CROSSED_PAGE", "HOLDS_PAGE", "PLACE_PROBLEMS", "REASON_MAX", "TIMERS", "AmountNotLeft", "AtDoor",
    "Buy", "Cart", "CartDoor", "CartView", "Charged", "Day", "Discounts", "Found", "Frozen", "HoldView", "Judged",
    "LineNotThere", "NotImported", "NothingPaid", "OfferUnavailable", "OrderBrief", "OrderHeld", "OrderPart",
    "OrderView", "PapersIncomplete", "PapersView", "PartLine", "Parties", "Place", "Placed", "Placing", "Purchase",
    "QuoteDetail", "QuoteView", "Sold", "SoldLine", "SoldOut", "TaxEntry", "UnitsTaken", "Verdict", "WrongStatus",
    "add_line", "ages_of", "at_door", "bank_is_done", "bought_lately", "briefs", "buy_many", "buyer_groups", "cancel",
    "cancel_lines", "cancel_own", "cancel_unpaid", "cart_at_door", "cart_lines", "cart_size", "cart_view", "cell_of",
    "charge_back", "charge_kept", "charge_late", "confirm", "create_cart", "crossed_orders", "days", "discounts",
    "end_charged", "end_part", "forget_carts", "freeze", "give_age", "give_birth_date", "group_detail", "group_view",
    "guest_groups", "held_orders", "hold_found", "identity", "is_own", "judge_offers", "keys_placed", "latest_cart",
    "lend", "let_go", "load_cart", "objection", "offers_for", "open_guest_group", "order_of_part", "order_view",
    "orders_of_parts", "own_cart", "papers_of", "part_lines", "parties", "place", "place_many", "place_on_credit",
    "place_spanning", "problem_of", "quote_cart", "quote_detail", "quote_many", "quote_view", "reach", "recall_parts",
    "refund", "refund_amount", "reject_held", "release_held", "release_many", "remove_line", "restock", "run_timer",
    "run_timers", "say_identity", "seller_orders", "set_address", "set_promotion", "set_quantity", "set_shipping",
    "settle", "ship_many", "ship_to", "sold_by_payment", "sold_line", "sweep", "take_promise", "tax_account",
    "tax_entries", "to_ship",
]  # fmt: skip
