"""The packs that ship with the program: the law of countries, and a sample of three tariffs, each fact with its source.

They are loaded whenever the database is migrated, so that the program works as it is; an import of the official files
adds the rest. A new country is a new pack.
"""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import msgspec

from entrepot.kit.money import MAX_MINOR
from entrepot.trade import expressions
from entrepot.trade.readings import Reading, Ruling
from entrepot.trade.types import KINDS, SCHEMES, Mode, PackNotValid, Relief, Restriction, Tax

FIELDS = {"kind", "countries", "valid_from", "valid_to", "citation"}
TRAIT = "[a-z][a-z_]{0,39}"
ALL_GOODS = "goods"
"""The mark of rules about the contact."""
SAMPLE = "sample_tariff"
"""The sample's rates give way to those of the same tariff that were imported."""


def shipped() -> list[Reading]:
    """The packs in this package."""
    folder = resources("entrepot.trade") / "packs"
    names = sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))
    laws = [law_pack(name, (folder / f"{name}.toml").read_text()) for name in names]
    return [*laws, _sample((folder / f"{SAMPLE}.csv").read_text())]


def pack_file(path: Path) -> Reading:
    """A pack of one's own. Raises PackNotValid."""
    return law_pack(path.name.removesuffix(".toml"), path.read_text())


def law_pack(name: str, text: str) -> Reading:
    """Reads a pack. Raises PackNotValid, which says what is wrong with which fact."""
    try:
        pack = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackNotValid(f"{name}: {error}") from None
    reading = Reading(f"law_{name}", str(pack.get("title", name)), hashlib.sha256(text.encode()).hexdigest())
    groups: Mapping[str, list[str]] = pack.get("groups", {})
    for number, fact in enumerate(pack.get("fact", []), 1):
        try:
            _add(reading, fact, groups)
        except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
            raise PackNotValid(f"{name}: fact {number} ({fact.get('kind')}): {error}") from None
    return reading


def _add(reading: Reading, fact: dict[str, Any], groups: Mapping[str, list[str]]) -> None:
    facts = {key: value for key, value in fact.items() if key not in FIELDS}
    for field in ("not_from", "within"):
        if field in facts:
            facts[field] = _countries(facts[field], groups)
    of_kind = msgspec.convert(facts, KINDS[fact["kind"]])  # refuses what is no fact of its kind
    for field, value in msgspec.structs.asdict(of_kind).items():
        if isinstance(value, Decimal) and not (value.is_finite() and 0 <= value <= MAX_MINOR):
            raise ValueError(f"{field} must be from 0 to {MAX_MINOR}")
    if isinstance(of_kind, Tax) and of_kind.inside and of_kind.rate >= 100:
        raise ValueError("rate must be less than 100 where the tax is part of its own base")
    if isinstance(of_kind, Relief) and of_kind.instead:
        expressions.parse(of_kind.instead)
    if isinstance(of_kind, Mode):
        _check_mode(of_kind)
    begin, end, citation = fact["valid_from"], fact.get("valid_to"), fact["citation"]
    if not isinstance(begin, date) or not citation:
        raise TypeError("valid_from must be a date, and citation say where the fact stands")
    if end is not None and not (isinstance(end, date) and end > begin):
        raise TypeError("valid_to must be a date after valid_from")
    for country in _countries(fact["countries"], groups):
        if isinstance(of_kind, Restriction):
            reading.restrictions.append(Ruling(country, restriction(of_kind), begin, end, citation))
        else:
            reading.laws.append((country, fact["kind"], begin, end, facts, citation))


def _check_mode(mode: Mode) -> None:
    if mode.scheme and mode.scheme not in SCHEMES:
        raise ValueError(f"scheme must be one that there is an account of: {', '.join(SCHEMES)}")
    if (mode.up_to is not None or mode.per_year is not None) and not mode.currency:
        raise ValueError("up_to and per_year need a currency")
    if (mode.per_year is not None) != bool(mode.quota):
        raise ValueError("per_year and quota go together")


def _countries(names: Sequence[str], groups: Mapping[str, list[str]]) -> list[str]:
    found = [country for name in names for country in groups.get(name, [name])]
    for country in found:
        if not re.fullmatch("[A-Z]{2}", country):
            raise ValueError(f"{country!r} is no country's ISO code")
    return found


def restriction(fact: Restriction) -> Restriction:
    """The same fact. Raises ValueError for one that could not be judged or explained."""
    if (fact.effect == "contact") != bool(fact.within):
        raise ValueError("within must say where the contact may be, where the effect is contact, and nowhere else")
    if fact.effect == "contact" and (fact.codes or fact.traits):
        raise ValueError("a rule about the contact is of all goods: leave codes and traits out")
    if fact.effect == "contact":
        fact = msgspec.structs.replace(fact, traits=(ALL_GOODS,))
    elif ALL_GOODS in fact.traits:
        raise ValueError(f"{ALL_GOODS} is no trait: rules about the contact are of all goods, others are not")
    if not fact.codes and not fact.traits:
        raise ValueError("codes or traits must say what it is about")
    if wrong := [code for code in fact.codes if not re.fullmatch("([0-9]{2}){1,3}", code)]:
        raise ValueError(f"{wrong[0]!r} must be the first two, four or six digits of an HS code")
    if wrong := [trait for trait in fact.traits if not re.fullmatch(TRAIT, trait)]:
        raise ValueError(f"{wrong[0]!r} is no trait: lower-case letters and _")
    if not fact.text.get("en"):
        raise ValueError("text must explain it, in English (en) at least")
    if (fact.effect == "age") != (fact.age is not None) or not 1 <= (fact.age or 1) <= 99:
        raise ValueError("age must be from 1 to 99 where the effect is age, and nowhere else")
    return fact


def _sample(text: str) -> Reading:
    """The sample of tariffs: line 1 is the heading, `line` the line of the file that the fact was taken from."""
    title = "Some goods of the tariffs of us_hts_2025_rev15_hts8 and uk_ukgt_and_eu_cet_2021 (sample pack)"
    reading = Reading(SAMPLE, title, hashlib.sha256(text.encode()).hexdigest())
    for row in csv.DictReader(text.splitlines()):
        begin = date.fromisoformat(row["valid_from"])
        reading.rates.append(
            (row["tariff"], row["code"], row["program"], begin, None, row["expression"], int(row["line"]))
        )  # fmt: skip
    return reading
