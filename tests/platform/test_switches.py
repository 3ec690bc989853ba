"""Switches: off for a while, with who and why on record, on again by the clock; buying goes on with all of them off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import cli
from entrepot.app import build
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, show
from entrepot.platform import SWITCHES, command
from tests.shop import MARKET, Shop, open_shop

pytestmark = pytest.mark.anyio
OPERATOR = UUID(int=77)
STATEMENT = "/v1/seller/statement?currency=USD&first=2026-03-01&last=2026-03-31"


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def switch(shop: Shop, name: str, to: str, for_s: int = 60, why: str = "peak") -> httpx.Response:
    body = {"for_s": for_s, "why": why} if to == "off" else None
    headers = shop.session(Role.OPERATOR, OPERATOR)
    answer = await shop.http.post(f"/v1/operator/switches/{name}/{to}", json=body, headers=headers)
    await shop.app.state.switches._glance.refresh()
    return answer


async def board(shop: Shop) -> dict[str, Any]:
    return dict((await shop.http.get("/v1/operator/switches", headers=shop.operator)).json())


async def events(shop: Shop) -> list[tuple[str, str, str]]:
    async with shop.db.read() as tx:
        rows = await tx.conn.fetch(
            "select kind, data ->> 'name', data ->> 'user_id' from kit.event where kind like 'switch%' order by id"
        )
    return [tuple(row) for row in rows]


async def test_off_for_a_while_and_on_by_the_clock(shop: Shop) -> None:
    seller = shop.session(Role.SELLER, NIL, await shop.seller())
    assert (await shop.http.get(STATEMENT, headers=seller)).status_code == 200
    assert (await switch(shop, "statements", "off", 120)).status_code == 204
    refused = await shop.http.get(STATEMENT, headers=seller)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "120")
    assert refused.json()["type"] == "/problems/switched_off"
    assert refused.json()["until"] == "2026-03-02T09:02:00Z"
    shop.clock.advance(timedelta(seconds=120) - timedelta(microseconds=1))
    assert (await shop.http.get(STATEMENT, headers=seller)).status_code == 503
    shop.clock.advance(timedelta(microseconds=1))
    assert (await shop.http.get(STATEMENT, headers=seller)).status_code == 200  # whatever the worker does
    assert {one["name"]: one["off_until"] for one in (await board(shop))["switches"]} == dict.fromkeys(SWITCHES)
    await shop.run()
    (change,) = (await board(shop))["changes"]
    assert change == {
        "name": "statements", "why": "peak", "at": "2026-03-02T09:00:00Z", "until": "2026-03-02T09:02:00Z",
        "by": show("usr", OPERATOR), "ended_at": "2026-03-02T09:02:00Z", "ended_by": None,
    }  # fmt: skip
    assert await events(shop) == [
        ("switch_turned_off", "statements", str(OPERATOR)), ("switch_turned_on", "statements", str(NIL)),
    ]  # fmt: skip


async def test_turned_off_again_the_last_word_holds_and_on_is_on(shop: Shop) -> None:
    seller = shop.session(Role.SELLER, NIL, await shop.seller())
    await switch(shop, "statements", "off", 600, "first")
    shop.clock.advance(timedelta(seconds=5))
    await switch(shop, "statements", "off", 60, "second")
    changes = (await board(shop))["changes"]
    assert [(c["why"], c["ended_at"]) for c in changes] == [("second", None), ("first", "2026-03-02T09:00:05Z")]
    await switch(shop, "statements", "on")
    assert (await shop.http.get(STATEMENT, headers=seller)).status_code == 200
    before = await shop.state()
    await switch(shop, "statements", "on")
    after = await shop.state()
    assert {name for name in before if before[name] != after[name]} == {"kit.audit_line"}
    assert len(await events(shop)) == 3


async def test_another_process_knows_within_a_second_and_asks_once(shop: Shop) -> None:
    seller = shop.session(Role.SELLER, NIL, await shop.seller())
    app = build(shop.db, shop.keys)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as elsewhere:
        assert (await elsewhere.get(STATEMENT, headers=seller)).status_code == 200
        await switch(shop, "statements", "off")
        assert (await elsewhere.get(STATEMENT, headers=seller)).status_code == 200
        shop.clock.advance(timedelta(seconds=1))
        await elsewhere.get(STATEMENT, headers=seller)  # makes it look
        await asyncio.sleep(0.2)
        assert (await elsewhere.get(STATEMENT, headers=seller)).status_code == 503


async def test_what_is_refused_changes_nothing(shop: Shop) -> None:
    before = await shop.state()
    assert (await switch(shop, "checkout", "off")).status_code == 404
    assert (await switch(shop, "statements", "off", 0)).status_code == 400
    assert (await switch(shop, "statements", "off", 7 * 86_400 + 1)).status_code == 400
    assert (await switch(shop, "statements", "off", why="")).status_code == 400
    buyer = await shop.buyer(0)
    assert (await buyer.send("POST", "/v1/operator/switches/facets/on")).status_code == 403
    after = await shop.state()
    assert {name for name in before if before[name] != after[name]} <= {"ledger.balance", "kit.event"}  # the buyer


async def test_buying_goes_on_with_everything_off(shop: Shop) -> None:
    for name in SWITCHES:
        assert (await switch(shop, name, "off")).status_code == 204
    offer = await shop.offer(await shop.seller(), 1_000, 3)
    buyer = await shop.buyer()
    found = (await shop.http.get("/v1/products", params={"market": MARKET, "q": "product"})).json()
    assert (len(found["items"]), found["total"], found["facets"]) == (1, 1, [])
    assert (await shop.http.get("/v1/products", params={"market": MARKET, "q": "prodcut"})).json()["items"] == []
    (order,) = await buyer.buy([(offer, 2)])
    await shop.run()
    shipped = await shop.http.post(
        f"/v1/seller/orders/{show('ord', order)}/ship", json={"carrier": "house", "tracking_number": "1"},
        headers=shop.session(Role.SELLER, NIL, shop.sellers[0]),
    )  # fmt: skip
    assert shipped.status_code == 204
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/confirm")).status_code == 204
    days = await shop.http.get("/v1/operator/days", params={"market": MARKET}, headers=shop.operator)
    assert days.json()["switch"] == "reports"
    for name in SWITCHES:
        await switch(shop, name, "on")
    found = (await shop.http.get("/v1/products", params={"market": MARKET, "q": "prodcut"})).json()
    assert (len(found["items"]), len(found["facets"])) == (1, 1)
    await shop.audited()


def test_the_command(own_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", own_db_url)
    monkeypatch.setenv("ENTREPOT_HOME", str(folder))
    assert cli.main(["switch", "statements", "off", "--for", "2h", "--why", "Double 11"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in shown] == [
        ["facets", "on"], ["recommendations", "on"], ["refunds", "on"], ["reports", "on"], ["reviews", "on"],
        ["statements", "off"],
    ]  # fmt: skip
    assert "(Double 11)" in shown[5]
    assert cli.main(["switch", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == shown
    assert cli.main(["switch", "statements", "on"]) == 0
    assert "off" not in [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    for wrong in (["checkout", "off", "--why", "x"], ["facets"], ["list", "on"], ["facets", "off"],
                  ["facets", "off", "--why", "x", "--for", "2 h"]):  # fmt: skip
        assert cli.main(["switch", *wrong]) == 2
        assert capsys.readouterr().err.startswith("entrepot: ")
    assert cli.main(["switch", "facets", "off", "--why", "x", "--for", "8d"]) == 1
    assert capsys.readouterr().err == "entrepot: something is off for up to 7 days\n"


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("1d", 86_400)])
def test_a_time(text: str, seconds: int) -> None:
    assert command.duration(text) == timedelta(seconds=seconds)
