"""Metered use: an event that is reported twice while its month is billed is one event, on one bill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from entrepot import metering, sellers
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from entrepot.metering import Report, actions
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def report(seller: UUID, quantity: int) -> Work:
    one = Report(seller, "e-1", "us", "calls", quantity, datetime(2026, 2, 20, tzinfo=UTC), {})
    return lambda db: db.transact(lambda tx: actions.take(tx, [one]))


async def bill(db: Database) -> int:
    return await db.transact(lambda tx: actions.bill_due(tx, 0))


async def test_an_event_is_billed_once_while_its_month_is_billed(ground: Ground) -> None:
    """February is due. The event is on its bill, or comes too late for it; then March has it, never both or neither."""
    async with ground.db.write() as tx:
        await tx.conn.execute("insert into metering.meter values ('calls', 'Calls', 'calls', 'sum', '', now())")
        await tx.conn.execute(
            "insert into metering.rate values ('calls', 'USD', '', '2026-02-01', '{0}', '{1000000}', 'tests')"
        )
    seen = set()
    for seed in SEEDS[:12]:
        seller = new_id(ground.clock.now())
        async with ground.db.write() as tx:
            await sellers.open_seller(
                tx, sellers.SellerId(seller), f"s-{seller.hex}", "A Seller", "third_party", currencies=["USD"], cell=0
            )
            await tx.conn.execute("insert into metering.account values (0, $1, $2)", seller, FEBRUARY)
        first, second, _ = await ground.stage.run(seed, report(seller, 3), report(seller, 5), bill)
        told = {one.said: (one.month, quantity) for (one,), quantity in ((first, 3), (second, 5))}
        assert set(told) == {"accepted", "conflict"}
        month, quantity = told["accepted"]
        assert told["conflict"][0] == month
        assert await bill(ground.db) == 0
        async with ground.db.read() as tx:
            bills = {m: await metering.use_of(tx, seller, m) for m in (FEBRUARY, MARCH)}
        assert [use.net_minor for use in bills.pop(month)] == [quantity]
        assert list(bills.values()) == [[]]
        assert await ground.balance("seller", seller) == (-quantity if month == FEBRUARY else 0)
        seen.add(month)
    assert seen == {FEBRUARY, MARCH}
