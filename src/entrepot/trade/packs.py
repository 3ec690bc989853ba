"""The packs that ship with the program: the law of countries, and a sample of three tariffs, each fact with its source.

They are loaded whenever the database is migrated, so that the program works as it is; an import of the official files
adds the rest. A new country is a new pack.
"""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import msgspec

from entrepot.kit.money import MAX_MINOR
from entrepot.trade import expressions
from entrepot.trade.readings import Reading
from entrepot.trade.types import KINDS, PackNotValid, Relief, Tax

FIELDS = {"kind", "countries", "valid_from", "valid_to", "citation"}
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
    of_kind = msgspec.convert(facts, KINDS[fact["kind"]])  # refuses what is no fact of its kind
    for field, value in msgspec.structs.asdict(of_kind).items():
        if isinstance(value, Decimal) and not (value.is_finite() and 0 <= value <= MAX_MINOR):
            raise ValueError(f"{field} must be from 0 to {MAX_MINOR}")
    if isinstance(of_kind, Tax) and of_kind.inside and of_kind.rate >= 100:
        raise ValueError("rate must be less than 100 where the tax is part of its own base")
    if isinstance(of_kind, Relief) and of_kind.instead:
        expressions.parse(of_kind.instead)
    begin, end, citation = fact["valid_from"], fact.get("valid_to"), fact["citation"]
    if not isinstance(begin, date) or not citation:
        raise TypeError("valid_from must be a date, and citation say where the fact stands")
    if end is not None and not (isinstance(end, date) and end > begin):
        raise TypeError("valid_to must be a date after valid_from")
    for name in fact["countries"]:
        for country in groups.get(name, [name]):
            if not re.fullmatch("[A-Z]{2}", country):
                raise ValueError(f"{country!r} is no country's ISO code")
            reading.laws.append((country, fact["kind"], begin, end, facts, citation))


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
