"""How many statements a request takes, of the routes and pages that are asked most: so many and no more, whether there
is one row of each kind or fifty. Milliseconds are the machine's; this is the program's part of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from entrepot import catalog, inventory, orders, pricing
from entrepot.inventory import Goods
from entrepot.kit.auth import Role
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import NIL, new_id, show
from tests.shop import MARKET, Buyer, Shop, open_shop

BUDGET = {
    "GET /v1/products": 1, "GET /v1/products/{slug}": 1,
    "GET /v1/carts/{cart_id}": 9, "POST /v1/carts/{cart_id}/lines": 8, "POST /v1/carts/{cart_id}/quote": 17,
    "POST /v1/orders": 4, "GET /v1/groups": 1, "GET /v1/groups/{group_id}": 2, "GET /v1/orders/{order_id}": 8,
    "GET /v1/seller/orders": 1,
    "/": 5, "/c/{slug}": 4, "/search": 5, "/p/{slug}": 4,
    "/cart": 17, "/checkout": 15, "/checkout/{quote_id}": 11, "/orders": 5, "/orders/{group_id}": 12,
    "/seller": 3, "/seller/orders": 2, "/seller/orders/{order_id}": 11,
    "/operator": 5,
}  # fmt: skip
"""With what begins and ends a transaction. A change must be meant."""

ROWS = {
    "GET /v1/products": 24, "GET /v1/products/{slug}": 50, "GET /v1/carts/{cart_id}": 50, "GET /v1/groups": 50,
    "GET /v1/groups/{group_id}": 26, "GET /v1/orders/{order_id}": 25, "GET /v1/seller/orders": 50,
}  # fmt: skip
"""Of fifty, where a page or an order has room for as many: that there are so many in the second answer."""


@contextmanager
def statements() -> Iterator[list[str]]:
    """All that is sent to PostgreSQL meanwhile, but what kit.glance keeps for every request."""
    sent: list[str] = []
    connect = Database._connection

    def note(record: Any) -> None:
        sent.append(record.query)

    @asynccontextmanager
    async def noted(db: Database, mode: str) -> AsyncIterator[asyncpg.Connection]:
        async with connect(db, mode) as conn:
            if mode == "glance":
                yield conn
                return
            conn.add_query_logger(note)
            try:
                yield conn
            finally:
                await asyncio.sleep(0)  # asyncpg tells of a statement a turn of the loop later
                conn.remove_query_logger(note)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_connection", noted)
        yield sent


@dataclass
class Stall:
    """A seller and a buyer. `offers[0]` is of the product that is looked at."""

    shop: Shop
    seller: UUID
    buyer: Buyer
    offers: list[int] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)  # that each read answered with, the last time

    async def grow(self, to: int) -> None:
        """So many products in a cart, every second of them another seller's; so many offers of the first product; so
        many purchases, the last of them of everything."""
        have = len(self.offers)
        rivals = [await self.shop.seller() for _ in range(have, to)]
        async with self.shop.db.write() as tx:
            category = await tx.conn.fetchval("select min(id) from catalog.category")
            for number, rival in enumerate(rivals, have):
                new = catalog.NewProduct(f"Thing {number}", category, [catalog.NewVariant(f"thing-{number}")])
                (variant,) = (await catalog.add_product(tx, new)).variant_ids
                self.offers.append(await self._offer(tx, rival if number % 2 else self.seller, variant))
                if number:
                    await self._offer(tx, rival, await self._first_variant(tx))
            carts = [self.offers[:1]] * (to - have - 1) + [self.offers]
            quotes = await self.quotes(tx, carts)
        wanted = [orders.Place(self.buyer.id, quote.hex, quote, "wallet") for quote in quotes]
        assert {one.verdict for one in await orders.place(self.shop.db, 0, wanted)} == {"placed"}

    async def _first_variant(self, tx: Tx) -> int:
        found: int = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", self.offers[0])
        return found

    async def _offer(self, tx: Tx, seller: UUID, variant: int) -> int:
        (stock,) = await inventory.open_stock(tx, 0, [seller], [variant], [1])
        await inventory.receive(tx, 0, [Goods(stock, 1_000, new_id(tx.now))])
        return (await catalog.add_offer(tx, 0, catalog.NewOffer(seller, variant, MARKET, 1, stock, 1_000))).id

    async def quotes(self, tx: Tx, carts: Sequence[Sequence[int]]) -> list[UUID]:
        facts = {one.offer_id: one for one in await catalog.offers_for_quote(tx, 0, self.offers)}
        lines = [[pricing.Line(facts[offer], 1) for offer in cart] for cart in carts]
        wanted = [orders.Purchase(self.buyer.id, MARKET, "standard", one, self.buyer.address) for one in lines]
        return await orders.quote_many(tx, 0, wanted)

    async def requests(self) -> list[tuple[str, str, dict[str, str], Any]]:
        """Of each the name in BUDGET, its path, headers, and body."""
        home, me = self.buyer.cell, self.buyer.id
        async with self.shop.db.write() as tx:
            cart = await orders.own_cart(tx, home, me, MARKET)
            for offer in self.offers:
                await orders.add_line(tx, home, me, cart, offer, 1)
            await orders.set_address(tx, home, me, cart, self.buyer.address)
            await orders.set_shipping(tx, home, me, cart, "standard")
            shown = (await orders.quote_cart(tx, home, me, cart)).id
            placed = show("quo", (await self.quotes(tx, [self.offers]))[0])
            group, order = await tx.conn.fetchrow(
                "select group_id, id from orders.order where seller_id = $1 order by id desc limit 1", self.seller
            )
            slug = await tx.conn.fetchval(
                "select slug from catalog.product p join catalog.variant v on v.product_id = p.id where v.id = $1",
                await self._first_variant(tx),
            )
        grp, ord_, crt = show("grp", group), show("ord", order), show("crt", cart)
        buyer, seller = self.buyer.headers, self.shop.session(Role.SELLER, NIL, self.seller)
        line = {"offer_id": self.offers[0], "quantity": 1}
        place = {"quote_id": placed, "method": "wallet"}
        return [
            ("GET /v1/products", f"/v1/products?market={MARKET}", {}, None),
            ("GET /v1/products/{slug}", f"/v1/products/{slug}?market={MARKET}", {}, None),
            ("GET /v1/carts/{cart_id}", f"/v1/carts/{crt}", buyer, None),
            ("POST /v1/carts/{cart_id}/lines", f"/v1/carts/{crt}/lines", buyer, line),
            ("POST /v1/carts/{cart_id}/quote", f"/v1/carts/{crt}/quote", buyer, {}),
            ("POST /v1/orders", "/v1/orders", buyer | {"idempotency-key": placed}, place),
            ("GET /v1/groups", "/v1/groups", buyer, None),
            ("GET /v1/groups/{group_id}", f"/v1/groups/{grp}", buyer, None),
            ("GET /v1/orders/{order_id}", f"/v1/orders/{ord_}", buyer, None),
            ("GET /v1/seller/orders", "/v1/seller/orders", seller, None),
            ("/", "/", {}, None),
            ("/c/{slug}", "/c/things", {}, None),
            ("/search", "/search?q=thing", {}, None),
            ("/p/{slug}", f"/p/{slug}", {}, None),
            ("/cart", "/cart", buyer, None),
            ("/checkout", "/checkout", buyer, None),
            ("/checkout/{quote_id}", f"/checkout/{shown}", buyer, None),
            ("/orders", "/orders", buyer, None),
            ("/orders/{group_id}", f"/orders/{grp}", buyer, None),
            ("/seller", "/seller", seller, None),
            ("/seller/orders", "/seller/orders", seller, None),
            ("/seller/orders/{order_id}", f"/seller/orders/{ord_}", seller, None),
            ("/operator", "/operator", self.shop.operator, None),
        ]

    async def counted(self) -> dict[str, int]:
        """How many statements each request takes."""
        found = {}
        for name, path, who, body in await self.requests():
            if name.startswith("/"):
                token = who.get("authorization", "").removeprefix("Bearer ")
                who = {"accept": "text/html", "cookie": f"session={token}" if token else ""}
            with statements() as sent:
                answer = await self.shop.http.request("GET" if body is None else "POST", path, headers=who, json=body)
            assert answer.is_success, (name, answer.text)
            found[name] = len(sent)
            if name.startswith("GET"):
                self.rows[name] = max(len(rows) for rows in answer.json().values() if isinstance(rows, list))
        return found


async def test_a_request_takes_as_many_statements_for_fifty_rows_as_for_one(own_db_url: str) -> None:
    async with open_shop(own_db_url) as shop:
        stall = Stall(shop, await shop.seller(), await shop.buyer(10_000_000))
        await stall.grow(1)
        await stall.counted()  # what each process reads once
        one = await stall.counted()
        await stall.grow(50)
        fifty = await stall.counted()
        off = {name: (one[name], fifty[name]) for name in one if {one[name], fifty[name]} != {BUDGET.get(name)}}
        assert off == {}, "statements of one row and of fifty are not those of BUDGET"
        assert one.keys() == BUDGET.keys()
        assert stall.rows == ROWS
