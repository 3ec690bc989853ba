"""Two hands on one order: each unit is canceled, sent or given back once, and no more goes back than was paid.

The buyers' home is cell 1, seller 0 is in cell 2 and seller 1 in cell 0: above it and below."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot import exchange, ledger, orders, sellers
from entrepot.kit.ids import new_id
from entrepot.logistics import NewShipment
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

TEN = Wanted(0, ((0, 10),))  # 10 for 3 each: 30, of which 3 are commission and 0.45 -> 0 the fee
HOME, CELLS = 1, (2, 0)
SOME = SEEDS[:12]


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, home=HOME, cells=CELLS) as opened:
        yield opened


def cancel(ground: Ground, order: UUID, units: int) -> Work:
    buyer = ground.counter.buyers[0]
    return lambda db: db.transact(lambda tx: orders.cancel_lines(tx, HOME, order, {1: units}, buyer_id=buyer))


def refund(ground: Ground, order: UUID, amount_minor: int, owner: int = 0) -> Work:
    cell, seller = CELLS[owner], ground.counter.sellers[owner]
    return lambda db: db.transact(
        lambda tx: orders.refund_amount(tx, cell, order, 1, amount_minor, "A gift.", seller_id=seller)
    )


def ship(order: UUID, cell: int = CELLS[0]) -> Work:
    return lambda db: db.transact(lambda tx: orders.ship_many(tx, cell, [NewShipment(order, "house", order.hex)]))


def release(order: UUID, cell: int = CELLS[0]) -> Work:
    return lambda db: db.transact(lambda tx: orders.release_many(tx, cell, [order]))


async def earned(ground: Ground, currency: str = "USD") -> int:
    async with ground.db.read() as tx:
        return await ledger.balance(tx, CELLS[0], "seller", currency, ground.counter.sellers[0])


async def test_a_unit_is_canceled_or_sent(ground: Ground) -> None:
    """6 of 10, 5 of 10, and the parcel: the second to cancel finds too few, and who comes after the parcel nothing."""
    seen = set()
    for seed in SEEDS[:24]:
        await ground.fresh(units=10)
        (order,) = await ground.bought(TEN)
        works = [cancel(ground, order, 6), cancel(ground, order, 5), ship(order)]
        first = None if seed else [0] * 60  # who cancels has more to ask than who sends, and is seldom first by chance
        async with ground.race(seed, *works, order=first) as (six, five, sent):
            assert sent is None
            assert isinstance(six, orders.WrongStatus | orders.UnitsTaken | None)
            assert isinstance(five, orders.WrongStatus | orders.UnitsTaken | None)
            canceled = 6 if six is None else 5 if five is None else 0
            assert six is not None or five is not None
            assert await ground.wallet() == 70 + 3 * canceled
            assert await ground.stock() == (canceled, 0, 0)
            assert await ground.status(order) == "shipped"
        seen.add(canceled)
    assert len(seen) > 1


async def test_no_more_goes_back_than_was_paid(ground: Ground) -> None:
    """20 of 30, 15 of 30, and the release: one of the two refunds is refused whenever it comes, and the seller is paid
    or owes what is left of it."""
    seen = set()
    for seed in SOME:
        await ground.fresh(units=10)
        (order,) = await ground.bought(TEN)
        await ship(order)(ground.db)
        before = await earned(ground)
        works = [refund(ground, order, 20), refund(ground, order, 15), release(order)]
        first = [seed] * 60 if seed < 2 else None
        async with ground.race(seed, *works, order=first) as (more, less, released):
            assert released == 1
            told, back = (less, 20) if more is None else (more, 15)
            assert isinstance(told, orders.AmountNotLeft)
            assert told.left_minor == 30 - back
            assert await ground.wallet() == 70 + back
            recalled = await ground.value("select recalled from orders.part where order_id = $1", order)
            # Of 3 of commission, 20/30 are given up: 2, and of 15 1.
            assert await earned(ground) == before + 30 - back - (3 - {20: 2, 15: 1}[back])
        seen.add((back, recalled))
    assert seen == {(20, False), (20, True), (15, False), (15, True)}


async def test_two_orders_of_one_payment_are_given_back_at_once(ground: Ground) -> None:
    """One above the buyer's cell, released before or after, and one below it: nobody waits in a circle."""
    for seed in SOME:
        await ground.fresh(units=10)
        below, above = await ground.bought(Wanted(0, ((0, 10), (2, 5))))
        if await ground.value("select cell from orders.order where id = $1", below) != CELLS[1]:
            below, above = above, below
        await ship(above)(ground.db)
        await ship(below, CELLS[1])(ground.db)
        works = [refund(ground, above, 7), refund(ground, below, 8, owner=1), release(above)]
        async with ground.race(seed, *works) as told:
            assert told == [None, None, 1]
            assert await ground.wallet() == 50 + 15


async def test_parts_that_end_at_once_leave_nothing_exchanged(ground: Ground) -> None:
    """Of an order that is settled in euros two parts end while the rest is released: in whatever order, the seller has
    in the end what all that is left is at the locked rate, and both parts' roundings are one."""
    cell, seller = CELLS[0], sellers.SellerId(ground.counter.sellers[0])
    async with ground.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("de", "Germany", "EUR", "de"))
        await exchange.set_terms(tx, exchange.ExchangeTerms("us", tx.now, 500, 7, False, "tests"))
        rates = exchange.Rates("tests", "tests", "1", [("USD", tx.now.date(), Decimal("1.7"))])
        await exchange.take_rates(tx, rates)
        await sellers.settle_in(tx, seller, "EUR")
    for seed in SOME[:6]:
        await ground.fresh(units=10)
        (order,) = await ground.bought(TEN)
        await ship(order)(ground.db)
        parts = [new_id(ground.clock.now()) for _ in range(2)]
        async with ground.db.write() as tx:
            for part in parts:
                await orders.freeze(tx, cell, part, order, {1: 3})
        before = await earned(ground), await earned(ground, "EUR")
        works = [end(part, back) for part, back in zip(parts, (4, 5), strict=True)]
        async with ground.race(seed, *works, release(order)) as told:
            assert told == [None, None, 1]
            # 30 less 9 that went back are 21, of which 2 are commission: 19 / 1.7 = 11.2, and 5 % are 0.6.
            assert (await earned(ground), await earned(ground, "EUR")) == (before[0], before[1] + 11 - 1)
    async with ground.db.write() as tx:
        await sellers.settle_in(tx, seller, None)


def end(part: UUID, back_minor: int) -> Work:
    return lambda db: db.transact(lambda tx: orders.end_part(tx, CELLS[0], part, back_minor))
