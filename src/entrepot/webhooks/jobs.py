"""What the worker does: messages from events, what goes out, what is forgotten.

Each endpoint that has something due gets a lane: a task that sends it a few messages at a time. There are LANES, of
which those that failed the last time get AILING: whoever is slow or gone holds up itself, and others like it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from entrepot.kit.auth import Keys
from entrepot.kit.clock import monotonic
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import Consumer
from entrepot.kit.ids import first_id, show
from entrepot.kit.log import log
from entrepot.kit.problem import DatabaseAway
from entrepot.webhooks import actions, rules, store
from entrepot.webhooks.calls import post
from entrepot.webhooks.types import Delivery, Endpoint

LANES, AILING = 16, 4
EACH = 10
"""Messages that one endpoint is sent at a time; one, when the last call has failed."""
LANE_S = 30
"""Then another endpoint has its turn."""
LEASE = timedelta(minutes=1)
"""What is claimed is nobody else's for so long: a call ends long before."""
DEFERRED = 500
KEPT = timedelta(days=30)
FORGOTTEN = 1_000
"""Deliveries that one `forget` deletes."""
GONE = "410"
"""An endpoint that answers this wants nothing more (Standard Webhooks)."""

CONSUMERS = (Consumer("webhooks", rules.KINDS, actions.note),)


async def forget(tx: Tx, cell: int) -> int:
    """Deletes deliveries older than KEPT, sent or not, a batch of them; how many."""
    done = await tx.run(store.FORGET_OLD, cell=cell, before=first_id(tx.now - KEPT), limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))


class Lanes:
    """The endpoints that this process is calling, each in a task."""

    def __init__(self, db: Database, client: httpx.AsyncClient, keys: Keys) -> None:
        self._db, self._client, self._keys = db, client, keys
        self._under_way: dict[tuple[int, UUID], tuple[asyncio.Task[int], bool]] = {}

    async def fill(self, cell: int) -> int:
        """Begins with what is due in a cell, as far as there are lanes, and does not wait for it; how many it began."""
        self._under_way = {key: lane for key, lane in self._under_way.items() if not lane[0].done()}
        began = 0
        for failing in (False, True):
            ailing = sum(ill for _, ill in self._under_way.values())
            free = AILING - ailing if failing else LANES - AILING - (len(self._under_way) - ailing)
            if free <= 0:
                continue
            busy = [endpoint for there, endpoint in self._under_way if there == cell]
            async with self._db.read() as tx:
                found = await tx.all(store.FIND, cell=cell, now=tx.now, failing=failing, busy=busy, limit=free)
            for id_ in found:
                self._under_way[cell, id_] = asyncio.create_task(self._send(cell, id_)), failing
            began += len(found)
        return began

    async def ended(self) -> int:
        """Waits for what is under way; how much was sent by it, or tried."""
        return sum(await asyncio.gather(*(task for task, _ in self._under_way.values())))

    def drop(self) -> None:
        """What is under way is sent again by whoever comes next."""
        for task, _ in self._under_way.values():
            task.cancel()

    async def _send(self, cell: int, endpoint_id: UUID) -> int:
        """A fault costs this lane only: its messages are due again when their lease is over."""
        try:
            return await _serve(self._db, self._client, self._keys, cell, endpoint_id)
        except DatabaseAway:
            log("database_away")
        except Exception as error:
            log("fault", error=type(error).__name__, endpoint=endpoint_id)
        return 0


async def send_due(db: Database, client: httpx.AsyncClient, keys: Keys, cell: int) -> int:
    """Sends what is due in a cell and waits for it; how much there was."""
    lanes = Lanes(db, client, keys)
    await lanes.fill(cell)
    return await lanes.ended()


async def _serve(db: Database, client: httpx.AsyncClient, keys: Keys, cell: int, endpoint_id: UUID) -> int:
    """Sends an endpoint what is due, until there is nothing more, a call fails, or its turn is over."""
    began, done = monotonic(), 0
    while monotonic() - began < LANE_S:
        async with db.write(durable=False) as tx:
            endpoint = await tx.one(store.ANY, id=endpoint_id)
            due = await _claim(tx, cell, endpoint)
        if not due:
            break
        answers = await asyncio.gather(*(_end(db, client, keys, endpoint, one) for one in due))
        done += len(due)
        if not all(answers):
            break
    return done


async def _claim(tx: Tx, cell: int, endpoint: Endpoint) -> Sequence[Delivery]:
    if endpoint.status != "on":
        return []
    where = {"cell": cell, "endpoint_id": endpoint.id, "now": tx.now}
    limit = 1 if endpoint.fails else EACH
    due = await tx.all(store.CLAIM, **where, leased_until=tx.now + LEASE, limit=limit)
    if not due:
        await tx.run(store.DEFER, **where, limit=DEFERRED)
    return due


async def _end(db: Database, client: httpx.AsyncClient, keys: Keys, endpoint: Endpoint, one: Delivery) -> bool:
    """Sends one message and notes what became of it; whether it was taken. A note that is lost with the server is one
    message twice."""
    now = db.clock.now()
    try:
        headers = rules.signed(one.id, now, one.body, actions.secrets_of(keys, endpoint, now))
    except ValueError:
        answer = "no_secret"
    else:
        answer = await post(client, endpoint.url, headers, one.body)
    is_taken = len(answer) == 3 and answer.startswith("2")
    if not is_taken:
        log("webhook_not_sent", endpoint=endpoint.id, message=show("evt", one.id), answer=answer, attempt=one.attempts)
    async with db.write(durable=False) as tx:
        which = {"cell": one.cell, "endpoint_id": one.endpoint_id, "id": one.id, "attempts": one.attempts}
        if is_taken:
            await tx.run(store.SENT, **which, now=tx.now, answer=answer)
            if endpoint.fails:
                await tx.run(store.RECOVERED, id=endpoint.id, now=tx.now)
        else:
            pause = rules.pause(one.attempts, is_endpoint_failing=endpoint.fails > 0)
            due_at = None if pause is None else tx.now + pause
            await tx.run(store.NOT_SENT, **which, due_at=due_at, answer=answer)
            await _failed(tx, one.cell, endpoint, answer)
    return is_taken


async def _failed(tx: Tx, cell: int, endpoint: Endpoint, answer: str) -> None:
    """The endpoint is left alone for a while, or turned off: its owner is told."""
    next_at = tx.now + rules.rest(endpoint.fails + 1)
    await tx.run(store.FAILED, id=endpoint.id, fails=endpoint.fails, now=tx.now, next_at=next_at)
    reason = _given_up(endpoint, answer, tx.now)
    if reason:
        owner = await tx.maybe(store.GIVE_UP, id=endpoint.id, reason=reason)
        if owner is not None:
            tx.emit("webhook_disabled", owner, {"endpoint_id": endpoint.id, "reason": reason}, cell)


def _given_up(endpoint: Endpoint, answer: str, now: datetime) -> str:
    if answer == GONE:
        return "gone"
    since = endpoint.failing_since
    return "failing" if since is not None and now - since >= rules.GIVEN_UP else ""
