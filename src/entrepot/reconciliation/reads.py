"""The queue of discrepancies, and what was taken in."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL, show
from entrepot.reconciliation import store
from entrepot.reconciliation.store import ImportView
from entrepot.reconciliation.types import Kind, ProviderFee

PAGE = 50


class DiscrepancyView(msgspec.Struct, frozen=True):
    """`subject` is a thing of ours by its id, or the provider's or the bank's own name of theirs. `expected_minor` and
    `found_minor` are null where there should be, or is, nothing of the currency. `status`: open, resolved (by
    `ended_by`, who said `note`), or cleared (it is no longer there)."""

    id: str
    kind: Kind
    subject: str
    day: date
    currency: str
    expected_minor: int | None
    found_minor: int | None
    status: str
    found_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    note: str | None


async def discrepancies(tx: ReadTx, status: str, after: UUID | None = None) -> list[DiscrepancyView]:
    """Those of a status, the oldest first, those after the id `after`; PAGE at a time."""
    found = await tx.all(store.DISCREPANCIES, status=status, after=after or NIL, limit=PAGE)
    return [
        msgspec.convert(
            msgspec.structs.asdict(one)
            | {"id": show("dcp", one.id), "ended_by": None if one.ended_by is None else show("usr", one.ended_by)},
            DiscrepancyView,
        )
        for one in found
    ]


async def imports(tx: ReadTx) -> list[ImportView]:
    """The latest PAGE, the latest first."""
    return await tx.all(store.IMPORTS, limit=PAGE)


async def provider_fees(tx: ReadTx) -> list[ProviderFee]:
    """The latest PAGE, the latest first."""
    return await tx.all(store.FEES, limit=PAGE)
