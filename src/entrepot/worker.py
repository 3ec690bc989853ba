"""The worker process: consumers of events, timers, and what waits for gateways. Any number of them may run."""

from __future__ import annotations

import asyncio
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import cycle

import httpx

from entrepot import customs, fraud, notify, orders, payments, webhooks
from entrepot.accounts import jobs as accounts_jobs
from entrepot.campaigns import jobs as campaigns_jobs
from entrepot.chargebacks import jobs as chargebacks_jobs
from entrepot.credit import jobs as credit_jobs
from entrepot.customs import jobs as customs_jobs
from entrepot.disputes import jobs as disputes_jobs
from entrepot.exchange import jobs as exchange_jobs
from entrepot.fees import jobs as fees_jobs
from entrepot.invoices import jobs as invoices_jobs
from entrepot.kit import idempotency
from entrepot.kit.auth import Keys
from entrepot.kit.cells import cells
from entrepot.kit.db import Database
from entrepot.kit.events import BATCH, consume, forget, news
from entrepot.kit.log import log
from entrepot.kit.problem import DatabaseAway
from entrepot.kit.strangers import open_strangers
from entrepot.ledger import jobs as ledger_jobs
from entrepot.metering import jobs as metering_jobs
from entrepot.notify import jobs as notify_jobs
from entrepot.orders import jobs as orders_jobs
from entrepot.platform import jobs as platform_jobs
from entrepot.reviews import jobs as reviews_jobs
from entrepot.settings import Settings, SettingsError, load

Part = Callable[[], Awaitable[int]]

CONSUMERS = (
    *orders_jobs.CONSUMERS, *disputes_jobs.CONSUMERS, *chargebacks_jobs.CONSUMERS, *notify_jobs.CONSUMERS,
    *fraud.CONSUMERS, *reviews_jobs.CONSUMERS, *customs_jobs.CONSUMERS, *webhooks.CONSUMERS,
)  # fmt: skip
TIMERS = (
    *exchange_jobs.TIMERS, *credit_jobs.TIMERS,
    *orders_jobs.TIMERS, *ledger_jobs.TIMERS, *disputes_jobs.TIMERS, *campaigns_jobs.TIMERS, *platform_jobs.TIMERS,
    *notify_jobs.TIMERS, *chargebacks_jobs.TIMERS,
    *fees_jobs.TIMERS, *metering_jobs.TIMERS, *invoices_jobs.TIMERS, *reviews_jobs.TIMERS,
)  # fmt: skip
IDLE_S, GATEWAY_IDLE_S, TIMERS_IDLE_S, LETTERS_IDLE_S, TIDY_IDLE_S, AWAY_S = 0.2, 0.5, 1.0, 2.0, 600.0, 2.0
"""Seconds to wait when there is little to do: events, calls (of the gateway, of webhooks), timers, mail, clean-ups; and
for a database that is away."""
ENOUGH = 100
"""Less than this waits for more to gather: a round costs nearly as much for one thing as for a hundred."""

FAULT_S = 1.0
"""After a fault of ours."""


async def readers(db: Database, cell: int) -> list[Part]:
    """The consumers that have something to read in a cell; one does a batch and says how much there was to do."""
    return [partial(consume, db, consumer, cell) for consumer in await news(db, CONSUMERS, cell)]


async def follow(db: Database) -> int:
    """A batch of each, cell by cell."""

    async def read(cell: int) -> int:
        return await _all(await readers(db, cell))

    return await _all([partial(read, cell) for cell in await _cells(db)])


async def timers(db: Database) -> list[Part]:
    """Each timer of each cell; one does a batch and says how much there was to do."""
    return [partial(orders_jobs.run_timer, db, timer, cell) for cell in await _cells(db) for timer in TIMERS]


async def sweeps(db: Database, client: httpx.AsyncClient, gateway: payments.Gateway) -> list[Part]:
    """The same of what waits for the gateway."""
    return [partial(orders_jobs.sweep, db, client, gateway, cell) for cell in await _cells(db)]


async def letters(db: Database, channels: notify.Channels) -> list[Part]:
    """The same of what goes out by mail and text message."""
    return [partial(notify_jobs.send_due, db, channels, cell) for cell in await _cells(db)]


async def questions(db: Database, client: httpx.AsyncClient, keys: Keys) -> list[Part]:
    """The same of what waits for the service that orders are judged by."""
    return [partial(fraud.sweep, db, client, keys, cell) for cell in await _cells(db)]


async def filings(db: Database, client: httpx.AsyncClient, office: customs.Office, keys: Keys) -> list[Part]:
    """The same of what waits for customs."""
    return [partial(customs_jobs.sweep, db, client, office, keys, cell) for cell in await _cells(db)]


async def _cells(db: Database) -> list[int]:
    async with db.read() as tx:
        return await cells(tx)


async def run_until_idle(
    db: Database, gateway: payments.Gateway | None = None, client: httpx.AsyncClient | None = None
) -> int:
    """Everything in turn until there is nothing to do at the clock's now; how much there was."""
    there, todo = await _cells(db), await timers(db)
    if gateway is not None and client is not None:
        todo += await sweeps(db, client, gateway)

    async def read() -> int:  # what an event leads to is mostly another event: all of them come before the timers
        found = 0
        while passed := sum([await part() for cell in there for part in await readers(db, cell)]):
            found += passed
        return found

    parts = cycle([read, *todo])
    total = nothing = 0
    while nothing <= len(todo):  # until none of them had, since one last had
        found = await next(parts)()
        total += found
        nothing = 0 if found else nothing + 1
    return total


async def chores(db: Database) -> list[Part]:
    """Each kind of thing that is kept for a time only; one deletes a batch and says how much went."""
    found = [accounts_jobs.forget_tries, payments.forget_webhooks]
    for cell in await _cells(db):
        found += [partial(idempotency.forget_old, cell=cell), partial(orders.forget_carts, cell=cell)]
        found += [partial(forget, cell=cell, consumers=CONSUMERS), partial(notify_jobs.forget, cell=cell)]
        found += [partial(accounts_jobs.forget_addresses, cell=cell), partial(webhooks.forget, cell=cell)]
        found.append(partial(accounts_jobs.forget_guests, cell=cell))
    return [partial(db.transact, chore, durable=False) for chore in found]


async def work(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT. What waits for the gateway, and mail, have loops of their own: a slow answer holds
    up nothing else. A database that is away is waited for."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    keys = Keys(settings.secret.encode())
    db = await Database.open(settings.database_url)
    channels = notify.open_channels(settings, keys, db.clock)

    async def tend() -> int:
        return await _all(await timers(db))

    async def post() -> int:
        return await _all(await letters(db, channels)) if channels.ways else 0

    async def tidy() -> int:
        return await _all(await chores(db))

    async with (
        payments.open_client() as client,
        open_strangers(private=settings.webhooks_private) as strangers,
        open_strangers(private=settings.fraud_private, here=True) as judges,
    ):
        lanes = webhooks.Lanes(db, strangers, keys)

        async def tell() -> int:
            return sum([await lanes.fill(cell) for cell in await _cells(db)])

        async def ask() -> int:
            gateways = await payments.find_gateways(db, keys, settings)
            return sum([await _all(await sweeps(db, client, gateway)) for gateway in gateways])

        async def judge() -> int:
            return await _all(await questions(db, judges, keys))

        office = customs.office_of(settings.customs_url)

        async def file() -> int:
            return await _all(await filings(db, client, office, keys)) if office else 0

        await asyncio.gather(
            _loop(stop, IDLE_S, partial(follow, db), BATCH),
            _loop(stop, TIMERS_IDLE_S, tend),
            _loop(stop, GATEWAY_IDLE_S, ask),
            _loop(stop, GATEWAY_IDLE_S, judge),
            _loop(stop, GATEWAY_IDLE_S, file),
            _loop(stop, LETTERS_IDLE_S, post),
            _loop(stop, GATEWAY_IDLE_S, tell),
            _loop(stop, TIDY_IDLE_S, tidy),
        )
        lanes.drop()
    await db.close()


async def _loop(stop: asyncio.Event, idle_s: float, work: Part, enough: int = ENOUGH) -> None:
    """`work` again and again until `stop`, with a pause when there was less than `enough` to do."""
    while not stop.is_set():
        found = 0
        try:
            found = await spared(work)
        except DatabaseAway:
            log("database_away")
            await _pause(stop, AWAY_S)
        if found < enough:
            await _pause(stop, idle_s)


async def _all(parts: list[Part]) -> int:
    return sum([await spared(part) for part in parts])


async def spared(part: Part) -> int:
    """How much a part of the work found to do. One that fails is logged and holds up no other; it is tried again with
    the next round. Raises DatabaseAway."""
    try:
        return await part()
    except DatabaseAway:
        raise
    except Exception as error:
        where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        log("fault", error=type(error).__name__, where=where[-6:])
        await asyncio.sleep(FAULT_S)
        return 0


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def main(settings: Settings) -> None:
    asyncio.run(work(settings))


if __name__ == "__main__":
    try:
        main(load())
    except SettingsError as error:
        sys.exit(f"entrepot: {error}")
