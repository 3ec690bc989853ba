"""The bench runs from end to end, tiny: what it prints and what it refuses to count, never how long it took."""

from __future__ import annotations

import socket

import msgspec
import pytest

from bench import batches, flash, orders, report
from bench.machine import free_port
from bench.market import (
    ONE_LINE,
    Accepted,
    Sizes,
    WrongRowsError,
    accepted,
    load_market,
    open_market,
    purchases,
    quoted,
    verify,
    written,
)
from bench.report import Outcome, Target
from entrepot.kit.db import Database
from entrepot.orders import place_many
from tests.api.server import NO_GATEWAY

TINY = orders.Scale(
    market=Sizes(sellers=20, offers=60, buyers=10, history=4), pgbench_s=1, pgbench_scale=1, orders=64, groups=256,
    http_orders=32, flows=4, reads=20, few_products=30, many_products=40, replay_days=1,
)  # fmt: skip


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No batches to warm up, and no gateway beside a server: nobody pays there."""
    monkeypatch.setattr(batches, "WARM_UP", 1)
    for name, value in NO_GATEWAY.items():
        monkeypatch.setenv(name, value)


def test_parts_run_and_recount(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)
    monkeypatch.setattr(orders, "pgbench", lambda *_: 100.0)  # it runs in the floor's acceptance
    only = ("basket_128", "http_c64", "flow_c8")  # the other kinds are in the floor's acceptance
    outcome = orders.run(TINY, only, tell=lambda _: None)
    units = {name: unit for name, (_, unit) in outcome.values.items()}
    assert units == {
        "pgbench": "tx/s", "basket_128": "groups/s", "http_c64": "orders/s", "http_c64_p99": "ms",
        "cpu_ms_order": "ms", "flow_c8": "flows/s",
    }  # fmt: skip
    assert all(value > 0 for value, _ in outcome.values.values())
    found = msgspec.json.decode(report.as_json(outcome))
    assert [row["name"] for row in found["results"]] == list(outcome.values)
    assert {"bench", "commit", "results"} <= found.keys()


@pytest.mark.anyio
async def test_a_missing_row_makes_a_figure_void(own_db_url: str) -> None:
    await open_market(own_db_url, TINY.market)
    db = await Database.open(own_db_url)
    market, before = await load_market(db), await written(db)
    asked = list(purchases(market, ONE_LINE, 3, 7))
    commands = await quoted(db, iter(asked), "k")
    async with db.write() as tx:
        assert [verdict.verdict for verdict in await place_many(tx, 0, commands)] == ["placed"] * 3
    assert accepted(asked) == Accepted(groups=3, orders=3, lines=3)
    await verify(db, before, accepted(asked))
    async with db.write() as tx:
        await tx.conn.execute("delete from kit.event where key = $1", commands[0].quote_id)
    with pytest.raises(WrongRowsError, match="events=2"):
        await verify(db, before, accepted(asked))
    await db.close()


def test_results_are_compared_with_what_was_measured() -> None:
    targets = (Target("a", "b", 2), Target("a", 100), Target("slow", 50, at_most=True), Target("a", "absent", 3))
    outcome = Outcome("x", targets, {"a": (300.0, "/s"), "b": (100.0, "/s"), "slow": (60.0, "ms")}, void="noise")
    found = msgspec.json.decode(report.as_json(outcome))
    assert found["void"] is True
    assert [(r["name"], r["vs"], r["ratio"]) for r in found["results"]] == [
        ("a", "b", 3.0), ("a", "100", 3.0), ("b", None, None), ("slow", "50", 1.2),
    ]  # fmt: skip
    table = report.as_table(outcome).splitlines()
    assert [line.split()[-1] for line in table[2:6]] == ["yes", "yes", "/s", "NO"]
    assert table[-1] == "VOID: noise"


def test_a_rush_sells_what_there_is_and_a_run_on_a_busy_machine_is_void(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)
    figures = iter([100.0, 121.0])
    monkeypatch.setattr(orders, "pgbench", lambda *_: next(figures))
    scale = flash.Scale(
        market=TINY.market, pgbench_s=1, pgbench_scale=1, orders=256, units=20, attempts=400, hot_orders=40
    )
    outcome = flash.run(scale, ("one_sku_batch", "rush_http"), tell=lambda _: None)
    assert {name: unit for name, (_, unit) in outcome.values.items()} == {
        "pgbench": "tx/s", "one_sku_batch": "orders/s", "rush_http": "attempts/s", "rush_attempts": "attempts",
        "rush_units": "units", "rush_orders": "orders", "rush_refused_p99": "ms", "rush_writes": "rows",
    }  # fmt: skip
    assert (outcome.values["rush_attempts"][0], outcome.values["rush_orders"][0]) == (400, 20)
    # Each order is some rows; so is what was on its way when the last unit was sold, but nothing that came later.
    assert 10 * 20 < outcome.values["rush_writes"][0] < 30 * 20 + 8 * flash.CONNECTIONS
    assert outcome.void == "pgbench gave 100 tx/s before and 121 after: the machine was not quiet"


def test_a_port_for_a_server_is_none_that_clients_get() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        clients = [socket.create_connection(listening.getsockname()) for _ in range(20)]
        given = min(client.getsockname()[1] for client in clients)
        assert max(free_port() for _ in range(20)) < given
        for client in clients:
            client.close()
