"""The golden cases of golden.txt, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import msgspec

from entrepot.kit.money import exponent
from entrepot.trade import packs
from entrepot.trade.books import Book, Law
from entrepot.trade.types import KINDS, Cited, Consignment, Goods, Rate

TEXT = (Path(__file__).parent / "golden.txt").read_text()
WORLD = "wb"
LAWS = [fact for pack in packs.shipped() for fact in pack.laws]


@dataclass(frozen=True)
class Line:
    """What a case says of a line of a file."""

    file: str
    line: int
    tariff: str
    program: str
    expression: str


@dataclass(frozen=True)
class Case:
    title: str
    sent: Consignment
    rates: list[Line]
    euro: dict[str, Decimal]
    duty_minor: int
    tax_minor: int
    estimated: bool
    working: list[str]

    def book(self) -> Book:
        """The law as the packs have it on that day, and no rates but those of the case: those of its first line of a
        file are of the first goods, those of the second of the second."""
        sent = self.sent
        countries = {sent.to, sent.from_}
        lines = list(dict.fromkeys(said.line for said in self.rates))
        rates = [
            Rate(
                said.tariff, sent.lines[lines.index(said.line)].code, said.program, said.expression, said.file,
                said.line, sent.at,
            )
            for said in self.rates if said.tariff
        ]  # fmt: skip
        laws = [law for country in sorted(countries) if (law := law_of(country, sent.at)) is not None]
        return Book(sent.at, laws, rates, self.euro)


def law_of(country: str, at: date) -> Law | None:
    facts = [
        Cited(msgspec.convert(facts, KINDS[kind]), citation, begin)
        for there, kind, begin, end, facts, citation in LAWS
        if there == country and begin <= at and (end is None or end > at)
    ]
    return Law(country, at, facts) if any(type(cited.fact).__name__ == "Customs" for cited in facts) else None


def cases() -> Iterator[Case]:
    for block in TEXT.split("\n## ")[1:]:
        title, head, *rest = block.strip().splitlines()
        working = [line.strip() for line in rest if line.startswith("  ")]
        said = [line for line in rest if not line.startswith("  ")]
        *middle, results = said
        day, from_, to, currency, options = re.fullmatch(r"(\S+) (\w\w) > (\w\w) (\w{3})(.*)", head).groups()  # type: ignore[union-attr]
        named = dict(re.findall(r"(freight|insurance|fee|rate|usd) ([\d.]+)", options))

        def minor(text: str, currency: str = currency) -> int:
            return int(Decimal(text).scaleb(exponent(currency)))

        rates = [line for text in middle if re.match(r"(us|eu|wb):", text) for line in _rates(text)]
        goods = tuple(_goods(text, minor) for text in middle if not re.match(r"(us|eu|wb):", text))
        duty, tax = re.fullmatch(r"duty (\S+) tax (\S+)", results).groups()  # type: ignore[union-attr]
        euro = {currency: Decimal(named["rate"])} if "rate" in named else {}
        euro |= {"USD": Decimal(named["usd"])} if "usd" in named else {}
        sent = Consignment(
            goods, from_, to, date.fromisoformat(day), currency, minor(named.get("freight", "0")),
            minor(named.get("insurance", "0")), minor(named.get("fee", "0")), "registered" in options,
        )  # fmt: skip
        old = "unused" not in options and sent.at.year > 2021 and any(line.file == "eu" for line in rates)
        estimated = "estimate" in options or old or any(line.file in (WORLD, "us") for line in rates)
        yield Case(title, sent, rates, euro, minor(duty), minor(tax), estimated, working)


def _goods(text: str, minor) -> Goods:  # type: ignore[no-untyped-def]
    code, origin, value, quantity, unit, proof = re.fullmatch(
        r"(\d+) (\w\w) (\S+) (\S+) (%vol hl|\w+)( proof)?", text
    ).groups()  # type: ignore[union-attr]
    return Goods(code, origin, minor(value), {unit: Decimal(quantity)}, bool(proof))


def _rates(text: str) -> Iterator[Line]:
    file, number, rest = re.fullmatch(r"(us|eu|wb):(\d+) (.*)", text).groups()  # type: ignore[union-attr]
    for part in rest.split(", "):
        tariff, program = {"us": "US", "eu": "EU", WORLD: ""}[file], "mfn"
        first, _, others = part.partition(" ")
        if first in ("EU", "GB"):
            tariff, part = first, others
        elif first.isalpha() or first == "column_2":
            program, part = first, others
        yield Line(file, int(number), tariff, program, part)


def arithmetic(text: str) -> tuple[Decimal, Decimal, int] | None:
    """(what the right-hand side says, what the middle comes to, places) of `name = 12% x 3 = 0.36`."""
    found = re.fullmatch(r"(?:[a-z]+ = )(.*) = ([\d.]+)", text)
    if found is None:
        return None
    formula = re.sub(r"(\d+(?:\.\d+)?)%", r"(\1 / 100)", found[1]).replace(" x ", " * ")
    formula = re.sub(r"\d+(?:\.\d+)?", lambda number: f'Decimal("{number[0]}")', formula)
    places = len(found[2].partition(".")[2])
    value = eval(formula, {"Decimal": Decimal, "min": min, "max": max})
    return Decimal(found[2]), value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), places
