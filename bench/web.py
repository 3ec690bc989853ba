"""Over HTTP, against the production server: placing, whole purchases, listings and product pages."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from random import Random
from uuid import UUID

import msgspec

from bench import load
from bench.machine import SECRET, Machine, cpu_s, serving
from bench.market import (
    CELL,
    MARKET,
    ONE_LINE,
    SHIPPING,
    WrongRowsError,
    accepted,
    load_market,
    purchases,
    quoted,
    slug,
    verify,
    written,
)
from entrepot import accounts, orders
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import RealClock
from entrepot.kit.db import Database
from entrepot.kit.ids import show

WARM_UP = 0.1
"""The part of a run that goes before, unmeasured, with the same load."""


class Placed(msgspec.Struct, frozen=True):
    """Orders per second, the 99th percentile of the time to the answer, CPU of server and PostgreSQL per order."""

    rate: float
    p99_ms: float
    cpu_ms: float


def place(machine: Machine, url: str, connections: int, count: int) -> Placed:
    """Places `count` stored quotes, each with a session, its quote's id and an idempotency key."""
    return asyncio.run(_place(machine, url, connections, count))


async def _place(machine: Machine, url: str, connections: int, count: int) -> Placed:
    db = await Database.open(url)
    warm = max(int(count * WARM_UP), connections)
    try:
        market, before = await load_market(db), await written(db)
        asked = list(purchases(market, ONE_LINE, warm + count, connections))
        commands = await quoted(db, iter(asked), "http")
        sessions = _sessions(market.buyers)
        requests = [_place_request(command, sessions[command.caller]) for command in commands]
        with serving(machine, url) as web:
            load.run(load.Plan(web.port, connections, requests[:warm]), machine.home / "plan")
            used = cpu_s(web.pid, machine.server.pid)
            told = load.run(load.Plan(web.port, connections, requests[warm:]), machine.home / "plan")
            used = cpu_s(web.pid, machine.server.pid) - used
        _require(told, {201: count})
        await verify(db, before, accepted(asked))
    finally:
        await db.close()
    return Placed(count / told.took_s, told.p99_ms, used * 1000 / count)


def _place_request(command: orders.Place, session: bytes) -> bytes:
    body = msgspec.json.encode({"quote_id": show("quo", command.quote_id), "method": command.method})
    return load.request("POST", "/v1/orders", session + f"idempotency-key: {command.key}\r\n".encode(), body)


def _sessions(buyers: list[UUID]) -> dict[UUID, bytes]:
    keys, now = Keys(SECRET.encode()), RealClock().now()
    return {
        buyer: f"authorization: Bearer {keys.session(Role.BUYER, buyer, now, cell=CELL)}\r\n".encode()
        for buyer in buyers
    }


def _require(told: load.Told, statuses: dict[int, int]) -> None:
    if told.statuses != statuses:
        raise WrongRowsError(f"expected answers {statuses}, got {told.statuses}")


def buy(machine: Machine, url: str, connections: int, count: int) -> float:
    """Whole purchases per second: cart, line, address, shipping, quote, place and pay."""
    return asyncio.run(_buy(machine, url, connections, count))


async def _buy(machine: Machine, url: str, connections: int, count: int) -> float:
    db = await Database.open(url)
    warm = max(int(count * WARM_UP), connections)
    try:
        market, before = await load_market(db), await written(db)
        sessions = _sessions(market.buyers)
        addresses = await _add_addresses(db, market.buyers)
        asked = list(purchases(market, ONE_LINE, warm + count, connections))
        wishes = [
            load.Purchase(
                sessions[one.buyer_id], one.lines[0].offer.offer_id, addresses[one.buyer_id], MARKET, SHIPPING
            )
            for one in asked
        ]  # fmt: skip
        with serving(machine, url) as web:
            load.run(load.Plan(web.port, connections, purchases=wishes[:warm]), machine.home / "plan")
            told = load.run(load.Plan(web.port, connections, purchases=wishes[warm:]), machine.home / "plan")
        _require(told, {201: 3 * count, 204: 3 * count})
        await verify(db, before, accepted(asked))
    finally:
        await db.close()
    return told.done / told.took_s


async def _add_addresses(db: Database, buyers: list[UUID]) -> dict[UUID, str]:
    home = accounts.NewAddress(
        recipient="Ada Byron", line1="1 Main Street", city="Springfield", postal_code="62701", country="US"
    )
    async with db.write() as tx:
        return {buyer: show("adr", await accounts.add_address(tx, CELL, buyer, home)) for buyer in buyers}


def read(machine: Machine, url: str, paths: list[str], connections: int, count: int) -> float:
    """Requests per second of these addresses in turn, each answered in full."""
    requests = [load.request("GET", path) for path in islice(cycle(paths), count)]
    with serving(machine, url) as web:
        load.run(load.Plan(web.port, connections, requests[: max(count // 10, connections)]), machine.home / "plan")
        told = load.run(load.Plan(web.port, connections, requests), machine.home / "plan")
    _require(told, {200: count})
    return count / told.took_s


def listings(products: int) -> list[str]:
    """Pages of 24 products with prices, from anywhere in the catalog."""
    rng = Random(products)
    return [f"/v1/products?market={MARKET}&limit=24&after={rng.randrange(products - 24)}" for _ in range(1_000)]


def details(products: int) -> list[str]:
    """Pages of one product each."""
    rng = Random(products)
    return [f"/v1/products/{slug(rng.randrange(1, products + 1))}?market={MARKET}" for _ in range(1_000)]
