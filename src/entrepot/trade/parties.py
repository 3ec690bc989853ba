"""Denied parties: lists of names that the operator brings in as CSV, and whether somebody may be on one of them.

A name is compared in lower case, without accents and signs, without forms of companies, its words in their order of
the alphabet: `Müller, Hans` is `hans muller`. A match is a question to a person, never an answer."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.trade import store
from entrepot.trade import store_restrictions as rows
from entrepot.trade.store_restrictions import Match
from entrepot.trade.types import PartiesNotValid

MAX_PARTIES = 500_000
NAME_MAX = 300
FORMS = frozenset({
    "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "kg", "limited", "llc", "llp", "ltd",
    "nv", "oao", "ooo", "oy", "plc", "sa", "sarl", "spa", "srl",
})  # fmt: skip
"""Words that say only what kind of company it is."""


class Party(NamedTuple):
    """A name of the entry `ref` of a list."""

    ref: str
    name: str


def plain(name: str) -> str:
    """A name as it is compared."""
    folded = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    words = re.findall(r"[^\W_]+", bare)
    return " ".join(sorted(set(words) - FORMS or set(words)))


def read_csv(path: Path) -> tuple[list[Party], str]:
    """The names of a CSV in UTF-8 with the columns `name` and, if there are such, `id` and `aliases` (other spellings,
    parted by semicolons); and the digest of the file. Raises PartiesNotValid."""
    raw = path.read_bytes()
    try:
        lines = csv.DictReader(StringIO(raw.decode("utf-8-sig").replace("\0", "")))
        if "name" not in (lines.fieldnames or ()):
            raise PartiesNotValid(f"{path.name}: it needs a column `name`")
        found = list(_parties(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise PartiesNotValid(f"{path.name}: {error}") from None
    if not 1 <= len(found) <= MAX_PARTIES:
        raise PartiesNotValid(f"{path.name}: it must have from 1 to {MAX_PARTIES:,} names")
    return found, hashlib.sha256(raw).hexdigest()


def _parties(lines: Iterable[dict[str, str | None]]) -> Iterable[Party]:
    for number, line in enumerate(lines, 2):
        for name in [line["name"] or "", *(line.get("aliases") or "").split(";")]:
            if plain(name):
                yield Party((line.get("id") or str(number))[:NAME_MAX], name.strip()[:NAME_MAX])


async def put_list(tx: Tx, name: str, parties: Sequence[Party], digest: str) -> None:
    """Puts a list in the place of what it was before, and has all orders that are not sent yet looked at again."""
    await tx.run(store.LOCK)
    await tx.run(rows.FORGET_PARTIES, list=name)
    plains = [plain(party.name) for party in parties]
    await tx.run(
        rows.ADD_PARTIES, list=name, refs=[party.ref for party in parties], names=[party.name for party in parties],
        plains=plains,
    )  # fmt: skip
    await tx.run(
        store.SET_SOURCE, name=f"parties_{name}", title=f"Denied parties: {name}", digest=digest, now=tx.now,
        read=len(parties), unread={},
    )  # fmt: skip
    for cell in await cells(tx):
        tx.emit("parties_listed", NIL, {}, cell)


async def has_parties(tx: ReadTx) -> bool:
    """Whether anybody is listed at all."""
    return await tx.one(rows.ANY_PARTY)


async def screen(tx: ReadTx, names: Sequence[str]) -> list[Match]:
    """Whom these names may be, by their places; one statement for all."""
    return await tx.all(rows.SCREEN, plains=[plain(name) for name in names])
