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

May it be sold (`judge`): rules of countries about what a variant is, which are rows as dated as the rest.

Events: sale_rules_changed (in each cell, of nobody; data: variants, where not all are meant), parties_listed (in each
cell, of nobody), permit_granted, permit_withdrawn (key: the seller's id; data: country, name, user_id).
"""

from entrepot.trade.actions import add_euro_rates, known, load_packs
from entrepot.trade.books import Book
from entrepot.trade.classification import LACKING_PAGE, items, lacking, lacking_of, propose, set_item
from entrepot.trade.modes import Included, by_mode, choose_mode, has_deemed_supply, included, mode_steps
from entrepot.trade.parties import has_parties, screen
from entrepot.trade.readings import Reading
from entrepot.trade.reads import book, euro_rates, euro_sources, has_law, is_import, tariff_of
from entrepot.trade.registrations import (
    claim_person,
    declared_fields,
    established,
    note_established,
    register,
    registered,
    return_windows,
    unestablished,
    year_quotas,
)
from entrepot.trade.restrictions import (
    Judged,
    contacts,
    countries,
    grant_permit,
    judge,
    permits,
    remove_contact,
    rules_for,
    rules_of,
    say_contact,
    steady,
    withdraw_permit,
)
from entrepot.trade.rules import quote
from entrepot.trade.store import EuroSource, Lacking
from entrepot.trade.store_modes import Unknown
from entrepot.trade.store_restrictions import Contact, Electronic, Match
from entrepot.trade.trace import Step, steps
from entrepot.trade.types import (
    SCHEMES,
    AgeNeeded,
    Assessed,
    Barrier,
    Chosen,
    Consignment,
    CurrencyRateMissing,
    EuroRate,
    Facts,
    Goods,
    Item,
    ItemMissing,
    Landed,
    LawMissing,
    NomenclatureMissing,
    NotLetIn,
    NotSoldThere,
    OriginMissing,
    PackNotValid,
    PartiesNotValid,
    QuantityMissing,
    RateMissing,
    Sale,
    TooYoung,
    TradeProblem,
    ValueNotValid,
)

__all__ = [
    "LACKING_PAGE", "SCHEMES", "AgeNeeded", "Assessed", "Barrier", "Book", "Chosen", "Consignment", "Contact",
    "CurrencyRateMissing", "Electronic", "EuroRate", "EuroSource", "Facts", "Goods", "Included", "Item",
    "ItemMissing", "Judged", "Lacking", "Landed", "LawMissing", "Match", "NomenclatureMissing", "NotLetIn",
    "NotSoldThere", "OriginMissing", "PackNotValid", "PartiesNotValid", "QuantityMissing", "RateMissing",
    "Reading", "Sale", "Step", "TooYoung", "TradeProblem", "Unknown", "ValueNotValid", "add_euro_rates", "book",
    "by_mode", "choose_mode", "claim_person", "contacts", "countries", "declared_fields", "established",
    "euro_rates", "euro_sources", "grant_permit", "has_deemed_supply", "has_law", "has_parties", "included",
    "is_import", "items", "judge", "known", "lacking", "lacking_of", "load_packs", "mode_steps",
    "note_established", "permits", "propose", "quote", "register", "registered", "remove_contact",
    "return_windows", "rules_for", "rules_of", "say_contact", "screen", "set_item", "steady", "steps",
    "tariff_of", "unestablished", "withdraw_permit", "year_quotas",
]  # fmt: skip
