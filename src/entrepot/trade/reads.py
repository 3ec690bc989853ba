"""Looking up what a quote rests on: one statement each, however many lines are asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.trade import store
from entrepot.trade.books import Book, Law
from entrepot.trade.types import KINDS, Cited, EuroRate, LawMissing

BANKS_REST_D = 10
"""A rate of exchange that is older than this is none."""


async def laws(tx: ReadTx, countries: Collection[str], at: date) -> list[Law]:
    """The law of those countries that have customs law on that day."""
    facts: dict[str, list[Cited]] = {}
    for row in await tx.all(store.LAW, countries=sorted(set(countries)), at=at):
        fact = msgspec.convert(row.facts, KINDS[row.kind])
        facts.setdefault(row.country, []).append(Cited(fact, row.citation, row.valid_from))
    found = []
    for country, mine in facts.items():
        try:
            found.append(Law(country, at, mine))
        except LawMissing:  # it has other facts only, such as a mean duty
            continue
    return found


async def has_law(tx: ReadTx, country: str, at: date) -> bool:
    """Whether a country has customs law on a day."""
    return bool(await laws(tx, [country], at))


async def is_import(tx: ReadTx, from_: str, to: str, at: date) -> bool:
    """Whether goods are imported on their way, by the law of a day. A country without customs law is of no union."""
    if from_ == to:
        return False
    known = await laws(tx, [from_, to], at)
    return len(known) < 2 or not known[0].unions & known[1].unions


async def tariff_of(tx: ReadTx, country: str, at: date) -> str | None:
    """The tariff whose rates a country takes; None where it has none that is read, or no law of that day."""
    return next((law.customs.tariff for law in await laws(tx, [country], at)), None)


async def book(
    tx: ReadTx, countries: Collection[str], codes: Collection[str], at: date, currencies: Collection[str] = ()
) -> Book:
    """The law of `countries` (of the destinations, and of the origins for whether they are of one union), the rates of
    the headings of `codes` and the exchange rates, of the day `at`."""
    found = await laws(tx, countries, at)
    tariffs = sorted({law.customs.tariff for law in found if law.customs.tariff})
    programs = sorted({"mfn"} | {program.program for law in found for program in law.programs})
    headings = sorted({code[:6] for code in codes})
    rates = await tx.all(store.RATES, tariffs=tariffs, headings=headings, programs=programs, at=at)
    asked = {law.customs.currency for law in found} | set(currencies)
    asked |= {relief.currency for law in found for relief, _ in [*law.duty_reliefs, *law.tax_reliefs]}
    asked |= {mode.currency for law in found for mode, _ in law.modes if mode.currency}
    euro = await tx.all(store.EURO_RATES, currencies=sorted(asked), at=at, rest=BANKS_REST_D)
    return Book(at, found, rates, {row.currency: Decimal(row.rate) for row in euro})


async def euro_rates(tx: ReadTx, currencies: Collection[str], at: date, within_d: int) -> list[EuroRate]:
    """The rates of currencies of so many days up to `at`, of each currency the latest first."""
    return await tx.all(store.EURO_RATES_UP_TO, currencies=sorted(currencies), at=at, rest=within_d)


async def euro_sources(tx: ReadTx) -> list[store.EuroSource]:
    """Which sources have which currencies."""
    return await tx.all(store.EURO_SOURCES)
