"""Endpoints and deliveries as their owner sees them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound
from entrepot.webhooks import store
from entrepot.webhooks.types import Endpoint

PAGE = 50
LAST = UUID(int=2**128 - 1)


class EndpointView(msgspec.Struct, frozen=True):
    """`status` is on or off, and then `reason` says why: owner, failing (every call failed for three days) or gone (it
    has answered 410). `failing_since`: no call has succeeded since. Until `old_secret_until` what is sent is signed
    with the secret before, too."""

    id: str
    url: str
    types: list[str]
    status: str
    reason: str
    failing_since: datetime | None
    old_secret_until: datetime | None
    created_at: datetime


class DeliveryView(msgspec.Struct, frozen=True):
    """One message: due (again at `due_at`), sent or failed (after the last try). `answer` is the last status of HTTP,
    or timeout, no_answer, private_address, no_secret."""

    id: str
    type: str
    occurred_at: datetime
    status: str
    due_at: datetime | None
    attempts: int
    tried_at: datetime | None
    sent_at: datetime | None
    answer: str
    body: str


async def endpoints(tx: ReadTx, owner_id: UUID) -> list[EndpointView]:
    """A seller's, or the house's (nil), the oldest first."""
    return [_view(row, tx.now) for row in await tx.all(store.OWN, owner_id=owner_id)]


async def endpoint(tx: ReadTx, owner_id: UUID, id_: UUID) -> EndpointView:
    """Raises NotFound."""
    row = await tx.maybe(store.ONE, id=id_, owner_id=owner_id)
    if row is None:
        raise NotFound
    return _view(row, tx.now)


async def url_of(tx: ReadTx, id_: UUID) -> str:
    """Where an endpoint is, whoever's it is. Raises NotFound for one that was removed."""
    found = await tx.one(store.ANY, id=id_)
    if found.status == "removed":
        raise NotFound
    return found.url


async def waiting_s(tx: ReadTx) -> float:
    """For how many seconds the oldest message has been due that an endpoint would take: more than a few are the
    worker's doing."""
    there = await cells(tx)
    oldest = [due_at for cell in there for due_at in await tx.all(store.OLDEST, cell=cell, now=tx.now)]
    return max(((tx.now - due_at).total_seconds() for due_at in oldest), default=0.0)


async def deliveries(
    tx: ReadTx, owner_id: UUID, id_: UUID, status: str | None = None, before: UUID | None = None
) -> list[DeliveryView]:
    """What an endpoint was sent or is to be, the latest first, PAGE at a time. Raises NotFound."""
    await endpoint(tx, owner_id, id_)
    rows = await tx.all(store.DELIVERIES, endpoint_id=id_, status=status, before=before or LAST, limit=PAGE)
    return [
        DeliveryView(
            show("evt", row.id), row.type, row.at, row.status, row.due_at if row.status == "due" else None,
            row.attempts, row.tried_at, row.sent_at, row.answer, row.body,
        )
        for row in rows
    ]  # fmt: skip


def _view(row: Endpoint, now: datetime) -> EndpointView:
    old = row.old_until if row.old_until is not None and row.old_until > now else None
    return EndpointView(
        show("whk", row.id), row.url, row.types, row.status, row.reason, row.failing_since, old, row.created_at
    )
