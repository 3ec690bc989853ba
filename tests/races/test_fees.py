"""Fees: numbers have no gap, deposits are taken once, and no rule is shadowed unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from entrepot import fees, invoices
from entrepot.fees import DepositIs, NewRule, RuleShadowed, ShopTerms, shops
from entrepot.invoices import LineIs
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def credit(invoice: UUID) -> Work:
    return lambda db: db.transact(lambda tx: invoices.credit_by(tx, NIL, invoice, 1, 600, "Agreed."))


async def test_numbers_have_no_gap(ground: Ground) -> None:
    """Of 10.00 twice 6.00 are credited at once: one finds too little, and takes no number. Another invoice's note gets
    the next one."""
    seller = ground.counter.sellers[0]
    for seed in SEEDS[:10]:
        ids = [new_id(ground.clock.now()) for _ in range(2)]
        async with ground.db.write() as tx:
            for number, id_ in enumerate(ids, seed * 2 + 1):
                await tx.conn.execute(
                    "insert into invoices.invoice values (0, $1, 'invoice', 'TEST', 2020, $2, $3, 'USD', "
                    "date '1900-01-01' + $2::int, 1000, 0, '{\"name\": \"A\"}', '{\"name\": \"B\"}', null, '', "
                    "null, $4)", id_, number, seller, tx.now,
                )  # fmt: skip
                await tx.conn.execute(
                    "insert into invoices.line values (0, $1, 1, 'commission', '', 0, 1000, '2020-01-01')", id_
                )
                await tx.conn.execute("insert into invoices.tax values (0, $1, '', 0, 1000, 0)", id_)
        outcome = await ground.stage.run(seed, credit(ids[0]), credit(ids[0]), credit(ids[1]))
        assert [type(told) for told in outcome].count(LineIs) == 1
        async with ground.db.read() as tx:
            notes = await tx.conn.fetch("select serial from invoices.invoice where kind = 'credit_note' order by 1")
            last = await tx.conn.fetchval("select last from invoices.series where kind = 'credit_note'")
        assert [row[0] for row in notes] == list(range(1, last + 1))
        assert last == 2 * (seed + 1)


async def test_a_deposit_is_taken_once_and_given_back_once(ground: Ground) -> None:
    """Of a deposit of 100 twice 80 are deducted while it is given back: never more than there is, and nothing stays."""
    seller, market, seen = ground.counter.sellers[0], "us", set()
    async with ground.db.write() as tx:
        await fees.set_shop_terms(tx, ShopTerms(market, NIL, tx.now, 0, 0, None, 100, 0, "tests"))

    def deduct(shop: UUID) -> Work:
        return lambda db: db.transact(
            lambda tx: fees.deduct_by(tx, NIL, fees.Deduction(seller, shop, 80, "Fake.", "C-7"))
        )

    async def give_back(db: Database) -> int:
        return await db.transact(lambda tx: shops.charge_due(tx, 0))

    for seed in SEEDS[:12]:
        async with ground.db.write() as tx:
            shop = await fees.open_shop(tx, seller, market)
            await fees.close_shop(tx, seller, shop)
        earned, kept = await ground.balance("seller", seller), await ground.balance("penalty")
        told = await ground.stage.run(seed, deduct(shop), deduct(shop), give_back)
        assert all(isinstance(one, DepositIs | None) for one in told[:2])
        await give_back(ground.db)
        taken = await ground.balance("penalty") - kept
        assert (taken, await ground.balance("deposit")) == (80 * told[:2].count(None), 0)
        assert await ground.balance("seller", seller) == earned + 100 - taken
        seen.add(taken)
    assert 80 in seen


async def test_of_two_rules_the_second_sees_the_first(ground: Ground) -> None:
    """A rule for everything and one for a seller after it are added at once: who comes second sees the other."""
    for seed in SEEDS[:6]:
        position = 10 * (len(SEEDS) - seed)

        def rule(after: int, seller: UUID | None = None, position: int = position) -> Work:
            new = NewRule("payment_fee", position + after, "Rule", "tests", [0], [100], "us", seller)
            return lambda db: db.transact(lambda tx: fees.add_rule(tx, new))

        first, second = await ground.stage.run(seed, rule(0), rule(1, ground.counter.sellers[0]))
        assert isinstance(second, RuleShadowed) or first > second
