"""The switch in the web processes: a signed tag in the path leads to the rehearsal's database, nothing else does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from entrepot import app
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import RealClock
from entrepot.kit.db import Database
from entrepot.kit.ids import show
from entrepot.kit.migrate import migrate
from entrepot.kit.problem import DatabaseAway
from entrepot.world import market
from entrepot.world.rehearse import PREFIX, Stage, stage
from entrepot.world.rehearse.ground import ground
from entrepot.world.rehearse.plan import PlanError
from entrepot.world.rehearse.stage import apart, sibling
from entrepot.world.rehearse.stage import prefix as prefix_of
from tests.rehearse.untouched import Untouched

pytestmark = pytest.mark.anyio

KEYS = Keys(b"a secret of the tests, long enough")
SIZES = market.Sizes(sellers=3, offers=30, buyers=4, history=0)


@asynccontextmanager
async def staged(real_url: str, name: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client of a stage, and the prefix of the rehearsal `name`."""
    served = Stage(real_url, KEYS, app._rehearsed)
    transport = httpx.ASGITransport(served, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield http, prefix_of(KEYS, name, RealClock().now() + timedelta(minutes=1))
    await served.close()


def session(keys: Keys, buyer: UUID) -> dict[str, str]:
    return {"authorization": f"Bearer {keys.session(Role.BUYER, buyer, RealClock().now())}"}


async def buyers(url: str) -> list[UUID]:
    db = await Database.open(url, size=1)
    found = (await market.load_market(db)).buyers
    await db.close()
    return found


async def test_a_purchase_in_a_rehearsal_leaves_no_trace_in_the_real_tables(lone_db_url: str) -> None:
    await market.open_market(lone_db_url, SIZES)
    async with ground(lone_db_url) as name:
        url = sibling(lone_db_url, name)
        await market.open_market(url, SIZES)
        (buyer, *_) = await buyers(url)
        headers = session(apart(KEYS, name), buyer)
        before, others = await Untouched.of(lone_db_url), counted()
        async with staged(lone_db_url, name) as (http, prefix):
            made = await http.post(f"{prefix}/v1/carts", json={"market": "us"}, headers=headers)
            assert made.status_code == 201, made.text
            page = await http.get(f"{prefix}/p/{market.slug(7)}")
            assert (page.status_code, "thing of kind 7" in page.text) == (200, True)
            placed = await place(http, prefix, url, headers, buyer)
            assert placed.status_code == 201, placed.text
        await before.require_same(lone_db_url)
        assert await carts(url) == 1
        now = counted()
        assert {name: count for name, count in now.items() if not name.startswith("entrepot_rehearsal_")} == {
            name: count for name, count in others.items() if not name.startswith("entrepot_rehearsal_")
        }
        more = {name: count - others.get(name, 0) for name, count in now.items()}
        assert more["entrepot_rehearsal_request_seconds_count"] == 3
        assert more["entrepot_rehearsal_place_verdicts_total"] == more["entrepot_rehearsal_batch_commands_sum"] == 1


def counted() -> dict[str, float]:
    """What this process has counted so far, by metric, all routes and verdicts together."""
    found: dict[str, float] = {}
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name.startswith("entrepot_") and sample.name.endswith(("_count", "_total", "_sum")):
                found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


async def place(http: httpx.AsyncClient, prefix: str, url: str, headers: dict[str, str], buyer: UUID) -> httpx.Response:
    """A purchase that was quoted before."""
    db = await Database.open(url, size=1)
    found = await market.load_market(db)
    wanted = market.purchases(market.Market([buyer], found.offers), market.ONE_LINE, 1, 3)
    (command,) = await market.quoted(db, wanted, "k")
    await db.close()
    body = {"quote_id": show("quo", command.quote_id), "method": "wallet"}
    return await http.post(f"{prefix}/v1/orders", json=body, headers=headers | {"idempotency-key": command.key})


async def carts(url: str) -> int:
    connection = await asyncpg.connect(url)
    count: int = await connection.fetchval("select count(*) from orders.cart")
    await connection.close()
    return count


async def test_no_other_path_leads_there(own_db_url: str) -> None:
    await market.open_market(own_db_url, SIZES)
    now = RealClock().now()
    async with ground(own_db_url) as name:
        await migrate(sibling(own_db_url, name))
        soon = now + timedelta(minutes=1)
        good = prefix_of(KEYS, name, soon)
        other = Keys(b"another secret of the tests, as long")
        prefixes = {
            "none": PREFIX,
            "forged": good[:-4] + "AAAA",
            "another secret's": prefix_of(other, name, soon),
            "expired": prefix_of(KEYS, name, now - timedelta(seconds=1)),
            "another rehearsal's signature": prefix_of(KEYS, "entrepot", soon).split(".")[0] + "." + good.split(".")[1],
            "a session": PREFIX + KEYS.session(Role.OPERATOR, UUID(int=1), now),
        }
        async with staged(own_db_url, name) as (http, _):
            found: dict[str, Any] = {}
            for what, prefix in prefixes.items():
                answer = await http.get(f"{prefix}/v1/markets")
                found[what] = (answer.status_code, answer.json()["type"])
            assert found == dict.fromkeys(prefixes, (404, "/problems/not_found"))
            assert (await http.get(f"{good}/v1/markets")).json() == {"items": []}
    async with staged(own_db_url, name) as (http, _):  # its database is gone
        assert (await http.get(f"{good}/v1/markets")).status_code == 404


async def test_sessions_of_the_one_mean_nothing_in_the_other(own_db_url: str) -> None:
    await market.open_market(own_db_url, SIZES)
    real = await Database.open(own_db_url)
    (buyer, *_) = (await market.load_market(real)).buyers
    async with ground(own_db_url) as name:
        await migrate(sibling(own_db_url, name))
        async with staged(own_db_url, name) as (http, prefix):
            answer = await http.post(f"{prefix}/v1/carts", json={"market": "us"}, headers=session(KEYS, buyer))
            assert answer.status_code == 401
        transport = httpx.ASGITransport(app.build(real, KEYS))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
            lost = session(apart(KEYS, name), buyer)
            assert (await http.post("/v1/carts", json={"market": "us"}, headers=lost)).status_code == 401
            assert (await http.get(f"{prefix}/v1/markets")).status_code == 404  # a server that knows no rehearsals
    await real.close()


async def test_a_rehearsal_pays_by_wallet_only(own_db_url: str) -> None:
    async with ground(own_db_url) as name:
        url = sibling(own_db_url, name)
        await market.open_market(url, SIZES)
        (buyer, *_) = await buyers(url)
        async with staged(own_db_url, name) as (http, prefix):
            headers = session(apart(KEYS, name), buyer) | {"idempotency-key": "k"}
            body = {"quote_id": f"quo_{UUID(int=5).hex}", "method": "sandbox"}
            answer = await http.post(f"{prefix}/v1/orders", json=body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/method_not_offered")


async def test_at_the_limit_and_at_another_tag_a_rehearsal_goes_on(
    own_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*, durable: bool) -> None:
        assert not durable
        raise DatabaseAway

    monkeypatch.setattr(stage, "SAMPLE_S", 0.02)
    async with ground(own_db_url) as name:
        await migrate(sibling(own_db_url, name))
        served, until = Stage(own_db_url, KEYS, app._rehearsed), RealClock().now() + timedelta(minutes=1)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://shop.test") as http:
            assert (await http.get(f"{prefix_of(KEYS, name, until)}/v1/markets")).status_code == 200
            under_way = served._set
            assert under_way is not None
            over = prefix_of(KEYS, f"{name[:-8]}00000000", until)  # its database is gone
            assert (await http.get(f"{over}/v1/markets")).status_code == 404
            monkeypatch.setattr(under_way.db, "write", away)
            await asyncio.sleep(0.2)
            assert served._set is under_way
        await served.close()


async def test_what_killed_runs_left_is_dropped_and_one_runs_at_a_time(own_db_url: str) -> None:
    connection = await asyncpg.connect(own_db_url)
    async with ground(own_db_url) as name:
        left = name[:-8] + "00000000"
        with pytest.raises(PlanError, match="another rehearsal of this deployment is under way"):
            async with ground(own_db_url):
                pass
        await connection.execute(f"create database {left}")
        await connection.execute(f"create database {name[:-17]}00000000_00000000")  # another deployment's
        await connection.execute(f'create database "{name[:-8]}Its; own"')  # no rehearsal's
    assert set(await databases(connection, name[:-9])) == {left, f"{name[:-8]}Its; own"}
    async with ground(own_db_url) as again:
        assert again != name
        assert set(await databases(connection, name[:-9])) == {again, f"{name[:-8]}Its; own"}
    await connection.execute(f'drop database "{name[:-8]}Its; own"')
    assert await databases(connection, name[:-9]) == []
    assert await databases(connection, f"{name[:-17]}00000000_") != []
    await connection.execute(f"drop database {name[:-17]}00000000_00000000")
    await connection.close()


async def test_who_may_make_no_database_rehearses_nothing(own_db_url: str) -> None:
    connection, role = await asyncpg.connect(own_db_url), f"plain_{os.getpid()}"
    await connection.execute(f"create role {role}")
    as_role = f"{own_db_url}{'&' if '?' in own_db_url else '?'}role={role}"
    with pytest.raises(PlanError, match=f"{role} may not make databases, and a rehearsal has its own: alter role"):
        async with ground(as_role):
            pass
    await connection.execute(f"drop role {role}")
    await connection.close()


async def databases(connection: asyncpg.Connection, beginning: str) -> list[str]:
    rows = await connection.fetch("select datname from pg_database where starts_with(datname, $1)", beginning)
    return [row[0] for row in rows]
