"""What customs answers counts once, also while its order is canceled or sent; and two declarations that want the last
of an item of the book."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import bonded, orders
from entrepot.bonded import NotReleased
from entrepot.customs import declarations, store_declarations
from entrepot.customs.messages import ParcelSaid
from entrepot.customs.office import Answer
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
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


def asker(status: str) -> Work:
    """A worker that asks customs about what is due; what is to be taken back is."""

    async def work(db: Database) -> int:
        due = await db.transact(
            lambda tx: tx.all(store_declarations.CLAIM, cell=0, now=tx.now, again_at=tx.now, limit=5)
        )
        for one in due:
            answer = Answer("revoked" if one.status == "revoking" else status)  # type: ignore[arg-type]
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
                await tx.maybe(store_declarations.LATEST, cell=0, order_id=order)
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
        async with ground.race(seed, asker("released"), sender(order), canceler(order, seed % 8 * 3)) as told:
            assert {told[1], told[2]} in (
                {"sent", "wrong_status"}, {"not_released", "canceled"}, {"wrong_status", "canceled"},
            )  # fmt: skip
            while await asker("released")(ground.db):
                pass
            gone = 200 if told[1] == "sent" else 0
            assert await book(ground) == (in_bond - gone, 0, shelf - gone)
        seen.add(told[1])
    assert {"sent", "wrong_status"} <= seen


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
