"""What a tariff takes, as one short text that people and the program read alike:

    9%        0.198 USD/l        10.2% + 93.1 EUR/100 kg        4.5% MIN 0.3 EUR/item MAX 0.8 EUR/item

An expression is a sum of terms, with the least and the most that it may come to. A term is a share of the customs
value or an amount per so many of a unit. Units are kg (net), l, item, pair, m, m2, m3, `%vol hl` (alcoholic strength by
volume, in percent, times hectoliters) and `proof l` (liters of 50 % spirit).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

UNITS = ("kg", "l", "item", "pair", "m", "m2", "m3", "%vol hl", "proof l")
ZERO = Decimal(0)
ONE = Decimal(1)

_TERM = re.compile(r"(\d+(?:\.\d+)?)(?:%| ([A-Z]{3})/(?:(\d+(?:\.\d+)?) )?(" + "|".join(map(re.escape, UNITS)) + "))")


class Term(NamedTuple):
    """`amount` in `currency` for `per` of a unit; without a unit a share of the value: 0.09. The two are not divided
    before there is a quantity: half a cent for half a dozen is not a hair less."""

    amount: Decimal
    per: Decimal
    currency: str
    unit: str


class Expression(NamedTuple):
    """The sum of `terms`, at least that of `least`, at most that of `most`, where there are any. `share` is the share
    of the value that it is, where it is nothing else."""

    text: str
    terms: tuple[Term, ...]
    least: tuple[Term, ...]
    most: tuple[Term, ...]
    share: Decimal | None

    def units(self) -> set[str]:
        return {term.unit for term in (*self.terms, *self.least, *self.most) if term.unit}

    def amount(
        self, value: Decimal, quantities: Mapping[str, Decimal], convert: Callable[[Decimal, str], Decimal]
    ) -> Decimal:
        """What is due, not rounded, on goods of `value` and these quantities by unit. `convert` makes an amount of a
        currency one of the value's. Raises KeyError for a unit whose quantity is not said."""
        if self.share is not None:
            return value * self.share

        def total(terms: tuple[Term, ...]) -> Decimal:
            return sum(
                (
                    convert(term.amount * quantities[term.unit] / term.per, term.currency)
                    if term.unit
                    else value * term.amount
                    for term in terms
                ),
                ZERO,
            )

        due = total(self.terms)
        if self.least:
            due = max(due, total(self.least))
        return min(due, total(self.most)) if self.most else due


@lru_cache(maxsize=20_000)
def parse(text: str) -> Expression:
    """Reads an expression. Raises ValueError for what is none."""
    rest, _, most = text.partition(" MAX ")
    plain, _, least = rest.partition(" MIN ")
    terms = _sum(plain)
    share = terms[0].amount if len(terms) == 1 and not terms[0].unit and not least and not most else None
    return Expression(text, terms, _sum(least) if least else (), _sum(most) if most else (), share)


def _sum(text: str) -> tuple[Term, ...]:
    return tuple(_term(part) for part in text.split(" + "))


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no term of a duty")
    amount, currency, per, unit = found.groups()
    if unit is None:
        return Term(Decimal(amount).scaleb(-2), ONE, "", "")
    return Term(Decimal(amount), Decimal(per or 1), currency, unit)
