"""A shop with one seller, ten units of a thing for 10.00, and campaigns that take some of them for 7.00."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from entrepot.app import build
from entrepot.kit.ids import new_id, show
from entrepot.payments import Gateway
from tests.shop import MARKET, START, Buyer, Shop, open_shop

MINUTE = timedelta(minutes=1)
LISTED, PRICE, SHIPPING = 1_000, 700, 600
"""Of one unit, in minor units; and of sending one line."""


@dataclass
class Stage:
    shop: Shop
    offer: int

    async def campaign(self, units: int = 5, limit: int = 2, **more: Any) -> tuple[str, int]:
        """A campaign from in 10 minutes on, for an hour: its path, and what it sells."""
        opened = await self.open(units, limit, **more)
        assert opened.status_code == 201, opened.text
        path = f"/v1/campaigns/{opened.json()['id']}"
        return path, (await self.shop.http.get(path)).json()["offers"][0]["id"]

    async def open(self, units: int = 5, limit: int = 2, **more: Any) -> httpx.Response:
        now = self.shop.clock.now()
        body = {
            "market": MARKET, "name": "Ten minutes of madness", "starts_at": (now + 10 * MINUTE).isoformat(),
            "ends_at": (now + 70 * MINUTE).isoformat(),
            "offers": [{
                "offer_id": self.offer, "unit_price_minor": PRICE, "units": units, "max_per_buyer": limit
            }],
        }  # fmt: skip
        return await self.shop.http.post("/v1/campaigns", json=body | more, headers=self.shop.operator)

    async def running(self, units: int = 5, limit: int = 2, **more: Any) -> tuple[str, int]:
        found = await self.campaign(units, limit, **more)
        self.shop.clock.advance(10 * MINUTE)
        return found

    async def left(self, path: str) -> int:
        """What is shown to be left; a second is let pass, so that it is what is so."""
        self.tick()
        await self.shop.app.state.desk.view.refresh()
        return int((await self.shop.http.get(path)).json()["offers"][0]["available"])

    def tick(self) -> None:
        self.shop.clock.advance(timedelta(seconds=3))

    def process(self) -> httpx.AsyncClient:
        """Another web process over the same database."""
        app = build(self.shop.db, self.shop.keys, list(self.shop.app.state.gateways.values()))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://shop.test")


async def buy(
    buyer: Buyer, path: str, offer: int, quantity: int = 1, *, key: str | None = None, http: Any = None, **more: Any
) -> httpx.Response:
    body = {"offer_id": offer, "quantity": quantity, "address_id": show("adr", buyer.address), "shipping": "standard"}
    headers = buyer.headers | {"idempotency-key": key or new_id(START).hex}
    answer: httpx.Response = await (http or buyer.shop.http).post(f"{path}/orders", json=body | more, headers=headers)
    return answer


def problem(answer: httpx.Response) -> dict[str, Any]:
    """What a Problem says, without what its type says."""
    said = dict(answer.json())
    return {name: value for name, value in said.items() if name != "title"} | {"type": said["type"].split("/")[-1]}


@asynccontextmanager
async def open_stage(url: str) -> AsyncIterator[Stage]:
    async with open_shop(url, Gateway("http://gateway.test", "http://shop.test", b"a webhook secret")) as shop:
        yield Stage(shop, await shop.offer(await shop.seller(), LISTED, 10))
