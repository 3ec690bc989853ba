"""The furnished shop behind an HTTP client that behaves as a browser without JavaScript: cookies, forms, redirects."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx

from entrepot import worker
from entrepot.app import build
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from tests.databases import opened
from tests.shop import START
from tests.web.stage import Stage, furnish


class Fields(HTMLParser):
    """The forms of a page: [(action, {name: value})], with the first choice of a radio group or the checked one."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("action") or "", {}))
        elif tag == "input" and self.forms and (name := given.get("name")):
            fields = self.forms[-1][1]
            if given.get("type") != "radio" or "checked" in given or name not in fields:
                fields[name] = given.get("value") or ""


def fields_of(page: str, action: str) -> dict[str, str]:
    """The fields of the form of a page whose action has `action` in it."""
    parsed = Fields()
    parsed.feed(page)
    return next(fields for to, fields in parsed.forms if action in to)


@dataclass
class Visitor:
    http: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def form(self, path: str, action: str) -> dict[str, str]:
        """The fields of the form on a page whose action has `action` in it."""
        shown = await self.get(path)
        assert shown.status_code == 200, shown.text
        return fields_of(shown.text, action)

    async def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        return await self.http.post(path, data=fields, headers=headers)

    async def put_in_cart(self, slug: str, quantity: int = 1) -> None:
        fields = await self.form(f"/p/{slug}", "/cart/add")
        added = await self.send("/cart/add", fields | {"quantity": str(quantity)})
        assert (added.status_code, added.headers["location"]) == (303, "/cart")

    async def to_quote(self, promotion: str = "") -> str:
        """Checks out with the first address and service; the path of the quote's page."""
        fields = await self.form("/checkout", "/checkout")
        chosen = await self.send("/checkout", fields | {"promotion": promotion})
        assert chosen.status_code == 303, chosen.text
        return chosen.headers["location"]

    async def buy(self, slug: str, quantity: int = 1) -> str:
        """The path of the purchase's page."""
        await self.put_in_cart(slug, quantity)
        path = await self.to_quote()
        placed = await self.send(path, await self.form(path, path))
        assert placed.status_code == 303
        return placed.headers["location"]


@dataclass
class Site:
    db: Database
    clock: VirtualClock
    keys: Keys
    app: Any
    stage: Stage

    def visitor(self, role: Role | None = None, user: UUID | None = None, seller: UUID | None = None) -> Visitor:
        cookies = {}
        if role is not None:
            assert user is not None
            cookies["session"] = self.keys.session(role, user, self.clock.now(), seller_id=seller)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"accept": "text/html", "accept-language": "en"}
        return Visitor(
            httpx.AsyncClient(transport=transport, base_url="http://shop.test", cookies=cookies, headers=headers)
        )

    @property
    def anonymous(self) -> Visitor:
        return self.visitor()

    @property
    def buyer(self) -> Visitor:
        return self.visitor(Role.BUYER, self.stage.buyer)

    @property
    def other(self) -> Visitor:
        return self.visitor(Role.BUYER, self.stage.other)

    def staff(self, seller: str) -> Visitor:
        return self.visitor(Role.SELLER, self.stage.staff, self.stage.sellers[seller])

    @property
    def operator(self) -> Visitor:
        return self.visitor(Role.OPERATOR, self.stage.operator)

    async def run(self, after: timedelta = timedelta()) -> None:
        """Moves the clock and lets the worker do what is due."""
        self.clock.advance(after)
        await worker.run_until_idle(self.db)

    async def state(self) -> dict[str, str | None]:
        """A digest of everything that a form could change."""
        tables = (
            "orders.cart", "orders.cart_line", "orders.quote", "orders.order_group", "orders.order", "ledger.transfer",
            "ledger.balance", "inventory.stock", "inventory.movement", "inventory.adjustment", "logistics.location",
            "accounts.user", "accounts.address", "sellers.seller", "kit.event", "orders.part", "disputes.step",
            "reviews.review", "fees.shop", "payments.payment", "catalog.offer", "trade.item",
            "metering.meter", "metering.rate",
        )  # fmt: skip
        async with self.db.read() as tx:
            return {
                table: await tx.conn.fetchval(f"select md5(string_agg(t::text, ',' order by t::text)) from {table} t")
                for table in tables
            }


def text(response: httpx.Response) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.text).split())


@asynccontextmanager
async def open_site(url: str) -> AsyncIterator[Site]:
    clock = VirtualClock(START)
    async with opened(url, clock) as db:
        keys = Keys(b"a secret of the tests, long enough")
        stage = await furnish(db)
        yield Site(db, clock, keys, build(db, keys), stage)
