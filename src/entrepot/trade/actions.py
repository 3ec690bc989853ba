"""Taking in what files and packs say. The same again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from entrepot.kit.db import Tx
from entrepot.trade import packs, restrictions, store
from entrepot.trade.readings import Reading

COLUMNS = {
    "code": ("codes", ("nomenclature", "code", "valid_from", "valid_to", "leaf")),
    "code_text": ("texts", ("nomenclature", "code", "language", "text")),
    "duty_rate": ("rates", ("tariff", "code", "program", "valid_from", "valid_to", "expression", "line")),
    "euro_rate": ("euro_rates", ("currency", "day", "rate")),
}
WORD_COLUMNS = ("language", "word", "codes", "weights", "source")


async def known(tx: Tx, name: str, digest: str) -> bool:
    """Whether the source `name` was taken in as it is now. Who asks keeps others from taking in until it commits."""
    await tx.run(store.LOCK)
    row = await tx.maybe(store.SOURCE, name=name)
    return row is not None and row.digest == digest


async def take_in(tx: Tx, reading: Reading) -> None:
    """Puts what a source says in the place of what it said before; orders keep what they were told. Rates of a tariff
    that is imported take the place of the sample's."""
    for query in store.FORGET:
        await tx.run(query, source=reading.name)
    if reading.name != packs.SAMPLE:
        await tx.run(store.FORGET_SAMPLE, sample=packs.SAMPLE, tariffs=sorted({rate[0] for rate in reading.rates}))
    for table, (rows, columns) in COLUMNS.items():
        await _copy(tx, table, columns, getattr(reading, rows), reading.name)
    await _copy_words(tx, reading)
    if reading.laws:
        countries, kinds, begins, ends, facts, citations = zip(*reading.laws, strict=True)
        await tx.run(
            store.ADD_LAW, countries=countries, kinds=kinds, begins=begins, ends=ends, facts=facts,
            citations=citations, source=reading.name,
        )  # fmt: skip
    await restrictions.put(tx, reading.name, reading.restrictions)
    await tx.run(
        store.SET_SOURCE, name=reading.name, title=reading.title, digest=reading.digest, now=tx.now, read=reading.read,
        unread=reading.unread,
    )  # fmt: skip


async def add_euro_rates(tx: Tx, reading: Reading) -> None:
    """Adds what a source says of exchange rates to what it said before: of the same day the latest word holds."""
    currencies, days, rates = zip(*reading.euro_rates, strict=True) if reading.euro_rates else ((), (), ())
    await tx.run(store.ADD_EURO_RATES, currencies=currencies, days=days, rates=rates, source=reading.name)
    await tx.run(
        store.SET_SOURCE, name=reading.name, title=reading.title, digest=reading.digest, now=tx.now, read=reading.read,
        unread=reading.unread,
    )  # fmt: skip


async def count(tx: Tx) -> None:
    """Tells the planner what the tables have become, after much was taken in."""
    for table in (*COLUMNS, "word"):
        await tx.conn.execute(f"analyze trade.{table}")


async def _copy(tx: Tx, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], source: str) -> None:
    if rows:
        await tx.conn.copy_records_to_table(
            table, schema_name="trade", columns=[*columns, "source"], records=((*row, source) for row in rows)
        )


async def _copy_words(tx: Tx, reading: Reading) -> None:
    """As text: the driver looks three times at each of six million numbers to see that it is no array."""
    lines = "".join(
        f"{language}\t{word}\t{{{str(codes)[1:-1]}}}\t{{{str(weights)[1:-1]}}}\t{reading.name}\n"
        for language, word, codes, weights in reading.words
    )
    if lines:
        await tx.conn.copy_to_table(
            "word", schema_name="trade", columns=WORD_COLUMNS, source=BytesIO(lines.encode()), format="text"
        )


async def load_packs(tx: Tx) -> None:
    """The packs that ship with the program, as far as they have changed. The sample of tariffs has only what no import
    has brought."""
    for pack in packs.shipped():
        if await known(tx, pack.name, pack.digest):
            continue
        if pack.name == packs.SAMPLE:
            there = set(await tx.all(store.TARIFFS, sample=packs.SAMPLE))
            pack.rates = [rate for rate in pack.rates if rate[0] not in there]
        await take_in(tx, pack)
