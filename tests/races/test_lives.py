"""Two hands on one order, one payment or one payout: what happens, happens once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import inventory, orders, payments
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import Consumer, Event, consume, news
from entrepot.kit.idempotency import Done, Spent, once
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import KeyConflict
from entrepot.orders import jobs
from entrepot.orders.actions import expire_groups, release_due
from entrepot.orders.types import WrongStatus
from entrepot.payments import Due, paying_out
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground, ship
from tests.races.interleave import Work

ONE = Wanted(0, ((0, 10),))  # 10 for 3 each: 30, of which 3 are commission and 0.45 -> 0 the fee


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def release(order: UUID) -> Work:
    return lambda db: db.transact(lambda tx: orders.release_many(tx, 0, [order]))


def send(order: UUID) -> Work:
    return lambda db: db.transact(lambda tx: ship(tx, order))


def cancel(order: UUID, buyer: UUID) -> Work:
    return lambda db: db.transact(lambda tx: orders.cancel(tx, 0, [order], buyer_id=buyer))


def confirm(order: UUID, buyer: UUID) -> Work:
    return lambda db: db.transact(lambda tx: orders.confirm(tx, 0, order, buyer))


async def timer(db: Database) -> int:
    return await db.transact(lambda tx: release_due(tx, 0))


async def test_an_order_is_released_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE)
        await ground.ship(order)
        before = await ground.balance("commission"), await ground.balance("seller", ground.counter.sellers[0])
        async with ground.race(seed, release(order), release(order)) as told:
            assert sorted(told) == [0, 1]
            assert await ground.balance("commission") == before[0] + 3
            assert await ground.balance("seller", ground.counter.sellers[0]) == before[1] + 27


async def test_an_order_is_canceled_or_shipped(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE)
        buyer = ground.counter.buyers[0]
        async with ground.race(seed, cancel(order, buyer), send(order)) as (canceled, shipped):
            status = await ground.status(order)
            if status == "canceled":
                assert canceled is None
                assert isinstance(shipped, WrongStatus)
                assert (await ground.wallet(), await ground.stock()) == (100, (10, 0, 0))
            else:
                assert isinstance(canceled, WrongStatus)
                assert (shipped, status) == (None, "shipped")
                assert (await ground.wallet(), await ground.stock()) == (70, (0, 0, 0))
        seen.add(status)
    assert seen == {"canceled", "shipped"}


async def test_the_buyer_and_the_timer_confirm_once(ground: Ground) -> None:
    ground.clock.advance(timedelta(days=2))
    await timer(ground.db)  # what other tests left on its way
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE)
        await ground.ship(order)
        ground.clock.advance(timedelta(days=2))
        before = await ground.balance("commission")
        async with ground.race(seed, confirm(order, ground.counter.buyers[0]), timer, timer) as (confirmed, *timed):
            assert isinstance(confirmed, WrongStatus) or (confirmed is None and timed == [0, 0])
            assert (confirmed is None) + sum(timed) == 1
            assert await ground.balance("commission") == before + 3


async def test_a_period_is_paid_out_once_and_nothing_gets_lost(ground: Ground) -> None:
    seller = ground.counter.sellers[0]
    for seed in SEEDS:
        ground.clock.advance(timedelta(days=14))
        await ground.fresh(units=20)
        first, second = await ground.bought(ONE, ONE)
        await ground.ship(first, second)
        async with ground.db.write() as tx:
            await orders.release_many(tx, 0, [first])

        async def pay(db: Database) -> int:
            return await db.transact(lambda tx: payments.pay_out(tx, 0))

        available = """select b.credits - b.debits - b.held from ledger.account a
                         join ledger.balance b on b.account_id = a.id where a.owner = $1 and a.currency = 'USD'"""
        owed = await ground.value(available, seller)
        async with ground.race(seed, pay, release(second), pay) as told:
            assert sorted((told[0], told[2])) == [0, 1]
            assert told[1] == 1
            left = await ground.value(available, seller)
            assert left in (0, 27)  # the second release is in this period's payout or waits for the next
            sent = "select array_agg(amount_minor) from payments.payout where created_at = $1"
            assert await ground.value(sent, ground.clock.now()) == [owed + 27 - left]


async def test_the_banks_answer_counts_once(ground: Ground) -> None:
    """Delivered, returned and past its time at once: it is settled once at most, and what came back is the seller's,
    by an entry of its own when it was settled before."""
    seen, seller = set(), ground.counter.sellers[0]
    async with ground.db.write() as tx:  # what other tests sent
        ground.clock.advance(timedelta(days=14))
        await payments.settle_due(Tx(tx.conn, ground.clock.now()), 0)
    for seed in SEEDS:
        ground.clock.advance(timedelta(days=14))
        await ground.fresh(units=20)
        (order,) = await ground.bought(ONE)
        await ground.ship(order)
        async with ground.db.write() as tx:
            await orders.release_many(tx, 0, [order])
            await payments.pay_out(tx, 0)
        sent = "select id from payments.payout where status = 'sent'"
        payout, before = await ground.value(sent), await ground.balance("seller", seller)
        ground.clock.advance(timedelta(days=5))
        works: list[Work] = [
            lambda db, payout=payout: db.transact(lambda tx: paying_out.settle_payout(tx, payout)),  # type: ignore[misc]
            lambda db, payout=payout: db.transact(lambda tx: paying_out.return_payout(tx, payout)),  # type: ignore[misc]
            lambda db: db.transact(lambda tx: payments.settle_due(tx, 0)),
        ]
        async with ground.race(seed, *works) as (settled, returned, due):
            assert isinstance(settled, payments.PayoutNotSent | None)
            assert returned is None
            way = (settled is None, due)
            entries = "select count(*) from ledger.transfer where cause_id = $1 and code = 'payout_return'"
            assert await ground.value(entries, payout) == sum(way) <= 1
            assert await ground.balance("seller", seller) == before
        seen.add(way)
    assert seen == {(False, 0), (True, 0), (False, 1)}


async def test_a_file_is_made_once_and_its_statement_counts_once(ground: Ground) -> None:
    """Two workers make one file; then its statement, that of the return and the operator's button come at once."""
    seen, seller, keys = set(), ground.counter.sellers[0], Keys(b"a secret of the races")
    async with ground.db.write() as tx:
        for owner in (NIL, seller):
            account = payments.BankAccount("Ada", "DE89370400440532013000")
            await payments.add_account(tx, keys, 0, owner, "USD", account, NIL)
    for seed in SEEDS[:12]:
        ground.clock.advance(timedelta(days=14))
        await ground.fresh(units=20)
        (order,) = await ground.bought(ONE)
        await ground.ship(order)
        async with ground.db.write() as tx:
            await orders.release_many(tx, 0, [order])
        before = await ground.balance("seller", seller)
        pay: Work = lambda db: db.transact(lambda tx: payments.pay_out(tx, 0))  # noqa: E731
        async with ground.race(seed, pay, pay) as told:
            assert sorted(told) == [0, 1]
        async with ground.db.read() as reading:
            row = await reading.conn.fetchrow(
                "select p.id, p.amount_minor from payments.payout p join payments.bank_file f on f.id = p.file_id "
                "where p.created_at = $1 and f.total_minor = p.amount_minor and p.status = 'sent'",
                ground.clock.now(),
            )
        assert row is not None
        word = [payments.BankWord(row[0], "USD", row[1])]
        works: list[Work] = [
            lambda db, word=word: db.transact(lambda tx: payments.take_bank_word(tx, word, [])),  # type: ignore[misc]
            lambda db, word=word: db.transact(lambda tx: payments.take_bank_word(tx, [], word)),  # type: ignore[misc]
            lambda db, id_=row[0]: db.transact(lambda tx: paying_out.settle_payout(tx, id_)),  # type: ignore[misc]
        ]
        async with ground.race(seed, *works) as (_, _, settled):
            assert isinstance(settled, payments.PayoutNotSent | None)
            entries = "select count(*) from ledger.transfer where cause_id = $1 and code = 'payout_return'"
            assert await ground.value("select status from payments.payout where id = $1", row[0]) == "returned"
            seen.add(await ground.value(entries, row[0]))
            assert await ground.balance("seller", seller) == before
    assert seen == {0, 1}


async def test_a_statement_and_a_release_lock_sellers_in_one_order(ground: Ground) -> None:
    """One payout was sent and another returned, of two sellers who are released something meanwhile."""
    keys, sellers = Keys(b"a secret of the races"), ground.counter.sellers
    async with ground.db.write() as tx:
        for owner in (NIL, *sellers):
            account = payments.BankAccount("Ada", "DE89370400440532013000")
            await payments.add_account(tx, keys, 0, owner, "USD", account, NIL)
    for seed in SEEDS[:8]:
        ground.clock.advance(timedelta(days=14))
        await ground.fresh(units=20)
        first, second = [await ground.bought(ONE, Wanted(0, ((2, 5),))) for _ in range(2)]
        await ground.ship(*first, *second)
        async with ground.db.write() as tx:
            await orders.release_many(tx, 0, first)
            assert await payments.pay_out(tx, 0) == 2
            rows = await tx.conn.fetch(
                "select id, amount_minor from payments.payout where created_at = $1 order by seller_id = $2",
                tx.now, sellers[seed % 2],
            )  # fmt: skip
        sent, returned = [[payments.BankWord(row[0], "USD", row[1])] for row in rows]
        works: list[Work] = [
            lambda db, a=sent, b=returned: db.transact(lambda tx: payments.take_bank_word(tx, a, b)),  # type: ignore[misc]
            lambda db, ids=second: db.transact(lambda tx: orders.release_many(tx, 0, ids)),  # type: ignore[misc]
        ]
        async with ground.race(seed, *works) as (_, released):
            assert released == 2
            statuses = [await ground.value("select status from payments.payout where id = $1", row[0]) for row in rows]
            assert statuses == ["settled", "returned"]
        assert sum("begin" in statement for _, statement in ground.stage.trace) == 2  # nobody had to begin again


async def test_a_payment_is_recorded_or_its_group_expires(ground: Ground) -> None:
    """Captured twice at once (webhook and sweeper) while the deadline passes: paid once, or sent back once."""
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=10)
        on_hand, _, allocated = await ground.stock()
        (order,) = await ground.bought(ONE, method="sandbox")
        ground.clock.advance(timedelta(minutes=21))
        group = await ground.value("select group_id from orders.order where id = $1", order)
        due = Due(group, group, "USD", 30, "pending", "ext", 1)

        async def settle(db: Database, due: Due = due) -> None:
            await db.transact(lambda tx: jobs.settle(tx, 0, due, due.id.hex))

        async def expire(db: Database) -> int:
            return await db.transact(lambda tx: expire_groups(tx, 0))

        gateway = await ground.balance("gateway")
        async with ground.race(seed, settle, expire, settle) as (_, expired, _):
            payment = await ground.value("select status from payments.payment where id = $1", group)
            refunds = await ground.value("select count(*) from payments.refund where payment_id = $1", group)
            if expired:
                assert (await ground.status(order), payment, refunds) == ("expired", "returning", 1)
                assert (await ground.stock(), await ground.balance("gateway")) == ((on_hand, 0, allocated), gateway)
            else:
                assert (await ground.status(order), payment, refunds) == ("paid", "captured", 0)
                assert (await ground.stock(), await ground.balance("gateway")) == (
                    (on_hand, 0, allocated + 10),
                    gateway - 30,
                )
        seen.add(expired)
    assert seen == {0, 1}


class Reader:
    """A consumer that notes what it was handed when that committed."""

    def __init__(self, name: str) -> None:
        self.handed: list[UUID] = []
        self.consumer = Consumer(name, frozenset({"told"}), self.handle)

    async def handle(self, _: Tx, __: int, events: Sequence[Event]) -> None:
        self.handed += [event.key for event in events]

    def read(self, rounds: int = 1) -> Work:
        async def work(db: Database) -> None:
            for _ in range(rounds):
                await consume(db, self.consumer, 0)

        return work

    def watch(self, rounds: int) -> Work:
        """As the worker does: it reads when there is something to read."""

        async def work(db: Database) -> None:
            for _ in range(rounds):
                for consumer in await news(db, [self.consumer], 0):
                    await consume(db, consumer, 0)

        return work

    async def read_all(self, db: Database) -> None:
        while await consume(db, self.consumer, 0):
            pass


def tell(*keys: UUID) -> Work:
    async def work(db: Database) -> None:
        async with db.write() as tx:
            await tx.conn.execute("select pg_current_xact_id()")  # numbered now, told at the end
            for key in keys:
                tx.emit("told", key, {})

    return work


async def test_two_of_one_consumer_see_each_event_once(ground: Ground) -> None:
    for seed in SEEDS:
        reader = Reader(f"twice-{seed}")
        await reader.read_all(ground.db)
        reader.handed.clear()
        keys = [new_id(ground.clock.now()) for _ in range(2)]
        async with ground.race(seed, reader.watch(3), tell(*keys), reader.read(3)):
            await reader.read_all(ground.db)
            assert reader.handed == keys


async def test_an_event_that_commits_late_is_not_skipped(ground: Ground) -> None:
    """Numbered first, committed last, with a reader in between: by hand, and by every seed."""
    late, early = new_id(ground.clock.now()), new_id(ground.clock.now())
    reader = Reader("late")
    await reader.read_all(ground.db)
    reader.handed.clear()
    # begin, number and tell 0; all of 1, all of the reader; commit 0.
    order = [0, 0, 0, *[1] * 4, *[2] * 12]
    async with ground.race(0, tell(late), tell(early), reader.read(), order=order):
        assert [number for number, statement in ground.stage.trace if statement == "commit"] == [1, 2, 0]
        assert reader.handed == []  # 1 has committed, but 0 may still tell something older
        await reader.read_all(ground.db)
        assert reader.handed == [late, early]
    for seed in SEEDS:
        reader = Reader(f"late-{seed}")
        await reader.read_all(ground.db)
        reader.handed.clear()
        async with ground.race(seed, tell(late), tell(early), reader.watch(4)):
            await reader.read_all(ground.db)
            assert sorted(reader.handed) == sorted([late, early])


async def test_one_key_gives_one_answer_at_once(ground: Ground) -> None:
    """The second of two that cancel with one key finds the order canceled, and still gets the first's answer."""
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE)
        buyer = ground.counter.buyers[0]
        spent = Spent(0, buyer, "POST /v1/orders/cancel", f"key {seed}", b"body")

        async def ask(db: Database, spent: Spent = spent, order: UUID = order, buyer: UUID = buyer) -> Done:
            return await once(db, spent, lambda tx: orders.cancel(tx, 0, [order], buyer_id=buyer), 200, durable=True)

        async with ground.race(seed, ask, ask, ask) as told:
            assert told == [Done(spent.body_hash, 204, b"")] * 3
            assert await ground.wallet() == 100


async def test_one_key_with_two_bodies_at_once(ground: Ground) -> None:
    for seed in SEEDS:
        caller = new_id(ground.clock.now())

        def ask(body: bytes, caller: UUID = caller) -> Work:
            async def work(db: Database) -> Done:
                async def effect(tx: Tx) -> str:
                    tx.emit("effect", caller, {})
                    return body.decode()

                return await once(db, Spent(0, caller, "POST /x", "k", body), effect, 201, durable=True)

            return work

        async with ground.race(seed, ask(b"a"), ask(b"b"), ask(b"a")) as told:
            won = [done.answer for done in told if isinstance(done, Done)]
            assert len(set(won)) == 1
            assert [isinstance(done, KeyConflict) for done in told] == (
                [False, True, False] if b'"a"' in won else [True, False, True]
            )
            assert await ground.value("select count(*) from kit.event where key = $1", caller) == 1


async def test_one_stock_row_is_opened_once(ground: Ground) -> None:
    for seed in SEEDS:
        seller = new_id(ground.clock.now())

        async def open_(db: Database, seller: UUID = seller) -> list[int]:
            return await db.transact(lambda tx: inventory.open_stock(tx, 0, [seller, seller], [1, 2], [1, 1]))

        async with ground.race(seed, open_, open_) as (first, second):
            assert first == second
            assert all(isinstance(id_, int) for id_ in first)
