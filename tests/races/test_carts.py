"""A buyer's first clicks, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import orders
from entrepot.kit.db import Tx
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def test_two_first_clicks_fill_one_cart(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        buyer, (first, second, *_) = ground.counter.buyers[0], ground.counter.offers

        def click(offer: int, buyer: UUID = buyer) -> Work:
            async def work(tx: Tx) -> None:
                cart = await orders.own_cart(tx, 0, buyer, "us")
                await orders.add_line(tx, 0, buyer, cart, offer, 1)

            return lambda db: db.transact(work)

        async with ground.race(seed, click(first), click(second), click(first)) as told:
            assert told == [None, None, None]
            lines = await ground.value(
                "select array_agg((l.offer_id, l.quantity) order by l.offer_id) from orders.cart c "
                "join orders.cart_line l on l.cell = c.cell and l.cart_id = c.id where c.buyer_id = $1",
                buyer,
            )
            assert lines == [(first, 2), (second, 1)]
            assert await ground.value("select count(*) from orders.cart where buyer_id = $1", buyer) == 1
