"""Converting amounts: whole numbers and finite decimals, exact until the one rounding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from entrepot.exchange.types import ExchangeTerms, Lock
from entrepot.kit.money import exponent, share_bp
from entrepot.trade import EuroRate

EURO = "EUR"
SHOWN_DIGITS = 6


class Exchanged(NamedTuple):
    """What an amount is in the other currency at the rates as they were told, and what of it the operator keeps."""

    total_minor: int
    spread_minor: int


def convert(minor: int, lock: Lock) -> int:
    """What `minor` units of the lock's currency are in the other, to the nearest minor unit, half a unit away from
    nothing: 1,000 cents at 1.1172 dollars and 175.68 yen to the euro are 10 / 1.1172 * 175.68 = 1572.5... = 1573."""
    rounded = _converted(abs(minor), 1, lock)
    return rounded if minor >= 0 else -rounded


def _converted(minor: int, of: int, lock: Lock) -> int:
    """The `of`th part of an amount in the other currency, rounded half up."""
    numerator, denominator = _ratio(lock.other_per_euro, exponent(lock.other))
    by_numerator, by_denominator = _ratio(lock.per_euro, exponent(lock.currency))
    whole, parts = minor * numerator * by_denominator, of * denominator * by_numerator
    return (2 * whole + parts) // (2 * parts)


def asked(minor: int, lock: Lock) -> int:
    """What is to be asked in the other currency so that `minor` of the lock's are left of it when the spread is taken
    off, as `convert` rounds, and one unit at least: for 10.00 EUR at 1.1 dollars and 2 % are asked 11.22."""
    kept = 10_000 - lock.spread_bp
    priced = _converted(minor * 10_000, kept, lock)
    return max(priced, 1) if minor else 0


def _ratio(per_euro: Decimal, digits: int) -> tuple[int, int]:
    """Minor units to the euro, as a fraction."""
    numerator, denominator = per_euro.as_integer_ratio()
    return numerator * 10**digits, denominator


def exchanged(minor: int, lock: Lock) -> Exchanged:
    """Both parts grow with the amount, so that what is left of one that was exchanged before is told by differences:
    all of it taken back in whatever steps leaves nothing."""
    total = convert(abs(minor), lock)
    spread = share_bp(total, lock.spread_bp)
    return Exchanged(total, spread) if minor >= 0 else Exchanged(-total, -spread)


def latest(rates: Sequence[EuroRate], currency: str, other: str) -> tuple[EuroRate, EuroRate] | None:
    """The rates of the last day on which both currencies have one, of one source rather than of two; a euro is one euro
    on any day, whoever tells the other rate. `rates` have the latest first."""
    mine = [rate for rate in rates if rate.currency == currency]
    others = [rate for rate in rates if rate.currency == other]
    if currency == EURO:
        mine = [_euro(rate.day, rate.source) for rate in others]
    if other == EURO:
        others = [_euro(rate.day, rate.source) for rate in mine]
    pairs = [(a, b) for a in mine for b in others if a.day == b.day]
    return max(pairs, key=lambda pair: (pair[0].day, pair[0].source == pair[1].source), default=None)


def _euro(day: date, source: str) -> EuroRate:
    return EuroRate(EURO, day, Decimal(1), source)


def locked(pair: tuple[EuroRate, EuroRate], terms: ExchangeTerms) -> Lock:
    mine, other = pair
    sources = dict.fromkeys((mine.source, other.source))
    return Lock(
        mine.currency, other.currency, mine.day, mine.per_euro, other.per_euro, "; ".join(sources), terms.spread_bp
    )


def shown_rate(lock: Lock) -> str:
    """What one unit of the lock's currency is in the other, in SHOWN_DIGITS digits, for people; nothing is computed
    with it."""
    rate = Context(prec=SHOWN_DIGITS, rounding=ROUND_HALF_UP).divide(lock.other_per_euro, lock.per_euro)
    return f"{rate:f}"
