"""A purchase that is taken back while its payment is awaited: by its buyer only, once, and never one that is paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import orders, payments
from entrepot.kit.db import Database
from entrepot.kit.ids import parse
from entrepot.kit.problem import NotFound
from entrepot.orders import jobs
from entrepot.orders.actions import expire_groups
from entrepot.orders.types import WrongStatus
from entrepot.payments import Due
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work
from tests.shop import Buyer, Shop, open_shop

TWO = Wanted(0, ((0, 10), (2, 10)))  # of two sellers: 30 + 40


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    nowhere = payments.Gateway("http://127.0.0.1:1", "http://shop.test", b"a secret of the tests")
    async with open_shop(own_db_url, nowhere) as opened:
        yield opened
        await opened.audited()


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def waiting(shop: Shop) -> tuple[Buyer, str, list[int]]:
    """A purchase of two sellers that awaits its payment: (buyer, group, offers)."""
    offers = [await shop.offer(await shop.seller(), 1_000, 5) for _ in range(2)]
    buyer = await shop.buyer()
    placed = await buyer.place(await buyer.quote([(offer, 2) for offer in offers]), method="sandbox")
    assert placed.json()["status"] == "awaiting_payment"
    return buyer, placed.json()["id"], offers


async def test_its_stock_is_free_at_once_and_its_payment_is_canceled(shop: Shop) -> None:
    buyer, group, offers = await waiting(shop)
    key = {"idempotency-key": "take it back"}
    first = await buyer.send("POST", f"/v1/groups/{group}/cancel", **key)
    again = await buyer.send("POST", f"/v1/groups/{group}/cancel", **key)
    assert (first.status_code, again.status_code) == (204, 204)
    assert [await shop.stock(offer) for offer in offers] == [(5, 0, 0), (5, 0, 0)]
    shown = (await buyer.send("GET", f"/v1/groups/{group}")).json()
    assert (shown["status"], [order["status"] for order in shown["orders"]]) == ("canceled", ["canceled"] * 2)
    async with shop.db.read() as tx:
        told = await tx.conn.fetch("select kind, key, data from kit.event order by id")
        payment = await tx.conn.fetchrow("select status, attempts, due_at from payments.payment")
    assert (told[-1]["kind"], told[-1]["key"]) == ("group_canceled", parse("grp", group))
    assert told[-1]["data"] == {"buyer_id": str(buyer.id), "orders": sorted(told[-1]["data"]["orders"])}
    assert payment is not None
    assert tuple(payment) == ("canceling", 0, shop.clock.now())
    await shop.run(after=timedelta(days=1))  # its deadline passes, and there is nothing to expire
    assert (await buyer.send("GET", f"/v1/groups/{group}")).json()["status"] == "canceled"


async def test_it_is_refused_to_others_and_when_it_is_over(shop: Shop) -> None:
    buyer, group, _ = await waiting(shop)
    other = await shop.buyer()
    (order,) = await other.buy([(await shop.offer(await shop.seller(), 1_000, 5), 1)])
    paid = (await other.send("GET", f"/v1/orders/ord_{order.hex}")).json()["order"]["group_id"]
    before = await shop.state()
    assert (await other.send("POST", f"/v1/groups/{group}/cancel")).status_code == 404
    assert (await other.send("POST", f"/v1/groups/grp_{'0' * 32}/cancel")).status_code == 404
    for refused, status in ((await other.send("POST", f"/v1/groups/{paid}/cancel"), "placed"),):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong_status")
        assert refused.json()["order_status"] == status
    assert await shop.state() == before
    await shop.run(after=timedelta(days=1))
    before = await shop.state()
    late = await buyer.send("POST", f"/v1/groups/{group}/cancel")
    assert (late.status_code, late.json()["order_status"]) == (409, "expired")
    assert await shop.state() == before


def take_back(group: UUID, buyer: UUID) -> Work:
    return lambda db: db.transact(lambda tx: orders.cancel_unpaid(tx, 0, group, buyer))


def capture(group: UUID) -> Work:
    due = Due(group, group, "USD", 70, "pending", None, 1)

    async def settle(db: Database) -> None:
        await db.transact(lambda tx: jobs.settle(tx, 0, due, group.hex))

    return settle


async def test_canceled_or_paid_whoever_is_first(ground: Ground) -> None:
    """The buyer and the gateway's webhook, which comes twice: paid, or canceled and sent back once."""
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=10)
        on_hand, _, allocated = await ground.stock()
        order, _ = await ground.bought(TWO, method="sandbox")
        group = await ground.value("select group_id from orders.order where id = $1", order)
        back = take_back(group, ground.counter.buyers[0])
        async with ground.race(seed, back, capture(group), capture(group)) as (canceled, *_):
            payment = await ground.value("select status from payments.payment where id = $1", group)
            refunds = await ground.value("select count(*) from payments.refund where payment_id = $1", group)
            if canceled is None:
                assert (await ground.status(order), payment, refunds) == ("canceled", "returning", 1)
                assert await ground.stock() == (on_hand, 0, allocated)
            else:
                assert isinstance(canceled, WrongStatus)
                assert (await ground.status(order), payment, refunds) == ("paid", "captured", 0)
                assert await ground.stock() == (on_hand, 0, allocated + 10)
        seen.add(type(canceled))
    assert seen == {type(None), WrongStatus}


async def test_canceled_or_expired_once(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=10)
        on_hand, _, allocated = await ground.stock()
        order, _ = await ground.bought(TWO, method="sandbox")
        ground.clock.advance(timedelta(days=1))
        group = await ground.value("select group_id from orders.order where id = $1", order)
        back = take_back(group, ground.counter.buyers[0])

        async def expire(db: Database) -> int:
            return await db.transact(lambda tx: expire_groups(tx, 0))

        async with ground.race(seed, back, expire, back) as (first, expired, second):
            ends = [first is None, expired == 1, second is None]
            assert sum(ends) == 1, (first, expired, second)
            assert await ground.status(order) == ("expired" if expired else "canceled")
            assert await ground.stock() == (on_hand, 0, allocated)
        seen.add(ends.index(True))
    assert seen == {0, 1, 2}


async def test_nobody_takes_back_what_is_anothers(ground: Ground) -> None:
    await ground.fresh(units=10)
    order, _ = await ground.bought(TWO, method="sandbox")
    group = await ground.value("select group_id from orders.order where id = $1", order)
    with pytest.raises(NotFound):
        await take_back(group, ground.counter.buyers[1])(ground.db)
    assert await ground.status(order) == "awaiting_payment"
