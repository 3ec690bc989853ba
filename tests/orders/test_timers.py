"""Timers when one order is wrong: it stays due and is named, and the others get their turn in the same round."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from entrepot import logistics, orders, payments, worker
from entrepot.kit.ids import new_id, show
from entrepot.orders import actions
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    nowhere = payments.Gateway("http://127.0.0.1:1", "http://shop.test", b"a secret of the tests")
    async with open_shop(own_db_url, nowhere) as opened:
        yield opened


async def shipped(shop: Shop, count: int) -> list[UUID]:
    """Orders that are on their way, the timer of each a second later than that of the one before."""
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 100)
    buyer = await shop.buyer(1_000_000)
    ids = [(await buyer.buy([(offer, 1)]))[0] for _ in range(count)]
    await shop.run()
    for id_ in ids:
        async with shop.db.write() as tx:
            await orders.ship_many(tx, 0, [logistics.NewShipment(id_, "house", id_.hex)])
        shop.clock.advance(timedelta(seconds=1))
    return ids


async def spoil(shop: Shop, *ids: UUID) -> None:
    """Their seller has no account in the books any more."""
    async with shop.db.write() as tx:
        await tx.conn.execute("update orders.order set seller_id = $1 where id = any ($2)", new_id(START), ids)


async def statuses(shop: Shop, table: str, ids: list[UUID]) -> list[str]:
    async with shop.db.read() as tx:
        return [
            row[0]
            for row in await tx.conn.fetch(
                f"select status from orders.{table} where id = any ($1) order by array_position($1, id)",
                ids,
            )
        ]


def left_behind(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    return [(line["job"], line["id"], line["error"]) for line in lines if line["event"] == "left_behind"]


@pytest.mark.parametrize("batch", [500, 2])
async def test_one_wrong_order_holds_up_no_release(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], batch: int
) -> None:
    monkeypatch.setattr(actions, "BATCH", batch)
    ids = await shipped(shop, 8)
    bad = ids[:3] + ids[5:6]  # more than a batch of them stands in front
    await spoil(shop, *bad)
    before = await shop.balance("commission")
    shop.clock.advance(timedelta(days=31))
    capsys.readouterr()
    released = await shop.db.transact(lambda tx: actions.release_due(tx, 0))
    good = [id_ for id_ in ids if id_ not in bad]
    assert released == 4
    assert left_behind(capsys) == [("release", str(id_), "TransferRefused") for id_ in bad]
    await worker.run_until_idle(shop.db)
    assert await statuses(shop, "order", good) == ["completed"] * 4
    assert await statuses(shop, "order", bad) == ["shipped"] * 4
    assert await shop.balance("commission") == before + 4 * 100
    async with shop.db.read() as tx:
        told = await tx.conn.fetch("select key from kit.event where kind = 'order_completed'")
    assert {row[0] for row in told} == set(good)


async def test_one_wrong_group_holds_up_no_expiry(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    offers = [await shop.offer(await shop.seller(), 1_000, 10) for _ in range(3)]
    buyer = await shop.buyer()
    groups = []
    for offer in offers:
        placed = await buyer.place(await buyer.quote([(offer, 2)]), method="sandbox")
        groups.append(UUID(hex=placed.json()["id"].removeprefix("grp_")))
    async with shop.db.write() as tx:
        await tx.conn.execute(
            "update inventory.stock set held = 1 where id = (select stock_id from catalog.offer where id = $1)",
            offers[1],
        )
    capsys.readouterr()
    await shop.run(after=timedelta(days=1))
    assert await statuses(shop, "order_group", groups) == ["expired", "awaiting_payment", "expired"]
    assert [await shop.stock(offer) for offer in offers] == [(10, 0, 0), (10, 1, 0), (10, 0, 0)]
    assert set(left_behind(capsys)) == {("expire", str(groups[1]), "CheckViolationError")}
    shown = await buyer.send("GET", f"/v1/groups/{show('grp', groups[0])}")
    assert shown.json()["status"] == "expired"


async def test_a_round_without_culprits_is_one_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 3)
    await shipped(shop, 5)
    shop.clock.advance(timedelta(days=31))
    rounds = [await shop.db.transact(lambda tx: actions.release_due(tx, 0)) for _ in range(3)]
    assert rounds == [3, 2, 0]
    await shop.audited()
