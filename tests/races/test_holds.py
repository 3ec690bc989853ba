"""Two hands on one hold, one name or one day: a hold ends once, a name is taken once, a closed day stays as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from entrepot import ledger
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import new_id
from entrepot.ledger import Hold, Settle, Transfer, Void
from entrepot.ledger.actions import apply, expire_holds
from entrepot.ledger.types import Command
from tests.databases import opened
from tests.races.books import MONEY, wrong
from tests.races.interleave import Interleaver, Work

SEEDS = range(20)
START = datetime(2026, 3, 2, 23, 50, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)
_serial = count(1)


class Ground:
    """Wallets with 10 in each, and a seller."""

    def __init__(self, db: Database, clock: VirtualClock, stage: Interleaver) -> None:
        self.db, self.clock, self.stage, self.race = db, clock, stage, stage.race
        self.wallet = self.seller = self.cash = 0
        self.cause = new_id(START)

    async def fresh(self, wallet_minor: int = 10) -> None:
        """Another wallet, and a name that stands for nothing."""
        self.cause = new_id(self.clock.now())
        async with self.db.write() as tx:
            ids = []
            for code, limited, striped in (("wallet", True, False), ("seller", False, False), ("cash", False, True)):
                owner = UUID(int=0 if striped else next(_serial))
                ids += await ledger.open_accounts(
                    tx, cell=0, codes=[code], owners=[owner], currencies=["USD"], limited=limited, striped=striped
                )
            self.wallet, self.seller, self.cash = ids
            await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "top_up", self.cash, self.wallet, wallet_minor)])

    def hold(self, amount: int = 10, due_at: datetime | None = None) -> Hold:
        return Hold(self.cause, "x", self.wallet, self.seller, amount, due_at)

    async def do(self, *commands: Command) -> list[str]:
        return await self.db.transact(lambda tx: apply(tx, 0, commands))

    async def rows(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(balance, held) of the wallet and of the seller."""
        query = "select credits - debits, held from ledger.balance where account_id = $1"
        async with self.db.read() as tx:
            wallet, seller = [await tx.conn.fetchrow(query, account) for account in (self.wallet, self.seller)]
        return tuple(wallet), tuple(seller)


def doing(*commands: Command) -> Work:
    return lambda db: db.transact(lambda tx: apply(tx, 0, commands))


async def timer(db: Database) -> int:
    return await db.transact(lambda tx: expire_holds(tx, 0))


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    clock = VirtualClock(START)
    async with opened(db_url, clock) as db:
        async with Interleaver(db_url, clock, actors=3) as stage:
            yield Ground(db, clock, stage)
        async with db.read() as tx:
            assert await wrong(tx.conn, *MONEY) == {}


async def test_a_hold_is_settled_or_voided(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh()
        assert await ground.do(ground.hold()) == ["held"]
        settle, void = Settle(ground.cause, "x", 4), Void(ground.cause, "x")
        async with ground.race(seed, doing(settle), doing(void), doing(settle)) as told:
            if told[1] == ["voided"]:
                assert told == [["hold_voided"], ["voided"], ["hold_voided"]]
                assert await ground.rows() == ((10, 0), (0, 0))
            else:
                assert sorted(told) == [["exists"], ["hold_settled"], ["settled"]]
                assert await ground.rows() == ((6, 0), (4, 0))
        seen.add(told[1][0])
    assert seen == {"voided", "hold_settled"}


async def test_what_has_expired_is_freed_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        assert await ground.do(ground.hold(due_at=ground.clock.now() + A_MINUTE)) == ["held"]
        ground.clock.advance(timedelta(seconds=60))
        async with ground.race(seed, timer, doing(Settle(ground.cause, "x")), timer) as told:
            assert told[1] == ["hold_expired"]
            assert told[0] + told[2] + await timer(ground.db) == 1  # a timer passes by what another one has locked
            assert await ground.rows() == ((10, 0), (0, 0))


async def test_a_name_is_taken_once_and_money_promised_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        post = Transfer(ground.cause, "x", ground.wallet, ground.seller, 10)
        async with ground.race(seed, doing(ground.hold()), doing(ground.hold()), doing(post)) as told:
            assert sorted(told) in ([["conflict"], ["conflict"], ["posted"]], [["conflict"], ["exists"], ["held"]])
            assert await ground.rows() in (((10, 10), (0, 0)), ((0, 0), (10, 0)))
        # Between accounts that have no row to lock, the second finds the name taken, and what it stands for.
        await ground.fresh()
        move = Transfer(ground.cause, "x", ground.cash, ground.seller, 1)
        other = Transfer(ground.cause, "x", ground.cash, ground.wallet, 1)
        async with ground.race(seed, doing(move), doing(other), doing(move)) as told:
            assert sorted(told) in ([["exists"], ["conflict"], ["posted"]], [["conflict"], ["exists"], ["posted"]],
                                    [["conflict"], ["conflict"], ["posted"]])  # fmt: skip


async def test_a_hold_that_came_while_accounts_were_waited_for_ends_once(ground: Ground) -> None:
    """Its name stood for nothing when holds were locked; when it is judged, it is there, and another voids it."""
    await ground.fresh()
    settle = Settle(ground.cause, "x"), Transfer(ground.cause, "y", ground.seller, ground.cash, 1)

    async def keep(db: Database) -> None:
        async with db.write() as tx:
            await tx.conn.execute("select from ledger.balance where account_id = $1 for update", ground.seller)

    async def promise(db: Database) -> Any:
        hold = Hold(ground.cause, "x", ground.wallet, ground.cash, 10)
        return await doing(hold)(db) + await doing(Void(ground.cause, "x"))(db)

    order = [0, 0, 1, 1, *[2] * 5, 0, 2]
    async with ground.race(0, keep, doing(*settle), promise, order=order) as (_, settled, promised):
        assert (settled, promised) == (["hold_voided", "posted"], ["held", "voided"])
        assert await ground.rows() == ((10, 0), (-1, 0))


async def test_ends_of_holds_lock_in_one_order(ground: Ground) -> None:
    """Two holds on two wallets, ended in the two orders at once: nobody is a victim of a deadlock."""
    for seed in SEEDS:
        await ground.fresh()
        first, account = ground.cause, ground.wallet
        assert await ground.do(ground.hold(5), Hold(first, "y", ground.seller, account, 1)) == ["held", "held"]
        ends: Sequence[Command] = (Settle(first, "x"), Settle(first, "y"))
        async with ground.race(seed, doing(*ends), doing(*reversed(ends))) as told:
            assert sorted(told) == [["exists", "exists"], ["settled", "settled"]]
            assert await ground.rows() == ((6, 0), (4, 0))


async def test_nothing_is_dated_into_a_day_that_was_closed_meanwhile(ground: Ground) -> None:
    """A posting of the last minute and the close: either it is in the day's total, or it is refused."""
    seen = set()
    ground.clock.advance(timedelta(days=1))
    async with ground.db.write() as tx:
        await ledger.close_days(tx, 0, (tx.now - timedelta(days=1)).date())
    for seed in SEEDS:
        await ground.fresh()
        day, late = ground.clock.now().date(), doing(Transfer(ground.cause, "x", ground.wallet, ground.seller, 7))

        async def close(db: Database, day: date = day) -> int:
            """The clock of the closer is ahead: for it, the day is over."""
            return await db.transact(lambda tx: ledger.close_days(Tx(tx.conn, tx.now + timedelta(days=1)), 0, day))

        async with ground.race(seed, late, close) as (told, closed):
            assert closed == 1
            async with ground.db.read() as reading:
                total = await reading.conn.fetchval(
                    "select debits from ledger.day_total where day = $1 and code = 'wallet'", day
                )
            posted = told == ["posted"]
            assert posted or getattr(told, "sqlstate", None) == "40001"
            assert total == (7 if posted else 0)
            assert await ground.rows() == (((3, 0), (7, 0)) if posted else ((10, 0), (0, 0)))
        seen.add(posted)
        ground.clock.advance(timedelta(days=1))
    assert seen == {True, False}


async def test_who_began_before_midnight_is_run_again(ground: Ground) -> None:
    """The books of yesterday are closed meanwhile: the second try is of today. No day before the first is closed."""
    ground.clock.advance(timedelta(days=2))
    await ground.fresh()
    async with ground.db.write() as tx:
        await ledger.close_days(tx, 0, (tx.now - timedelta(days=1)).date())
        assert await ledger.close_days(tx, 0, date(2020, 1, 1)) == 0
        assert await ledger.close_days(tx, 7, date(2020, 1, 1)) == 0  # a cell without transfers
    tries = []

    async def post(tx: Tx) -> list[str]:
        tries.append(tx.now)
        begun = Tx(tx.conn, tx.now - timedelta(days=1)) if len(tries) == 1 else tx
        return await ledger.apply(begun, 0, [Transfer(ground.cause, "x", ground.wallet, ground.seller, 7)])

    assert (await ground.db.transact(post), len(tries)) == (["posted"], 2)
    assert await ground.rows() == ((3, 0), (7, 0))
