"""A buyer's bank takes a payment while its order is released, given back, disputed or canceled: each cent goes one way,
and together no more than was paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from uuid import UUID

import msgspec
import pytest

from entrepot import disputes, orders, payments
from entrepot.chargebacks import actions
from entrepot.chargebacks.types import Rule
from entrepot.disputes import Claim
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from entrepot.payments import charging_back
from entrepot.payments.actions import credit_refund
from entrepot.payments.gateways.types import DisputeHint, DisputeTold
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

TEN = Wanted(0, ((0, 10),))  # 10 for 3 each: 30, of which 3 are commission and 0.45 -> 0 the fee
TOLD = DisputeTold("", "", "open", "fraudulent", 30, "USD", 30, 0, 5)
_numbers = count(1)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        async with opened.db.write() as tx:
            await actions.add_rule(tx, Rule(None, None, None, tx.now, "seller", "agreed"))
        opened.clock.advance(timedelta(seconds=1))
        yield opened


async def paid(ground: Ground) -> tuple[UUID, DisputeHint]:
    """An order that was paid through a gateway, and a dispute of its payment."""
    await ground.fresh(units=10)
    (order,) = await ground.bought(TEN)
    name = f"sp_{next(_numbers)}"
    async with ground.db.write() as tx:
        await tx.conn.execute(
            "update payments.payment p set method = 'sandbox', external_id = $2 from orders.order o "
            "where o.id = $1 and p.id = o.group_id", order, name,
        )  # fmt: skip
    return order, DisputeHint(f"sd_{name}", name)


async def known(ground: Ground, hint: DisputeHint, told: DisputeTold | None = TOLD) -> UUID:
    """Its id, once the gateway has `told` of it."""
    async with ground.db.write() as tx:
        await charging_back.hear(tx, "sandbox", hint)
        id_: UUID = await tx.conn.fetchval("select id from payments.chargeback where external_id = $1", hint.id)
        if told is not None:
            await charging_back.record(tx, 0, id_, told, is_sent=False)
    return id_


def taken(id_: UUID) -> Work:
    """What was told is posted, then frozen or ended, each in its transaction."""

    async def work(db: Database) -> int:
        await db.transact(lambda tx: actions.take_in(tx, 0, [id_]))
        return await db.transact(lambda tx: actions.settle_shares(tx, 0))

    return work


async def status(ground: Ground, order: UUID) -> tuple[int, int]:
    """(given back, taken by the bank) of the order's payment."""
    row = await ground.value(
        "select (p.refunded_minor, p.charged_back_minor) from payments.payment p join orders.order o "
        "on p.id = o.group_id where o.id = $1", order,
    )  # fmt: skip
    return row[0], row[1]


async def test_the_bank_takes_what_is_released_or_given_back(ground: Ground) -> None:
    """30 are taken while 30 are released and 30 given back. Who comes first decides; nobody has it twice."""
    seller, seen = ground.counter.sellers[0], set()
    for seed in SEEDS[:12]:
        order, hint = await paid(ground)
        await ground.ship(order)
        before = await ground.balance("seller", seller), await ground.balance("chargeback_loss")
        id_ = await known(ground, hint)

        async def release(db: Database, order: UUID = order) -> int:
            return await db.transact(lambda tx: orders.release_many(tx, 0, [order]))

        async def refund(db: Database, order: UUID = order) -> None:
            await db.transact(lambda tx: orders.refund(tx, 0, [order]))

        order_ = None if seed else [2] * 60
        async with ground.race(seed, taken(id_), release, refund, order=order_) as (done, released, told):
            back, bank = await status(ground, order)
            assert (back, bank) in ((0, 30), (30, 0))
            gave = told is None and back == 30
            assert done == (not gave)  # of what had gone back nothing falls on the order
            assert (released == 1) != (await ground.status(order) == "refunded")
            await known(ground, hint, msgspec.structs.replace(TOLD, status="lost"))
            await taken(id_)(ground.db)
            lost = before[1] - await ground.balance("chargeback_loss")
            # What was given back before the bank took it is the operator's loss; else the seller has nothing of it,
            # and bears the fee when there was anything to share.
            assert lost == (30 if gave else 0)
            assert await ground.balance("seller", seller) == before[0] - (0 if gave else 5)
        seen.add((gave, released))
    assert {gave for gave, _ in seen} == {True, False}


async def test_the_bank_takes_over_what_is_disputed_here(ground: Ground) -> None:
    """A dispute is opened, and ended by its timer, while the bank takes all."""
    seen = set()
    for seed in SEEDS[:8]:
        order, hint = await paid(ground)
        await ground.ship(order)
        claim, buyer = Claim("not_received", {1: 4}, "Where?"), ground.counter.buyers[0]
        argued = await ground.db.transact(lambda tx: disputes.open_dispute(tx, 0, order, buyer, claim))  # noqa: B023
        id_ = await known(ground, hint)

        async def withdraw(db: Database, argued: UUID = argued) -> None:
            await db.transact(lambda tx: disputes.act(tx, 0, argued, "buyer", disputes.Word("withdraw")))

        async def more(db: Database, order: UUID = order, buyer: UUID = buyer) -> UUID:
            again = Claim("not_received", {1: 2}, "Where?")
            return await db.transact(lambda tx: disputes.open_dispute(tx, 0, order, buyer, again))

        order_ = None if seed else [0] * 60  # the bank has more to ask, and is seldom first by chance
        async with ground.race(seed, taken(id_), withdraw, more, order=order_) as (_, _, third):
            how = await ground.value("select status from disputes.dispute where id = $1", argued)
            assert how in ("at_bank", "closed")
            assert isinstance(third, UUID | payments.PaymentChargedBack | orders.UnitsTaken | orders.NothingPaid)
            assert await status(ground, order) == (0, 30)
            await known(ground, hint, msgspec.structs.replace(TOLD, status="won", returned_minor=30))
        async with ground.race(seed, taken(id_), taken(id_)) as ends:
            assert 1 in ends
            await taken(id_)(ground.db)
            assert await status(ground, order) == (0, 0)
        seen.add(how)
    assert seen == {"at_bank", "closed"}


async def test_a_chargeback_is_heard_and_told_once(ground: Ground) -> None:
    """A webhook, the list and a look meet; evidence is sent once; what was refused meanwhile is covered once."""
    for seed in SEEDS[:4]:
        order, hint = await paid(ground)
        async with ground.db.write() as tx:
            await orders.cancel(tx, 0, [order])
            refund: UUID = await tx.conn.fetchval(
                "update payments.refund set status = 'failed', due_at = null where order_id = $1 returning id", order
            )
        id_ = await known(ground, hint, None)
        by = int(ground.clock.now().timestamp()) + 86_400

        async def look(db: Database, id_: UUID = id_, by: int = by) -> None:
            due = await db.transact(lambda tx: charging_back.claim(tx, 0, "sandbox", 10))
            for one in due:
                async with db.write() as tx:
                    told = msgspec.structs.replace(TOLD, evidence_by=by)
                    await charging_back.record(tx, 0, one.id, told, is_sent=False)
            await db.transact(lambda tx: charging_back.list_now(tx, "sandbox"))
            await db.transact(lambda tx: charging_back.record_evidence_refused(tx, 0, id_, "no"))
            await taken(id_)(db)

        async def listed(db: Database, hint: DisputeHint = hint) -> bool:
            await db.transact(lambda tx: charging_back.hear(tx, "sandbox", hint))
            return await db.transact(lambda tx: charging_back.hear(tx, "sandbox", hint, listed=True))

        async with ground.race(seed, look, look, listed):
            await look(ground.db)
            assert await ground.value("select count(*) from chargebacks.case where id = $1", id_) == 1
            assert await status(ground, order) == (30, 0)  # it had gone back: all of it is over
        loss = await ground.balance("chargeback_loss")

        async def cover(db: Database, refund: UUID = refund) -> None:
            await db.transact(lambda tx: credit_refund(tx, refund))

        async def answer(db: Database, id_: UUID = id_) -> None:
            await db.transact(lambda tx: payments.answer(tx, 0, id_, "Signed for."))

        async with ground.race(seed, cover, cover, answer) as (one, other, third):
            assert third is None
            assert all(isinstance(told, payments.PaymentChargedBack) for told in (one, other))  # it may come back
        async with ground.db.write() as tx:
            await tx.conn.execute("update payments.chargeback set status = 'lost' where id = $1", id_)
        async with ground.race(seed, cover, cover) as (one, other):
            assert sorted([one is None, other is None]) == [False, True]
            assert isinstance(one or other, payments.RefundNotFailed)
            assert await ground.balance("chargeback_loss") == loss + 30
            assert await ground.value("select status from payments.refund where id = $1", refund) == "charged_back"


async def test_what_a_bank_has_is_covered_once(ground: Ground) -> None:
    """An installment of 30 is the bank's for good: of what goes back of its purchase it covers 20 once, not twice."""
    for seed in SEEDS[:4]:
        await ground.fresh(units=10)
        (order,) = await ground.bought(TEN)
        name, payment = f"sp_{next(_numbers)}", new_id(ground.clock.now())
        group: UUID = await ground.value("select group_id from orders.order where id = $1", order)
        async with ground.db.write() as tx:
            await payments.ask(tx, 0, payment, group, ground.counter.buyers[0], "sandbox", "USD", 30)
            await payments.mark_captured(tx, 0, payment, name)
        hint = DisputeHint(f"sd_{name}", name)

        async def cover(db: Database, payment: UUID = payment, order: UUID = order) -> None:
            id_ = new_id(ground.clock.now())
            await db.transact(lambda tx: payments.cover(tx, 0, payment, order, id_, 20, "installments"))

        await taken(await known(ground, hint))(ground.db)
        with pytest.raises(payments.PaymentChargedBack):  # it is not decided
            await cover(ground.db)
        await taken(await known(ground, hint, msgspec.structs.replace(TOLD, status="lost")))(ground.db)
        async with ground.race(seed, cover, cover, cover) as told:
            assert sorted([one is None for one in told]) == [False, False, True]
            row = await ground.value(
                "select (refunded_minor, taken_over_minor) from payments.payment where id = $1", payment
            )
            assert tuple(row) == (20, 10)
