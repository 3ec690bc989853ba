"""The worker process: consumers of events, timers, and what waits for gateways. Any number of them may run."""

from __future__ import annotations

import asyncio
import signal
import sys

import httpx

from entrepot import payments
from entrepot.accounts import jobs as accounts_jobs
from entrepot.kit import idempotency
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.events import consume
from entrepot.kit.log import log
from entrepot.kit.problem import DatabaseAway
from entrepot.orders import jobs as orders_jobs
from entrepot.settings import Settings, SettingsError, load

CONSUMERS = orders_jobs.CONSUMERS
IDLE_S = 0.2
TIDY_EVERY = 3_000
"""Idle rounds between two clean-ups: about ten minutes."""


async def step(
    db: Database, cell: int = 0, gateway: payments.Gateway | None = None, client: httpx.AsyncClient | None = None
) -> int:
    """One round of everything; how much there was to do."""
    found = 0
    for consumer in CONSUMERS:
        found += await consume(db, consumer, cell)
    found += await orders_jobs.run_timers(db, cell)
    if gateway is not None and client is not None:
        found += await orders_jobs.sweep(db, client, gateway, cell)
    return found


async def run_until_idle(
    db: Database, cell: int = 0, gateway: payments.Gateway | None = None, client: httpx.AsyncClient | None = None
) -> int:
    """Rounds until there is nothing to do at the clock's now; how much there was."""
    total = 0
    while found := await step(db, cell, gateway, client):
        total += found
    return total


async def tidy(db: Database) -> None:
    """Deletes what is kept for a time only."""
    async with db.write() as tx:
        await idempotency.forget_old(tx, tx.now)
        await accounts_jobs.forget_tries(tx)


async def work(settings: Settings) -> None:
    """Rounds until SIGTERM or SIGINT. A database that is away is waited for."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    keys = Keys(settings.secret.encode())
    db = await Database.open(settings.database_url)
    rounds = 0
    gateway: payments.Gateway | None = None
    try:
        async with httpx.AsyncClient() as client:
            while not stop.is_set():
                found = 0
                try:
                    if rounds % TIDY_EVERY == 0:
                        gateway = await payments.find_gateway(db, keys, settings.sandbox_url, settings.public_url)
                        await tidy(db)
                    found = await step(db, 0, gateway, client)
                    rounds += 1
                except DatabaseAway:
                    log("database_away")
                    await _pause(stop, 2.0)
                if not found:
                    await _pause(stop, IDLE_S)
    finally:
        await db.close()


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
