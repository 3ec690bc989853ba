"""Borders: what goods are called at customs, what they cost there, and the law of each country.

`quote` is pure: a book (the law, the tariffs and the exchange rates of one day) and a consignment in, duty and tax of
each line out, in Decimal and whole minor units. `book` looks all of it up for any number of lines; `steps` says it in
words, each figure with where it stands.

All of it is dated data with its source: `entrepot tariff import` reads the official files, packs (packs/*.toml) hold
the law of countries; a sample of three tariffs lets the program work without the files. A new country is a new pack.

Invariants:
  the sums of a quote are those of its lines; a higher rate never costs less; nothing costs nothing;
  what is not known is refused with the field and the remedy, or said to be an estimate with its reason;
  what a file or a pack said is replaced as a whole, and the same again changes nothing.

It emits no events.
"""

from entrepot.trade.actions import load_packs
from entrepot.trade.books import Book
from entrepot.trade.classification import items
from entrepot.trade.reads import book, tariff_of
from entrepot.trade.rules import quote
from entrepot.trade.trace import Step, steps
from entrepot.trade.types import (
    Assessed,
    Consignment,
    CurrencyRateMissing,
    Goods,
    Item,
    ItemMissing,
    Landed,
    LawMissing,
    OriginMissing,
    PackNotValid,
    QuantityMissing,
    RateMissing,
    TradeProblem,
    ValueNotValid,
)

__all__ = [
    "Assessed", "Book", "Consignment", "CurrencyRateMissing", "Goods", "Item", "ItemMissing", "Landed", "LawMissing",
    "OriginMissing", "PackNotValid", "QuantityMissing", "RateMissing", "Step", "TradeProblem", "ValueNotValid", "book",
    "items", "load_packs", "quote", "steps", "tariff_of",
]  # fmt: skip
