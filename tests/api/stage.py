"""A marketplace in which every route can be asked for something, and a check that each answer is as described."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs

from entrepot import __version__, ledger, payments, worker
from entrepot.app import ROUTES
from entrepot.kit.auth import Role
from entrepot.kit.db import Tx
from entrepot.kit.http import Route
from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.kit.openapi import describe
from entrepot.ledger import Transfer
from entrepot.payments import Gateway
from tests.shop import MARKET, START, Buyer, Shop, open_shop

BY_NAME = {route.name: route for route in ROUTES}
DOCUMENT = describe(ROUTES, __version__)
WEBHOOK_SECRET = b"a webhook secret of the tests"
_serial = count(1)


@dataclass(frozen=True)
class Ask:
    """A request that is granted to `who` (headers; by default the stage's own buyer, seller or operator)."""

    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[Any, Any] = field(default_factory=dict)
    who: Mapping[str, str] | None = None
    raw: bytes | None = None


def number() -> int:
    """A number that was not used before."""
    return next(_serial)


@dataclass
class Stage:
    """`buyer` and `seller` own what the requests name; `other_buyer` and `other_seller` are somebody else."""

    shop: Shop
    buyer: Buyer
    other_buyer: Buyer
    seller: UUID
    other_seller: UUID
    offer: int
    asks: dict[tuple[str, datetime], Ask] = field(default_factory=dict)

    def headers(self, role: Role | None, *, other: bool = False) -> dict[str, str]:
        """Signs in as the owner of what the requests name, or as another of the same role; None is nobody."""
        if role is None:
            return {}
        if role is Role.BUYER:
            return (self.other_buyer if other else self.buyer).headers
        if role is Role.SELLER:
            return self.shop.session(role, NIL, self.other_seller if other else self.seller)
        return self.shop.operator

    async def granted(self, route: Route, ask: Ask, **headers: str) -> httpx.Response:
        """Sends a request as the one to whom it is granted."""
        role = min(route.access, default=None)
        return await self.send(route, ask, {**(self.headers(role) if ask.who is None else ask.who), **headers})

    async def send(self, route: Route, ask: Ask, headers: Mapping[str, str]) -> httpx.Response:
        """Sends a request and checks that the answer is one that the description declares."""
        content = {"content": ask.raw} if ask.raw is not None else {"json": ask.body} if ask.body is not None else {}
        request = httpx.Request(  # straight to the application: a client takes as long again to send it
            route.method, f"http://shop.test{ask.path}", params=ask.query or None, headers={**headers, **ask.headers},
            **content,
        )  # fmt: skip
        response = await self.transport.handle_async_request(request)
        await response.aread()
        check(route, response)
        return response

    @cached_property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(self.shop.app, raise_app_exceptions=False)

    async def cart(self, buyer: Buyer | None = None) -> str:
        """A cart that can be priced."""
        buyer = buyer or self.buyer
        cart: str = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
        await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": self.offer, "quantity": 2})
        await buyer.send("PUT", f"/v1/carts/{cart}/address", {"address_id": show("adr", buyer.address)})
        await buyer.send("PUT", f"/v1/carts/{cart}/shipping", {"code": "standard"})
        return cart

    async def order(self, *, shipped: bool = False) -> str:
        """A paid order of `buyer` from `seller`."""
        (order,) = await self.buyer.buy([(self.offer, 1)])
        await worker.run_until_idle(self.shop.db)
        if shipped:
            await self._ship(show("ord", order))
        return show("ord", order)

    async def shipped(self) -> str:
        """The tracking number of a shipped order."""
        return await self._ship(await self.order())

    async def _ship(self, order: str) -> str:
        tracking_number = f"t{number()}"
        body = {"carrier": "house", "tracking_number": tracking_number}
        sent = await self.shop.http.post(
            f"/v1/seller/orders/{order}/ship", json=body, headers=self.headers(Role.SELLER)
        )
        assert sent.status_code == 204, sent.text
        return tracking_number

    async def group(self, method: str = "wallet") -> str:
        """The group of a paid order of `buyer`, or by another method than the wallet of one that awaits payment."""
        placed = await self.buyer.place(await self.buyer.quote([(self.offer, 1)]), method=method)
        return str(placed.json()["id"])

    async def refund(self) -> str:
        """A refund of a late capture of `buyer`'s, which the gateway refused."""
        payment, refund = parse("grp", await self.group(method="sandbox")), new_id(START)
        async with self.shop.db.write() as tx:
            await tx.conn.execute(
                "update payments.payment set status = 'returning', refunded_minor = amount_minor, captured_at = $2, "
                "due_at = null where id = $1",
                payment, tx.now,
            )  # fmt: skip
            await tx.conn.execute(
                "insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, "
                "reason, created_at) select cell, $2, id, id, id, amount_minor, 'failed', 'late_capture', $3 "
                "from payments.payment where id = $1",
                payment, refund, tx.now,
            )  # fmt: skip
        return show("rfd", refund)

    async def payout(self) -> str:
        """A payout that is on its way."""
        async with self.shop.db.write() as tx:
            cash, seller = await ledger.account_ids(tx, 0, ["cash", "seller"], [NIL, self.shop.sellers[0]], ["USD"] * 2)
            await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "top_up", cash, seller, 100)])
            await payments.pay_out(Tx(tx.conn, tx.now + number() * timedelta(days=14)), 0)
            return show("pay", await tx.conn.fetchval("select id from payments.payout order by id desc limit 1"))

    async def bank_file(self) -> str:
        """A file for the bank, of one payout."""
        async with self.shop.db.write() as tx:
            for owner in (NIL, self.shop.sellers[0]):
                account = payments.BankAccount("Ada Byron", "DE89370400440532013000")
                await payments.add_account(tx, self.shop.keys, 0, owner, "USD", account, NIL)
        await self.payout()
        async with self.shop.db.write() as tx:
            return show("bnk", await tx.conn.fetchval("select id from payments.bank_file order by id desc limit 1"))

    async def dispute(self, *, escalated: bool = False) -> tuple[str, str, str]:
        """A dispute of `buyer` with `seller`, for the operator to decide if it is `escalated`; the ids of the order, of
        the dispute and of the step that has a file."""
        order = await self.order(shipped=True)
        path, file = f"/v1/orders/{order}/disputes", {"name": "a.pdf", "content": b64encode(b"%PDF-").decode()}
        claim = {"kind": "not_received", "lines": [{"line_no": 1, "quantity": 1}], "text": "Torn.", "file": file}
        id_ = (await self.buyer.send("POST", path, claim)).json()["id"]
        if escalated:
            body = {"act": "answer", "amount_minor": 0}
            headers = self.headers(Role.SELLER)
            await self.shop.http.post(f"/v1/seller/disputes/{id_}/steps", json=body, headers=headers)
            await self.buyer.send("POST", f"{path}/{id_}/steps", {"act": "escalate"})
        step = (await self.buyer.send("GET", f"{path}/{id_}")).json()["steps"][0]["id"]
        return order, id_, step

    async def stock(self) -> int:
        """A row of stock of `seller`'s with ten units."""
        offer = await self.shop.offer(self.seller, 1_000, 10)
        async with self.shop.db.read() as tx:
            return int(await tx.conn.fetchval("select stock_id from catalog.offer where id = $1", offer))

    async def variant(self) -> int:
        """A variant that nobody offers."""
        body = {"title": "Thing", "category_id": await self.category(), "variants": [{"sku": f"free-{number()}"}]}
        added = await self.shop.http.post("/v1/seller/products", json=body, headers=self.headers(Role.SELLER))
        return int(added.json()["variant_ids"][0])

    async def category(self) -> int:
        return int((await self.shop.http.get("/v1/categories")).json()["items"][0]["id"])


@asynccontextmanager
async def open_stage(url: str) -> AsyncIterator[Stage]:
    gateway = Gateway("http://gateway.test", "http://shop.test", WEBHOOK_SECRET)
    stripe = Gateway("http://stripe.test", "http://shop.test", WEBHOOK_SECRET, "stripe", "sk_test_1", "pk_test_1")
    async with open_shop(url, gateway, stripe=stripe) as shop:
        seller, other_seller = await shop.seller(), await shop.seller()
        buyer, other = await shop.buyer(100_000_000), await shop.buyer()
        yield Stage(shop, buyer, other, seller, other_seller, await shop.offer(seller, 1_000, 1_000_000))


def absent(prefix: str) -> str:
    """The id of a thing that is not there."""
    return show(prefix, new_id(START))


def operation(route: Route) -> Mapping[str, Any]:
    found: Mapping[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


@cache
def validator(path: str, method: str, status: str, media: str) -> Any:
    schema = DOCUMENT["paths"][path][method]["responses"][status]["content"][media]["schema"]
    components: dict[str, Any] = {}
    wanted = named_in(schema)
    while wanted:  # of all components those that it is made of
        components |= {name: DOCUMENT["components"]["schemas"][name] for name in wanted}
        wanted = set().union(*(named_in(components[name]) for name in wanted)) - components.keys()
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "components": {"schemas": components}, **schema
    }  # fmt: skip
    return jsonschema_rs.validator_for(whole, validate_formats=True)


def named_in(schema: Any) -> set[str]:
    """The components that a schema points at."""
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema)))


def check(route: Route, response: httpx.Response) -> None:
    """The answer has a declared status, media type and form. A fault is never declared."""
    where = f"{route.name}: {response.status_code} {response.text[:300]}"
    declared = operation(route)["responses"].get(str(response.status_code))
    assert declared is not None, f"{where} is not declared"
    content = declared.get("content", {})
    if not content:
        assert response.content == b"", where
        return
    media = response.headers["content-type"]
    assert media in content, f"{where}: {media} is not declared"
    if "json" not in media:
        assert response.content, where
        return
    checks = validator(route.path, route.method.lower(), str(response.status_code), media)
    problem = next(checks.iter_errors(response.json()), None)
    assert problem is None, f"{where}: {problem}"
    if response.status_code >= 400:
        document = response.json()
        codes = {problem.code() for problem in route.problems() if problem.status == response.status_code}
        assert document["type"].removeprefix("/problems/") in codes, f"{where}: {document['type']} is not listed"
        assert document["status"] == response.status_code


__all__ = ["BY_NAME", "DOCUMENT", "Ask", "Stage", "absent", "check", "number", "open_stage", "parse"]
