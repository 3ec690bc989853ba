"""What another channel has sold, told twice, while a buyer wants the last unit here and somebody cancels it there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from entrepot import channels
from entrepot.channels import Sold
from entrepot.channels.types import ChannelExists, SaleStatusIs, TooManyChannels
from entrepot.kit.db import Database
from entrepot.kit.ids import parse
from entrepot.world.auditor import audit
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground, place
from tests.races.interleave import Work


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened
        wrong = [one for one in (await audit(opened.db)).findings if one.check in ("sold_elsewhere", "stock_promised")]
        assert wrong == []


async def test_the_last_unit_is_sold_here_or_there_and_a_sale_ends_once(ground: Ground) -> None:
    seller = ground.counter.sellers[0]
    sku = await ground.value(
        "select v.sku from inventory.stock s join catalog.variant v on v.id = s.variant_id where s.id = $1",
        ground.counter.stocks[0],
    )
    async with ground.db.write() as tx:
        channel = parse("chn", (await channels.open_channel(tx, 0, seller, "Out there", 0)).id)

    def buy(work: Work, looks: int) -> Work:
        """A buyer who looks at the channels so often before."""

        async def looking(db: Database) -> Any:
            for _ in range(looks):
                async with db.read() as tx:
                    await channels.channels(tx, 0, seller)
            return await work(db)

        return looking

    def tell(number: str, *, end: bool) -> Work:
        async def work(db: Database) -> str:
            sale = await db.transact(lambda tx: channels.sell(tx, 0, seller, channel, number, [Sold(sku, 1)]))
            if end:
                act = channels.send if seed // 2 % 2 else channels.cancel
                try:
                    sale = await db.transact(lambda tx: act(tx, 0, seller, channel, parse("chs", sale.id)))
                except SaleStatusIs as refused:
                    return refused.sale_status
            return sale.status

        return work

    seen = set()
    for seed in SEEDS:
        await ground.fresh(1)
        (quote,) = await ground.quotes(Wanted(0, ((0, 1),)))
        before = await ground.stock()
        buyer, number = ground.counter.buyers[0], f"E-{seed}"
        works = (
            buy(place(buyer, f"key-{seed}", quote.id), seed % 5 * 3),
            tell(number, end=False),
            tell(number, end=True),
        )
        async with ground.race(seed, *works) as told:
            placed = told[0].verdict == "placed"
            on_hand, held, allocated = await ground.stock()
            status = await ground.value("select status from channels.sale where number = $1", number)
            seen.add((placed, status))
            gone = status == "sent"
            assert (on_hand, held) == (before[0] - gone, 0)
            assert allocated == before[2] + placed + (status == "taken")
            assert not (placed and status in ("taken", "sent"))
    assert {(True, "oversold"), (False, "sent")} <= seen, seen


async def test_the_last_channel_is_opened_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    seller = ground.counter.sellers[1]

    def open_(name: str) -> Work:
        async def work(db: Database) -> str:
            try:
                return (await db.transact(lambda tx: channels.open_channel(tx, 0, seller, name, 0))).name
            except (ChannelExists, TooManyChannels) as refused:
                return refused.code()

        return work

    for seed in SEEDS[:6]:
        monkeypatch.setattr("entrepot.channels.actions.CHANNELS_MAX", seed + 1)
        async with ground.race(seed, open_(f"A{seed}"), open_(f"A{seed}"), open_(f"B{seed}")) as told:
            assert sum("_" not in answer for answer in told) == 1
            async with ground.db.read() as tx:
                assert len(await channels.channels(tx, 0, seller)) == seed + 1
