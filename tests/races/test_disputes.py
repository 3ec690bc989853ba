"""Two hands on one dispute, or on what it is about: each unit is disputed once, and its money moves once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import approvals, disputes, orders
from entrepot.approvals import NewLimit
from entrepot.disputes import Claim, Party, Word
from entrepot.disputes.types import DisputeStatusIs
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id, parse
from tests.orders.counter import NOW, Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

TEN = Wanted(0, ((0, 10),))  # 10 for 3 each: 30, of which 3 are commission and 0.45 -> 0 the fee


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def sent(ground: Ground) -> UUID:
    await ground.fresh(units=10)
    (order,) = await ground.bought(TEN)
    await ground.ship(order)
    return order


def complaint(ground: Ground, order: UUID, units: int) -> Work:
    claim = Claim("not_received", {1: units}, "Where?")
    buyer = ground.counter.buyers[0]
    return lambda db: db.transact(lambda tx: disputes.open_dispute(tx, 0, order, buyer, claim))


def release(order: UUID) -> Work:
    return lambda db: db.transact(lambda tx: orders.release_many(tx, 0, [order]))


def act(dispute: UUID, party: Party, word: Word) -> Work:
    return lambda db: db.transact(lambda tx: disputes.act(tx, 0, dispute, party, word))


async def timer(db: Database) -> int:
    return await db.transact(lambda tx: disputes.end_turns(tx, 0))


async def test_a_unit_is_disputed_once_and_frozen_before_or_after_its_release(ground: Ground) -> None:
    """6 and 5 of 10, and the release at the same time: the sums are the same, whoever comes first."""
    seller, seen = ground.counter.sellers[0], set()
    for seed in SEEDS:
        order = await sent(ground)
        before = [await ground.balance("seller", seller), await ground.balance("escrow")]
        works = [complaint(ground, order, 6), complaint(ground, order, 5), release(order)]
        async with ground.race(seed, *works) as (six, five, released):
            assert released == 1
            taken = 6 if isinstance(six, UUID) else 5
            assert isinstance(five if taken == 6 else six, orders.UnitsTaken)
            after = [await ground.balance("seller", seller), await ground.balance("escrow")]
            # Of 6 units 18, of which 1.8 -> 1 commission; of 5 units 15 with 1.5 -> 1.
            assert after == [before[0] + (30 - 3 * taken) - (3 - 1), before[1] - 30 + 3 * taken]
            recalled = await ground.value("select recalled from orders.part where order_id = $1", order)
        seen.add((taken, recalled))
    assert seen == {(6, False), (6, True), (5, False), (5, True)}


async def test_the_last_word_counts_once(ground: Ground) -> None:
    """The seller gives all, the buyer withdraws, the seller gives a part: one of them, and its money."""
    seen = set()
    for seed in SEEDS:
        order = await sent(ground)
        dispute = await complaint(ground, order, 10)(ground.db)
        works = [
            act(dispute, "seller", Word("answer", amount_minor=30)),
            act(dispute, "buyer", Word("withdraw")),
            act(dispute, "seller", Word("answer", amount_minor=10)),
        ]
        async with ground.race(seed, *works) as told:
            assert all(isinstance(one, DisputeStatusIs | None) for one in told)
            status, granted = await status_of(ground, dispute)
            closed = {30: told[0] is None, 0: told[1] is None}
            assert (status, granted) in (("closed", 30), ("closed", 0), ("answered", None))
            assert sum(closed.values()) <= 1
            assert await ground.wallet() == 70 + (granted or 0)
        seen.add((status, granted))
    assert seen == {("closed", 30), ("closed", 0)}  # after the part is offered the buyer still withdraws


async def status_of(ground: Ground, dispute: UUID) -> tuple[str, int | None]:
    async with ground.db.read() as tx:
        row = await tx.conn.fetchrow("select status, granted_minor from disputes.dispute where id = $1", dispute)
    return row[0], row[1]


async def test_silence_ends_a_turn_once(ground: Ground) -> None:
    """The time of the verdict's appeal is over: timers close the dispute once, and an appeal comes too late."""
    for _ in range(3):  # what other tests left open
        ground.clock.advance(timedelta(days=8))
        while await timer(ground.db):
            pass
    for seed in SEEDS:
        order = await sent(ground)
        dispute = await complaint(ground, order, 10)(ground.db)
        ground.clock.advance(timedelta(days=3))
        assert await timer(ground.db) == 1
        ground.clock.advance(timedelta(days=7))
        works = [timer, act(dispute, "seller", Word("appeal")), timer]
        async with ground.race(seed, *works) as (first, appeal, second):
            assert isinstance(appeal, DisputeStatusIs)
            assert first + second + await timer(ground.db) == 1
            assert await status_of(ground, dispute) == ("closed", 30)
            assert await ground.wallet() == 100


async def test_goods_come_back_once(ground: Ground) -> None:
    """Two look at what was sent back, one of them finds all of it good, the other one unit of ten, and their time is
    over: what came back is what one of them said, with its money."""
    seen = set()
    for seed in SEEDS[:15]:
        order = await sent(ground)
        async with ground.db.write() as tx:
            claim = Claim("unwanted", {1: 10}, "No.")
            dispute = await disputes.open_dispute(tx, 0, order, ground.counter.buyers[0], claim)
        await act(dispute, "buyer", Word("send_back"))(ground.db)
        works = [
            act(dispute, "seller", Word("inspect", amount_minor=30)),
            act(dispute, "seller", Word("inspect", amount_minor=30, restock={1: 1})),
            act(dispute, "buyer", Word("note", "Look.")),
        ]
        async with ground.race(seed, *works) as (all_good, one_good, _):
            assert [type(told) for told in (all_good, one_good)].count(DisputeStatusIs) == 1
            back = 10 if all_good is None else 1
            assert await ground.stock() == (back, 0, 0)
            assert await ground.value("select restocked from orders.part_line where part_id = $1", dispute) == back
            assert await ground.wallet() == 100
        seen.add(back)
    assert seen == {1, 10}


async def test_an_appeal_is_not_decided_by_approving_the_verdict_before(ground: Ground) -> None:
    """Ann asks for 20, decides on 5 alone, and the seller appeals: nobody decides the appeal by what she asked for."""
    ann, bob = new_id(NOW), new_id(NOW)
    dispute = await complaint(ground, await sent(ground), 10)(ground.db)
    await act(dispute, "seller", Word("answer", amount_minor=1))(ground.db)
    await act(dispute, "buyer", Word("escalate"))(ground.db)
    async with ground.db.write() as tx:
        await approvals.set_limit(tx, NewLimit("verdict", "USD", 10), ann)
        asked = await disputes.decide_by(tx, ann, dispute, 20, "Most of it.")
        assert await disputes.decide_by(tx, ann, dispute, 5, "Some of it.") is None
        await tx.conn.execute("delete from approvals.alone")
    await act(dispute, "seller", Word("appeal"))(ground.db)
    assert asked is not None
    with pytest.raises(DisputeStatusIs):
        async with ground.db.write() as tx:
            await approvals.approve(tx, parse("apr", asked.approval_id), bob, "")
    assert await status_of(ground, dispute) == ("appealed", 5)
