"""Pricing: what a purchase costs, to the minor unit, before anybody promises anything.

`price` is pure: offers, quantities, discounts, a shipping service, a promotion and a market's terms in, a plan out. The
plan has the very arrays that a quote stores; every amount that is shared is split by largest remainder and frozen on
its line.

Invariants:
  of each order, paid = items + shipping - seller's discounts - operator's discounts, and never negative;
  what orders have is the sum of what their lines have, the plan's paid_minor the sum of what its orders have;
  the shares of a bundle's components sum to its price;
  the discounts of a line never exceed its gross;
  a quota's `used` is the sum of its uses that were not given back, and never more than what was granted;
  the places of a time slot in all cells are its capacity, and each order that is not canceled has one of them.

It emits no events.
"""

from entrepot.pricing.actions import add_promotion, add_shipping_service, limits, quotas, share_anew
from entrepot.pricing.reads import promotion, quota_sums, service, services
from entrepot.pricing.rules import MAX_LINES, MAX_QUANTITY, NO_RULES, Discount, Line, Priced, part, price
from entrepot.pricing.slots import (
    CAPACITY_MAX,
    CUTOFF_MAX_MIN,
    add_slots,
    all_slots,
    choose,
    free_slots,
    give_back,
    places,
    run_of_days,
    set_slot,
    windows,
)
from entrepot.pricing.types import (
    SLOT_PROBLEMS,
    AmountTooLarge,
    DiscountNotValid,
    LimitReached,
    MixedMarkets,
    NewSlots,
    NothingToPrice,
    PlacesTaken,
    Promotion,
    PromotionExists,
    PromotionNotValid,
    QuantityNotValid,
    QuotaUse,
    ShippingNotOffered,
    ShippingService,
    ShippingServiceExists,
    Slot,
    SlotClosed,
    SlotExists,
    SlotFull,
    SlotNeeded,
    SlotNotOffered,
    SlotUse,
    TooManyLines,
    Window,
)

__all__ = [
    "CAPACITY_MAX", "CUTOFF_MAX_MIN", "MAX_LINES", "MAX_QUANTITY", "NO_RULES", "SLOT_PROBLEMS", "AmountTooLarge",
    "Discount", "DiscountNotValid", "LimitReached", "Line", "MixedMarkets", "NewSlots", "NothingToPrice", "PlacesTaken",
    "Priced", "Promotion", "PromotionExists", "PromotionNotValid", "QuantityNotValid", "QuotaUse", "ShippingNotOffered",
    "ShippingService", "ShippingServiceExists", "Slot", "SlotClosed", "SlotExists", "SlotFull", "SlotNeeded",
    "SlotNotOffered", "SlotUse", "TooManyLines", "Window", "add_promotion", "add_shipping_service", "add_slots",
    "all_slots", "choose", "free_slots", "give_back", "limits", "part", "places", "price", "promotion", "quota_sums",
    "quotas", "run_of_days", "service", "services", "set_slot", "share_anew", "windows",
]  # fmt: skip
