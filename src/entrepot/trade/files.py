"""The files that `entrepot tariff import` reads, each into rows of the trade tables, with polars (the extra `demo`).

What a reader does not understand it counts, by reason, with examples; it never guesses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from entrepot.trade.readings import Reading
from entrepot.trade.spellings import UnreadError, read_eu, read_us
from entrepot.trade.types import NOT_READ
from entrepot.trade.words import documents, index

READER = "3"
"""Changes when the same file is to be read anew, because it is read otherwise than before."""
NO_END = date(2050, 1, 1)
"""A rate that ends after this has no end: the United States write 2050-12-31."""

US_PROGRAMS = {  # program: the columns of the file that it is in
    "AU": "australia", "BH": "bahrain", "CL": "chile", "CO": "colombia", "CAFTA": "dr_cafta", "IL": "israel_fta",
    "JO": "jordan", "KR": "korea", "MA": "morocco", "OM": "oman", "PA": "panama", "PE": "peru", "SG": "singapore",
    "USMCA": "usmca",
}  # fmt: skip
LANGUAGES = ("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "sk")


def _add_rate(
    reading: Reading, tariff: str, code: str, program: str, period: tuple[date, date | None], read: Callable[[], str],
    line: int,
) -> None:  # fmt: skip
    try:
        reading.rates.append((tariff, code, program, *period, read(), line))
    except UnreadError as error:
        reading.leave(f"{tariff} {program}: {error}", f"line {line}, {code}")
        if program in ("mfn", "column_2"):  # it is there, so that no other line passes for it; a preference is not
            reading.rates.append((tariff, code, program, *period, NOT_READ, line))


def us_hts(path: Path, reading: Reading) -> None:
    """The Harmonized Tariff Schedule: chapters 1 to 97, the general rate, column 2 and the free-trade programs. The
    lines are numbered as the file has them, from 1."""
    frame = pl.read_parquet(path)
    names = frame.columns
    for line, row in enumerate(frame.iter_rows(), 1):
        us = dict(zip(names, row, strict=True))
        code = us["hts8"]
        if code >= "98":
            reading.leave("US: chapters 98 and 99 are no goods", f"line {line}, {code}")
            continue
        end = date.fromisoformat(us["end_effective_date"])
        period = (date.fromisoformat(us["begin_effect_date"]), None if end >= NO_END else end + timedelta(days=1))
        reading.codes.append(("US", code, *period, True))
        reading.texts.append(("US", code, "en", us["brief_description"]))
        for program, column in (("mfn", "mfn_text_rate"), ("column_2", "col2_text_rate")):
            _add_rate(reading, "US", code, program, period, lambda text=us[column]: read_us(text or ""), line)  # type: ignore[misc]
        for program, column in US_PROGRAMS.items():
            if us[f"{column}_indicator"]:
                _add_rate(
                    reading, "US", code, program, period, lambda us=us, column=column: _us_preference(us, column), line  # type: ignore[misc]
                )  # fmt: skip


def _us_preference(us: Mapping[str, Any], column: str) -> str:
    """Type 0 is free, 7 a share of the value, 1 an amount per the unit of the general rate; 9 refers to a note."""
    if column == "israel_fta":
        return "0%"
    kind = (us[f"{column}_rate_type_code"] or "none").removesuffix(".0")
    share = us.get(f"{column}_ad_val_rate") or 0
    if kind == "0" and not share:
        return "0%"
    if kind == "7" and share < 1:
        return read_us(f"{Decimal(str(share)).scaleb(2)}%")
    general = read_us(us["mfn_text_rate"])
    if kind == "1" and " USD/" in general and " + " not in general:
        amount = Decimal(str(us[f"{column}_specific_rate"]))
        return f"{amount.normalize():f} USD/{general.partition(' USD/')[2]}"
    raise UnreadError(f"its rate is of type {kind}")


def uk_and_eu(path: Path, reading: Reading) -> None:
    """The UK Global Tariff and the Common External Tariff of 2021-01-01. Line 1 is the heading."""
    period = (date(2021, 1, 1), None)
    for line, row in enumerate(pl.read_csv(path, infer_schema_length=0).iter_rows(named=True), 2):
        code = row["code"]
        reading.codes.append(("GB", code, *period, True))
        reading.texts.append(("GB", code, "en", row["description"]))
        for tariff, column in (("EU", "cet_duty_rate"), ("GB", "ukgt_duty_rate")):
            _add_rate(reading, tariff, code, "mfn", period, lambda text=row[column]: read_eu(text), line)  # type: ignore[misc]


def eu_nomenclature(path: Path, reading: Reading) -> None:
    """The goods of the EU's nomenclature in eleven languages, and the index by their words. Zeros at the end of a code
    stand for no digits: those of a leaf beyond its eighth digit, of a heading all pairs."""
    frame = pl.read_parquet(path)
    for row in frame.filter(pl.col("suffix") == "80").iter_rows(named=True):
        leaf = row["IS_LEAF"] == "1"
        code = row["code10"]
        while code.endswith("00") and len(code) > (8 if leaf else 2):
            code = code[:-2]
        reading.codes.append(("EU", code, row["start"].date(), row["end"] and row["end"].date(), leaf))
        reading.texts += [
            ("EU", code, language, text) for language in LANGUAGES if (text := row[f"desc_{language}"])
        ]  # fmt: skip
    for language in LANGUAGES:
        lines = frame.select("code10", "level", pl.col("IS_LEAF") == "1", pl.col(f"desc_{language}").fill_null(""))
        reading.words += [(language, *posting) for posting in index(documents(lines.iter_rows()))]


def hs_2022(path: Path, reading: Reading) -> None:
    """The Harmonized System of 2022: chapters, headings and subheadings."""
    for row in pl.read_csv(path, infer_schema_length=0).iter_rows(named=True):
        code = row["hscode"]
        if not code.isdigit():
            reading.leave("HS: no code", code)
            continue
        reading.codes.append(("HS", code, date(2022, 1, 1), None, len(code) == 6))
        reading.texts.append(("HS", code, "en", row["description"]))


def mean_duties(path: Path, reading: Reading) -> None:
    """The World Bank's simple mean of the duties that a country applies, of the last year that it has."""
    for line, row in enumerate(pl.read_csv(path, infer_schema_length=0).iter_rows(named=True), 2):
        if not row["benchmarkDutyRate"]:
            reading.leave("mean duty: no figure", row["country"])
            continue
        facts = {"rate": row["benchmarkDutyRate"], "year": int(row["year"])}
        cited = f"World Bank, {row['sourceIndicator']}, {row['year']} (line {line})"
        reading.laws.append((row["iso2"], "mean_duty", date(int(row["year"]), 1, 1), None, facts, cited))


REDUCED = {"Foodstuffs": "food", "Supply, including on loan by libraries, of books": "books"}
"""The categories of the EU's VAT rules that hold for all goods of their codes unless their text says otherwise."""
CONDITIONS = ("only", "exclud", "except", "not ", "provided", "if ", "when", "intended", "other than", "limited")
BEVERAGES = "22"
"""Chapter 22 is taxed by what is in the bottle, which a code does not say."""
OVER = {("CZ", "10"): date(2024, 1, 1), ("FI", "10"): date(2025, 1, 1), ("RO", "5"): date(2025, 8, 1)}
"""Rates of the database that ended since: CZ has 12 % (Act 349/2023), FI books 14 % and RO 11 % (Law 141/2025)."""
SPECIAL_TERRITORY = ("Madeira", "Azores", "Corsica", "Canary", "island", "Jungholz", "overseas", "region")


def reduced_vat(path: Path, reading: Reading) -> None:
    """Reduced rates of VAT by commodity, of the EU's database as of 2024-04-01. A rule whose text sets conditions that
    a code does not show is left out: then the full rate is taken."""
    for line, row in enumerate(pl.read_parquet(path).iter_rows(named=True), 1):
        kind = next((name for start, name in REDUCED.items() if (row["category"] or "").startswith(start)), None)
        codes = [code.rstrip("0") for code in (row["cn_codes"] or "").split()]
        codes = [code + "0" if len(code) % 2 else code for code in codes]
        codes = [code for code in codes if not code.startswith(BEVERAGES)]
        if not codes:
            continue
        text = row["description"] or ""
        where = f"line {line}, {row['country']}"
        if kind is None:
            reading.leave("reduced VAT: its category depends on who buys or on what for", where)
        elif any(word in text for word in SPECIAL_TERRITORY):
            reading.leave("reduced VAT: for part of the country only", where)
        elif any(word in text.lower() for word in CONDITIONS):
            reading.leave("reduced VAT: its text sets conditions", where)
        else:
            facts = {"name": "VAT", "rate": row["rate"], "codes": sorted(set(codes))}
            cited = f"EU VAT database (TEDB) as of April 2024, {kind} (line {line})"
            end = OVER.get((row["country"], row["rate"]))
            reading.laws.append((row["country"], "reduced_tax", date(2021, 7, 1), end, facts, cited))


def euro_rates(path: Path, reading: Reading) -> None:
    """The reference rates of the European Central Bank, per business day."""
    frame = pl.read_parquet(path)
    day = frame.columns[0]
    for currency in frame.columns[1:]:
        rates = frame.select(day, currency).drop_nulls()
        for at, rate in rates.iter_rows():
            reading.euro_rates.append((currency, at, Decimal(str(rate))))


FILES: dict[str, tuple[str, Callable[[Path, Reading], None]]] = {
    "hs_and_tariffs/hs2022_codes_en.csv.gz": ("Harmonized System 2022 (UN Comtrade, PDDL)", hs_2022),
    "hs_and_tariffs/us_hts_2025_rev15_hts8.parquet": ("USITC, Harmonized Tariff Schedule 2025, revision 15", us_hts),
    "hs_and_tariffs/uk_ukgt_and_eu_cet_2021.csv.gz": (
        "UK Global Tariff and EU Common External Tariff, 2021-01-01 (DIT, OGL v3.0)", uk_and_eu,
    ),
    "hs_and_tariffs/eu_taric_nomenclature_11lang.parquet": (
        "EU goods nomenclature, January 2025 (DG TAXUD, CC BY 4.0)", eu_nomenclature,
    ),
    "hs_and_tariffs/worldbank_simple_mean_applied_tariff_179.csv": (
        "World Bank, simple mean applied tariff (CC BY 4.0)", mean_duties,
    ),
    "vat_and_de_minimis/eu_vat_rules_by_cn_code_tedb_2024-04.parquet": (
        "EU VAT database (TEDB), April 2024", reduced_vat,
    ),
    "fx_ecb/ecb_reference_rates_1999_2026.parquet": ("European Central Bank, euro reference rates", euro_rates),
}  # fmt: skip


def found_in(folder: Path) -> list[str]:
    """Which of the files are there. `folder` is the one that holds the others, or one of those."""
    return [name for name in FILES if _at(folder, name).is_file()]


def _at(folder: Path, name: str) -> Path:
    inside = folder / name
    return inside if inside.is_file() else folder / Path(name).name


def source_of(name: str) -> str:
    """What the rows of a file call it."""
    return Path(name).name.partition(".")[0]


def digest(folder: Path, name: str) -> str:
    return hashlib.sha256(READER.encode() + _at(folder, name).read_bytes()).hexdigest()


def read(folder: Path, name: str) -> Reading:
    """One of FILES, read."""
    title, reader = FILES[name]
    reading = Reading(source_of(name), title, digest(folder, name))
    reader(_at(folder, name), reading)
    return reading
