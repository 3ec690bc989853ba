"""Pricing: what a purchase costs, to the minor unit, before anybody promises anything.

`price` is pure: offers, quantities, discounts, a shipping service, a promotion and a market's terms in, a plan out. The
plan has the very arrays that a quote stores; every amount that is shared is split by largest remainder and frozen on
its line.

Invariants:
  of each order, paid = items + shipping - seller's discounts - operator's discounts, and never negative;
  what orders have is the sum of what their lines have, the plan's paid_minor the sum of what its orders have;
  the shares of a bundle's components sum to its price;
  the discounts of a line never exceed its gross;
  a quota's `used` is the sum of its uses that were not given back, and never more than what was granted.

It emits no events.
"""

from entrepot.pricing.actions import add_promotion, add_shipping_service, limits, quotas, share_anew
from entrepot.pricing.reads import promotion, quota_sums, service, services
from entrepot.pricing.rules import MAX_LINES, MAX_QUANTITY, NO_RULES, Discount, Line, Priced, part, price
from entrepot.pricing.types import (
    AmountTooLarge,
    DiscountNotValid,
    LimitReached,
    MixedMarkets,
    NothingToPrice,
    Promotion,
    PromotionExists,
    PromotionNotValid,
    QuantityNotValid,
    QuotaUse,
    ShippingNotOffered,
    ShippingService,
    ShippingServiceExists,
    TooManyLines,
)

__all__ = [
    "MAX_LINES", "MAX_QUANTITY", "NO_RULES", "AmountTooLarge", "Discount", "DiscountNotValid", "LimitReached", "Line",
    "MixedMarkets", "NothingToPrice", "Priced", "Promotion", "PromotionExists", "PromotionNotValid",
    "QuantityNotValid", "QuotaUse", "ShippingNotOffered", "ShippingService", "ShippingServiceExists", "TooManyLines",
    "add_promotion", "add_shipping_service", "limits", "part", "price", "promotion", "quota_sums", "quotas",
    "service", "services", "share_anew",
]  # fmt: skip
