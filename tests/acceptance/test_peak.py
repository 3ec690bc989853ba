"""The peak, part by part, as its users meet it: over HTTP and by the command. Parts that are not built are not here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.shop import MARKET, START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def add_promotion(shop: Shop, code: str, **limits: int) -> None:
    """10 % off, at the operator's expense."""
    body = {
        "code": code, "market": MARKET, "funding_party": "operator", "percent_bp": 1_000,
        "valid_from": (START - timedelta(days=1)).isoformat(), "valid_to": (START + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    added = await shop.http.post("/v1/promotions", json=body | limits, headers=shop.operator)
    assert added.status_code == 201, added.text


async def used(shop: Shop) -> dict[str, int]:
    async with shop.db.read() as tx:
        return {
            row[0]: row[1] for row in await tx.conn.fetch("select name, sum(used)::int from pricing.quota group by 1")
        }


async def test_1_stock(shop: Shop) -> None:
    """Twenty buyers at once want ten units: ten have one, ten are told so. What is not paid in time, and what is
    canceled, is sold again, once; the stock is what its movements say."""
    offer = await shop.offer(await shop.seller(), 1_000, 10)
    buyers = [await shop.buyer(100_000) for _ in range(20)]
    quotes = [await buyer.quote([(offer, 1)]) for buyer in buyers]
    answers = await asyncio.gather(*(buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)))
    told = [answer.status_code for answer in answers]
    assert (told.count(201), told.count(409)) == (10, 10)
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(problem["type"], problem["available"]) for problem in refused} == {("/problems/sold_out", 0)}
    assert await shop.stock(offer) == (10, 0, 10)
    lucky = buyers[told.index(201)]
    group = (await lucky.send("GET", f"/v1/groups/{answers[told.index(201)].json()['id']}")).json()
    for status in (204, 409):  # it goes back once
        assert (await lucky.send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == status
    assert await shop.stock(offer) == (10, 0, 9)
    late = buyers[told.index(409)]
    assert (await late.place(await late.quote([(offer, 1)]))).status_code == 201
    assert await shop.stock(offer) == (10, 0, 10)
    await shop.audited()


async def test_2_coupons_and_budgets(shop: Shop) -> None:
    """Of a promotion for two purchases, one of each buyer, two are placed however many come at once; a cancelation
    gives its use back once; a budget is never overdrawn."""
    offer = await shop.offer(await shop.seller(), 1_000, 100)
    await add_promotion(shop, "TWO", max_uses=2, max_per_buyer=1)
    buyers = [await shop.buyer(100_000) for _ in range(6)]
    # Each buyer twice, all at once.
    quotes = [(buyer, await buyer.quote([(offer, 1)], "TWO")) for buyer in buyers for _ in range(2)]
    answers = await asyncio.gather(*(buyer.place(quote) for buyer, quote in quotes))
    placed = [
        (buyer, answer.json()["id"]) for (buyer, _), answer in zip(quotes, answers, strict=True) if answer.is_success
    ]
    assert len(placed) == 2
    assert placed[0][0].id != placed[1][0].id
    assert await used(shop) == {"promotion:TWO": 2, "promotion:TWO:buyer": 2}
    problems: list[dict[str, Any]] = [answer.json() for answer in answers if not answer.is_success]
    assert {problem["type"] for problem in problems} == {"/problems/limit_reached"}
    buyer, group = placed[0]
    order = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]
    for status in (204, 409):
        assert (await buyer.send("POST", f"/v1/orders/{order}/cancel")).status_code == status
    assert await used(shop) == {"promotion:TWO": 1, "promotion:TWO:buyer": 1}
    again = await buyer.place(await buyer.quote([(offer, 1)], "TWO"))
    assert again.status_code == 201

    await add_promotion(shop, "PURSE", budget_minor=250)  # two of 100, not three
    quotes = [(buyer, await buyer.quote([(offer, 1)], "PURSE")) for buyer in buyers[:3]]
    told = [await buyer.place(quote) for buyer, quote in quotes]
    assert [answer.status_code for answer in told] == [201, 201, 409]
    assert told[2].json() | {"instance": None} == told[2].json() | {
        "type": "/problems/limit_reached", "limit": "promotion:PURSE:budget", "available": 50, "instance": None,
    }  # fmt: skip
    assert (await used(shop))["promotion:PURSE:budget"] == 200
    with pytest.raises(AssertionError, match="limit_reached"):  # who asks for a price now is told so at once
        await buyers[3].quote([(offer, 1)], "PURSE")
    assert await shop.balance("promotions") == -2 * 100 - 2 * 100
    await shop.audited()
