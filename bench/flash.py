"""The bench `flash`: one product that everybody wants, and a thousand units that a million try to buy (issue 3).

Accepted orders are counted; what was refused is counted apart. Each part has a database of its own, and counts only if
what is in it is what was accepted, to the unit, and the auditor finds nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
import msgspec

from bench import batches, load
from bench.machine import SECRET, Machine, serving
from bench.market import CELL, MARKET, ONE_LINE, SHIPPING, Accepted, WrongRowsError, verify, written
from bench.orders import IN_FLIGHT, Ground, Tell, Values, measure
from bench.orders import MARKET as TEMPLATE
from bench.report import Outcome, Target
from entrepot.campaigns import NewCampaign, NewOffer, open_campaign
from entrepot.kit.auth import Keys, Role
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id, show
from entrepot.world.market import CHUNK, add_buyers

CONNECTIONS = 256
ATTEMPTS_PER_BUYER = 5
LEFT_MAX_S = 15

TARGETS = (
    Target("one_sku_batch", "pgbench", 3),
    Target("rush_http", 5_000),
    Target("rush_orders", "rush_units"),
    Target("rush_orders", "rush_units", at_most=True),
    Target("rush_writes", "rush_units", 50, at_most=True),
    Target("procs_2", "procs_1", 0.8),
    Target("procs_4", "procs_1", 0.8),
)


@dataclass(frozen=True, kw_only=True)
class Scale(Ground):
    """`orders` per batch part; `units` that `attempts` are made to buy; `hot_orders` of one product over HTTP."""

    orders: int
    units: int
    attempts: int
    hot_orders: int


FULL = Scale(orders=40_960, units=1_000, attempts=1_000_000, hot_orders=16_000)


def run(scale: Scale, only: tuple[str, ...], tell: Tell) -> Outcome:
    """Measures the parts named in `only`, between two runs of pgbench."""
    return measure(Outcome("flash", TARGETS), scale, {name: PARTS[name] for name in only}, tell)


def _batch(name: str, skus: int, machine: Machine, scale: Scale) -> Values:
    with machine.database("part", TEMPLATE) as url:
        count = max(scale.orders // 128, 4)
        rate = asyncio.run(batches.place_rate(url, ONE_LINE, 128, count, IN_FLIGHT, skus))
    return {name: (rate, "orders/s")}


class Rushed(msgspec.Struct, frozen=True):
    """How a rush went: orders, what was refused, seconds, the 99th percentile to a refusal, and rows written."""

    placed: int
    refused: int
    took_s: float
    refused_p99_ms: float
    writes: int


def _rush(machine: Machine, scale: Scale) -> Values:
    buyers = max(scale.attempts // ATTEMPTS_PER_BUYER, 1)
    with machine.database("part", TEMPLATE) as url:
        went = asyncio.run(rush(machine, url, scale.units, buyers, scale.attempts, workers=2))
    attempts = went.placed + went.refused
    if went.placed != scale.units or attempts != scale.attempts:
        raise WrongRowsError(f"{went.placed} of {scale.units} units sold in {attempts} of {scale.attempts} attempts")
    return {
        "rush_http": (attempts / went.took_s, "attempts/s"),
        "rush_attempts": (attempts, "attempts"),
        "rush_units": (scale.units, "units"),
        "rush_orders": (went.placed, "orders"),
        "rush_refused_p99": (went.refused_p99_ms, "ms"),
        "rush_writes": (went.writes, "rows"),
    }


def _procs(workers: int, machine: Machine, scale: Scale) -> Values:
    """One product with stock for all."""
    with machine.database("part", TEMPLATE) as url:
        went = asyncio.run(rush(machine, url, scale.hot_orders, scale.hot_orders, scale.hot_orders, workers))
    if went.refused:
        raise WrongRowsError(f"{went.refused} of {scale.hot_orders} were refused with stock for all")
    return {f"procs_{workers}": (went.placed / went.took_s, "orders/s")}


async def rush(machine: Machine, url: str, units: int, buyers: int, attempts: int, workers: int) -> Rushed:
    """`attempts` by `buyers` in turn to buy one of `units`, one each, from a campaign that has just begun."""
    db = await Database.open(url)
    try:
        crowd = await _crowd(db, buyers)
        campaign, offer = await _open(db, units)
        before = await written(db)
    finally:
        await db.close()
    wrote = await _rows(url)
    keys, now = Keys(SECRET.encode()), db.clock.now()
    heads = [
        f"authorization: Bearer {keys.session(Role.BUYER, buyer, now, cell=CELL)}\r\n".encode() for buyer, _ in crowd
    ]
    wish = {"offer_id": offer, "shipping": SHIPPING}
    bodies = [msgspec.json.encode(wish | {"address_id": show("adr", address)}) for _, address in crowd]
    path = f"/v1/campaigns/{show('cmp', campaign)}"
    with serving(machine, url, workers) as web:
        look = load.Plan(web.port, 4 * workers, [load.request("GET", path)] * 16 * workers)
        load.run(look, machine.home / "plan")  # as visitors do who wait for the start
        plan = load.Plan(web.port, CONNECTIONS, rush=load.Rush(f"{path}/orders", heads, bodies, attempts))
        told = load.run(plan, machine.home / "plan")
    wrote = await _rows(url) - wrote
    placed, refused = told.statuses.get(201, 0), told.statuses.get(409, 0)
    if placed + refused != attempts:
        raise WrongRowsError(f"unexpected answers: {told.statuses}")
    db = await Database.open(url)
    try:
        await verify(db, before, Accepted(placed, placed, placed))
        await _verify_sale(db, campaign, placed)
    finally:
        await db.close()
    return Rushed(placed, refused, told.took_s, told.refused_p99_ms, wrote)


async def _crowd(db: Database, count: int) -> list[tuple[UUID, UUID]]:
    """Buyers, each with a wallet and an address: (user, address)."""
    crowd: list[tuple[UUID, UUID]] = []
    for first in range(0, count, CHUNK):
        async with db.write(durable=False) as tx:
            some = await add_buyers(tx, min(CHUNK, count - first))
            addresses = [new_id(tx.now) for _ in some]
            rows = [
                (CELL, address, buyer, "Ada Byron", "1 Main Street", "Springfield", "62701", "US", tx.now)
                for address, buyer in zip(addresses, some, strict=True)
            ]
            await tx.conn.copy_records_to_table(
                "address", schema_name="accounts", records=rows,
                columns=["cell", "id", "user_id", "recipient", "line1", "city", "postal_code", "country", "created_at"],
            )  # fmt: skip
        crowd += zip(some, addresses, strict=True)
    return crowd


async def _open(db: Database, units: int) -> tuple[UUID, int]:
    """A campaign of one offer, one for each buyer, which begins now."""
    async with db.write() as tx:
        listed = await tx.conn.fetchval("select min(id) from catalog.offer")
        new = NewCampaign(MARKET, "Rush", tx.now, tx.now + timedelta(days=1), [NewOffer(listed, 100, units, 1)])
        campaign = await open_campaign(tx, new)
        offer = await tx.conn.fetchval("select offer_id from campaigns.offer where campaign_id = $1", campaign)
    return campaign, offer


async def _rows(url: str) -> int:
    """Rows inserted, updated and deleted in this database ever. PostgreSQL's processes tell theirs when they end, at
    the latest, so nobody may be connected any more."""
    connection = await asyncpg.connect(url)
    try:
        began = time.monotonic()
        while await connection.fetchval(_OTHERS):
            if time.monotonic() - began > LEFT_MAX_S:
                raise WrongRowsError("somebody is connected still")
            await asyncio.sleep(0.05)
        return int(await connection.fetchval(_ROWS))
    finally:
        await connection.close()


async def _verify_sale(db: Database, campaign: UUID, placed: int) -> None:
    """As many units are sold as orders were placed, by as many buyers, and no quote of a refused attempt is left."""
    async with db.read() as tx:
        found = await tx.conn.fetchrow(
            """
            select (select allocated from inventory.stock where aside_id = $1),
                   (select count(distinct buyer_id) from orders.order o join orders.order_line l
                        on l.cell = o.cell and l.order_id = o.id
                     where l.offer_id = (select offer_id from campaigns.offer where campaign_id = $1)),
                   (select sum(used) from pricing.quota),
                   (select count(*) from orders.quote where line_offers
                        = array[(select offer_id from campaigns.offer where campaign_id = $1)])
            """,
            campaign,
        )
    if tuple(found) != (placed,) * 4:
        raise WrongRowsError(f"{placed} were placed; (units sold, buyers, limits used, quotes) are {tuple(found)}")


_OTHERS = """
    select count(*) from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""
_ROWS = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables"

PARTS: dict[str, Callable[[Machine, Scale], Values]] = {
    "one_sku_batch": partial(_batch, "one_sku_batch", 1),
    "hundred_skus_batch": partial(_batch, "hundred_skus_batch", 100),
    "rush_http": _rush,
    "procs_1": partial(_procs, 1),
    "procs_2": partial(_procs, 2),
    "procs_4": partial(_procs, 4),
}
