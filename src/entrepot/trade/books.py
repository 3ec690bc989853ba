"""What a quote looks things up in: the law, the tariffs and the exchange rates of one day, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeVar

from entrepot.trade import expressions
from entrepot.trade.expressions import Expression
from entrepot.trade.types import (
    NOT_READ,
    Cited,
    CurrencyRateMissing,
    Customs,
    Declaration,
    Gap,
    LawMissing,
    MeanDuty,
    Mode,
    OriginStatement,
    Program,
    Rate,
    RateMissing,
    ReducedTax,
    Relief,
    ReturnWindow,
    Tax,
    Union,
)

Kind = TypeVar("Kind")


class Law:
    """The law of a country on a day, by kind. Raises LawMissing for a country without customs law then."""

    def __init__(self, country: str, at: date, facts: Iterable[Cited]) -> None:
        self.country = country
        found = list(facts)
        customs = _of(found, Customs)
        if not customs:
            raise LawMissing(
                "to", f"load a pack with the customs law of {country} on {at}: entrepot tariff import FILE"
            )
        self.customs = customs[-1][0]
        self.taxes = _of(found, Tax)
        self.reduced = _of(found, ReducedTax)
        self.programs = [program for program, _ in _of(found, Program)]
        self.mean = _last(_of(found, MeanDuty))
        self.unions = {union.name for union, _ in _of(found, Union)}
        self.gaps = [gap for gap, _ in _of(found, Gap)]
        self.statements = _of(found, OriginStatement)
        self.modes = sorted(_of(found, Mode), key=lambda pair: pair[0].rank)
        self.windows = _of(found, ReturnWindow)
        self.declarations = _of(found, Declaration)
        # Of two that hold the smaller limit is tried first.
        reliefs = sorted(_of(found, Relief), key=lambda pair: pair[0].up_to)
        self.duty_reliefs = [pair for pair in reliefs if pair[0].of == "duty"]
        self.tax_reliefs = [pair for pair in reliefs if pair[0].of == "tax"]


def _of(facts: Sequence[Cited], kind: type[Kind]) -> list[tuple[Kind, str]]:
    return [(cited.fact, cited.citation) for cited in facts if isinstance(cited.fact, kind)]


def _last(facts: list[tuple[Kind, str]]) -> tuple[Kind, str] | None:
    return facts[-1] if facts else None


class Line(NamedTuple):
    """A rate and its expression, read."""

    rate: Rate
    expression: Expression


class Duty(NamedTuple):
    """The lines of a tariff that a code may mean, each with what may be chosen of: the least of it is due, of several
    lines the highest. `why` says so."""

    lines: tuple[tuple[Line, ...], ...]
    why: str


class Taxing(NamedTuple):
    """A tax, where it stands, and why it may be less."""

    tax: Tax
    citation: str
    why: str


class Book:
    """`rates` are all lines of the six-digit headings that may be asked; `euro` says what a euro is in a currency."""

    def __init__(self, at: date, laws: Iterable[Law], rates: Iterable[Rate], euro: dict[str, Decimal]) -> None:
        self.at = at
        self.laws = {law.country: law for law in laws}
        self.euro = {"EUR": Decimal(1)} | euro
        self.headings: dict[tuple[str, str], list[Rate]] = {}
        for rate in rates:
            self.headings.setdefault((rate.tariff, rate.code[:6]), []).append(rate)
        self._duties: dict[tuple[str, str, str, bool], Duty] = {}
        self._taxes: dict[tuple[str, str], Taxing] = {}
        self._factors: dict[tuple[str, str], Decimal] = {}

    def law(self, country: str) -> Law:
        """Raises LawMissing."""
        found = self.laws.get(country)
        if found is None:
            raise LawMissing("to", f"load a pack with the customs law of {country} on {self.at}")
        return found

    def is_import(self, from_: str, to: str) -> bool:
        """Whether goods are imported on their way: not within a country, nor within a union of countries. Raises
        LawMissing."""
        here = self.laws.get(from_)
        return from_ != to and not (here is not None and here.unions & self.law(to).unions)

    def statement(self, from_: str, to: str, origins: set[str]) -> tuple[OriginStatement, str] | None:
        """What an exporter may write of the origin of such goods, and where that stands. Raises LawMissing."""
        for found, citation in self.law(to).statements:
            if from_ in found.exporters and origins <= set(found.origins):
                return found, citation
        return None

    def factor(self, from_: str, to: str) -> Decimal:
        """What one unit of a currency is in another. Raises CurrencyRateMissing."""
        key = (from_, to)
        found = self._factors.get(key)
        if found is None:
            for currency in key if from_ != to else ():
                if currency not in self.euro:
                    raise CurrencyRateMissing("currency", f"import the exchange rate of {currency} for {self.at}")
            found = Decimal(1) if from_ == to else self.euro[to] / self.euro[from_]
            self._factors[key] = found
        return found

    def duty(self, law: Law, code: str, origin: str, proof: bool) -> Duty:
        """What a code of a country pays. Raises RateMissing."""
        key = (law.country, code, origin, proof)
        found = self._duties.get(key)
        if found is None:
            found = self._duties[key] = self._find_duty(law, code, origin, proof)
        return found

    def tax(self, law: Law, code: str) -> Taxing:
        """The tax on a commodity: the reduced rate of the longest beginning of its code, of two the higher; else the
        full one. Raises LawMissing."""
        key = (law.country, code)
        found = self._taxes.get(key)
        if found is None:
            found = self._taxes[key] = _find_tax(law, code, self.at)
        return found

    def _find_duty(self, law: Law, code: str, origin: str, proof: bool) -> Duty:
        tariff = law.customs.tariff
        if tariff is None:
            return _mean_duty(law)
        rates = self.headings.get((tariff, code[:6]), [])
        # A code of ours may be shorter than the tariff's (then it means several lines) or longer.
        meant = [rate for rate in rates if rate.code.startswith(code)]
        if not meant:
            fitting = [rate.code for rate in rates if code.startswith(rate.code)]
            meant = [rate for rate in rates if rate.code == max(fitting, key=len, default="")]
        instead = {p.program for p in law.programs if p.instead and origin in p.origins}
        offered = {p.program for p in law.programs if not p.instead and proof and origin in p.origins}
        general = instead or {"mfn"}
        lines: dict[str, list[Line]] = {}
        for rate in meant:
            if rate.program in general and rate.expression == NOT_READ:
                raise RateMissing(
                    "code", f"the duty of {rate.code} ({rate.source}:{rate.line}) is not read: say another line of"
                    f" the tariff {tariff} than it, if the goods are not of it",
                )  # fmt: skip
            if rate.program in general or rate.program in offered:
                lines.setdefault(rate.code, []).append(Line(rate, expressions.parse(rate.expression)))
        options = [tuple(found) for found in lines.values() if any(line.rate.program in general for line in found)]
        if not options:
            raise RateMissing(
                "code", f"the tariff {tariff} of {self.at} has no rate that was read for {code}: say another code"
            )
        duty, year = _narrowed(options, code), law.customs.tariff_year
        if year is None or self.at.year <= year:
            return duty
        old = f"the tariff {tariff} is that of {year}: what has changed since is not in it"
        return Duty(duty.lines, f"{duty.why}; {old}" if duty.why else old)


def _narrowed(options: list[tuple[Line, ...]], code: str) -> Duty:
    """One line where all that a code may mean pay the same, or shares of the value only."""
    cheapest = [_cheapest(option) for option in options]
    if len({tuple(line.rate.expression for line in option) for option in cheapest}) == 1:
        return Duty((cheapest[0],), "")
    why = f"which of {len(options)} lines of the tariff {code} means is not said: the highest duty is taken"
    if all(len(option) == 1 and option[0].expression.share is not None for option in cheapest):
        return Duty((max(cheapest, key=lambda option: option[0].expression.share or 0),), why)
    return Duty(tuple(cheapest), why)


def _cheapest(option: tuple[Line, ...]) -> tuple[Line, ...]:
    if all(line.expression.share is not None for line in option):
        return (min(option, key=lambda line: line.expression.share or 0),)
    return option


def _mean_duty(law: Law) -> Duty:
    if law.mean is None:
        raise RateMissing("to", f"import a tariff of {law.country}, or the World Bank's mean of its duties")
    mean, citation = law.mean
    text = f"{mean.rate.normalize():f}%"
    why = f"no tariff of {law.country} is imported: the mean of its duties in {mean.year} is taken"
    rate = Rate("", "", "mean", text, citation, 0, date(mean.year, 1, 1))
    return Duty(((Line(rate, expressions.parse(text)),),), why)


def _find_tax(law: Law, code: str, at: date) -> Taxing:
    if not law.taxes:
        raise LawMissing("to", f"load a pack with the tax at import of {law.country} on {at}")
    full, citation = law.taxes[-1]
    best: tuple[int, Decimal, str] | None = None
    for reduced, cited in law.reduced:
        for beginning in reduced.codes:
            if code.startswith(beginning) and (best is None or (len(beginning), reduced.rate) > best[:2]):
                best = (len(beginning), reduced.rate, cited)
    if best is not None:
        return Taxing(Tax(full.name, best[1], full.on, full.inside), best[2], "")
    why = f"{code} may pay a reduced rate of {full.name}, which is not known: the full one is taken"
    return Taxing(full, citation, why if code.startswith(full.may_be_less) else "")
