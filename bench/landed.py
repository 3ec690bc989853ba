"""The bench `landed`: what it takes to say what goods cost at a border (issue 5).

The lines are the 541,909 of a British retailer's year (UCI, CC BY 4.0) that were sold and not canceled, to the 38
countries of its customers; all are sent from China, so that most borders are crossed. What a thing is called at customs
is found by the first word of RULE in its description. The rates are those of the official files, imported before.

`single`         one consignment of one line after another
`batched_lines`  the consignments as they were invoiced, one after another on one core; the lookups are made before
`page_24_p99`    a page of 24 offers for a buyer in another country: the lookups in PostgreSQL, and 24 quotes
`other_lines`    the arithmetic of `landed-cost-calculator` (MIT, 0.3.1), where that is installed, on the same lines

It is the only other open tool in the registries of packages that adds up a landed cost and asks no service. It knows
no tariff and no law: the rates of duty and tax are given to it, as fractions, and it counts in floats. So its figure
is what three multiplications and a dictionary take; ours finds rate, relief and tax of each line, and says why.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from random import Random

import polars as pl

from bench.machine import started
from bench.report import Outcome, Target
from entrepot import trade
from entrepot.kit.db import Database
from entrepot.kit.migrate import migrate
from entrepot.settings import load
from entrepot.trade import Book, Consignment, Goods, command

AT = date(2026, 3, 2)
FROM = "CN"
PAGE = 24
PAGES = 300
BATCHED_PER_S, PAGE_MS = 20_000, 10.0

RULE = (
    ("T-LIGHT", "340600"), ("CANDLE", "340600"), ("LUNCH BAG", "420222"), ("BAG", "420222"), ("LANTERN", "940550"),
    ("MUG", "691200"), ("CUP", "691200"), ("PLATE", "691200"), ("BOWL", "691200"), ("CERAMIC", "691200"),
    ("GLASS", "701337"), ("WRAP", "481190"), ("CARD", "490900"), ("NOTEBOOK", "482010"), ("PAPER", "481820"),
    ("NECKLACE", "711719"), ("BRACELET", "711719"), ("EARRINGS", "711719"), ("DOLL", "950300"), ("GAME", "950490"),
    ("TOY", "950300"), ("CHRISTMAS", "950510"), ("UMBRELLA", "660199"), ("TOWEL", "630260"), ("APRON", "621142"),
    ("CUSHION", "940490"), ("BOOK", "490199"), ("FRAME", "441400"), ("TIN", "732690"),
    ("SIGN", "830629"), ("HEART", "830629"), ("WOOD", "442199"), ("PEN", "960810"), ("LIGHT", "940550"),
)  # fmt: skip
OTHERWISE = "392640"  # ornaments of plastics
COUNTRIES = {
    "United Kingdom": "GB", "Germany": "DE", "France": "FR", "EIRE": "IE", "Spain": "ES", "Netherlands": "NL",
    "Belgium": "BE", "Switzerland": "CH", "Portugal": "PT", "Australia": "AU", "Norway": "NO", "Italy": "IT",
    "Finland": "FI", "Cyprus": "CY", "Sweden": "SE", "Austria": "AT", "Denmark": "DK", "Japan": "JP", "Poland": "PL",
    "Israel": "IL", "USA": "US", "Hong Kong": "HK", "Singapore": "SG", "Iceland": "IS", "Canada": "CA",
    "Greece": "GR", "Malta": "MT", "United Arab Emirates": "AE", "RSA": "ZA", "Lebanon": "LB", "Lithuania": "LT",
    "Brazil": "BR", "Czech Republic": "CZ", "Bahrain": "BH", "Saudi Arabia": "SA",
    "Channel Islands": "GB", "European Community": "BE", "Unspecified": "GB",
}  # fmt: skip
CURRENCIES = {"AE": "AED", "LB": "LBP", "BH": "BHD", "SA": "SAR"}
"""Of which the ECB has no rate: there the prices are taken as if they were of the country's own."""


class NoDataError(Exception):
    """The data are not there; the message says what would help."""


def run(tell: Callable[[str], None], rows: int | None = None, pages: int = PAGES) -> Outcome:
    """Measures on the first `rows` lines, or all. Raises NoDataError."""
    given = os.environ.get("ENTREPOT_DATA")
    if not given:
        raise NoDataError("the bench needs the official files and the retailer's: set ENTREPOT_DATA to their folder")
    outcome = Outcome("landed", (
        Target("batched_lines", BATCHED_PER_S), Target("page_24_p99", PAGE_MS, at_most=True),
    ))  # fmt: skip
    sent = list(consignments(Path(given) / "uci_online_retail" / "online_retail.parquet", rows))
    lines = sum(len(one.lines) for one in sent)
    tell(f"{lines:,} lines in {len(sent):,} consignments")
    with started() as machine, machine.database("landed") as url:
        asyncio.run(migrate(url))
        os.environ["ENTREPOT_DATABASE_URL"] = url
        command.run(load(), "import", Path(given), as_json=False)
        asyncio.run(_measure(url, sent, pages, outcome))
    return outcome


async def _measure(url: str, sent: Sequence[Consignment], pages: int, outcome: Outcome) -> None:
    gc.collect()
    gc.freeze()  # the year of lines is the bench's: no server would look through it for garbage
    db = await Database.open(url)
    try:
        async with db.read() as tx:
            book = await trade.book(tx, {one.to for one in sent} | {FROM}, codes(sent), AT, {"GBP"})
        alone = [one._replace(lines=one.lines[:1]) for one in sent]
        outcome.values["single"] = (_per_s(book, alone), "quotes/s")
        outcome.values["batched_lines"] = (_per_s(book, sent), "lines/s")
        if find_spec("landed_cost"):
            outcome.values["other_lines"] = (_others_per_s(sent), "lines/s")
        outcome.values["page_24_p99"] = (await _pages(db, sent, pages), "ms")
    finally:
        await db.close()


def _per_s(book: Book, sent: Sequence[Consignment]) -> float:
    """Lines quoted per second, of all."""
    for one in sent[:500]:  # what is looked up once is looked up before
        trade.quote(book, one)
    began = time.perf_counter()
    for one in sent:
        trade.quote(book, one)
    return sum(len(one.lines) for one in sent) / (time.perf_counter() - began)


def _others_per_s(sent: Sequence[Consignment]) -> float:
    """Lines per second of a tool that is told the rates: 4 % of duty, 20 % of tax."""
    calculate = import_module("landed_cost").calculate
    values = [line.value_minor / 100 for one in sent for line in one.lines]
    began = time.perf_counter()
    for value in values:
        calculate(value, 1, freight_total=3.5, tariff_rate=0.04, vat_rate=0.2, duty_includes_freight=True)
    return len(values) / (time.perf_counter() - began)


async def _pages(db: Database, sent: Sequence[Consignment], pages: int) -> float:
    """The 99th percentile in ms, of pages of 24 offers for a buyer somewhere."""
    random, took = Random(24), []
    goods = [line for one in sent for line in one.lines]
    places = sorted({one.to for one in sent})
    for number in range(pages + 10):
        to, shown = random.choice(places), random.sample(goods, PAGE)
        began = time.perf_counter()
        async with db.read() as tx:
            book = await trade.book(tx, {to, FROM}, {line.code for line in shown}, AT, {"GBP"})
        for line in shown:
            with suppress(trade.RateMissing):  # a code of another year: it is not sold there
                trade.quote(book, Consignment((line,), FROM, to, AT, CURRENCIES.get(to, "GBP"), freight_minor=350))
        if number >= 10:
            took.append(1_000 * (time.perf_counter() - began))
    return sorted(took)[len(took) * 99 // 100]


def codes(sent: Sequence[Consignment]) -> set[str]:
    return {line.code for one in sent for line in one.lines}


def consignments(path: Path, rows: int | None) -> Iterator[Consignment]:
    """The lines of each invoice are one consignment; those that were canceled or given away are none."""
    frame = pl.read_parquet(path).head(rows) if rows else pl.read_parquet(path)
    frame = frame.filter((pl.col("Quantity") > 0) & (pl.col("UnitPrice") > 0)).sort("InvoiceNo", maintain_order=True)
    columns = frame.select("InvoiceNo", "Country", "Description", "Quantity", "UnitPrice")
    called: dict[str, str] = {}
    for (_, country), lines in groupby(columns.iter_rows(), key=lambda row: row[:2]):
        goods = tuple(_goods(text or "", quantity, price, called) for _, _, text, quantity, price in lines)
        to = COUNTRIES[country]
        yield Consignment(goods, FROM, to, AT, CURRENCIES.get(to, "GBP"), freight_minor=350)


def _goods(text: str, quantity: int, price: float, called: dict[str, str]) -> Goods:
    if text not in called:
        called[text] = next((code for word, code in RULE if word in text), OTHERWISE)
    kilograms = Decimal(quantity) / 5
    quantities = {"item": Decimal(quantity), "kg": kilograms, "l": kilograms, "pair": Decimal(quantity)}
    return Goods(called[text], FROM, round(quantity * price * 100), quantities)
