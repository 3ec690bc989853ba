"""The bench `grow`: what an order costs with ten thousand, a million and ten million orders in the database (issue 3).

Each size has a server of its own. The history is written on one that does not wait for the disk nor vacuum; then that
is stopped, and one that is durable, and set as a machine of its own allows, places orders, shows pages and is audited.

The figures that are compared are those of a server at work. The first orders after its start, or after a checkpoint,
cost more, and the more the larger it is: they read the pages of their buyers from the disk and log them whole.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from random import Random
from statistics import median
from uuid import UUID

import asyncpg

from bench import history
from bench.batches import WARM_UP, drain
from bench.machine import cpu_s, folder, running
from bench.market import (
    CELL,
    MARKET,
    ONE_LINE,
    Market,
    Sizes,
    accepted,
    load_market,
    open_market,
    purchases,
    quoted,
    verify,
    written,
)
from bench.report import Outcome, Target
from entrepot import orders
from entrepot.kit.db import Database, ReadTx

BATCH, IN_FLIGHT = 128, 2
MAX_GROWTH, MAX_DRIFT = 1.3, 1.2
BYTES_PER_ORDER, BYTES_BESIDE = 3_700, 5 * 10**9
"""What an order takes on disk, with its indexes; and what the log of changes and the rest of a server take."""
ORDERS_PER_BUYER = 20
LOADING = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "autovacuum": "off", "shared_buffers": "2GB", "maintenance_work_mem": "1GB",
}  # fmt: skip
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
OF_ITS_OWN = {"shared_buffers": f"{max(MEMORY // 4 >> 20, 128)}MB", "max_wal_size": "8GB"}
"""What a machine that is the database's own is to be set to (docs/guide/scale.md); as shipped, one of many buyers reads
and logs the pages of all of them again and again."""


Values = dict[str, tuple[float, str]]


class NoRoomError(Exception):
    """The disk is too small for the sizes asked for."""


@dataclass(frozen=True)
class Scale:
    """`sizes`: orders there are; `batches` of BATCH orders are placed and `pages` of each kind are read at each."""

    sizes: tuple[int, ...]
    market: Sizes
    batches: int
    pages: int


FULL = Scale((10_000, 1_000_000, 10_000_000), Sizes(sellers=100, offers=10_000, buyers=2_000, history=0), 160, 200)


def run(scale: Scale, tell: Callable[[str], None]) -> Outcome:
    """Measures each size and the first once more. Raises NoRoomError before anything is written."""
    sizes = scale.sizes
    _require_room(max(sizes))
    first = label(sizes[0])
    targets = [
        Target(f"{cost}_{label(size)}", f"{cost}_{first}", MAX_GROWTH, at_most=True)
        for size in sizes[1:]
        for cost in ("order", "order_cpu")
    ]
    outcome = Outcome("grow", tuple(targets))
    for size in sizes:
        outcome.values |= _at(size, label(size), scale, tell)
    again = _at(sizes[0], "again", scale, tell)["order_again"]
    outcome.values["order_again"] = again
    before, after = sorted((outcome.values[f"order_{first}"][0], again[0]))
    if after > MAX_DRIFT * before:
        outcome.void = (
            f"an order among {first} took {before:,.0f} us, and another time {after:,.0f}: not a quiet machine"
        )
    return outcome


def label(size: int) -> str:
    """10k for 10,000, 2m for 2,000,000."""
    return f"{size // 10**6}m" if size >= 10**6 else f"{size // 1_000}k" if size >= 1_000 else str(size)


def _require_room(orders_: int) -> None:
    place = tempfile.gettempdir()
    needed, free = orders_ * BYTES_PER_ORDER + BYTES_BESIDE, shutil.disk_usage(place).free
    if free < needed:
        raise NoRoomError(
            f"{label(orders_)} orders need {needed / 1e9:,.0f} GB, and {place} has {free / 1e9:,.0f} GB left: "
            "set TMPDIR to a larger disk, or ask for fewer with --sizes"
        )


def _at(size: int, name: str, scale: Scale, tell: Callable[[str], None]) -> Values:
    market = replace(scale.market, buyers=max(scale.market.buyers, size // ORDERS_PER_BUYER))
    with folder() as home:
        tell(f"{size:,} orders: writing them")
        began = time.perf_counter()
        with running(home, **LOADING) as machine:
            asyncio.run(_make(machine.server.url, market, size, tell))
        os.sync()  # what was written is not to be written while we measure
        made = time.perf_counter() - began
        tell(f"{size:,} orders: placing more")
        with running(home, **OF_ITS_OWN) as machine:
            found = asyncio.run(_measure(machine.server.url, scale, tell))
    return {f"{key}_{name}": value for key, value in ({"made": (made, "s")} | found).items()}


async def _make(url: str, market: Sizes, size: int, tell: Callable[[str], None]) -> None:
    await open_market(url, market)
    db = await Database.open(url)
    await history.grow(url, size, db.clock.now(), tell)
    await db.close()
    connection = await asyncpg.connect(url)
    await connection.execute("vacuum analyze")
    await connection.close()


async def _measure(url: str, scale: Scale, tell: Callable[[str], None]) -> Values:
    db = await Database.open(url)
    try:
        market, before = await load_market(db), await written(db)
        # Until every second buyer has bought: then the pages that buying writes to have been touched.
        plans, rest = WARM_UP * IN_FLIGHT, len(market.buyers) // 2 // BATCH
        asked = list(purchases(market, ONE_LINE, (plans + rest + 2 * scale.batches) * BATCH, BATCH))
        commands = await quoted(db, iter(asked), "grow")
        queue = iter([commands[n : n + BATCH] for n in range(0, len(commands), BATCH)])
        await drain(db, list(islice(queue, plans)), IN_FLIGHT)
        found = await _cost(db, list(islice(queue, scale.batches)), "first_")
        await drain(db, list(islice(queue, rest)), IN_FLIGHT)
        found |= await _cost(db, list(queue))
        found |= await _pages(db, market, scale.pages)
        async with db.read() as tx:
            found["size"] = (await tx.conn.fetchval("select pg_database_size(current_database())") / 1e9, "GB")
        tell(f"an order takes {found['order'][0]:,.0f} us, of CPU {found['order_cpu'][0]:,.0f}; auditing")
        began = time.perf_counter()
        await verify(db, before, accepted(asked))
        return found | {"audit": (time.perf_counter() - began, "s")}
    finally:
        await db.close()


async def _cost(db: Database, batches: Sequence[Sequence[orders.Place]], prefix: str = "") -> Values:
    """What an order takes by the clock, and of all cores, this process's part included."""
    count = sum(map(len, batches))
    used, began = cpu_s(os.getpid()), time.perf_counter()
    await drain(db, batches, IN_FLIGHT)
    took, used = time.perf_counter() - began, cpu_s(os.getpid()) - used
    return {f"{prefix}order": (took * 1e6 / count, "us"), f"{prefix}order_cpu": (used * 1e6 / count, "us")}


async def _pages(db: Database, market: Market, count: int) -> Values:
    """The median time of a page, without what HTTP adds: a buyer's purchases; a seller's orders, those to be sent and
    those in a status that none is in; the operator's month by days."""
    chance = Random(count)
    buyers = [chance.choice(market.buyers) for _ in range(count)]
    sellers = [chance.choice(market.offers)[0].seller_id for _ in range(count)]

    async def of_seller(status: str | None, tx: ReadTx, seller: UUID) -> object:
        return await orders.seller_orders(tx, CELL, seller, status)

    pages: dict[str, tuple[Callable[[ReadTx, UUID], Awaitable[object]], list[UUID]]] = {
        "buyer_page": (lambda tx, buyer: orders.buyer_groups(tx, CELL, buyer), buyers),
        "seller_page": (partial(of_seller, None), sellers),
        "to_send_page": (partial(of_seller, "paid"), sellers),
        "no_such_page": (partial(of_seller, "awaiting_payment"), sellers),
        "days_page": (lambda tx, _: orders.days(tx, MARKET), buyers[:3]),
    }
    async with db.read() as tx:
        return {name: (await _median_ms(partial(page, tx), whose), "ms") for name, (page, whose) in pages.items()}


async def _median_ms(page: Callable[[UUID], Awaitable[object]], whose: Sequence[UUID]) -> float:
    times = []
    for id_ in whose:
        began = time.perf_counter()
        await page(id_)
        times.append(time.perf_counter() - began)
    return median(times) * 1_000
