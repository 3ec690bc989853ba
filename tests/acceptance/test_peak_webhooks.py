"""Case 19: kill -9 between commit and webhook: delivered after the restart; rolled back: never delivered. And what
sellers expect besides: their own only, signed, again until it is taken, and nowhere that they must not reach."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import notify, orders, webhooks, worker
from entrepot.kit.auth import Role
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.events import consume
from entrepot.kit.ids import NIL, new_id, show
from entrepot.kit.outside import TIMEOUT_S
from entrepot.kit.strangers import open_strangers
from entrepot.logistics import NewShipment
from entrepot.webhooks.jobs import send_due
from tests.notify.post import staff
from tests.shop import Shop, open_shop

SECRET = "a secret of the tests, long enough"  # the shop's
WAIT_MAX_S = 30


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    def is_signed(self, secret: str) -> bool:
        """As the specification of Standard Webhooks says it, without our code."""
        content = b"%b.%b." % (self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode())
        key = base64.b64decode(secret.split("_")[1])
        mac = base64.b64encode(hmac.new(key, content + self.body, hashlib.sha256).digest()).decode()
        return f"v1,{mac}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """A server of somebody's. By path it answers what it is set to, one after another, and then 200; with `silent`
    nothing at all."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    silent: bool = False
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append(Got(head[0].split()[1], headers, body))
        self.came.set()
        if self.silent:
            await reader.read()  # until the other side is gone
        else:
            planned = self.answers.get(self.got[-1].path)
            answer = planned.pop(0) if planned else "200 OK"
            writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()

    def at(self, path: str) -> list[Got]:
        return [got for got in self.got if got.path == path]

    def types(self, path: str) -> list[str]:
        return [got.told["type"] for got in self.at(path)]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield receiver


async def send(shop: Shop, who: Mapping[str, str], method: str, path: str, body: Any = None) -> httpx.Response:
    return await shop.http.request(method, f"/v1/webhook-endpoints{path}", json=body, headers=dict(who))


async def listen(shop: Shop, who: Mapping[str, str], url: str, *types: str) -> tuple[str, str]:
    """A new endpoint's address and secret."""
    made = await send(shop, who, "POST", "", {"url": url, "types": types})
    assert made.status_code == 201, made.text
    return f"/{made.json()['id']}", made.json()["secret"]


async def told(shop: Shop, *, private: bool = True) -> int:
    """What has happened is noted, and what is due goes out."""
    for consumer in (*webhooks.CONSUMERS, *(one for one in worker.CONSUMERS if one.name == "notify")):
        while await consume(shop.db, consumer, 0):
            pass
    async with open_strangers(private=private) as client:
        return await send_due(shop.db, client, shop.keys, 0)


async def told_until_nothing(shop: Shop) -> None:
    while await told(shop):
        pass


async def deliveries(shop: Shop, who: Mapping[str, str], path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await send(shop, who, "GET", f"{path}/deliveries")).json()["items"]
    return found


def by_the_guide() -> Any:
    """The function that docs/guide/webhooks.md gives to receivers."""
    page = (Path(__file__).parents[2] / "docs/guide/webhooks.md").read_text()
    names: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    return names["verified"]


async def lose(shop: Shop, order: UUID) -> None:
    """The order is sent, but not for long."""
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", "T-1")])
        raise RuntimeError("lost")


@pytest.mark.skipif(sys.platform != "linux", reason="workers die with the test by Linux's means")
async def test_19_killed_between_commit_and_webhook(own_db_url: str, tmp_path: Path) -> None:
    """A paid order is committed; the worker that has noted it dies with the call under way. The next one tells it,
    under the same id. A shipment that is rolled back is never told."""
    clock = VirtualClock(RealClock().now())
    async with open_shop(own_db_url, clock=clock) as shop, receiving() as receiver:
        shop.app.state.webhooks_private = True
        seller = await shop.seller()
        me = shop.session(Role.SELLER, new_id(clock.now()), seller)
        hook, secret = await listen(shop, me, f"{receiver.url}/hook", "order.paid", "order.shipped")
        offer = await shop.offer(seller, 1_000, 10)
        environ = os.environ | {
            "ENTREPOT_DATABASE_URL": own_db_url, "ENTREPOT_SECRET": SECRET, "ENTREPOT_WEBHOOKS_PRIVATE": "1",
            "ENTREPOT_HOME": str(tmp_path),
        }  # fmt: skip

        async def called(*, silent: bool) -> None:
            """By a worker that is killed as soon as the receiver has what it sent; `silent`: it gets no answer."""
            receiver.silent = silent
            receiver.came.clear()
            die = "from entrepot.kit.process import die_with_parent as d; d(); from entrepot.worker import main; "
            run = "from entrepot.settings import load; main(load())"
            with (tmp_path / "log").open("ab") as log:
                command = [sys.executable, "-c", die + run]
                process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)  # noqa: ASYNC220
            try:
                async with asyncio.timeout(WAIT_MAX_S):
                    await receiver.came.wait()
                    while not silent and await waiting():  # noqa: ASYNC110 - nobody tells
                        await asyncio.sleep(0.02)
            finally:
                process.kill()
                process.wait()

        async def waiting() -> int:
            async with shop.db.read() as tx:
                found: int = await tx.conn.fetchval("select count(*) from webhooks.delivery where status = 'due'")
            return found

        (order,) = await (await shop.buyer()).buy([(offer, 1)])
        await called(silent=True)
        assert await waiting() == 1
        async with shop.db.write() as tx:  # the lease of the dead is over
            await tx.conn.execute("update webhooks.delivery set due_at = at")
        with pytest.raises(RuntimeError, match="lost"):
            await lose(shop, order)
        await called(silent=False)

        assert receiver.types("/hook") == ["order.paid", "order.paid"]
        first, second = receiver.got
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == first.told["id"]
        assert first.body == second.body
        for got in receiver.got:
            assert got.is_signed(secret)
            assert by_the_guide()(secret, got.headers, got.body)
            assert not by_the_guide()(secret, got.headers, got.body + b" ")
            assert len(got.body) < 2_000
        assert second.told["data"]["order"]["id"] == show("ord", order)
        me = shop.session(Role.SELLER, NIL, seller)
        (one,) = await deliveries(shop, me, hook)
        assert (one["type"], one["status"], one["attempts"]) == ("order.paid", "sent", 2)
        await shop.audited()


async def test_19_told_until_it_is_taken(own_db_url: str) -> None:
    """Each its own, by one id, until it is taken, in order; again on demand, signed with every good secret."""
    async with open_shop(own_db_url) as shop, receiving() as receiver:
        shop.app.state.webhooks_private = True
        mine, other = await shop.seller(), await shop.seller()
        sam = await staff(shop, mine, "sam@example.org")
        me = shop.session(Role.SELLER, sam, mine)
        them = shop.session(Role.SELLER, new_id(shop.clock.now()), other)
        hook, secret = await listen(shop, me, f"{receiver.url}/mine", "order.paid", "order.canceled")
        await listen(shop, them, f"{receiver.url}/theirs", "order.paid")
        await listen(shop, shop.operator, f"{receiver.url}/house", "order.paid")
        offers = [await shop.offer(mine, 1_000, 10), await shop.offer(other, 2_000, 10)]

        # Each is told of its own and the house of both, by one id, as the API shows it.
        buyer = await shop.buyer()
        bought = await buyer.buy([(offers[0], 1), (offers[1], 1)])
        await told(shop)
        shown = {show("ord", order): got for order, got in zip(bought, ("/mine", "/theirs"), strict=True)}
        assert {(got.path, got.told["data"]["order"]["id"]) for got in receiver.got} == {
            *((path, order) for order, path in shown.items()), *(("/house", order) for order in shown),
        }  # fmt: skip
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 2
        (first,) = (got for got in receiver.got if got.path == "/mine")
        listed = (await shop.http.get("/v1/seller/orders", headers=me)).json()["items"]
        assert first.told == {
            "type": "order.paid", "version": 1, "id": first.headers["webhook-id"],
            "occurred_at": first.told["occurred_at"], "data": {"order": listed[0]},
        }  # fmt: skip
        assert first.headers["content-type"] == "application/json"
        assert first.is_signed(secret)
        assert not first.is_signed("whsec_" + base64.b64encode(b"another").decode())

        # Twice it is refused, with growing pauses, and then taken; what happened to the order later waits behind it.
        receiver.got.clear()
        receiver.answers["/mine"] = ["500 No", "302 Found\r\nlocation: /elsewhere"]
        shop.clock.advance(timedelta(seconds=1))
        (order,) = await buyer.buy([(offers[0], 1)])
        shop.clock.advance(timedelta(seconds=1))
        assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/cancel")).status_code == 204
        seen = []
        for wait in (0, 4, 1, 4 * 60, 60):
            shop.clock.advance(timedelta(seconds=wait))
            await told_until_nothing(shop)
            seen.append(receiver.types("/mine"))
        paid, canceled = "order.paid", "order.canceled"
        assert seen == [[paid], [paid], [paid, paid], [paid, paid], [paid, paid, paid, canceled]]
        assert len({got.headers["webhook-id"] for got in receiver.at("/mine")[:3]}) == 1
        assert len({got.headers["webhook-timestamp"] for got in receiver.at("/mine")[:3]}) == 3
        assert (receiver.types("/house"), len(receiver.got)) == ([paid], 5)  # it waited for nobody
        me = shop.session(Role.SELLER, sam, mine)
        latest = await deliveries(shop, me, hook)
        assert [(one["type"], one["status"], one["answer"], one["attempts"]) for one in latest] == [
            (canceled, "sent", "200", 1), (paid, "sent", "200", 3), (paid, "sent", "200", 1),
        ]  # fmt: skip

        # It is sent again on demand, under its id; after a rotation signed with both secrets, a day later with one.
        again = f"{hook}/deliveries/{latest[1]['id']}/resend"
        rotated = (await send(shop, me, "POST", f"{hook}/rotate")).json()["secret"]
        for is_old in (True, False):
            assert (await send(shop, me, "POST", again)).status_code == 204
            assert (await send(shop, me, "POST", again)).json()["type"] == "/problems/delivery_is_due"
            await told(shop)
            got = receiver.got[-1]
            assert (got.headers["webhook-id"], got.is_signed(secret)) == (latest[1]["id"], is_old)
            assert got.is_signed(rotated)
            shop.clock.advance(timedelta(days=1))
            me = shop.session(Role.SELLER, sam, mine)
        await shop.run()
        await shop.audited()


async def test_19_nowhere_else(own_db_url: str) -> None:
    """Nothing leads into private networks, another's endpoint is not there, and who is slow holds up nobody."""
    async with open_shop(own_db_url) as shop, receiving() as receiver, receiving() as slow:
        seller, other = await shop.seller(), await shop.seller()
        me = shop.session(Role.SELLER, new_id(shop.clock.now()), seller)
        them = shop.session(Role.SELLER, new_id(shop.clock.now()), other)
        port = receiver.url.rpartition(":")[2]
        short = f"https://127.1:{port}/"  # systems take it for an address: found out when it is called
        hook, secret = await listen(shop, me, short, "order.paid")
        before = await shop.state()
        refused = {
            receiver.url: "not_https", f"https://127.0.0.1:{port}/": "private_address", "https://10.0.0.1/": None,
            "https://[::1]/": None, "https://[::ffff:127.0.0.1]/": None, "https://169.254.169.254/": None,
            "https://localhost/": None, "https://a:b@example.org/": "user_or_fragment", "https:///x": "not_an_address",
        }  # fmt: skip
        for url, why in refused.items():
            said = (await send(shop, me, "POST", "", {"url": url, "types": ["order.paid"]})).json()
            assert (said["type"], said["why"]) == ("/problems/endpoint_not_valid", why or "private_address")
        said = (await send(shop, me, "POST", "", {"url": short, "types": ["order.paid", "secret"]})).json()
        assert (said["type"], said["types"]) == ("/problems/unknown_types", ["secret"])
        evt = show("evt", NIL)
        whole = {"url": "https://example.org/", "types": ["order.paid"]}
        asked: list[tuple[str, str, Any]] = [
            ("GET", "", None), ("PUT", "", whole), ("DELETE", "", None), ("POST", "/rotate", None),
            ("POST", "/on", None), ("POST", "/off", None), ("POST", "/test", None), ("GET", "/deliveries", None),
            ("POST", f"/deliveries/{evt}/resend", None),
        ]  # fmt: skip
        for who in (them, shop.operator):
            answers = [await send(shop, who, method, hook + path, body) for method, path, body in asked]
            assert {answer.status_code for answer in answers} == {404}
        assert await shop.state() == before

        buyer = await shop.buyer()
        offer = await shop.offer(seller, 1_000, 10)
        await buyer.buy([(offer, 1)])
        await told(shop, private=False)
        (one,) = await deliveries(shop, me, hook)
        assert (one["status"], one["answer"], receiver.got) == ("due", "private_address", [])
        async with shop.db.read() as tx:
            kept = await tx.conn.fetchval("select string_agg(l::text, '') from kit.audit_line l")
            sealed = await tx.conn.fetchval("select secret from webhooks.endpoint")
        assert secret not in kept
        assert short not in kept  # an address may have a secret in it
        assert secret.encode() not in sealed

        shop.app.state.webhooks_private = True
        assert (await send(shop, me, "DELETE", hook)).status_code == 204
        assert (await send(shop, me, "GET", hook)).status_code == 404
        slow.silent = True
        await listen(shop, me, f"{slow.url}/slow", "order.paid")
        await listen(shop, me, f"{receiver.url}/quick", "order.paid")
        for _ in range(2):
            await buyer.buy([(offer, 1)])
        async with open_strangers(private=True) as client:
            lanes = webhooks.Lanes(shop.db, client, shop.keys)
            for consumer in webhooks.CONSUMERS:
                await consume(shop.db, consumer, 0)
            assert await lanes.fill(0) == 2
            async with asyncio.timeout(WAIT_MAX_S):
                await slow.came.wait()  # it has a call, and says nothing
                while len(receiver.got) < 2:
                    await receiver.came.wait()
                    receiver.came.clear()
            async with asyncio.timeout(TIMEOUT_S / 2):
                assert await lanes.fill(0) == 0  # its lane is taken, and nobody waits for it
            lanes.drop()
        for _ in range(webhooks.ENDPOINTS - 2):
            await listen(shop, me, receiver.url, "order.paid")
        said = (await send(shop, me, "POST", "", {"url": receiver.url, "types": ["order.paid"]})).json()
        assert (said["type"], said["limit"]) == ("/problems/too_many_endpoints", 5)


async def test_19_given_up(own_db_url: str) -> None:
    """Who takes nothing for three days is told nothing more, and the seller is told so; what waits is not lost."""
    async with open_shop(own_db_url) as shop, receiving() as receiver:
        shop.app.state.webhooks_private = True
        mine = await shop.seller()
        sam = await staff(shop, mine, "sam@example.org")
        me = shop.session(Role.SELLER, sam, mine)
        hook, _ = await listen(shop, me, f"{receiver.url}/mine", "order.paid")
        buyer, offer = await shop.buyer(), await shop.offer(mine, 1_000, 10)
        # However often it is asked for, a test is one a minute.
        receiver.answers["/mine"] = ["500 No"] * 200
        ids = {(await send(shop, me, "POST", f"{hook}/test")).json()["id"] for _ in range(2)}
        assert len(ids) == 1
        for hours in (0, 1, 1, 3, 8, 12, 15, 21, 21, 0):
            shop.clock.advance(timedelta(hours=hours))
            await told(shop)
        me = shop.session(Role.SELLER, sam, mine)
        standing = (await send(shop, me, "GET", hook)).json()
        assert (standing["status"], standing["reason"]) == ("off", "failing")
        async with shop.db.read() as tx:
            messages = [(m.kind, m.user_id) for m in await notify.messages(tx, "due")]
        assert messages.count(("webhook_disabled", show("usr", sam))) == 1
        calls = len(receiver.got)
        await buyer.buy([(offer, 1)])
        await told(shop)
        assert receiver.types("/mine")[-1] == "webhook.test"
        assert (await send(shop, me, "POST", f"{hook}/test")).json()["type"] == "/problems/endpoint_is"
        receiver.answers.clear()
        assert (await send(shop, me, "POST", f"{hook}/on")).status_code == 204
        await told_until_nothing(shop)
        (test,) = [one for one in await deliveries(shop, me, hook) if one["type"] == "webhook.test"]
        assert (test["status"], receiver.types("/mine")[-1]) == ("sent", "webhook.test")
        assert len(receiver.got) == calls + 1  # what happened while it was off is not told

        # Old ones are swept.
        shop.clock.advance(timedelta(days=31))
        assert sum([await chore() for chore in await worker.chores(shop.db)]) >= 1
        assert await deliveries(shop, shop.session(Role.SELLER, sam, mine), hook) == []
