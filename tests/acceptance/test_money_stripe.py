"""Gateways: part 6 of money that ties. In every order in which {complete, webhook, duplicate, retry, timeout} can come,
there is one order for each payment, or none and no money, through each gateway. What else part 6 asks for is held by
tests/journeys/test_stripe.py (localstripe) and tests/payments/test_stripe_connector.py (shapes, Connect)."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Sequence
from itertools import permutations
from uuid import UUID

import httpx
import msgspec
import pytest

from entrepot import ledger, orders, payments
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, show
from entrepot.orders import Place
from entrepot.orders import actions as ordering
from entrepot.world.auditor import audit
from tests.orders.counter import NOW, Counter, Wanted
from tests.payments.providers import Provider, Sandbox, Stripe

STORIES = sorted(set(permutations(("complete", "webhook", "webhook", "retry", "timeout"))))
"""A webhook and its duplicate are the same letter: of 120 orders 60 differ."""


class Sale(msgspec.Struct, frozen=True):
    """`story` is what happens, one after another; a timeout is that of a call, after its
    success, and with `deadline` then also that of the payment."""

    quote: UUID
    story: Sequence[str]
    deadline: bool

    @property
    def reference(self) -> str:
        return show("pmt", self.quote)

    def end(self, price: int) -> tuple[str, str, list[tuple[int, int]]]:
        """(status of the group, of its payment, what the provider took and gave back)."""
        paid_at, timeout_at = self.story.index("complete"), self.story.index("timeout")
        heard = {"webhook", "retry"} & {*self.story[paid_at : timeout_at if self.deadline else None]}
        if heard or not self.deadline:
            return "placed", "captured", [(price, 0)]
        if paid_at < timeout_at:  # the call in which we would have heard of it was the one that timed out
            return "expired", "returned", [(price, price)]
        return "expired", "failed", []


class Town:
    def __init__(self, db: Database, counter: Counter, provider: Provider, client: httpx.AsyncClient) -> None:
        self.db, self.counter, self.provider, self.client = db, counter, provider, client

    async def place(self, sales: Sequence[Sale]) -> None:
        """Also again: it is the same key, and the same purchase."""
        buyer, method = self.counter.buyers[0], self.provider.gateway.method
        commands = [Place(buyer, sale.reference, sale.quote, method) for sale in sales]
        told = await orders.place(self.db, 0, commands)
        assert [(verdict.verdict, verdict.group_id) for verdict in told] == [("placed", sale.quote) for sale in sales]

    async def look(self, sales: Sequence[Sale] = ()) -> None:
        """A round of the worker; these payments are looked at, too, whenever their time is."""
        async with self.db.write() as tx:
            await tx.conn.execute(
                "update payments.payment set due_at = $2 where id = any ($1) and due_at is not null",
                [sale.quote for sale in sales], tx.now,
            )  # fmt: skip
        while await orders.sweep(self.db, self.client, self.provider.gateway, 0):
            pass

    async def happen(self, what: str, sales: Sequence[Sale]) -> None:
        if what == "complete":
            await self.look([sale for sale in sales if not self.provider.knows(sale.reference)])
            for sale in sales:
                self.provider.approve(sale.reference)
        elif what == "webhook":
            await self.deliver(sales)
        elif what == "retry":
            await self.place(sales)
            await self.look(sales)
        else:
            self.provider.cut = True
            await self.look(sales)
            self.provider.cut = False
            await self.pass_deadline([sale.quote for sale in sales if sale.deadline])

    async def deliver(self, sales: Sequence[Sale]) -> None:
        for sale in sales:
            if (letter := self.provider.letter(sale.reference)) is not None:
                await payments.take_webhook(self.db, self.provider.gateway, *letter, orders.settle)
        await self.look()

    async def pass_deadline(self, groups: list[UUID]) -> None:
        async with self.db.write() as tx:
            await ordering.expire_unpaid(tx, 0, groups)
            await payments.cancel_many(tx, 0, groups)

    async def end(self, sale: Sale) -> tuple[str, str, list[tuple[int, int]]]:
        async with self.db.read() as tx:
            row = await tx.conn.fetchrow(
                "select g.status, p.status from orders.order_group g join payments.payment p on p.group_id = g.id "
                "where g.id = $1", sale.quote,
            )  # fmt: skip
        assert row is not None
        return row[0], row[1], self.provider.taken(sale.reference)


@pytest.mark.parametrize("of", [Sandbox, Stripe])
async def test_6_gateways(of: type[Sandbox | Stripe], own_db_url: str) -> None:
    clock, counter = VirtualClock(NOW), Counter()
    provider: Provider = of(clock)
    db = await Database.open(own_db_url, clock)
    async with httpx.AsyncClient(transport=provider) as client:  # type: ignore[arg-type]
        async with db.write() as tx:
            await counter.open(tx)
            await counter.fill(tx, [1_000] * 3, [1] * 2)
            wanted = [Wanted(0, ((0, 1),), shipping="paid")] * 2 * len(STORIES)
            quoted = await counter.quote(tx, wanted)
        stories = [(story, deadline) for deadline in (False, True) for story in STORIES]
        sales = [Sale(one.id, *how) for one, how in zip(quoted, stories, strict=True)]
        town, price = Town(db, counter, provider, client), quoted[0].paid_minor
        await town.place(sales)
        for step in range(len(STORIES[0])):
            for what in ("complete", "webhook", "retry", "timeout"):
                await town.happen(what, [sale for sale in sales if sale.story[step] == what])
        await town.deliver(sales)
        await town.look(sales)
        told = Count[str]()
        for sale in sales:
            end = await town.end(sale)
            assert end == sale.end(price), sale.story
            told[end[1]] += 1
        assert told == {"captured": 78, "returned": 12, "failed": 30}
        async with db.read() as reading:
            owed = await ledger.balance(reading, 0, "gateway", "USD", NIL)
        assert owed == -told["captured"] * price
        assert (await audit(db)).findings == []
    await db.close()
