"""A shop whose buyers turn to their banks, for the tests of chargebacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from entrepot import logistics, orders, payments, worker
from entrepot.kit.clock import VirtualClock
from entrepot.kit.ids import parse
from entrepot.world.gateway_book import Dispute, DisputeEnd, DisputeOrder
from entrepot.world.gateway_webhooks import sign
from tests.payments.providers import SECRET, Sandbox
from tests.shop import START, Buyer, Shop, open_shop


class Town:
    """A shop that is paid through the sandbox gateway."""

    def __init__(self, shop: Shop, bank: Sandbox, client: httpx.AsyncClient) -> None:
        self.shop, self.bank, self.client = shop, bank, client

    async def work(self, *, after: timedelta = timedelta()) -> None:
        self.shop.clock.advance(after)
        await worker.run_until_idle(self.shop.db, self.bank.gateway, self.client)

    async def buy(
        self, buyer: Buyer, *lines: tuple[int, int], shipping: str = "standard"
    ) -> tuple[str, list[UUID]]:  # fmt: skip
        """The gateway's name of the payment, and the orders."""
        placed = await buyer.place(await buyer.quote(lines, shipping=shipping), method="sandbox")
        await self.work()
        payment = self.bank.open_payments()[-1]
        self.bank.book.decide(payment.id, "captured")
        await self.work(after=timedelta(minutes=5))
        group = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
        return payment.id, [parse("ord", order["id"]) for order in group["orders"]]

    async def deliver(self, *sold: UUID, cell: int = 0) -> None:
        """Sent, and confirmed by its buyer: the money is the sellers'."""
        async with self.shop.db.write() as tx:
            await orders.ship_many(tx, cell, [logistics.NewShipment(order, "dhl", order.hex) for order in sold])
            await orders.release_many(tx, cell, sold)
        await self.work()

    async def dispute(self, payment: str, amount_minor: int, **more: Any) -> Dispute:
        dispute = self.bank.book.dispute(payment, DisputeOrder(amount_minor, **more))
        await self.hear()
        return dispute

    async def close(self, dispute: Dispute, status: Any, **more: Any) -> None:
        self.bank.book.close_dispute(dispute.id, DisputeEnd(status, **more))
        await self.hear()

    async def hear(self) -> None:
        """The last letter arrives twice."""
        event = self.bank.letters[-1]
        for _ in range(2):
            body = msgspec.json.encode(event)
            headers = {"entrepot-signature": sign(SECRET, self.shop.clock.now(), body)}
            await payments.take_webhook(self.shop.db, self.bank.gateway, headers, body, orders.settle)
        await self.work()

    async def balances(self, *of: str | UUID) -> list[int]:
        """Of accounts of the house, by code, and of sellers."""
        return [
            await (self.shop.balance(one) if isinstance(one, str) else self.shop.balance("seller", one)) for one in of
        ]


@asynccontextmanager
async def open_town(url: str) -> AsyncIterator[Town]:
    clock = VirtualClock(START)
    bank = Sandbox(clock)
    async with open_shop(url, bank.gateway, clock) as shop, httpx.AsyncClient(transport=bank) as client:
        yield Town(shop, bank, client)
