"""Sellers: the markets (country sites), their dated terms, and who sells in them.

A market has one currency and, at any time, one row of terms (fees, lifetimes); terms are added, never changed.
A seller is `active` or `suspended`; what a suspended seller offers cannot be bought. The operator is a seller too, of
kind `own` (the "heavy" model): its goods pay no commission and no payment fee.

Invariants:
  every market's currency has the house's ledger accounts, and every seller has its account;
  terms of a market do not overlap.

Who a seller is before the law is sealed, and what is said later is added.

Events: seller_opened, seller_suspended, seller_reinstated (key: the seller's id; no data), seller_settles_in (data:
currency), seller_identified (key: the seller's id, or nil for the house; data: by).
"""

from entrepot.sellers.actions import add_market, open_seller, open_sellers, reinstate, set_terms, settle_in, suspend
from entrepot.sellers.calendars import (
    EVERY_DAY,
    Calendar,
    DayOff,
    after_working_days,
    calendar_of,
    calendar_of_currency,
    is_working,
    set_calendar,
    working_time,
)
from entrepot.sellers.identity import identities, say_identity
from entrepot.sellers.reads import currencies, market, markets, names, page, payment_methods, seller, terms_at
from entrepot.sellers.tax_ids import tax_id_of
from entrepot.sellers.types import (
    CountryNotValid,
    CurrencyNotTaken,
    Identity,
    Market,
    MarketExists,
    NoTerms,
    Seller,
    SellerId,
    SellerStatusIs,
    SlugTaken,
    TaxIdNotValid,
    Terms,
    TermsNotLater,
)

__all__ = [
    "EVERY_DAY", "Calendar", "CountryNotValid", "CurrencyNotTaken", "DayOff", "Identity", "Market", "MarketExists",
    "NoTerms", "Seller", "SellerId", "SellerStatusIs", "SlugTaken", "TaxIdNotValid", "Terms", "TermsNotLater",
    "add_market", "after_working_days", "calendar_of", "calendar_of_currency", "currencies", "identities",
    "is_working", "market", "markets", "names", "open_seller", "open_sellers", "page", "payment_methods",
    "reinstate", "say_identity", "seller", "set_calendar", "set_terms", "settle_in", "suspend", "tax_id_of",
    "terms_at", "working_time",
]  # fmt: skip
