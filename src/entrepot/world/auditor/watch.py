"""`entrepot audit --watch`: the auditor beside a live shop, all the time and at a bounded load.

Each round has two parts, each on a connection and a snapshot of its own:

    a look     at what has happened since the last round, by the incremental audit (touched.py), and at SWEEP balances
               and rows of stock in turn: one that was changed behind everybody's back is no longer what was remembered
    slices     of the full audit: a check over SLICE keys, then over the next keys, then the next check, round and
               round. Together they take at most SHARE of the time of one server process. Some checks cannot be cut;
               after such a one the slices pause until its time is made up for.

It writes nothing and locks nothing, and keeps some 300 bytes for each account and row of stock.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from prometheus_client import Counter, Gauge, start_http_server

from entrepot.kit.cells import cells
from entrepot.kit.citus import CitusError, is_distributed
from entrepot.kit.clock import Clock, RealClock, monotonic
from entrepot.kit.db import GONE, ReadTx
from entrepot.kit.log import log
from entrepot.kit.sql import Query, sql
from entrepot.settings import Settings
from entrepot.world.auditor import run, touched
from entrepot.world.auditor.check import Check, Finding, Tally
from entrepot.world.auditor.checks import CHECKS

INTERVAL_S = 5.0
SHARE = 0.1
SLICE = 20_000
SWEEP = 50_000

COMPARED = Counter("entrepot_audit_compared", "Rows that the slices of the watching auditor have compared")
FOUND = Counter("entrepot_audit_findings", "What the watching auditor has found, each thing once", ["check"])
ROUNDS = Counter("entrepot_audit_rounds", "Rounds of the watching auditor")
PASSES = Counter("entrepot_audit_passes", "How often the watching auditor has gone through everything")
PASS_S = Gauge("entrepot_audit_pass_seconds", "How long the last time took")


class Keys(msgspec.Struct, frozen=True, eq=False):
    """The keys by which checks are cut: `nth` is the last of the next `:skip` + 1, and all lie in (first, last]."""

    nth: Query[Any]
    first: Any
    last: Any


def _keys(table: str, key: str, of: type[UUID | int]) -> Keys:
    nth = sql(
        f"select {key} from {table} where cell = :cell and {key} > :after order by {key} offset :skip limit 1",  # noqa: S608
        of,
    )
    return Keys(nth, UUID(int=0), UUID(int=(1 << 128) - 1)) if of is UUID else Keys(nth, 0, (1 << 63) - 1)


KEYS = {
    "order": _keys("orders.order", "id", UUID),
    "group": _keys("orders.order_group", "id", UUID),
    "cause": _keys("ledger.transfer", "cause_id", UUID),
    "account": _keys("ledger.account", "id", int),
    "stock": _keys("inventory.stock", "id", int),
    "movement": _keys("inventory.movement", "id", int),
}


async def slice_of(
    tx: ReadTx, cell: int, check: Check, after: Any, size: int = SLICE
) -> tuple[Tally, list[Finding], Any]:
    """The check of the `size` keys that follow `after`, from the beginning without one: how much it compared, what it
    found, and the last key, or None when it was the last slice. A check that cannot be cut is one slice."""
    given = {"cell": cell, "overdue": tx.now - run.GRACE, "sample": run.SAMPLE}
    if check.slices is None or check.by is None:
        return *await run.compare(tx, check.name, check.whole, given), None
    keys = KEYS[check.by]
    after = keys.first if after is None else after
    upto = await tx.maybe(keys.nth, cell=cell, after=after, skip=size - 1)
    given |= {"after": after, "upto": keys.last if upto is None else upto}
    return *await run.compare(tx, check.name, check.slices, given), upto


@dataclass
class Cell:
    """How far the watch over one cell has got; `after` is None at the beginning of a check."""

    cell: int
    books: touched.Books
    check: int = 0
    after: Any = None
    began: float = field(default_factory=monotonic)


class Watch:
    """`round()` again and again; `tell` hears every finding once, and again when it comes back after it was gone."""

    def __init__(self, url: str, clock: Clock, tell: Callable[[int, Finding], None]) -> None:
        self._url, self._clock, self._tell = url, clock, tell
        self._cells: list[Cell] = []
        self._looks: asyncpg.Connection | None = None
        self._slices: asyncpg.Connection | None = None
        self._before: set[tuple[int, str, str]] = set()  # found in the pass before this one
        self._found: set[tuple[int, str, str]] = set()
        self._turn = 0
        self.total = 0

    async def open(self) -> None:
        """Connects, or connects again; what is remembered stays. Raises CitusError, and what asyncpg raises."""
        self._looks = await touched.connect(self._url)
        if await is_distributed(self._looks):
            raise CitusError(
                "--watch tells what is new by the transactions of one server, and here are several: audit without"
            )
        self._slices = await asyncpg.connect(self._url, server_settings=run.SESSION, timeout=10)
        async with _snapshot(self._looks):
            tx = ReadTx(self._looks, self._clock.now())
            await self._meet(tx, await tx.all(run.CELLS) or [0])

    async def close(self) -> None:
        for conn in (self._looks, self._slices):
            if conn is not None:
                await conn.close(timeout=1)

    async def round(self, budget_s: float) -> float:
        """A look at each cell, then slices while there is time left of `budget_s`, at most of everything once; what is
        left, less than nothing when the last slice took longer. Raises what asyncpg raises."""
        assert self._looks is not None
        async with _snapshot(self._looks):
            tx = ReadTx(self._looks, self._clock.now())
            await self._meet(tx, await cells(tx))
        for cell in self._cells:
            async with _snapshot(self._looks):
                tx = ReadTx(self._looks, self._clock.now())
                if not await touched.is_unchanged(tx, cell.books):
                    self._report(cell, await touched.look(tx, cell.books, SWEEP))
        turn = self._turn
        while budget_s > 0 and self._turn < turn + len(self._cells):
            began = monotonic()
            cell = self._cells[self._turn % len(self._cells)]
            await self._slice(cell)
            budget_s -= monotonic() - began
        ROUNDS.inc()
        return budget_s

    async def _meet(self, tx: ReadTx, there: Sequence[int]) -> None:
        """Opens the books of the cells that are new."""
        known = {cell.cell for cell in self._cells}
        self._cells += [Cell(cell, await touched.open_books(tx, cell)) for cell in there if cell not in known]

    async def _slice(self, cell: Cell) -> None:
        assert self._slices is not None
        async with _snapshot(self._slices):
            tx = ReadTx(self._slices, self._clock.now())
            tally, findings, cell.after = await slice_of(tx, cell.cell, CHECKS[cell.check], cell.after)
        COMPARED.inc(tally.checked)
        self._report(cell, findings)
        if cell.after is None:
            cell.check += 1
        if cell.check == len(CHECKS):
            self._passed(cell)

    def _passed(self, cell: Cell) -> None:
        PASSES.inc()
        PASS_S.set(monotonic() - cell.began)
        cell.check, cell.began = 0, monotonic()
        self._turn += 1
        if self._turn % len(self._cells) == 0:
            self._before, self._found = self._found, set()

    def _report(self, cell: Cell, findings: list[Finding]) -> None:
        for finding in findings:
            name = cell.cell, finding.check, finding.row
            if name not in self._before and name not in self._found:
                self.total += 1
                FOUND.labels(finding.check).inc()
                self._tell(cell.cell, finding)
            self._found.add(name)


def _snapshot(conn: asyncpg.Connection) -> Any:
    return conn.transaction(isolation="repeatable_read", readonly=True)


# The command


def main(settings: Settings, as_json: bool = False, share: float = SHARE, metrics_port: int | None = None) -> int:
    """`entrepot audit --watch`: until SIGTERM or SIGINT; 1 when anything was found, else 0. Each finding is a line on
    stdout, and one in the log. Prometheus metrics are at 127.0.0.1:`metrics_port`."""
    if metrics_port is not None:
        start_http_server(metrics_port, "127.0.0.1")

    def tell(cell: int, finding: Finding) -> None:
        log("audit_finding", cell=cell, check=finding.check, row=finding.row, expected=finding.expected,
            found=finding.found, detail=finding.detail)  # fmt: skip
        said = msgspec.json.encode(finding).decode() if as_json else (
            f"{finding.check}: {finding.row}: expected {finding.expected}, found {finding.found} ({finding.detail})"
        )  # fmt: skip
        print(said, flush=True)

    return asyncio.run(_watch(Watch(settings.database_url, RealClock(), tell), share))


async def _watch(watch: Watch, share: float) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    connected, time_s = False, 0.0
    try:
        while not stop.is_set():
            try:
                if not connected:
                    await watch.open()
                    connected = True
                    log("audit_watches", interval_s=INTERVAL_S, share=share)
                # What a slice took too long is taken from the rounds after it; what is not used is not saved.
                time_s = await watch.round(min(time_s, 0.0) + INTERVAL_S * share)
            except (*GONE, TimeoutError) as error:
                log("database_away", error=type(error).__name__)
                await watch.close()
                connected = False
            await _pause(stop, INTERVAL_S)
    finally:
        await watch.close()
    log("audit_ended", findings=watch.total)
    return 1 if watch.total else 0


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
