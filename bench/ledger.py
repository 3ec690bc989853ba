"""The bench `ledger`: transfers in two phases, releases by several processes, statements and trial balances (issue 4).

A transfer in two phases is a hold and its settlement, each in a transaction of its own that is durable, with its name
looked up and the limit of its account judged; it counts as one. A figure counts only if every command was carried out
and the auditor's checks of balances, holds and limits find nothing.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from uuid import UUID

import asyncpg

from bench.machine import Machine, pgbench, started
from bench.report import Outcome, Target
from entrepot import ledger
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.migrate import migrate
from entrepot.ledger import Hold, Settle, Transfer
from entrepot.ledger.actions import apply
from entrepot.ledger.types import Command
from entrepot.statements import CHUNK as CHUNK_OF_FILE
from entrepot.statements import Desk, Parties, csv_of_statement, lines_from, printed, statement
from entrepot.world.auditor import audit

BOOKS = "books"
"""The database that parts are copied from."""
IN_FLIGHT = 4
"""Batches: while one waits for the disk, or for balances that another has changed, the next is written."""
SINGLE_IN_FLIGHT = 16
"""As many as pgbench has."""
WARM_UP = 6
MAX_DRIFT = 1.2
RELEASED = 128
CHUNK = 500_000
CHECKED = ("balance", "balance_rows", "trial_balance", "limit", "hold", "transfer_currency")
DAYS = 30
"""Over which the history of a trial balance is spread."""
FIRST_DAY = date(2026, 1, 1)

TARGETS = (
    Target("batched_1024", "pgbench", 10),
    Target("batched_128", "pgbench", 6),
    Target("release_batched_2", "release_batched", 1),
    Target("statement_100k", 1, at_most=True),
    Target("statement_csv_100k", 3, at_most=True),
    Target("statement_pdf_100k", 1, at_most=True),
    Target("trial_balance_3m", "trial_balance_1m", 3.6, at_most=True),
    Target("trial_balance_10m", "trial_balance_1m", 12, at_most=True),
    Target("close_day_10m", "close_day_1m", 2, at_most=True),
)


@dataclass(frozen=True)
class Scale:
    """How much each part does. Times are bounded by counts."""

    pgbench_s: int
    pgbench_scale: int
    accounts: int
    transfers: int  # per batched part
    singles: int
    releases: int  # per process
    lines: int
    histories: tuple[tuple[str, int], ...]


FULL = Scale(
    8, 10, accounts=100_000, transfers=81_920, singles=4_000, releases=10_240, lines=100_000,
    histories=(("1m", 1_000_000), ("3m", 3_000_000), ("10m", 10_000_000)),
)  # fmt: skip

Values = dict[str, tuple[float, str]]
Part = Callable[[Machine, Scale], Values]


def run(scale: Scale, only: tuple[str, ...], tell: Callable[[str], None]) -> Outcome:
    """Measures the parts named in `only`, between two runs of pgbench."""
    outcome = Outcome("ledger", TARGETS)
    with started() as machine:
        tell("pgbench")
        before = pgbench(machine, scale.pgbench_s, scale.pgbench_scale)
        with machine.database(BOOKS) as url:
            asyncio.run(_open_books(url, scale.accounts))
            for name in only:
                tell(name)
                outcome.values |= PARTS[name](machine, scale)
        tell("pgbench")
        after = pgbench(machine, scale.pgbench_s, scale.pgbench_scale)
    outcome.values = {"pgbench": (max(before, after), "tx/s"), **outcome.values}
    if max(before, after) > MAX_DRIFT * min(before, after):
        outcome.void = f"pgbench gave {before:,.0f} tx/s before and {after:,.0f} after: the machine was not quiet"
    return outcome


# The accounts: wallets with money, as many sellers as a tenth of them, and the house's.


async def _open_books(url: str, count: int) -> None:
    await migrate(url)
    async with _opened(url) as db:
        cash = 0
        for first in range(0, count, 2_000):
            owners = [new_id(db.clock.now()) for _ in range(min(2_000, count - first))]
            async with db.write() as tx:
                (cash, *_) = await _open(tx, ["cash", "escrow", "commission", "payment_fee"], [NIL] * 4, striped=True)
                wallets = await _open(tx, ["wallet"] * len(owners), owners, limited=True)
                await _open(tx, ["seller"] * len(owners[::10]), owners[::10])
                top_ups = [Transfer(owner, "top_up", cash, w, 10**9) for owner, w in zip(owners, wallets, strict=True)]
                await ledger.post_all(tx, 0, top_ups)
        async with db.write() as tx:
            (hot,) = await _open(tx, ["wallet"], [NIL], limited=True)
            await ledger.post_all(tx, 0, [Transfer(NIL, "top_up", cash, hot, 10**12)])
    await _vacuum(url)


async def _open(tx, codes, owners, *, limited=False, striped=False) -> list[int]:  # type: ignore[no-untyped-def]
    return await ledger.open_accounts(
        tx, cell=0, codes=codes, owners=owners, currencies=["USD"] * len(codes), limited=limited, striped=striped
    )


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    db = await Database.open(url, size=SINGLE_IN_FLIGHT)
    try:
        yield db
    finally:
        await db.close()


async def _ids(db: Database, code: str) -> list[int]:
    """The accounts of a code; of wallets without the hot one, which belongs to the house."""
    query = "select id from ledger.account where code = $1 and (owner <> $2 or code <> 'wallet') order by id"
    async with db.read() as tx:
        return [row[0] for row in await tx.conn.fetch(query, code, NIL)]


async def _do(db: Database, commands: Sequence[Command], verdict: str) -> None:
    told = await db.transact(lambda tx: apply(tx, 0, commands))
    assert set(told) == {verdict}, set(told)


async def _verify(db: Database) -> None:
    """What the parts do is no business that the auditor knows; that balances are their transfers it can tell."""
    found = [finding for finding in (await audit(db)).findings if finding.check in CHECKED]
    assert not found, found[:3]


# Transfers in two phases


def _pairs(sources: Sequence[int], targets: Sequence[int], count: int) -> Iterator[Hold]:
    """Holds between random accounts of these, of 1 to 100 minor units."""
    chance = random.Random(count)
    for number in range(count):
        debit, credit = chance.choice(sources), chance.choice(targets)
        if debit != credit:
            yield Hold(
                UUID(int=chance.getrandbits(64) + (number << 64)), "bench", debit, credit, chance.randint(1, 100)
            )


def _two_phases(name: str, size: int, machine: Machine, scale: Scale) -> Values:
    async def measure(url: str) -> float:
        async with _opened(url) as db:
            wallets = await _ids(db, "wallet")
            async with db.read() as tx:
                hot = await ledger.account_ids(tx, 0, ["wallet"], [NIL], ["USD"])
            lanes = SINGLE_IN_FLIGHT if size == 1 else IN_FLIGHT
            count = (scale.singles if size == 1 else scale.transfers) + WARM_UP * size * lanes
            holds = list(_pairs(hot if name == "batched_hot" else wallets, wallets, count))
            queue = [holds[n : n + size] for n in range(0, len(holds), size)]
            await _drain(db, queue[: WARM_UP * lanes], lanes)
            measured = queue[WARM_UP * lanes :]
            gc.freeze()  # what waits to be sent is no garbage
            began = time.perf_counter()
            await _drain(db, measured, lanes)
            took = time.perf_counter() - began
            await _verify(db)
            return sum(map(len, measured)) / took

    with machine.database("part", BOOKS) as url:
        return {name: (asyncio.run(measure(url)), "transfers/s")}


async def _drain(db: Database, queue: Sequence[Sequence[Hold]], lanes: int) -> None:
    waiting = iter(queue)

    async def work() -> None:
        for holds in waiting:
            await _do(db, holds, "held")
            await _do(db, [Settle(hold.cause_id, hold.code) for hold in holds], "settled")

    await asyncio.gather(*(work() for _ in range(lanes)))


# Releases, each of which stands or falls whole: escrow 100 -> seller 100, seller 10 -> commission 10, seller 2 -> fee 2


def _releases(processes: int, machine: Machine, scale: Scale) -> Values:
    spawn = multiprocessing.get_context("spawn")
    with machine.database("part", BOOKS) as url:
        begin, took = spawn.Barrier(processes), spawn.Queue()
        workers = [
            spawn.Process(target=_release, args=(url, number, scale.releases // processes, begin, took))
            for number in range(processes)
        ]
        for worker in workers:
            worker.start()
        slowest = max(took.get(timeout=600) for _ in workers)
        for worker in workers:
            worker.join()
        asyncio.run(_verified(url))
    name = "release_batched" + (f"_{processes}" if processes > 1 else "")
    return {name: (scale.releases // processes * processes / slowest, "releases/s")}


def _release(url: str, number: int, count: int, begin: Barrier, took: Queue[float]) -> None:
    """In a process of its own: one connection, batches of RELEASED."""

    async def work() -> None:
        async with _opened(url) as db:
            sellers = await _ids(db, "seller")
            escrow, commission, fee = [(await _ids(db, code))[0] for code in ("escrow", "commission", "payment_fee")]
            chance, batches = random.Random(number), []
            for first in range(0, count + WARM_UP * RELEASED, RELEASED):
                batch: list[Command] = []
                for link in range(min(RELEASED, count + WARM_UP * RELEASED - first)):
                    order, seller = new_id(db.clock.now()), chance.choice(sellers)
                    batch += [
                        Transfer(order, "release", escrow, seller, 100, link),
                        Transfer(order, "commission", seller, commission, 10, link),
                        Transfer(order, "payment_fee", seller, fee, 2, link),
                    ]
                batches.append(batch)
            for batch in batches[:WARM_UP]:
                await _do(db, batch, "posted")
            await asyncio.to_thread(begin.wait)
            began = time.perf_counter()
            for batch in batches[WARM_UP:]:
                await _do(db, batch, "posted")
            took.put(time.perf_counter() - began)

    asyncio.run(work())


async def _verified(url: str) -> None:
    async with _opened(url) as db:
        await _verify(db)


# Statement and trial balance


def _statement(machine: Machine, scale: Scale) -> Values:
    """A month of a seller with so many lines: opening, groups, days and all lines, some thousand at a time; as a file
    of rows; as a PDF."""

    async def measure(url: str) -> Values:
        async with _opened(url) as db:
            await _history(db, scale.lines, sellers=1)
            (seller,) = (await _ids(db, "seller"))[:1]
            # The history is rows only; a statement is read back from the balance that they make.
            async with db.write() as tx:
                owner = await tx.conn.fetchval("select owner from ledger.account where id = $1", seller)
                await tx.conn.execute(
                    "update ledger.balance set credits = (select sum(amount) from ledger.transfer where credit = $1) "
                    "where account_id = $1", seller,
                )  # fmt: skip
            desk, took = Desk(0, owner, "USD"), dict[str, float]()
            began = time.perf_counter()
            async with db.read() as tx:
                found, lines, after = await statement(tx, desk, f"{FIRST_DAY:%Y-%m}"), 0, None
                balance = found.opening_minor
                while some := await lines_from(tx, desk, found, after, balance, CHUNK_OF_FILE):
                    lines, after, balance = lines + len(some), some[-1].place, some[-1].balance_minor
            took["statement_100k"] = time.perf_counter() - began
            assert (lines, balance, found.opening_minor) == (scale.lines, found.closing_minor, 0)
            began = time.perf_counter()
            size = sum([len(part) async for part in csv_of_statement(db, desk, found, "en")])
            took["statement_csv_100k"] = time.perf_counter() - began
            assert size > scale.lines * 50
            began = time.perf_counter()
            async with db.read() as tx:
                found = await statement(tx, desk, f"{FIRST_DAY:%Y-%m}")
            assert printed(found, (), Parties(None, None, "A Seller"), db.clock.now(), "en")
            took["statement_pdf_100k"] = time.perf_counter() - began
            return {name: (seconds, "s") for name, seconds in took.items()}

    with machine.database("part", BOOKS) as url:
        return asyncio.run(measure(url))


def _trial_balances(machine: Machine, scale: Scale) -> Values:
    """Over so many transfers of DAYS days: of all of them (no day was closed before), and of one more day."""

    async def measure(url: str) -> Values:
        values: Values = {}
        async with _opened(url) as db:
            made = 0
            for name, size in scale.histories:
                await _history(db, size - made, first=made)
                made = size
                async with db.write() as tx:
                    await tx.conn.execute("delete from ledger.day_total")
                    await tx.conn.execute("delete from ledger.closed_day")
                    await tx.conn.execute("delete from ledger.transfer where code = 'refund_credit'")
                last = FIRST_DAY + timedelta(days=DAYS - 1)
                values[f"trial_balance_{name}"] = (await _closed(db, last, size), "s")
                await _history(db, scale.histories[0][1] // DAYS, day=DAYS, code="refund_credit")
                values[f"close_day_{name}"] = (
                    await _closed(db, last + timedelta(days=1), scale.histories[0][1] // DAYS), "s",
                )  # fmt: skip
        return values

    with machine.database("part", BOOKS) as url:
        return asyncio.run(measure(url))


async def _history(
    db: Database,
    count: int,
    *,
    first: int = 0,
    sellers: int | None = None,
    day: int | None = None,
    code: str = "release",
) -> None:
    """So many transfers from escrow to sellers, in the order of their time, over DAYS days or on one; only the rows."""
    ids = (await _ids(db, "seller"))[:sellers]
    (escrow,) = await _ids(db, "escrow")
    async with db.write() as tx:
        for start in range(first, first + count, CHUNK):
            stop = min(start + CHUNK, first + count)
            await tx.conn.execute(
                """
                insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
                select 0, lpad(to_hex(n), 32, '0')::uuid, $1, $2, ($3::bigint[])[1 + n % cardinality($3::bigint[])],
                       100 + n % 7, $4::timestamptz + (coalesce($5, (n - $6) * $7 / $8)) * interval '1 day'
                                    + n % 86400 * interval '1 second'
                  from generate_series($9::bigint, $10::bigint - 1) n
                """,
                code, escrow, ids, datetime.combine(FIRST_DAY, datetime.min.time(), UTC), day, first, DAYS, count,
                start, stop,
            )  # fmt: skip
    await _vacuum(db.url)


async def _vacuum(url: str) -> None:
    """As autovacuum does in its time."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def _closed(db: Database, through: date, transfers: int) -> float:
    """Seconds that it takes to close the days up to this one, which have so many transfers."""
    async with db.write() as tx:
        before = await tx.conn.fetchval("select coalesce(sum(transfers), 0) from ledger.closed_day")
        began = time.perf_counter()
        await ledger.close_days(tx, 0, through)
        took = time.perf_counter() - began
        assert await tx.conn.fetchval("select sum(transfers) from ledger.closed_day") == before + transfers
        lines = await ledger.trial_balance(tx, [0], through)
        assert sum(line.closing_minor for line in lines) == 0
    return took


PARTS: dict[str, Part] = {
    "single": partial(_two_phases, "single", 1),
    "batched_128": partial(_two_phases, "batched_128", 128),
    "batched_1024": partial(_two_phases, "batched_1024", 1_024),
    "batched_hot": partial(_two_phases, "batched_hot", 1_024),
    "release_batched": partial(_releases, 1),
    "release_batched_2": partial(_releases, 2),
    "release_batched_4": partial(_releases, 4),
    "statement_100k": _statement,
    "trial_balance": _trial_balances,
}
