"""Money that ties, part by part, as its users meet it over HTTP. Parts that are not built are not here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from entrepot import ledger, orders
from entrepot.kit.auth import Role
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.ledger import Transfer
from entrepot.logistics import NewShipment
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def test_1_ledger(shop: Shop) -> None:
    """A payout is held until the bank has answered: returned, it is the seller's again and goes out with the next;
    delivered, it is gone, once. Then the day is closed, and what is dated into it is refused."""
    seller = await shop.seller()
    bought = await (await shop.buyer()).buy([(await shop.offer(seller, 10_000, 5), 1)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(bought[0], "house", "1")])
    await shop.run(after=timedelta(days=45))  # the timers release, and pay out

    async def operator(path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        method = "GET" if body is None else "POST"
        answer = await shop.http.request(method, f"/v1/operator/{path}", json=body, headers=shop.operator)
        return answer.status_code, answer.json() if answer.content else {}

    async def payouts() -> list[tuple[int, str]]:
        staff = shop.session(Role.SELLER, new_id(START), seller)
        listed = (await shop.http.get("/v1/seller/payouts", headers=staff)).json()["items"]
        return [(item["amount_minor"], item["status"]) for item in listed]

    earned = 10_000 + 600 - 1_000 - 159
    assert await payouts() == [(earned, "sent")]
    assert (await shop.balance("seller", seller), await shop.balance("payout")) == (earned, 0)
    (sent,) = (await operator("payouts"))[1]["items"]
    assert (await operator(f"payouts/{sent['id']}/return", {}))[0] == 204
    assert await payouts() == [(earned, "returned")]
    state = await shop.state()
    refused = await operator(f"payouts/{sent['id']}/settle", {})
    assert (refused[0], refused[1]["type"], refused[1]["payout_status"]) == (
        409,
        "/problems/payout_not_sent",
        "returned",
    )
    assert await shop.state() == state

    await shop.run(after=timedelta(days=14))
    assert await payouts() == [(earned, "sent"), (earned, "returned")]
    await shop.run(after=timedelta(days=4, hours=23))
    assert (await payouts())[0] == (earned, "sent")
    await shop.run(after=timedelta(hours=1))
    assert (await payouts())[0] == (earned, "settled")
    assert (await shop.balance("seller", seller), await shop.balance("payout")) == (0, earned)

    today = shop.clock.now().date()
    assert (await operator("closed-days", {"through": f"{today}"}))[1]["type"] == "/problems/day_not_over"
    yesterday = today - timedelta(days=1)
    assert (await operator("closed-days", {"through": f"{yesterday}"}))[1] == {
        "days": (yesterday - START.date()).days + 1
    }
    await shop.run(after=timedelta(days=2))  # from now on the worker closes
    assert (await operator("closed-days"))[1]["items"][0]["day"] == f"{today + timedelta(days=1)}"
    found = (await operator(f"trial-balance?day={today}"))[1]
    lines = {line["code"]: line for line in found["lines"]}
    assert sum(line["closing_minor"] for line in found["lines"]) == 0
    assert [lines["seller"][name] for name in ("opening_minor", "debits_minor", "closing_minor")] == [earned, earned, 0]
    assert lines["commission"]["closing_minor"] == 1_000

    with pytest.raises(asyncpg.exceptions.PostgresError, match=f"the books of {today} are closed"):
        await _post_late(shop, timedelta(days=2))
    assert (await operator(f"trial-balance?day={today}"))[1] == found
    await shop.audited()


async def _post_late(shop: Shop, by: timedelta) -> None:
    async with shop.db.write() as tx:
        cash, payout = await ledger.account_ids(tx, 0, ["cash", "payout"], [NIL, NIL], ["USD", "USD"])
        transfer = Transfer(new_id(tx.now), "top_up", cash, payout, 1)
        await ledger.post_all(Tx(tx.conn, tx.now - by), 0, [transfer])
