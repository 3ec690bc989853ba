"""Defects that others had at a peak, each as the case that would have found it: docs/guide/proof.md lists them all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any
from uuid import UUID

import pytest

from entrepot import accounts, catalog, orders, payments, pricing
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.payments.actions import RETRY_AFTER
from entrepot.world.gateway_book import Payment
from tests.acceptance.abroad import is_shirts
from tests.acceptance.test_borders_modes import ID_NUMBER, abroad, buyer_in
from tests.acceptance.test_peak import add_promotion, said, used
from tests.journeys.test_gateway import DEADLINE, SECRET, Sale, Stage, staged
from tests.shop import MARKET, START, Buyer, Shop, open_shop

SCALE = 100
"""A second at the gateway takes a hundredth of one."""
PSP_MAX_S = 3
FAILS = 0.05
TURN = timedelta(seconds=5)
"""By which the clock is put forward before each round of the worker."""


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def people(shop: Shop, many: int, wallet_minor: int = 0) -> list[Buyer]:
    """So many new buyers, all at once."""
    buyers = [Buyer(shop, new_id(START), NIL) for _ in range(many)]
    async with shop.db.write() as tx:
        await accounts.import_buyers(tx, [buyer.id for buyer in buyers], 0)
        for buyer in buyers:
            if wallet_minor:
                await payments.top_up(tx, 0, buyer.id, "USD", wallet_minor, new_id(tx.now))
    return buyers


async def quotes_of(
    shop: Shop, offer: int, buyers: Sequence[Buyer], promotion: str | None = None
) -> list[dict[str, Any]]:
    """For each a quote of one unit."""
    async with shop.db.write() as tx:
        (facts,) = await catalog.offers_for_quote(tx, 0, [offer])
        line = [pricing.Line(facts, 1)]
        wanted = [orders.Purchase(one.id, MARKET, "standard", line, promotion_code=promotion) for one in buyers]
        return [{"id": show("quo", id_)} for id_ in await orders.quote_many(tx, 0, wanted)]


@dataclass
class Paying:
    """Those who were sent to the gateway, where each takes up to 3 s. In the order in which they come 5 % of them fail:
    by turns the bank declines, and the buyer never comes back."""

    stage: Stage
    chance: Random
    met: set[str] = field(default_factory=set)
    away: list[UUID] = field(default_factory=list)
    declined: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Meanwhile the worker works, payers pay, and the gateway's letters are taken to the shop as they come."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._work()), tasks.create_task(self._pay(tasks))]
            yield
            await self._all_told()
            for one in running:
                one.cancel()

    async def _work(self) -> None:
        while True:
            await self.stage.work(TURN)
            await asyncio.sleep(0.02)

    async def _pay(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            for payment in self.stage.theirs:
                if payment.id not in self.met:
                    self.met.add(payment.id)
                    tasks.create_task(self._decide(payment))
            while self.stage.letterbox.bodies:
                tasks.create_task(self._tell(self.stage.letterbox.bodies.pop()))
            await asyncio.sleep(0.002)

    async def _decide(self, payment: Payment) -> None:
        fails, delay_s = self.chance.random() < FAILS, self.chance.uniform(0, PSP_MAX_S) / SCALE
        if fails and self.declined > len(self.away):
            self.away.append(parse("pmt", payment.order.reference))
            return
        self.declined += fails
        await asyncio.sleep(delay_s)
        self.stage.gateway.book.decide(payment.id, "failed" if fails else "captured")

    async def _tell(self, body: bytes) -> None:
        assert (await self.stage.deliver(body)).status_code == 204

    async def _all_told(self) -> None:
        """Until the shop knows the end of each payment but of those who went away."""
        while True:
            async with self.stage.shop.db.read() as tx:
                if not await tx.conn.fetchval(
                    "select count(*) from payments.payment where status in ('created', 'pending') and id <> all ($1)",
                    self.away,
                ):
                    return
            await asyncio.sleep(0.01)


async def rush(shop: Shop, offer: int, buyers: Sequence[Buyer]) -> list[Buyer]:
    """All buy a unit at once; those who are told that it is sold out."""
    quotes = await quotes_of(shop, offer, buyers)
    told = await asyncio.gather(
        *(buyer.place(quote, method="sandbox") for buyer, quote in zip(buyers, quotes, strict=True))
    )
    assert {said(answer) for answer in told} <= {(201, ""), (409, "sold_out")}
    return [buyer for buyer, answer in zip(buyers, told, strict=True) if answer.status_code == 409]


async def test_case_1_a_thousand_buyers_for_a_hundred_units(own_db_url: str) -> None:
    """1,000 buyers at once, 100 units, 0 to 3 s at the gateway, whose letters come late, twice or not at all; 5 % of
    the payments fail. What is given back, at once or when its time is over, is bought by some of those who were told
    that it is sold out, and come again a hundred at a time."""
    faults: dict[str, Any] = {
        "delay_ms": (0, PSP_MAX_S * 1_000 // SCALE), "webhook_duplicate_rate": 0.1, "webhook_lost_rate": 0.02,
        "webhook_late_rate": 0.1, "webhook_late_ms": (0, PSP_MAX_S * 1_000 // SCALE),
    }  # fmt: skip
    async with staged(own_db_url, **faults) as stage:
        shop, offer = stage.shop, await stage.shop.offer(stage.seller, 1_000, 100)
        buyers, paying = await people(shop, 1_000), Paying(stage, Random(15))
        waiting, rushes = list[Buyer](), list[tuple[int, ...]]()
        coming = buyers
        while not rushes or rushes[-1][1:] != (0, 0):
            failed = paying.declined, len(paying.away)
            async with paying.open():
                told_no = await rush(shop, offer, coming)
            await stage.work(TURN)  # what was told last, too
            rushes.append((len(coming) - len(told_no), paying.declined - failed[0], len(paying.away) - failed[1]))
            assert await shop.stock(offer) == (100, rushes[-1][2], 100 - sum(rushes[-1][1:]))
            await stage.work(DEADLINE)  # who went away has had time enough
            assert await shop.stock(offer) == (100, 0, 100 - sum(rushes[-1][1:]))
            coming, waiting = (waiting + told_no)[:100], (waiting + told_no)[100:]
        assert rushes == [(100, 3, 2), (5, 0, 1), (1, 0, 0)]  # placed, declined, never came back

        async with shop.db.read() as tx:
            groups = await tx.conn.fetch("select status, count(*), count(distinct buyer_id) from orders.order_group "
                                         "group by 1 order by 1")  # fmt: skip
            replayed = await tx.conn.fetchrow(
                "select sum(on_hand_delta), sum(held_delta), sum(allocated_delta) from inventory.movement m "
                "join catalog.offer o using (cell, stock_id) where o.id = $1", offer,
            )  # fmt: skip
        assert [tuple(row) for row in groups] == [("expired", 6, 6), ("placed", 100, 100)]
        assert tuple(replayed) == await shop.stock(offer) == (100, 0, 100)
        captured = sum(p.order.amount_minor - p.refunded_minor for p in stage.theirs if p.status == "captured")
        assert -await shop.balance("gateway") == await shop.balance("escrow") == captured == 100 * 1_600
        await shop.audited()


async def test_case_3_complete_webhook_duplicate_retry_in_all_orders(own_db_url: str) -> None:
    """The buyer's command and its retry, the gateway's letter and its duplicate, and a look of the sweeper, in all the
    orders in which they can come: one order, one capture, and each retry is told the same."""
    after = sorted(set(permutations(("letter", "letter", "retry", "look"))))
    assert len(after) == 12
    async with staged(own_db_url) as stage:
        known = payments.Gateway(stage.gateway.url, "http://shop.test", SECRET)

        async def look() -> None:
            await orders.sweep(stage.shop.db, stage.client, known, 0)

        for events in after:
            (buyer,) = await people(stage.shop, 1)
            (quote,) = await quotes_of(stage.shop, stage.offer, [buyer])
            stage.letterbox.bodies.clear()
            placed = await buyer.place(quote, "k", "sandbox")
            sale = Sale(stage, buyer, parse("grp", placed.json()["id"]))
            await look()
            assert await sale.pay() == 200
            await stage.gateway.quiet()
            for event in events:
                if event == "letter":
                    assert (await stage.deliver(stage.letterbox.bodies[0])).status_code == 204
                elif event == "retry":
                    again = await buyer.place(quote, "k", "sandbox")
                    assert (again.status_code, again.json()["id"]) == (201, placed.json()["id"])
                else:
                    stage.shop.clock.advance(RETRY_AFTER)
                    await look()
            assert await sale.status() == ("placed", "captured")
            assert (sale.theirs.status, sale.theirs.refunded_minor) == ("captured", 0)
        assert await stage.shop.stock(stage.offer) == (1_000, 0, 12)
        assert -await stage.shop.balance("gateway") == await stage.shop.balance("escrow") == 12 * 1_600
        await stage.shop.audited()


async def test_case_4_fifty_payments_with_a_coupon_for_one(shop: Shop) -> None:
    """50 buyers pay 50 orders at once, each with the same coupon that may be used once: one is discounted; the others
    are told so, nothing is taken from them, and they may pay the whole price."""
    offer = await shop.offer(await shop.seller(), 1_000, 100)
    await add_promotion(shop, "ONCE", max_uses=1)
    buyers = await people(shop, 50, wallet_minor=10_000)
    quotes = await quotes_of(shop, offer, buyers, "ONCE")
    told = await asyncio.gather(*(buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)))
    refused = [one.json() for one in told if one.status_code == 409]
    assert Counter(one.status_code for one in told) == {201: 1, 409: 49}
    assert {(one["type"], one["limit"]) for one in refused} == {("/problems/limit_reached", "promotion:ONCE")}
    assert await shop.stock(offer) == (100, 0, 1)
    late = [buyer for buyer, one in zip(buyers, told, strict=True) if one.status_code == 409]
    whole = await quotes_of(shop, offer, late)
    placed = await asyncio.gather(*(buyer.place(quote) for buyer, quote in zip(late, whole, strict=True)))
    assert {one.status_code for one in placed} == {201}
    async with shop.db.read() as tx:
        paid = await tx.conn.fetch("select paid_minor, operator_discount_minor from orders.order")
    assert Counter(tuple(row) for row in paid) == {(1_500, 100): 1, (1_600, 0): 49}
    assert (await used(shop), await shop.balance("promotions")) == ({"promotion:ONCE": 1}, -100)
    assert await shop.balance("escrow") == 50 * 1_600
    await shop.audited()


async def test_case_15_two_orders_that_a_yearly_limit_has_room_for_one_of(shop: Shop) -> None:
    """A person at 25,900 of 26,000 CNY places two orders of 80 at once: one has 70 % of the tax, the other is refused
    and changes nothing; asked again, its price has the whole tax. (A CNY is a dollar here.)"""
    await abroad(shop)
    async with shop.db.write() as tx:
        await tx.conn.execute("update trade.euro_rate set rate = 1 where source = 'tests'")
    registered = {"number": "CBEC 1100", "valid_from": "2026-01-01"}
    await shop.http.put("/v1/operator/registrations/CN", json=registered, headers=shop.operator)
    seller = await shop.seller()
    large = await shop.offer(seller, 369_400, 100, location=4)
    small = await shop.offer(seller, 7_400, 100, location=4)
    for offer in (large, small):
        await is_shirts(shop, offer, country_of_origin="GB")
    buyer = await buyer_in(shop, "CN", wallet_minor=5_000_000)
    me = {"country": "CN", "name": "Ada Byron", "number": ID_NUMBER}
    await buyer.send("PUT", "/v1/identity", me)
    for _ in range(7):  # 3,700.00 each, with 6.00 for the transport
        await buyer.buy([(large, 1)])
    assert (await buyer.send("PUT", "/v1/identity", me)).json()["quotas"] == [{"name": "retail", "left_minor": 10_000}]
    taxed = await shop.balance("tax_cn")
    quotes = [await buyer.quote([(small, 1)]) for _ in range(2)]
    assert [quote["duties"]["minor"] for quote in quotes] == [728, 728]  # 70 % of 13 % of 80.00
    told = sorted(await asyncio.gather(*(buyer.place(quote) for quote in quotes)), key=lambda one: one.status_code)
    assert [one.status_code for one in told] == [201, 409]
    problem = told[1].json()
    assert (problem["type"], problem["limit"], problem["available"]) == (
        "/problems/limit_reached", "customs:CN:retail:2026", 2_000,
    )  # fmt: skip
    assert (await shop.balance("tax_cn") - taxed, await shop.stock(small)) == (728, (100, 0, 1))
    whole = (await buyer.quote([(small, 1)]))["borders"][0]
    assert (whole["mode"], whole["collected"]) == ("General trade", "")
    await shop.audited()


async def test_case_20_one_key_with_two_bodies_at_once(shop: Shop) -> None:
    """Of two requests with one key and another body at the same time one is done, and one is refused and has no
    effect: orders, which are placed in batches, and a seller's receipts, which are not. Whoever comes again is told the
    same."""
    offer, other = [await shop.offer(await shop.seller(), 1_000, 100) for _ in range(2)]
    staff = shop.session(Role.SELLER, NIL, shop.sellers[0])
    buyers = await people(shop, 10, wallet_minor=10_000)
    one, two = [await quotes_of(shop, of, buyers) for of in (offer, other)]

    async def place(buyer: Buyer, *quotes: dict[str, Any]) -> None:
        told = await asyncio.gather(*(buyer.place(quote, "k") for quote in quotes))
        assert sorted(said(answer) for answer in told) == [(201, ""), (409, "key_conflict")]
        again = [await buyer.place(quote, "k") for quote in quotes]
        assert [said(answer) for answer in again] == [said(answer) for answer in told]

    await asyncio.gather(*(place(*three) for three in zip(buyers, one, two, strict=True)))
    assert (await shop.stock(offer))[2] + (await shop.stock(other))[2] == 10
    assert sum([await shop.balance("wallet", buyer.id) for buyer in buyers]) == 10 * (10_000 - 1_600)
    async with shop.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from orders.order_group") == 10
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", offer)

    async def receive(key: str) -> int:
        bodies = [{"location_id": 1, "lines": [{"variant_id": variant, "quantity": n}]} for n in (1, 100)]
        told = await asyncio.gather(
            *(shop.http.post("/v1/seller/receipts", json=body, headers=staff | {"idempotency-key": key})
              for body in bodies)
        )  # fmt: skip
        assert sorted(map(said, told)) == [(201, ""), (409, "key_conflict")]
        return 1 if told[0].is_success else 100

    received = sum(await asyncio.gather(*(receive(f"k{n}") for n in range(10))))
    assert (await shop.stock(offer))[0] == 100 + received
    await shop.audited()
