"""What the crash tests need: processes to kill, buyers who keep asking, and somebody who reads the books meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import httpx

from entrepot import campaigns, catalog, pricing, sellers
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.db import GONE, Database
from entrepot.kit.ids import NIL, show
from tests import cluster
from tests.shop import MARKET, Buyer, Shop

SECRET = "a secret of the crash tests, long enough"
TRIES_MAX = 400
PAUSE_S = 0.1
RESTARTED_MAX_S = 30
WALLET_MINOR = 1_000_000
CELLS = 4
"""Each with a seller, its offers and its buyers, who buy in all of them."""
CAMPAIGN_UNITS, CAMPAIGN_LIMIT = 30, 6
"""Fewer than its buyers may buy together."""
CAMPAIGN_TIME = timedelta(hours=1)
SENT_AT_ONCE = 5
"""Orders that the seller sends before it looks again, so that buyers may cancel others."""

_UP = "from entrepot.kit.process import die_with_parent as d; d(); from entrepot.cli import main; main(['up'])"


def serve(url: str, home: Path, port: int) -> subprocess.Popen[bytes]:
    """`entrepot up` over the database at `url`: two web processes, a worker, a gateway; it dies with us."""
    env = os.environ | {
        "ENTREPOT_DATABASE_URL": url, "ENTREPOT_HOME": str(home), "ENTREPOT_HOST": "127.0.0.1", "ENTREPOT_WORKERS": "2",
        "ENTREPOT_PORT": str(port), "ENTREPOT_SECRET": SECRET, "ENTREPOT_RATE_PER_S": "0",
    }  # fmt: skip
    with (home / "served.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-c", _UP], env=env, stdout=log, stderr=log)


def children(parent: int) -> dict[str, list[int]]:
    """The server's children by what they are: web, worker, gateway."""
    kinds = {"multiprocessing.spawn": "web", "entrepot.worker": "worker", "entrepot.world.gateway": "gateway"}
    found: dict[str, list[int]] = {kind: [] for kind in kinds.values()}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            of = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:  # it ended while we looked
            continue
        for mark, kind in kinds.items():
            if of == parent and mark in command:
                found[kind].append(int(folder.name))
    return found


def kill_oldest(server: subprocess.Popen[bytes], kind: str) -> None:
    """kill -9 of one of the server's own processes, as soon as there is one: it may just be started again. The oldest,
    because Granian gives up when the same web process dies twice within seconds."""
    for _ in range(RESTARTED_MAX_S * 10):
        if alive := children(server.pid)[kind]:
            return os.kill(min(alive, key=_started), signal.SIGKILL)
        time.sleep(0.1)
    raise AssertionError(f"no {kind} was started again in {RESTARTED_MAX_S} s")


def _started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


async def furnish(base: str, url: str, buyers: int, offers: int, chance: Random) -> Town:
    """A marketplace with goods and money in each cell, and a campaign in one of them, in which all may buy."""
    now = RealClock().now()
    db = await Database.open(url)
    async with db.write() as tx:
        await sellers.add_market(tx, sellers.Market(MARKET, "United States", "USD", "en", "US"))
        await sellers.set_terms(
            tx,
            sellers.Terms(
                market=MARKET,
                valid_from=now - timedelta(days=1),
                commission_bp=1_000,
                payment_fee_bp=150,
                quote_ttl_s=1_800,
                payment_ttl_s=5,
                confirm_after_s=60,
                untracked_after_s=60,
                source="tests",
            ),
        )
        await catalog.add_category(tx, "things", "Things")
        service = pricing.ShippingService(MARKET, "standard", "Standard", 500, 100, 86_400, 1)
        await pricing.add_shipping_service(tx, service)
    async with httpx.AsyncClient() as nobody:
        shop = Shop(db, VirtualClock(now), Keys(SECRET.encode()), None, nobody)
        for cell in range(CELLS):
            await shop.open_cell(cell)
        hands = [await shop.seller(cell=cell) for cell in range(CELLS)]
        stocked = [await shop.offer(hands[n % CELLS], 1_000, 100_000, cell=n % CELLS) for n in range(offers)]
        people = [await shop.buyer(WALLET_MINOR, n % CELLS) for n in range(buyers)]
    async with db.write() as tx:
        goods = campaigns.NewOffer(stocked[1], 700, CAMPAIGN_UNITS, CAMPAIGN_LIMIT)
        new = campaigns.NewCampaign(MARKET, "Rush", tx.now, tx.now + CAMPAIGN_TIME, [goods])
        campaign = show("cmp", await campaigns.open_campaign(tx, new))
        sold = await tx.conn.fetchval("select offer_id from campaigns.offer")
    await db.close()
    return Town(base, url, hands, people, stocked, campaign, sold, chance)


class Who(NamedTuple):
    """Who asks."""

    user: UUID = NIL
    cell: int = 0
    role: Role = Role.BUYER
    seller: UUID | None = None


OPERATOR = Who(role=Role.OPERATOR)


@dataclass
class Acknowledged:
    """A write that was answered with success: asked again, it must be answered the same."""

    path: str
    headers: dict[str, str]
    body: Any
    status: int
    answer: str


@dataclass
class Town:
    """The clients' side of it: what they asked, what they were told, what they read meanwhile."""

    base: str
    url: str
    sellers: list[UUID]
    people: list[Buyer]
    offers: list[int]
    campaign: str
    campaign_offer: int
    chance: Random
    keys: Keys = field(default_factory=lambda: Keys(SECRET.encode()))
    stop: bool = False
    told: list[Acknowledged] = field(default_factory=list)
    placed_at: list[datetime] = field(default_factory=list)
    approved: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    topped_up: int = 0  # minor units: acknowledged
    asked_up: int = 0  # minor units: ever asked for
    reads: int = 0
    wrong_reads: list[str] = field(default_factory=list)

    async def live(self) -> None:
        """Buyers buy, the sellers send what is paid, somebody tops up, somebody reads the books, until `stop`."""
        async with asyncio.TaskGroup() as group:
            for number, person in enumerate(self.people):
                group.create_task(self._buyer(Random(number), person))
            for cell in range(CELLS):
                group.create_task(self._sender(Random(len(self.people) + cell), cell))
            group.create_task(self._reader())

    async def _buyer(self, chance: Random, person: Buyer) -> None:
        who = Who(person.id, person.cell)
        async with httpx.AsyncClient(base_url=self.base, timeout=20, trust_env=False) as http:
            while not self.stop:
                if chance.random() < 0.2:
                    await self._top_up(http, chance, person.id)
                buy = self._rush if chance.random() < 0.3 else self._buy
                group = await buy(http, chance, who, person.address)
                if group is None:
                    continue
                if group["status"] == "awaiting_payment":
                    await self._approve(http, who, group["id"])
                elif chance.random() < 0.3:
                    shown = await self._send(http, who, "GET", f"/v1/groups/{group['id']}")
                    order = shown.json()["orders"][0]["id"]
                    await self._write(http, who, f"/v1/orders/{order}/cancel", None)

    async def _buy(self, http: httpx.AsyncClient, chance: Random, who: Who, address: UUID) -> Any:
        cart = await self._send(http, who, "POST", "/v1/carts", {"market": MARKET})
        path = f"/v1/carts/{cart.json()['id']}"
        for offer in chance.sample(self.offers, 2):
            await self._send(http, who, "POST", f"{path}/lines", {"offer_id": offer, "quantity": 1})
        await self._send(http, who, "PUT", f"{path}/address", {"address_id": show("adr", address)})
        await self._send(http, who, "PUT", f"{path}/shipping", {"code": "standard"})
        quote = await self._send(http, who, "POST", f"{path}/quote")
        if quote.status_code != 201:  # half a second of a cart may be lost with the server
            self.refusals[quote.json()["type"]] += 1
            return None
        return await self._place(http, chance, who, "/v1/orders", {"quote_id": quote.json()["id"]})

    async def _rush(self, http: httpx.AsyncClient, chance: Random, who: Who, address: UUID) -> Any:
        """From the campaign, which is of another cell for most of them."""
        body = {"offer_id": self.campaign_offer, "address_id": show("adr", address), "shipping": "standard"}
        return await self._place(http, chance, who, f"/v1/campaigns/{self.campaign}/orders", body)

    async def _place(self, http: httpx.AsyncClient, chance: Random, who: Who, path: str, body: dict[str, Any]) -> Any:
        method = "sandbox" if chance.random() < 0.2 else "wallet"
        placed = await self._write(http, who, path, body | {"method": method})
        if placed is not None:
            self.placed_at.append(RealClock().now())
        return placed

    async def _sender(self, chance: Random, cell: int) -> None:
        """Sends paid orders, some of which are canceled meanwhile, and gives money back for some that are sent."""
        who = Who(cell=cell, role=Role.SELLER, seller=self.sellers[cell])
        async with httpx.AsyncClient(base_url=self.base, timeout=20, trust_env=False) as http:
            while not self.stop:
                page = await self._send(http, who, "GET", "/v1/seller/orders?status=paid")
                for order in page.json()["items"][:SENT_AT_ONCE]:
                    path = f"/v1/seller/orders/{order['id']}"
                    parcel = {"carrier": "house", "tracking_number": order["id"]}
                    sent = await self._write(http, who, f"{path}/ship", parcel)
                    if sent is not None and chance.random() < 0.2:
                        await self._write(http, who, f"{path}/refund", None)
                await asyncio.sleep(PAUSE_S)

    async def _top_up(self, http: httpx.AsyncClient, chance: Random, user: UUID) -> None:
        amount = chance.randrange(1, 10_000)
        self.asked_up += amount
        body = {"user_id": show("usr", user), "currency": "USD", "amount_minor": amount}
        assert await self._write(http, OPERATOR, "/v1/top-ups", body) is not None
        self.topped_up += amount

    async def _approve(self, http: httpx.AsyncClient, who: Who, group: str) -> None:
        """Pays at the gateway as soon as the worker has told it of the payment; not every buyer waits for that."""
        for _ in range(15):
            payment = (await self._send(http, who, "GET", f"/v1/groups/{group}/payment")).json()
            if payment.get("redirect_url"):
                url = payment["redirect_url"].replace("/pay/", "/payments/") + "/approve"
                try:
                    if (await http.post(url)).status_code == 200:
                        self.approved.add(group)
                except httpx.HTTPError:
                    self.failures["gateway"] += 1
                return
            await asyncio.sleep(PAUSE_S)

    async def _write(self, http: httpx.AsyncClient, who: Who, path: str, body: Any) -> dict[str, Any] | None:
        """A write with a key of its own; what was answered, or None when it was refused."""
        key = {"idempotency-key": f"{who.user.hex}-{self.chance.getrandbits(64):x}"}
        answer = await self._send(http, who, "POST", path, body, key)
        if not answer.is_success:
            self.refusals[answer.json()["type"]] += 1
            return None
        headers = self._session(who) | key
        self.told.append(Acknowledged(path, headers, body, answer.status_code, answer.text))
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def _send(
        self, http: httpx.AsyncClient, who: Who, method: str, path: str, body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """The same request until there is an answer to it that is not `try again`."""
        for _ in range(TRIES_MAX):
            try:
                sent = self._session(who) | (headers or {})
                answer = await http.request(method, path, json=body, headers=sent)
                if answer.status_code < 500:
                    return answer
                self.failures[f"{answer.status_code} {answer.json()['type']}"] += 1
            except (httpx.HTTPError, ValueError) as error:
                self.failures[type(error).__name__] += 1
            await asyncio.sleep(PAUSE_S)
        raise AssertionError(f"no answer to {method} {path} in {TRIES_MAX} tries: {self.failures}")

    def _session(self, who: Who) -> dict[str, str]:
        token = self.keys.session(who.role, who.user, datetime.now(UTC), cell=who.cell, seller_id=who.seller)
        return {"authorization": f"Bearer {token}"}

    async def _reader(self) -> None:
        """Reads all balances, each time on one snapshot: they sum to zero, and what all have together is what was paid
        in, whoever is being killed. Nodes have no snapshot in common, so there each cell is read by itself."""
        while not self.stop:
            try:
                connection = await asyncpg.connect(self.url, timeout=5)
                try:
                    while not self.stop:
                        for cells in _SEEN_AT_ONCE:
                            await self._read(connection, cells)
                        await asyncio.sleep(0.02)
                finally:
                    connection.terminate()
            except GONE as error:
                self.failures[f"reader: {type(error).__name__}"] += 1
                await asyncio.sleep(PAUSE_S)

    async def _read(self, connection: asyncpg.Connection, cells: list[int]) -> None:
        start = WALLET_MINOR * len(self.people)
        low = start + self.topped_up
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = dict(await connection.fetch(_BALANCES, cells))
            moved = dict(await connection.fetch(_MOVED, cells))
        high = start + self.asked_up
        self.reads += 1
        total, cash = sum(rows.values()), -rows["cash"]
        paid_in = low <= cash <= high or len(cells) < CELLS
        if total or not paid_in or rows["wallet_lowest"] < 0 or rows != moved | rows:
            self.wrong_reads.append(f"sum {total}, paid in {cash}, expected {low} to {high}: {rows}, moved {moved}")


_SEEN_AT_ONCE = [list(range(CELLS))] if cluster.URL is None else [[cell] for cell in range(CELLS)]
_BALANCES = """
    select a.code, sum(b.credits - b.debits)::bigint
      from ledger.balance b join ledger.account a on a.cell = b.cell and a.id = b.account_id
     where a.cell = any ($1) and a.currency = 'USD' group by a.code
    union all select 'wallet_lowest', least(min(b.credits - b.debits), 0)
      from ledger.balance b where b.cell = any ($1) and b.limited
"""
_MOVED = """
    select a.code, sum(t.amount)::bigint
      from (select cell, credit as account, amount from ledger.transfer
            union all select cell, debit, -amount from ledger.transfer) t
      join ledger.account a on a.cell = t.cell and a.id = t.account
     where t.cell = any ($1) group by a.code
"""
