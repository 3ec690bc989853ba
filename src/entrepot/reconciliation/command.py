"""`entrepot bank import`: a statement or a report from a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL
from entrepot.reconciliation.actions import import_file
from entrepot.reconciliation.types import FILE_MAX_BYTES
from entrepot.settings import Settings


def run(settings: Settings, file: Path) -> None:
    """Raises FileNotRead, NotOurAccount and ToldOtherwise, and OSError for a file that cannot be opened."""
    with file.open("rb") as opened:
        content = opened.read(FILE_MAX_BYTES + 1)
    asyncio.run(_import(settings, content))


async def _import(settings: Settings, content: bytes) -> None:
    db = await Database.open(settings.database_url, size=1)
    try:
        keys = Keys(settings.secret.encode())
        done = await db.transact(lambda tx: import_file(tx, keys, content, NIL))
    finally:
        await db.close()
    told = f"{done.kind} {', '.join(done.names)}: "
    if done.new:
        told += f"{done.matched:,} of {done.judged:,} matched; "
    else:
        told += "taken in before; "
    print(f"{told}{done.discrepancies:,} discrepancies are open (/operator/bank)")
