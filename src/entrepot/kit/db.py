"""The database: typed reads, and one transaction per write that only its opener commits.

Three pools of one server: `write` (durable), `relaxed` (carts and quotes: half a second of them may be lost), `read`
(the server itself refuses writes there, so a read needs no transaction); and a small fourth for kit.glance.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.exceptions._base import InterfaceError, InternalClientError  # a type checker sees them only there

from entrepot.kit import audit
from entrepot.kit.clock import Clock, RealClock
from entrepot.kit.outside import in_transaction
from entrepot.kit.problem import DatabaseAway
from entrepot.kit.sql import Query, sql

Row = TypeVar("Row")
Answer = TypeVar("Answer")

_ELEMENTS = ("bool", "bytea", "date", "int2", "int4", "int8", "jsonb", "timestamptz", "uuid")
_ARRAYS = "select " + ", ".join(f"null::{element}[]" for element in _ELEMENTS)
"""asyncpg asks the server what an array type is when a statement of the connection first has one, with whatever locks
are held: here it asks for all that we use at once, and before there are any."""
_BUILT_IN = 16_384
"""The ids of PostgreSQL's own types are below it."""
_OWN_ARRAYS = """
    select a.oid, 'pg_catalog' as ns, a.typname as name, a.typtype as kind, null::oid as basetype,
           a.typelem as elemtype, e.typdelim as elemdelim, null::oid as range_subtype, null::oid[] as attrtypoids,
           null::text[] as attrnames, 0 as depth, null::text as basetype_name,
           a.typelem::regtype::text as elemtype_name, null::text as range_subtype_name
      from pg_catalog.pg_type a join pg_catalog.pg_type e on e.oid = a.typelem
     where a.oid = any ($1::oid[]) and a.typlen = -1
"""
"""The columns are those of asyncpg's own question."""
RETRIES = 4
GLANCES = 2
GONE = (OSError, asyncpg.PostgresConnectionError, InterfaceError, asyncpg.OperatorInterventionError,
        asyncpg.TooManyConnectionsError, InternalClientError)  # fmt: skip
"""What a lost or refused connection looks like; the outcome of what was sent is unknown. The last is what asyncpg says
between a dying server's last word (57P02) and the end of the connection."""

_EMIT = sql("""
    select kit.emit_many(:cell, :now, :kinds, :keys, :data)
""")


class _Connection(asyncpg.Connection):
    """Asks what PostgreSQL's own array types are in 1 ms. asyncpg's question also finds composites and domains, and on
    a server with Citus it takes two seconds of each new connection, and ten when some are opened at once."""

    async def _introspect_types(self, typeoids: set[int], *how: Any) -> Any:
        usual: str = self._intro_query
        if max(typeoids) < _BUILT_IN:
            self._intro_query = _OWN_ARRAYS
        try:
            return await super()._introspect_types(typeoids, *how)  # type: ignore[no-untyped-call]
        finally:
            self._intro_query = usual


class ReadTx:
    """Reads. `now` is the time of the request; every value that depends on time takes it from here."""

    __slots__ = ("conn", "now")

    def __init__(self, conn: asyncpg.Connection, now: datetime) -> None:
        self.conn = conn
        self.now = now

    async def all(self, query: Query[Row], **args: Any) -> list[Row]:
        make = query.make
        return [make(*record) for record in await self.conn.fetch(query.text, *query.args(args))]

    async def maybe(self, query: Query[Row], **args: Any) -> Row | None:
        record = await self.conn.fetchrow(query.text, *query.args(args))
        return None if record is None else query.make(*record)

    async def one(self, query: Query[Row], **args: Any) -> Row:
        row = await self.maybe(query, **args)
        if row is None:
            raise LookupError(f"no row: {query.text.strip()}")
        return row


class Tx(ReadTx):
    """A read-write transaction. Code that is handed one never commits it."""

    __slots__ = ("_events", "act")

    def __init__(self, conn: asyncpg.Connection, now: datetime) -> None:
        super().__init__(conn, now)
        self._events: list[tuple[int, str, UUID, dict[str, Any]]] = []
        self.act = audit.begun()

    async def run(self, query: Query[Any], **args: Any) -> str:
        """Runs a statement and gives PostgreSQL's own word on it (`UPDATE 3`)."""
        return await self.conn.execute(query.text, *query.args(args))

    def emit(self, kind: str, key: UUID, data: dict[str, Any], cell: int = 0) -> None:
        """An event of this transaction: written at its end, told if and only if it commits."""
        self._events.append((cell, kind, key, data))

    def was(self, **before: Any) -> None:
        """For the audit log: what an action of staff overwrites, as it was."""
        if self.act is not None:
            self.act.before |= before

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is in it is undone by an exception, its events too, and the transaction can go on."""
        told = len(self._events)
        try:
            async with self.conn.transaction():
                yield
        except BaseException:
            del self._events[told:]
            raise

    async def flush(self) -> None:
        """Writes the emitted events, and the line of an act of staff; the opener calls it just before the commit."""
        if self.act is not None:
            await audit.write(self, self.act, [(kind, key) for _, kind, key, _ in self._events])
        for cell in sorted({event[0] for event in self._events}):
            mine = [event for event in self._events if event[0] == cell]
            await self.conn.execute(
                _EMIT.text, cell, self.now, [e[1] for e in mine], [e[2] for e in mine], [e[3] for e in mine]
            )
        self._events.clear()


class Database:
    """The pools and the clock. Open with `Database.open`, close with `close`."""

    def __init__(self, url: str, clock: Clock, pools: dict[str, asyncpg.Pool]) -> None:
        self.url = url
        self.clock = clock
        self._pools = pools

    @classmethod
    async def open(cls, url: str, clock: Clock | None = None, size: int = 8) -> Database:
        """Connects lazily: a server that is down shows itself at the first use, as DatabaseAway."""
        modes = {
            "write": {},
            "relaxed": {"synchronous_commit": "off"},
            "read": {"default_transaction_read_only": "on"},
            "glance": {"default_transaction_read_only": "on"},
        }
        pools = {
            mode: await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=min(size, GLANCES) if mode == "glance" else size,
                connection_class=_Connection,
                init=_prepare_once if mode == "relaxed" else _prepare,
                reset=_keep,
                statement_cache_size=1000,
                max_cached_statement_lifetime=0,
                command_timeout=60,
                server_settings={"application_name": f"entrepot {mode}", "jit": "off", **extra},
            )
            for mode, extra in modes.items()
        }
        return cls(url, clock or RealClock(), pools)

    async def close(self) -> None:
        for pool in self._pools.values():
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()

    def in_use(self) -> float:
        """The share of its connections that are at work, of the requests' fullest pool; at 1 whoever comes next
        waits."""
        pools = [pool for mode, pool in self._pools.items() if mode != "glance"]
        busy: float = max((p.get_size() - p.get_idle_size()) / p.get_max_size() for p in pools)
        return busy

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        async with self._connection("read") as conn:
            yield ReadTx(conn, self.clock.now())

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[ReadTx]:
        """Like `read`, over connections that no request holds. Requests wait for what kit.glance reads while they hold
        connections of `read`: when they held all of them, it could not get one, and nobody went on."""
        async with self._connection("glance") as conn:
            yield ReadTx(conn, self.clock.now())

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[Tx]:
        """One transaction, committed on leaving, rolled back on an exception."""
        async with self._connection("write" if durable else "relaxed") as conn, conn.transaction():
            tx = Tx(conn, self.clock.now())
            mark = in_transaction.set(in_transaction.get() + 1)
            try:
                yield tx
            finally:
                in_transaction.reset(mark)
            await tx.flush()
        if tx.act is not None:
            tx.act.written = True

    async def transact(self, work: Callable[[Tx], Awaitable[Answer]], *, durable: bool = True) -> Answer:
        """`work` in a transaction, again from the start when PostgreSQL chose it as a victim of a deadlock or a
        serialization failure (at most RETRIES times)."""
        for _ in range(RETRIES):
            try:
                async with self.write(durable=durable) as tx:
                    return await work(tx)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                continue
        async with self.write(durable=durable) as tx:
            return await work(tx)

    @asynccontextmanager
    async def _connection(self, mode: str) -> AsyncIterator[asyncpg.Connection]:
        """A pooled connection; a connection that is refused or breaks becomes the Problem DatabaseAway."""
        try:
            async with self._pools[mode].acquire(timeout=10) as conn:
                yield conn
        except GONE as gone:
            if isinstance(gone, ValueError):  # an argument that does not fit: our mistake, not the server's absence
                raise
            raise DatabaseAway from gone


async def _prepare(conn: asyncpg.Connection) -> None:
    await conn.set_type_codec(
        "jsonb", encoder=_to_json, decoder=msgspec.json.decode, schema="pg_catalog", format="text"
    )
    await conn.fetch(_ARRAYS)  # prepared alone, it would leave the server in a transaction that nobody began


async def _prepare_once(conn: asyncpg.Connection) -> None:
    """With an array among its arguments a statement would be planned anew each time: finding the offers of a cart took
    0.6 ms to plan and 0.1 ms to run. Carts are small, so one plan fits all; but Citus must see which cell is asked."""
    await _prepare(conn)
    await conn.execute(
        "select set_config('plan_cache_mode', 'force_generic_plan', false) "
        "where not exists (select from pg_extension where extname = 'citus')"
    )


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _keep(conn: asyncpg.Connection) -> None:
    """Nothing to reset: we set nothing on a session and take no session locks. Saves a round trip per use."""
