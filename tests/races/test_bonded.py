"""What customs answers counts once, also while its order is canceled or sent; and two declarations that want the last
of an item of the book."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from entrepot import bonded, logistics, orders
from entrepot.bonded import NotReleased
from entrepot.customs import declarations, store_declarations
from entrepot.customs.messages import ParcelSaid
from entrepot.customs.office import Answer
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import Problem
from entrepot.logistics import NewShipment
from entrepot.orders import WrongStatus
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

ONE, TWO = Wanted(0, ((0, 1),)), Wanted(0, ((0, 2),))


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    """The counter's warehouse is in bond; a unit of stock 0 is 100 thousandths of the item A1."""
    async with open_ground(db_url) as opened:
        counter = opened.counter
        async with opened.db.write() as tx:
            await bonded.open_book(tx, 0, 1, "T1-BOOK", "Ningbo", NIL)
            variant = await tx.conn.fetchval("select variant_id from inventory.stock where id = $1", counter.stocks[0])
            item = bonded.NewItem("A1", variant, 100, "610910", "CN", "Shirts", "kg", 1, "USD")
            await bonded.say_item(tx, 0, counter.sellers[0], 1, item)
            await tx.conn.execute(
                "insert into trade.item values ($1, '610910', '{}', 'CN', 'Shirts', 100, null, null, $2)",
                variant,
                tx.now,
            )
        yield opened


async def filled(ground: Ground, units: int) -> None:
    """Two new buyers, and so many units in bond that nobody is promised."""
    stock, seller = ground.counter.stocks[0], ground.counter.sellers[0]
    left = await ground.value("select on_hand - held - allocated from inventory.stock where id = $1", stock)
    variant = await ground.value("select variant_id from inventory.stock where id = $1", stock)
    async with ground.db.write() as tx:
        if left > units:
            await bonded.write_off(tx, 0, seller, stock, units - left, "lost", NIL)
        if left < units:
            number = new_id(tx.now).hex[:20]
            await bonded.receive(tx, 0, seller, 1, number, [bonded.Incoming(variant, units - left)], NIL)
    await ground.fresh(units)


def asker(status: str, office: dict[UUID, str]) -> Work:
    """A worker that asks customs about what is due, and has what is to be taken back taken back; `office` is what
    customs then knows."""

    async def work(db: Database) -> int:
        due = await db.transact(
            lambda tx: tx.all(store_declarations.CLAIM, cell=0, now=tx.now, again_at=tx.now, limit=5)
        )
        for one in due:
            answer = Answer("revoked" if one.status == "revoking" else status)  # type: ignore[arg-type]
            office[one.id] = answer.status
            await db.transact(
                lambda tx, one=one, answer=answer: declarations.answered(
                    tx, 0, one.order_id, one.id, one.status, answer
                )  # type: ignore[misc]
            )
        return len(due)

    return work


def sender(order: UUID) -> Work:
    """Who tries to send it, and again as long as it is not released."""

    async def work(db: Database) -> str:
        shipment, told = NewShipment(order, "house", order.hex), ""
        for _ in range(6):
            try:
                await db.transact(lambda tx: orders.ship_many(tx, 0, [shipment]))
            except (NotReleased, WrongStatus) as refused:
                told = refused.code()
            else:
                return "sent"
        return told

    return work


def canceler(order: UUID, looks: int) -> Work:
    """Who looks at the order so many times before canceling it."""

    async def work(db: Database) -> str:
        for _ in range(looks):
            async with db.read() as tx:
                await tx.all(store_declarations.OF_ORDER, cell=0, order_id=order)
        try:
            await db.transact(lambda tx: orders.cancel(tx, 0, [order]))
        except WrongStatus as refused:
            return refused.code()
        await db.transact(lambda tx: declarations.order_changed(tx, 0, order))
        return "canceled"

    return work


async def book(ground: Ground) -> tuple[int, int, int]:
    """(in bond, asked, on the shelf) of the item."""
    return (
        await ground.value("select quantity_milli from bonded.item"),
        await ground.value("select asked_milli from bonded.item"),
        100 * (await ground.stock())[0],
    )


async def test_customs_answers_while_the_order_is_canceled(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS[:16]:
        await filled(ground, 3)
        (order,) = await ground.bought(TWO)
        async with ground.db.write() as tx:
            await declarations.open_many(tx, 0, [order])
            await declarations.say(tx, 0, order, ParcelSaid("house", order.hex, 500), NIL)
        in_bond, asked, shelf = await book(ground)
        assert (asked, shelf) == (200, in_bond)
        office: dict[UUID, str] = {}
        worker = asker("released", office)
        async with ground.race(seed, worker, sender(order), canceler(order, seed % 8 * 3)) as told:
            assert {told[1], told[2]} in (
                {"sent", "wrong_status"}, {"not_released", "canceled"}, {"wrong_status", "canceled"},
            )  # fmt: skip
            while await worker(ground.db):
                pass
            gone = 200 if told[1] == "sent" else 0
            assert list(office.values()).count("released") == gone // 200
            assert await book(ground) == (in_bond - gone, 0, shelf - gone)
        seen.add(told[1])
    assert {"sent", "wrong_status"} <= seen


async def test_what_customs_is_asked_meanwhile_is_taken_back(ground: Ground) -> None:
    """The order is canceled; it is seen whether customs is being asked, whatever comes first."""
    for turns in range(2, 5):
        await filled(ground, 1)
        (order,) = await ground.bought(ONE)
        async with ground.db.write() as tx:
            await declarations.open_many(tx, 0, [order])
            await declarations.say(tx, 0, order, ParcelSaid("house", order.hex, 500), NIL)
        async with ground.db.write() as tx:
            await orders.cancel(tx, 0, [order])
        office: dict[UUID, str] = {}
        worker = asker("released", office)

        async def changed(db: Database, order: UUID = order) -> None:
            await db.transact(lambda tx: declarations.order_changed(tx, 0, order))

        async with ground.race(0, changed, worker, order=[0] * turns + [1] * 3 + [0] * 9):
            while await worker(ground.db):
                pass
            assert "released" not in office.values()


async def test_two_declarations_want_the_last_of_an_item(ground: Ground) -> None:
    """There is less in the book than lies there, as long as customs has not taken a release back: one waits."""
    for seed in SEEDS[:6]:
        await filled(ground, 2)
        both = await ground.bought(ONE, Wanted(1, ((0, 1),)))
        async with ground.db.write() as tx:
            await declarations.open_many(tx, 0, both)
            await tx.conn.execute("update bonded.item set quantity_milli = quantity_milli - 100")

        def pack(order: UUID) -> Work:
            said = ParcelSaid("house", order.hex, 500)
            return lambda db: db.transact(lambda tx: declarations.say(tx, 0, order, said, NIL))

        async with ground.race(seed, *(pack(order) for order in both)):
            statuses = await ground.value(
                "select array_agg(status order by status) from customs.declaration where order_id = any ($1)", both
            )
            assert statuses == ["asked", "open"]
        async with ground.db.write() as tx:
            await tx.conn.execute("update bonded.item set quantity_milli = quantity_milli + 100")
            await orders.cancel(tx, 0, both)
            for order in both:
                await declarations.order_changed(tx, 0, order)


async def test_a_location_is_bonded_or_goods_come_in(ground: Ground) -> None:
    seller, number = ground.counter.sellers[0], 0
    variant = await ground.value("select variant_id from inventory.stock where id = $1", ground.counter.stocks[0])
    outcomes = set()
    for seed in SEEDS[:6]:
        async with ground.db.write() as tx:
            number = (await logistics.add_location(tx, 0, None, f"zone {seed}", "Zone", "US")).id

        def come_in(db: Database, place: int = number) -> Any:
            return db.transact(lambda tx: logistics.receive(tx, 0, seller, place, [logistics.Delivered(variant, 1)]))

        def open_book(db: Database, place: int = number) -> Any:
            return db.transact(lambda tx: bonded.open_book(tx, 0, place, "T2-BOOK", "Ningbo", NIL))

        async with ground.race(seed, come_in, open_book) as told:
            refused = [one.code() for one in told if isinstance(one, Problem)]
            assert refused in (["location_bonded"], ["location_in_use"]), told
        outcomes.add(refused[0])
    assert len(outcomes) == 2
    # where something has lain it can come back: that is no bonded warehouse either
    async with ground.db.write() as tx:
        place = (await logistics.add_location(tx, 0, None, "emptied", "Emptied", "US")).id
        receipt = await logistics.receive(tx, 0, seller, place, [logistics.Delivered(variant, 1)])
        await logistics.adjust(tx, 0, seller, receipt.stock_ids[0], -1, "lost", NIL)
        with pytest.raises(logistics.LocationInUse):
            await bonded.open_book(tx, 0, place, "T3-BOOK", "Ningbo", NIL)
