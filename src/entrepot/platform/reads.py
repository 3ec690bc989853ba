"""What was switched off, and by whom; what rehearsals have measured."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kit import audit, ids
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound
from entrepot.kit.spreadsheet import safe
from entrepot.platform import store
from entrepot.platform.types import Off, Rehearsal, Switch

CHANGES_MAX = 50
CSV_MAX = 5_000
"""Lines of the audit log that one file has."""
REHEARSALS_MAX = 50


async def changes(tx: ReadTx) -> list[Off]:
    """The latest first, at most CHANGES_MAX."""
    return await tx.all(store.CHANGES, limit=CHANGES_MAX)


async def is_off(tx: ReadTx, switch: Switch) -> bool:
    """For who does not look each second, as Switches do."""
    return any(row.name == switch and tx.now < row.until for row in await tx.all(store.NOW))


async def rehearsals(tx: ReadTx, limit: int = REHEARSALS_MAX) -> list[Rehearsal]:
    """The latest first."""
    return await tx.all(store.REHEARSALS, limit=limit)


async def rehearsal(tx: ReadTx, id_: UUID) -> Rehearsal:
    """Raises NotFound."""
    found = await tx.maybe(store.REHEARSAL, id=id_)
    if found is None:
        raise NotFound
    return found


class LineView(msgspec.Struct, frozen=True):
    """What an operator or somebody of a seller's staff did: `route` is the method and address with {names}, `said` the
    body without what says who a person is, `before` what was overwritten, `told` the events that came of it (kind and
    key), `origin` the network address."""

    id: str
    at: datetime
    user_id: str
    role: str
    seller_id: str | None
    route: str
    address: str
    said: dict[str, Any]
    before: dict[str, Any]
    told: list[str]
    origin: str


async def audit_lines(
    tx: ReadTx, wanted: audit.Wanted, after: UUID | None = None, limit: int = audit.PAGE
) -> list[LineView]:
    """The audit log, the latest first; `after` is the last id of the page before."""
    return [
        LineView(
            ids.show("aud", line.id), line.at, ids.show("usr", line.user_id), line.role,
            ids.show("sel", line.seller_id) if line.seller_id else None, line.route, line.address, line.said,
            line.before, line.told, line.origin,
        )
        for line in await audit.lines(tx, wanted, after, limit)
    ]  # fmt: skip


def audit_csv(lines: Sequence[LineView]) -> bytes:
    """The same as a file for a spreadsheet, in which no text becomes a formula."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(LineView.__struct_fields__)
    for line in lines:
        rows.writerow(_cell(value) for value in msgspec.structs.astuple(line))
    return file.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, str | None):
        text = value or ""
    else:
        text = value.isoformat() if isinstance(value, datetime) else msgspec.json.encode(value).decode()
    return safe(text)
