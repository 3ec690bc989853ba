"""The bench `orders`: its parts, their sizes, and what the figures are to reach (issue 2, part 5).

Each part has a database of its own, copied from one marketplace, and a figure counts only if the rows that the part
left behind are those that it accepted and the auditor finds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from bench import batches, replay, web
from bench.machine import Machine, pgbench, started
from bench.market import BASKETS, ONE_LINE, Sizes, open_market
from bench.report import Outcome, Target

MARKET = "market"
"""The database that parts are copied from."""
IN_FLIGHT = 2
"""Batches at a time: the server has two web processes, and each has one batch on its way."""
MAX_DRIFT = 1.2

TARGETS = (
    Target("batch_128", "pgbench", 3),
    Target("batch_128", "batch_1", 8),
    Target("batch_128", "limit_128", 0.6),
    Target("basket_128", 500),
    Target("http_c256", "pgbench", 1.5),
    Target("http_c64_p99", 50, at_most=True),
    Target("flow_c16", 200),
    Target("listing_c16", 1_000),
    Target("listing_c16_100k", "listing_c16", 0.8),
    Target("detail_c16", 1_500),
    Target("detail_c16_100k", "detail_c16", 0.8),
    Target("cpu_ms_order", 1, at_most=True),
    Target("replay", 1_000),
)


SIZES = Sizes(sellers=100, offers=10_000, buyers=2_000, history=2_000)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The marketplace, and how long and on how much pgbench runs."""

    market: Sizes = SIZES
    pgbench_s: int = 8
    pgbench_scale: int = 10


AnyScale = TypeVar("AnyScale", bound=Ground)


@dataclass(frozen=True, kw_only=True)
class Scale(Ground):
    """How much each part does. Times are bounded by counts."""

    orders: int  # per batch part, at the larger sizes
    groups: int  # of baskets
    http_orders: int
    flows: int
    reads: int
    few_products: int
    many_products: int
    replay_days: int


FULL = Scale(
    orders=20_480,
    groups=5_120,
    http_orders=16_000,
    flows=2_000,
    reads=8_000,
    few_products=1_000,
    many_products=100_000,
    replay_days=7,
)

Tell = Callable[[str], None]
Values = dict[str, tuple[float, str]]
Part = Callable[[Machine, Scale], Values]


def run(scale: Scale, only: tuple[str, ...], tell: Tell) -> Outcome:
    """Measures the parts named in `only`."""
    return measure(Outcome("orders", TARGETS), scale, {name: PARTS[name] for name in only}, tell)


def measure(
    outcome: Outcome, scale: AnyScale, parts: Mapping[str, Callable[[Machine, AnyScale], Values]], tell: Tell
) -> Outcome:
    """Measures each part in turn, between two runs of pgbench."""
    with started() as machine:
        tell("pgbench")
        before = pgbench(machine, scale.pgbench_s, scale.pgbench_scale)
        with machine.database(MARKET) as url:
            asyncio.run(open_market(url, scale.market))
            for name, part in parts.items():
                tell(name)
                outcome.values |= part(machine, scale)
        tell("pgbench")
        after = pgbench(machine, scale.pgbench_s, scale.pgbench_scale)
    outcome.values = {"pgbench": (max(before, after), "tx/s"), **outcome.values}
    if max(before, after) > MAX_DRIFT * min(before, after):
        outcome.void = f"pgbench gave {before:,.0f} tx/s before and {after:,.0f} after: the machine was not quiet"
    return outcome


def _batch(size: int, machine: Machine, scale: Scale) -> Values:
    count = max(scale.orders // size, 4) if size > 1 else max(scale.orders // 16, 4)
    values = {}
    for suffix, in_flight in (("", IN_FLIGHT), ("_alone", 1)):
        with machine.database("part", MARKET) as url:
            rate = asyncio.run(batches.place_rate(url, ONE_LINE, size, count, in_flight))
        values[f"batch_{size}{suffix}"] = (rate, "orders/s")
    return values


def _limit(machine: Machine, scale: Scale) -> Values:
    with machine.database("placed", MARKET) as placed, machine.database("part", MARKET) as fresh:
        rate = asyncio.run(batches.bare_rate(placed, fresh, 128, max(scale.orders // 128, 4), IN_FLIGHT))
    return {"limit_128": (rate, "orders/s")}


def _replay(machine: Machine, scale: Scale) -> Values:
    with machine.database("part") as url:
        return {"replay": (replay.replay_rate(url, scale.replay_days), "orders/s")}


def _basket(machine: Machine, scale: Scale) -> Values:
    with machine.database("part", MARKET) as url:
        rate = asyncio.run(batches.place_rate(url, BASKETS, 128, max(scale.groups // 128, 2), IN_FLIGHT))
    return {"basket_128": (rate, "groups/s")}


def _http(connections: int, machine: Machine, scale: Scale) -> Values:
    # Few connections cannot keep many orders on their way, so they get fewer and take as long.
    count = min(scale.http_orders, 150 * connections + scale.http_orders // 16)
    with machine.database("part", MARKET) as url:
        placed = web.place(machine, url, connections, count)
    values = {f"http_c{connections}": (placed.rate, "orders/s"), f"http_c{connections}_p99": (placed.p99_ms, "ms")}
    return values | ({"cpu_ms_order": (placed.cpu_ms, "ms")} if connections == 64 else {})


def _flow(connections: int, machine: Machine, scale: Scale) -> Values:
    with machine.database("part", MARKET) as url:
        return {f"flow_c{connections}": (web.buy(machine, url, connections, scale.flows), "flows/s")}


def _catalog(name: str, paths: Callable[[int], list[str]], machine: Machine, scale: Scale) -> Values:
    values = {}
    for suffix, products in (("", scale.few_products), ("_100k", scale.many_products)):
        with machine.database("part") as url:
            asyncio.run(open_market(url, replace(scale.market, offers=products, buyers=1, history=0)))
            values[name + suffix] = (web.read(machine, url, paths(products), 16, scale.reads), "requests/s")
    return values


PARTS: dict[str, Part] = {
    "batch_1": partial(_batch, 1),
    "batch_32": partial(_batch, 32),
    "batch_128": partial(_batch, 128),
    "batch_512": partial(_batch, 512),
    "limit_128": _limit,
    "basket_128": _basket,
    "http_c1": partial(_http, 1),
    "http_c16": partial(_http, 16),
    "http_c64": partial(_http, 64),
    "http_c256": partial(_http, 256),
    "flow_c8": partial(_flow, 8),
    "flow_c16": partial(_flow, 16),
    "listing_c16": partial(_catalog, "listing_c16", web.listings),
    "detail_c16": partial(_catalog, "detail_c16", web.details),
    "replay": _replay,
}
