"""A small marketplace for tests: one market, any sellers, on a virtual clock, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from entrepot import (
    accounts,
    catalog,
    inventory,
    ledger,
    logistics,
    payments,
    platform,
    pricing,
    sellers,
    trade,
    worker,
)
from entrepot.app import build
from entrepot.inventory import Goods
from entrepot.kit.auth import Keys, Role
from entrepot.kit.cells import cells
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.world.auditor import audit, examine
from tests import cluster
from tests.databases import opened

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MARKET = "us"
TERMS = sellers.Terms(
    market=MARKET, valid_from=START - timedelta(days=30), commission_bp=1_000, payment_fee_bp=150, quote_ttl_s=1_800,
    payment_ttl_s=900, confirm_after_s=10 * 86_400, untracked_after_s=30 * 86_400, source="tests",
)  # fmt: skip
_serial = count(1)


@dataclass
class Shop:
    """`offers[i]` belongs to `sellers[i]`; the last seller is the operator itself."""

    db: Database
    clock: VirtualClock
    keys: Keys
    app: Any
    http: httpx.AsyncClient
    sellers: list[UUID] = field(default_factory=list)
    _seen: tuple[str | None, dict[str, str]] = (None, {})
    """How far the server's log was when `state` last read, and what it found."""

    def session(self, role: Role, user: UUID, seller: UUID | None = None, cell: int = 0) -> dict[str, str]:
        """Headers that sign a request in."""
        token = self.keys.session(role, user, self.clock.now(), cell=cell, seller_id=seller)
        return {"authorization": f"Bearer {token}"}

    @property
    def operator(self) -> dict[str, str]:
        return self.session(Role.OPERATOR, NIL)

    async def open_cell(self, cell: int) -> None:
        """A further cell, with the accounts and locations that cell 0 has."""
        async with self.db.write() as tx:
            await tx.conn.execute("insert into kit.cell values ($1) on conflict do nothing", cell)
        await _furnish(self.db, cell)

    async def buyer(self, wallet_minor: int = 100_000, cell: int = 0) -> Buyer:
        """A new buyer with an address and money."""
        user = new_id(self.clock.now())
        async with self.db.write() as tx:
            await accounts.import_buyers(tx, [user], cell)
            new = accounts.NewAddress(
                recipient="Ada Byron", line1="1 Main Street", city="Springfield", postal_code="62701", country="US"
            )
            address = await accounts.add_address(tx, cell, user, new)
            if wallet_minor:
                await payments.top_up(tx, cell, user, "USD", wallet_minor, new_id(tx.now))
        return Buyer(self, user, address, cell)

    async def seller(self, kind: str = "third_party", cell: int = 0, *, answers: bool = True) -> UUID:
        """A new seller; one who `answers` for its goods in the EU may send them there."""
        seller = new_id(self.clock.now())
        async with self.db.write() as tx:
            await sellers.open_seller(
                tx, sellers.SellerId(seller), f"seller-{seller.hex}", "A Seller", kind, currencies=["USD"], cell=cell
            )
            if answers:
                await trade.say_contact(
                    tx, seller, trade.Contact("DE", "Hanse GmbH", "Kai 1, Hamburg", "eu@example.com")
                )
        self.sellers.append(seller)
        return seller

    async def offer(
        self, seller: UUID, price_minor: int, units: int, *, location: int = 1, price_per: int = 1, cost_minor: int = 0,
        cell: int = 0, market: str = MARKET,
    ) -> int:  # fmt: skip
        """A new product of `seller` with `units` on hand at a location; the offer's id. `cost_minor` is per unit."""
        number = next(_serial)
        async with self.db.write() as tx:
            variant = catalog.NewVariant(sku=f"sku-{number}", price_per=price_per)
            category = await tx.conn.fetchval("select min(id) from catalog.category")
            product = await catalog.add_product(tx, catalog.NewProduct(f"Product {number}", category, [variant]))
            (stock,) = await inventory.open_stock(tx, cell, [seller], product.variant_ids, [location])
            goods = [Goods(stock, units, new_id(tx.now))] if units else []
            if cost_minor:
                await inventory.buy(tx, cell, goods, [units * cost_minor] * len(goods), "USD")
            else:
                await inventory.receive(tx, cell, goods)
            offer = await catalog.add_offer(
                tx, cell, catalog.NewOffer(seller, product.variant_ids[0], market, location, stock, price_minor)
            )
        return offer.id

    async def bundle(self, seller: UUID, price_minor: int, parts: dict[int, int]) -> int:
        """A new product of `seller` that is a bundle of so many units of these offers; the offer's id."""
        number = next(_serial)
        async with self.db.write() as tx:
            category = await tx.conn.fetchval("select min(id) from catalog.category")
            new = catalog.NewProduct(f"Bundle {number}", category, [catalog.NewVariant(sku=f"sku-{number}")])
            variant = (await catalog.add_product(tx, new)).variant_ids[0]
            components = [catalog.InBundle(offer, units) for offer, units in parts.items()]
            offer = await catalog.add_bundle(tx, 0, seller, catalog.NewBundle(variant, price_minor, components))
        return offer.id

    async def run(self, *, after: timedelta = timedelta()) -> None:
        """Moves the clock and lets the worker do what is due."""
        self.clock.advance(after)
        await worker.run_until_idle(self.db)

    async def balance(self, code: str, owner: UUID = NIL, cell: int = 0) -> int:
        async with self.db.read() as tx:
            return await ledger.balance(tx, cell, code, "USD", owner)

    async def stock(self, offer: int) -> tuple[int, int, int]:
        """(on_hand, held, allocated) behind an offer."""
        async with self.db.read() as tx:
            row = await tx.conn.fetchrow(
                "select s.on_hand, s.held, s.allocated from catalog.offer o join inventory.stock s "
                "on s.cell = o.cell and s.id = o.stock_id where o.id = $1",
                offer,
            )
        assert row is not None
        return (row[0], row[1], row[2])

    async def state(self, *apart: str) -> dict[str, Any]:
        """Everything that an action could change, to assert that a refused one changed nothing: tables, but `apart`."""
        tables = (
            "orders.order_group", "orders.order", "orders.order_line", "ledger.transfer", "ledger.balance",
            "ledger.hold", "ledger.closed_day", "inventory.stock", "inventory.movement", "inventory.adjustment",
            "channels.channel", "pricing.slot",
            "channels.buffer", "channels.sale", "channels.taken",
            "logistics.location", "payments.payment", "payments.refund", "payments.payout",
            "payments.write_off", "credit.line", "credit.plan", "credit.installment", "credit.collection",
            "credit.terms", "credit.plan_terms", "payments.reserve_terms", "payments.payout_terms",
            "payments.bank_account", "payments.bank_file", "reconciliation.statement", "reconciliation.entry",
            "reconciliation.report", "reconciliation.report_line", "reconciliation.discrepancy", "kit.event",
            "kit.idempotency_key", "pricing.quota_use", "campaigns.campaign", "campaigns.offer", "campaigns.line",
            "kit.audit_line", "approvals.request", "approvals.alone", "approvals.done_alone", "orders.hold",
            "fraud.rule", "fraud.hook", "fraud.question", "reviews.review", "reviews.report", "reviews.product_rating",
            "platform.switch_off", "catalog.offer", "catalog.component", "orders.part",
            "disputes.dispute", "disputes.step", "fees.rule", "fees.shop", "fees.charge", "fees.entity", "fees.billing",
            "invoices.invoice", "invoices.line", "invoices.series", "webhooks.endpoint", "webhooks.delivery",
            "metering.meter", "metering.rate", "metering.account", "metering.event", "metering.bill", "metering.line",
        )  # fmt: skip
        async with self.db.read() as tx:
            written = await tx.conn.fetchval("select pg_current_wal_insert_lsn()")
        if self._seen[0] != written or cluster.URL is not None:  # or nobody has written anything since
            self._seen = written, await self._sums(tables)
        return {table: one for table, one in self._seen[1].items() if table not in apart}

    async def _sums(self, tables: Sequence[str]) -> dict[str, str]:
        sums = [f"(select concat(count(*), ' ', sum(hashtextextended(t::text, 0))) from {table} t)" for table in tables]
        async with self.db.read() as tx:
            if cluster.URL is None:
                found = list(await tx.conn.fetchrow("select " + ", ".join(sums)))
            else:
                found = [await tx.conn.fetchval("select " + one) for one in sums]
        return dict(zip(tables, found, strict=True))

    async def audited(self) -> None:
        """The independent auditor finds nothing, in no cell."""
        async with self.db.read() as tx:
            there = await cells(tx)
        if cluster.URL is not None:
            reports = [await audit(self.db, cell) for cell in there]
        else:  # over a connection that is kept, with plans that are: the second audit plans nothing
            async with self.db.read() as tx, tx.conn.transaction(isolation="repeatable_read"):
                await tx.conn.execute("set local plan_cache_mode = force_generic_plan")
                reports = [await examine(tx, cell) for cell in there]
        assert [report.findings for report in reports if report.findings] == []


@dataclass
class Buyer:
    shop: Shop
    id: UUID
    address: UUID
    cell: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return self.shop.session(Role.BUYER, self.id, cell=self.cell)

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.shop.http.request(method, path, json=body, headers=self.headers | headers)

    async def quote(
        self, offers: Sequence[tuple[int, int]], promotion: str | None = None, shipping: str = "standard",
        slot: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A cart of (offer, quantity), sent by standard shipping, priced."""
        cart = (await self.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
        for offer, quantity in offers:
            added = await self.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": offer, "quantity": quantity})
            assert added.status_code == 204, added.text
        await self.send("PUT", f"/v1/carts/{cart}/address", {"address_id": show("adr", self.address)})
        await self.send("PUT", f"/v1/carts/{cart}/shipping", {"code": shipping, "slot": slot})
        if promotion:
            await self.send("PUT", f"/v1/carts/{cart}/promotion", {"code": promotion})
        quoted = await self.send("POST", f"/v1/carts/{cart}/quote")
        assert quoted.status_code == 201, quoted.text
        found: dict[str, Any] = quoted.json()
        return found

    async def place(self, quote: dict[str, Any], key: str | None = None, method: str = "wallet") -> httpx.Response:
        body = {"quote_id": quote["id"], "method": method}
        return await self.send("POST", "/v1/orders", body, **{"idempotency-key": key or new_id(START).hex})

    async def buy(self, offers: Sequence[tuple[int, int]], promotion: str | None = None) -> list[UUID]:
        """Buys from the wallet; the order ids, in the order of their sellers' first lines."""
        placed = await self.place(await self.quote(offers, promotion))
        assert placed.status_code == 201, placed.text
        group = (await self.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
        return [parse("ord", order["id"]) for order in group["orders"]]


async def _furnish(db: Database, cell: int) -> None:
    async with db.write() as tx:
        await sellers.add_market(tx, sellers.Market(MARKET, "United States", "USD", "en", "US"))
        await logistics.import_locations(tx, cell, [1, 2], ["w1", "w2"], ["Warehouse 1", "Warehouse 2"], ["US", "US"])


async def rehearsed(db: Database, admit_per_s: int = 36) -> str:
    """A rehearsal that has measured this much; its id."""
    async with db.write() as tx:
        id_ = new_id(tx.now)
        found = platform.Rehearsal(id_, tx.now, admit_per_s * 5 // 4, admit_per_s, None, "measured", "machine")
        await platform.note_rehearsal(tx, found)
    return show("reh", id_)


@asynccontextmanager
async def open_shop(
    url: str,
    gateway: payments.Gateway | None = None,
    clock: VirtualClock | None = None,
    stripe: payments.Gateway | None = None,
) -> AsyncIterator[Shop]:
    """The marketplace over the database at `url`, made the first time."""
    clock = clock or VirtualClock(START)
    keys = Keys(b"a secret of the tests, long enough")
    async with opened(url, clock) as db:
        await _furnish(db, 0)
        async with db.write() as tx:
            await sellers.set_terms(tx, TERMS)
            if not await tx.conn.fetchval("select count(*) from catalog.category"):
                await catalog.add_category(tx, "things", "Things")
                await pricing.add_shipping_service(
                    tx, pricing.ShippingService(MARKET, "standard", "Standard", 500, 100, 3 * 86_400, 1)
                )
        app = build(db, keys, [one for one in (gateway, stripe) if one])
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
            yield Shop(db, clock, keys, app, http)
