"""What waits for a second person, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from entrepot.approvals import store
from entrepot.approvals.actions import ACTIONS
from entrepot.approvals.types import Request
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL, show

PAGE = 50


class RequestView(msgspec.Struct, frozen=True):
    """A request; what nobody decided in time is expired."""

    id: str
    action: str
    args: dict[str, Any]
    currency: str
    amount_minor: int
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    status: Literal["waiting", "approved", "refused", "expired"]
    decided_by: str | None
    decided_at: datetime | None
    note: str


class LimitView(msgspec.Struct, frozen=True):
    """`currency` and `limit_minor` are null where nothing needs a second person."""

    action: str
    currency: str | None
    limit_minor: int | None


async def waiting(tx: ReadTx, after: UUID | None = None) -> list[RequestView]:
    """What waits, the oldest first; at most PAGE."""
    return [_view(row, tx.now) for row in await tx.all(store.WAITING, now=tx.now, after=after or NIL, limit=PAGE)]


async def over(tx: ReadTx, before: UUID | None = None) -> list[RequestView]:
    """What was decided or expired, the latest first; at most PAGE."""
    return [_view(row, tx.now) for row in await tx.all(store.OVER, now=tx.now, before=before, limit=PAGE)]


async def limits(tx: ReadTx) -> list[LimitView]:
    """What one operator may do alone, by action."""
    found = await tx.all(store.LIMITS)
    limited = {limit.action for limit in found}
    views = [LimitView(limit.action, limit.currency, limit.limit_minor) for limit in found]
    return sorted([*views, *(LimitView(name, None, None) for name in ACTIONS.keys() - limited)], key=lambda v: v.action)


def _view(row: Request, now: datetime) -> RequestView:
    status = "expired" if row.status == "waiting" and row.expires_at <= now else row.status
    return RequestView(
        show("apr", row.id), row.action, row.args, row.currency, row.amount_minor, show("usr", row.asked_by),
        row.asked_at, row.expires_at, status,  # type: ignore[arg-type]
        None if row.decided_by is None else show("usr", row.decided_by), row.decided_at, row.note,
    )  # fmt: skip
