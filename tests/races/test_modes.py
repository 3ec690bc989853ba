"""What a person may bring into a country in a year, wanted by two purchases and given back by a third at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import orders, pricing
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground, place
from tests.races.interleave import Work

TWO = Wanted(0, ((0, 2),))


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def counts(tx: Tx, quotes: list[UUID], quota: int) -> None:
    """Two pieces of each of these quotes take 6 of the quota."""
    await tx.conn.execute("update orders.quote set quota_ids = array[$2::bigint], quota_amounts = '{6}' "
                          "where id = any ($1)", quotes, quota)  # fmt: skip
    await tx.conn.execute(
        "insert into orders.border (cell, order_id, quote_id, from_country, to_country, currency, duty_minor, "
        "tax_minor, incoterm, fee_minor, line_nos, line_charges, why, trace, quota_id, line_quotas) "
        "select 0, order_ids[1], id, 'GB', 'CN', 'USD', 0, 0, 'DAP', 0, '{1}', '{0}', '{}', '{}', $2, '{6}' "
        "from orders.quote where id = any ($1)", quotes, quota,
    )  # fmt: skip


async def test_what_a_person_may_bring_in_is_taken_once(ground: Ground) -> None:
    """6 of 10 are taken; 3 come back with a piece that is canceled, and of two that want 6 one gets them if it comes
    after that, and never both."""
    seen = set()
    for seed in SEEDS[:12]:
        await ground.fresh(units=9)
        before, first, second = (one.id for one in await ground.quotes(TWO, TWO, TWO))
        async with ground.db.write() as tx:
            person = new_id(tx.now)
            ((quota, left),) = await pricing.limits(tx, 0, ["customs:CN:retail:2026"], [person], [10])
            await counts(tx, [before, first, second], quota)
        assert left == 10
        buyer = ground.counter.buyers[0]
        assert (await place(buyer, f"before-{before}", before)(ground.db)).verdict == "placed"
        order = await ground.value("select id from orders.order where group_id = $1", before)

        def cancel(order: UUID = order, buyer: UUID = buyer) -> Work:
            return lambda db: db.transact(lambda tx: orders.cancel_lines(tx, 0, order, {1: 1}, buyer_id=buyer))

        works = [cancel(), *(place(buyer, f"race-{id_}", id_) for id_ in (first, second))]
        async with ground.race(seed, *works) as (canceled, *told):
            assert canceled is None
            placed = [one.verdict for one in told].count("placed")
            assert {one.verdict for one in told} <= {"placed", "limit_reached"}
            assert await ground.value("select used from pricing.quota where id = $1", quota) == 3 + 6 * placed
        seen.add(placed)
    assert seen == {0, 1}
