"""The web processes' side of a rehearsal: requests with a tag are answered from the rehearsal's own database.

The tag is the beginning of the path, /rehearsal/TAG/v1/orders, and not a header: whatever lies between (a proxy, a
cache, a release that knows no rehearsals) can neither lose it and send the request to the real tables, nor give a
rehearsal's page to a customer. A path with a bad tag is not found. And because a rehearsal has keys of its own, its
sessions mean nothing to the real application.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg.exceptions
import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from entrepot import payments
from entrepot.kit.auth import Keys
from entrepot.kit.clock import RealClock, monotonic
from entrepot.kit.db import Database
from entrepot.kit.http import problem_response
from entrepot.kit.log import log
from entrepot.kit.metrics import REHEARSAL
from entrepot.kit.problem import DatabaseAway, NotFound, Problem
from entrepot.kit.secrets import get_secret
from entrepot.kit.sql import sql

PREFIX = "/rehearsal/"
USE = "rehearsal"
GATEWAY_SECRET = "sandbox_webhook"  # noqa: S105 - the name of one, not one
"""Of the rehearsal's own sandbox gateway (kit.secret), sealed as the installation's secrets are."""
IDLE_S = 15.0
"""A rehearsal that sends nothing for so long is over for this process, which then lets its connections go."""
SAMPLE_S = 0.5
LATE_EVERY_S = 0.02

_SAMPLE = sql("""
    insert into world.rehearsal_sample (pid, at, cpu_s, late_ms, in_use, batches, commands)
    values (:pid, :at, :cpu_s, :late_ms, :in_use, :batches, :commands)
""")


class _Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a tag says: the rehearsal, by the name of its database, and until when."""

    name: str
    until: int


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(_Claim).decode


def prefix(keys: Keys, name: str, until: datetime) -> str:
    """What the paths of a rehearsal begin with: good until then."""
    return PREFIX + keys.sign(USE, _encode(_Claim(name, int(until.timestamp()))))


def sibling(url: str, database: str) -> str:
    """The address of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def apart(keys: Keys, name: str) -> Keys:
    """The keys of a rehearsal: no session of it means anything to the real application, nor the other way round."""
    return keys.apart(f"{USE} {name}")


@dataclass
class _Set:
    """One rehearsal, as this process serves it."""

    name: str
    db: Database
    app: ASGIApp
    used_at: float
    watching: asyncio.Task[None]


class Stage:
    """An ASGI application for all paths under PREFIX. `build` makes the application over a database, its keys and the
    gateways that are paid through; at most one rehearsal is served at a time, the latest."""

    def __init__(
        self, url: str, keys: Keys, build: Callable[[Database, Keys, Sequence[payments.Gateway]], ASGIApp]
    ) -> None:
        self._url = url
        self._keys = keys
        self._build = build
        self._clock = RealClock()
        self._set: _Set | None = None
        self._opening = asyncio.Lock()
        self._claims: dict[str, _Claim] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tag, _, path = scope["path"].removeprefix(PREFIX).partition("/")
        try:
            name = self._named(tag)
            found = self._set
            if found is None or found.name != name:
                found = await self._open(name)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        found.used_at = monotonic()
        scope["path"] = f"/{path}"
        scope["raw_path"] = scope["path"].encode()
        await found.app(scope, receive, send)

    def _named(self, tag: str) -> str:
        """The rehearsal that a tag names. Raises NotFound when it is forged, damaged or expired."""
        claim = self._claims.get(tag)
        if claim is None:
            signed = self._keys.signed(USE, tag)
            if signed is None:
                raise NotFound
            # One rehearsal has one tag, so this stays small: it is emptied with the set.
            claim = self._claims[tag] = _decode(signed)
        if claim.until <= self._clock.now().timestamp():
            raise NotFound
        return claim.name

    async def close(self) -> None:
        found, self._set = self._set, None
        self._claims.clear()
        if found is not None:
            found.watching.cancel()
            await found.db.close()

    async def _open(self, name: str) -> _Set:
        """Raises NotFound for a rehearsal that is over, and DatabaseAway."""
        async with self._opening:
            if self._set is not None and self._set.name == name:
                return self._set
            db = await Database.open(sibling(self._url, name))
            try:
                async with db.read() as tx:
                    secret = await get_secret(tx, self._keys, GATEWAY_SECRET)
            except asyncpg.exceptions.InvalidCatalogNameError:
                raise NotFound from None
            await self.close()
            # Only its webhooks come here: the one to call it is the rehearsal's worker.
            gateways = [] if secret is None else [payments.Gateway("", "", secret)]
            app = self._build(db, apart(self._keys, name), gateways)
            self._set = _Set(name, db, app, monotonic(), asyncio.create_task(self._watch(db)))
            log("rehearsal_opened", name=name)
            return self._set

    async def _watch(self, db: Database) -> None:
        """Says twice a second how this process is, until nobody has sent anything for a while or the database is
        gone. At the limit its own turn may not come (DatabaseAway): then it says nothing, and the rehearsal goes on."""
        with suppress(asyncpg.exceptions.PostgresError):
            while self._set is None or monotonic() - self._set.used_at < IDLE_S:
                late_s = await _late_s()
                batches, commands = _batches()
                sample = {
                    "pid": os.getpid(), "at": self._clock.now(), "cpu_s": sum(os.times()[:2]), "late_ms": late_s * 1000,
                    "in_use": db.in_use(), "batches": batches, "commands": commands,
                }  # fmt: skip
                with suppress(DatabaseAway):
                    async with db.write(durable=False) as tx:
                        await tx.run(_SAMPLE, **sample)
        log("rehearsal_closed")
        # Not `close`: that would cancel this very task.
        if self._set is not None and self._set.db is db:
            self._set = None
        await db.close()


async def _late_s() -> float:
    """The longest that a short sleep overslept in SAMPLE_S: so long was the event loop busy with others."""
    until, late_s = monotonic() + SAMPLE_S, 0.0
    while (now := monotonic()) < until:
        await asyncio.sleep(LATE_EVERY_S)
        late_s = max(late_s, monotonic() - now - LATE_EVERY_S)
    return late_s


def _batches() -> tuple[int, int]:
    """Batches of this process so far, and commands in them."""
    values = {sample.name: sample.value for metric in REHEARSAL.batches.collect() for sample in metric.samples}
    return int(values["entrepot_rehearsal_batch_commands_count"]), int(values["entrepot_rehearsal_batch_commands_sum"])
