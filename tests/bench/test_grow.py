"""The bench `grow`: its history is one that the auditor believes, its figures are compared, and it wants room first."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bench import grow, history
from bench.market import Sizes, open_market
from entrepot.kit.clock import RealClock
from entrepot.kit.db import Database
from entrepot.world.auditor import audit

TINY = grow.Scale((1_000, 2_000), Sizes(sellers=3, offers=20, buyers=10, history=0), batches=1, pages=2)


def test_a_history_that_the_auditor_believes(own_db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "BATCH", 4)
    monkeypatch.setattr(history, "CHUNK", 300)

    async def made() -> dict[str, int]:
        told: list[str] = []
        await open_market(own_db_url, TINY.market)
        await history.grow(own_db_url, 1_000, RealClock().now(), told.append)
        assert min(told) == "1,000 of 1,000 orders"
        assert len(told) == 4
        db = await Database.open(own_db_url)
        assert (await audit(db)).findings == []
        async with db.read() as tx:
            assert await tx.conn.fetchval("select count(*) from pg_namespace where nspname = 'grown'") == 0
            found = dict(await tx.conn.fetch("select status, count(*) from orders.order group by status"))
        await db.close()
        return found

    found = asyncio.run(made())
    assert found == {
        "canceled": 20, "expired": 10, "completed": 927, "refunded": 9, "delivered": 26, "shipped": 6, "paid": 2,
    }  # fmt: skip
    figures = asyncio.run(grow._measure(own_db_url, TINY, lambda _: None))  # it verifies and audits, too
    assert {name: unit for name, (_, unit) in figures.items()} == {
        "first_order": "us", "first_order_cpu": "us", "order": "us", "order_cpu": "us", "buyer_page": "ms",
        "seller_page": "ms", "to_send_page": "ms", "no_such_page": "ms", "days_page": "ms", "size": "GB", "audit": "s",
    }  # fmt: skip


def test_sizes_are_compared_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    took = {"1k": 40.0, "2k": 60.0, "again": 47.0}
    monkeypatch.setattr(
        grow, "_at", lambda _, name, *__: {f"order_{name}": (took[name], "us"), f"order_cpu_{name}": (80.0, "us")}
    )
    outcome = grow.run(TINY, lambda _: None)
    ratios = {name: (ratio, target.met(ratio)) for name, target, ratio in outcome.compared() if target and ratio}
    assert ratios == {"order_2k": (1.5, False), "order_cpu_2k": (1.0, True)}
    assert outcome.void == ""
    took["again"] = 49.0
    outcome = grow.run(TINY, lambda _: None)
    assert outcome.void == "an order among 1k took 40 us, and another time 49: not a quiet machine"


def test_it_wants_room_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "_at", lambda *_: pytest.fail("something was written"))
    with pytest.raises(grow.NoRoomError, match=r"^10000m orders need 37,005 GB, and .* has .* GB left: set TMPDIR"):
        grow.run(replace(TINY, sizes=(1_000, 10**10)), lambda _: None)
