"""A limit is not passed by two who buy at once, and a plan that is paid, canceled and collected at once owes nothing
twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import credit, orders, payments
from entrepot.credit import CreditRefused, PlanTerms, Terms
from entrepot.kit.db import Database
from entrepot.orders import Place
from tests.orders.counter import NOW, Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

TEN = Wanted(0, ((0, 10),))  # 10 for 3 each: 30
OTHERS = Wanted(0, ((2, 8),))  # 8 for 4 each, of other stock: 32
DAY_S = 86_400


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, actors=4) as opened:
        async with opened.db.write() as tx:
            begin = NOW - timedelta(days=1)
            terms = Terms("us", begin, 5 * DAY_S, DAY_S, 5, 10_000, 60 * DAY_S, [0], [50], "tests")
            await credit.set_terms(tx, terms)
            await credit.set_plan_terms(tx, PlanTerms("us", 3, begin, True, 1_000, "buyer", 3, "tests"))
        yield opened


def lend(buyer: UUID, key: str, quote: UUID) -> Work:
    """As a statement of its own process would: on the actor's connection."""
    return lambda db: orders.place_on_credit(db, 0, Place(buyer, key, quote, credit.INSTALLMENTS, months=3))


async def owed(ground: Ground) -> tuple[int, int]:
    exposure = await ground.value("select coalesce(sum(exposure_minor), 0)::bigint from credit.line")
    return exposure, -await ground.balance("funder")


async def test_two_purchases_at_once_do_not_pass_the_limit(ground: Ground) -> None:
    """Of 30 and 32 with a limit of 50 one is placed, whichever comes first; the other one changes nothing."""
    first = set()
    for seed in SEEDS[:8]:
        await ground.fresh(units=20)
        if seed % 2:  # the buyer's line is there already, and so nobody waits for who makes it
            async with ground.db.write() as tx:
                await tx.conn.execute("insert into credit.line values (0, $1, 'USD', 0, 0)", ground.counter.buyers[0])
        before, stocks = await owed(ground), await ground.stocks()
        quotes = await ground.quotes(TEN, OTHERS)
        works = [lend(ground.counter.buyers[0], f"{seed}-{n}", quote.id) for n, quote in enumerate(quotes)]
        async with ground.race(seed, *works) as told:
            refused = [isinstance(one, CreditRefused) for one in told]
            assert sorted(refused) == [False, True]
            placed = refused.index(False)
            assert await owed(ground) == (before[0] + (30, 32)[placed], before[1] + (30, 32)[placed])
            taken = [now[2] - was[2] for now, was in zip(await ground.stocks(), stocks, strict=True)]
            assert taken == [[10, 0, 0], [0, 8, 0]][placed]
            first.add(placed)
    assert first == {0, 1}


async def test_paid_collected_and_canceled_at_once(ground: Ground) -> None:
    """33 in three: 11 are due, and are paid from the wallet while the gateway captures them, the timer asks anew and
    the seller cancels the order. Whatever comes first, nothing is owed any more, and what was paid went back."""
    for seed in SEEDS[:8]:
        await ground.fresh(units=10, wallet=100)
        buyer = ground.counter.buyers[0]
        (quote,) = await ground.quotes(TEN)
        await lend(buyer, f"plan-{seed}", quote.id)(ground.db)
        order = await ground.value("select id from orders.order where group_id = $1", quote.id)
        due_at = await ground.value("select min(due_at) from credit.installment where plan_id = $1", quote.id)
        ground.clock.move_to(max(ground.clock.now(), due_at))
        async with ground.db.write() as tx:
            await credit.look_at_due(tx, 0)
        payment = await ground.value("select payment_id from credit.collection where plan_id = $1", quote.id)
        due = payments.Due(payment, quote.id, "USD", 11, "pending", f"sp_{seed}", 0)

        async def collect(db: Database, due: payments.Due = due) -> None:
            await db.transact(lambda tx: orders.settle(tx, 0, due, due.external_id or ""))

        async def pay(db: Database, buyer: UUID = buyer, plan: UUID = quote.id) -> None:
            await db.transact(lambda tx: credit.pay(tx, 0, buyer, plan, "wallet", whole=False))

        async def cancel(db: Database, order: UUID = order) -> None:
            await db.transact(lambda tx: orders.cancel(tx, 0, [order]))

        async def look(db: Database) -> None:
            await db.transact(lambda tx: credit.look_at_due(tx, 0))

        ground.clock.advance(timedelta(days=1))  # it is asked for once more
        async with ground.race(seed, collect, pay, cancel, look) as (collected, paid, canceled, looked):
            assert (collected, canceled, looked) == (None, None, None)
            assert paid is None or isinstance(paid, credit.NothingOwed | UUID)
            exposure, lent = await owed(ground)
            assert (exposure, await ground.wallet()) == (lent, 100)
            assert not await ground.value("select sum(principal_minor) from credit.installment where plan_id = $1 "
                                          "and status = 'open'", quote.id)  # fmt: skip
            captured, back = await _at_the_gateway(ground, payment)
            assert captured == back == 11
            assert await ground.value("select status from credit.plan where id = $1", quote.id) in ("paid", "canceled")


async def test_a_late_fee_of_the_moment_in_which_a_payment_was_asked_for_is_not_in_it(ground: Ground) -> None:
    """11 are asked for, and the timer finds them late by the same clock: the capture of 11 pays them, and not the 5."""
    await ground.fresh(units=10)
    (quote,) = await ground.quotes(TEN)
    await lend(ground.counter.buyers[0], "late", quote.id)(ground.db)
    due_at = await ground.value("select min(due_at) from credit.installment where plan_id = $1", quote.id)
    ground.clock.move_to(max(ground.clock.now(), due_at + timedelta(days=5)))
    async with ground.db.write() as tx:
        payment = await credit.pay(tx, 0, ground.counter.buyers[0], quote.id, "sandbox", whole=False)
    async with ground.db.write() as tx:
        await credit.look_at_due(tx, 0)
    async with ground.db.write() as tx:
        await orders.settle(tx, 0, payments.Due(payment, quote.id, "USD", 11, "pending", "sp_late", 0), "sp_late")
    first = "select status || ' ' || late_fee_minor || ' ' || (late_payment_id is null) from credit.installment "
    assert await ground.value(first + "where plan_id = $1 and no = 1", quote.id) == "paid 5 true"
    assert await _at_the_gateway(ground, payment) == (11, None)


async def _at_the_gateway(ground: Ground, payment: UUID) -> tuple[int, int | None]:
    query = "select sum(amount_minor)::bigint from payments.refund where payment_id = $1"
    amount = await ground.value("select amount_minor from payments.payment where id = $1", payment)
    return amount, await ground.value(query, payment)
