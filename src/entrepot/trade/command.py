"""`entrepot tariff`: reads the official files and one's own packs, and lists what was read and what was not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from entrepot.kit.clock import monotonic
from entrepot.kit.db import Database
from entrepot.settings import Settings
from entrepot.trade import actions, packs, parties, store
from entrepot.trade.store import SourceRow

PARTIES = "parties_"
"""What the names of sources that are lists of denied parties begin with."""


class UsageError(Exception):
    """What was typed cannot be done; the message is one line with the remedy."""


def run(settings: Settings, verb: str, folder: Path | None, *, as_json: bool) -> int:
    """Exit code 0. Raises UsageError."""
    if verb == "list":
        rows = asyncio.run(_listed(settings))
        print(msgspec.json.encode(rows).decode() if as_json else "\n".join(_told(rows)))
        return 0
    where = folder or settings.data
    if where is None:
        raise UsageError("say where the files are: entrepot tariff import FOLDER, or set ENTREPOT_DATA")
    started = monotonic()
    done = asyncio.run(_import(settings, where))
    seconds = round(monotonic() - started, 1)
    if as_json:
        print(msgspec.json.encode({"seconds": seconds, "sources": done}).decode())
        return 0
    for name, state in done.items():
        print(f"{name:<48}{state['state']:<12}{state['read']:>9,} rows{state['unread']:>8,} lines unread")
    print(f"{seconds} s; what was not read, and why: entrepot tariff list")
    return 0


def run_parties(settings: Settings, verb: str, file: Path | None, name: str | None) -> None:
    """Reads a list of denied parties, or tells which there are. Raises UsageError, PartiesNotValid."""
    if verb == "list":
        rows = [row for row in asyncio.run(_listed(settings)) if row.name.startswith(PARTIES)]
        print("\n".join(_told(rows)) or "nobody is listed")
        return
    if file is None:
        raise UsageError("say which file: entrepot parties import FILE.csv")
    found, digest = parties.read_csv(file)
    name = name or file.stem

    async def put() -> None:
        async with _opened(settings) as db, db.write() as tx:
            await parties.put_list(tx, name, found, digest)

    asyncio.run(put())
    print(f"{name}: {len(found):,} names; orders that are not sent yet are looked at again")


def load_packs(settings: Settings) -> None:
    """The packs that ship with the program, into a migrated database."""

    async def load() -> None:
        async with _opened(settings) as db, db.write() as tx:
            await actions.load_packs(tx)

    asyncio.run(load())


async def _import(settings: Settings, where: Path) -> dict[str, dict[str, Any]]:
    """Each file in a transaction of its own, so that one that is broken keeps no other out."""
    done: dict[str, dict[str, Any]] = {}
    async with _opened(settings) as db:
        async with db.write() as tx:
            await actions.load_packs(tx)
        for name, digest, read in _offered(where):
            async with db.write() as tx:
                if await actions.known(tx, name, digest):
                    row = await tx.one(store.SOURCE, name=name)
                    done[name] = {"state": "unchanged", "read": row.read, "unread": _count(row.unread)}
                    continue
                reading = read()
                await actions.take_in(tx, reading)
                done[name] = {"state": "read", "read": reading.read, "unread": _count(reading.unread)}
        async with db.write() as tx:
            await actions.count(tx)
    return done


def _offered(where: Path) -> Iterator[tuple[str, str, Any]]:
    """(name, digest, how to read it) of each file or pack that is there. Raises UsageError where there is none."""
    if where.suffix == ".toml":
        pack = packs.pack_file(where)
        yield pack.name, pack.digest, lambda: pack
        return
    try:
        from entrepot.trade import files
    except ModuleNotFoundError:
        raise UsageError("the official files are read with polars: install entrepot[demo]") from None
    found = files.found_in(where)
    if not found:
        raise UsageError(f"{where} has none of the files that are read, such as {next(iter(files.FILES))}")
    for name in found:
        yield files.source_of(name), files.digest(where, name), lambda name=name: files.read(where, name)


def _count(unread: dict[str, tuple[int, list[str]]]) -> int:
    return sum(number for number, _ in unread.values())


async def _listed(settings: Settings) -> list[SourceRow]:
    async with _opened(settings) as db, db.read() as tx:
        return await tx.all(store.SOURCES)


def _told(rows: list[SourceRow]) -> Iterator[str]:
    for row in rows:
        yield f"{row.name}: {row.title}"
        yield f"    {row.read:,} rows, {row.imported_at:%Y-%m-%d %H:%M} UTC"
        for why, (number, examples) in sorted(row.unread.items(), key=lambda item: -item[1][0]):
            yield f"    unread {number:>6,}  {why} ({'; '.join(examples)})"


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    db = await Database.open(settings.database_url)
    try:
        yield db
    finally:
        await db.close()
