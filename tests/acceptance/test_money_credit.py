"""Buying on installments, as its users meet it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from entrepot import orders
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, parse, show
from entrepot.logistics import NewShipment
from tests.journeys.test_gateway import Stage, staged
from tests.shop import START, Buyer

CREDIT = {
    "grace_days": 5, "retry_days": 2, "late_fee_minor": 700, "late_fee_max_bp": 1_000, "default_days": 90,
    "limits": [{"score": 0, "limit_minor": 0}, {"score": 300, "limit_minor": 50_000}], "source": "tests",
}  # fmt: skip
PLANS = ((3, 300, "buyer"), (6, 500, "seller"), (12, 900, "platform"))
MONTH = timedelta(days=31)


@pytest.fixture
async def stage(own_db_url: str) -> AsyncIterator[Stage]:
    async with staged(own_db_url) as opened:
        await agree(opened)
        yield opened
        await opened.shop.audited()


async def agree(stage: Stage) -> None:
    """The operator says who may owe how much, and what it costs."""
    operator = stage.shop.operator
    told = await stage.shop.http.post("/v1/markets/us/credit-terms", json=CREDIT, headers=operator)
    assert told.status_code == 204, told.text
    for months, fee_bp, bearer in PLANS:
        plan = {"months": months, "fee_bp": fee_bp, "bearer": bearer, "minimum_minor": 3_000, "source": "tests"}
        told = await stage.shop.http.post("/v1/markets/us/installment-terms", json=plan, headers=operator)
        assert told.status_code == 204, told.text


async def buy(buyer: Buyer, offer: int, quantity: int, months: int) -> tuple[int, dict[str, Any]]:
    quote = await buyer.quote([(offer, quantity)])
    body = {"quote_id": quote["id"], "method": "installments", "months": months}
    placed = await buyer.send("POST", "/v1/orders", body, **{"idempotency-key": quote["id"]})
    return placed.status_code, placed.json()


async def plan_of(buyer: Buyer, placed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await buyer.send("GET", f"/v1/installments/{placed['id']}")).json()
    return found


async def finish(stage: Stage, plan: dict[str, Any], decision: str = "approve") -> None:
    """The buyer decides at the gateway, and its webhook comes."""
    id_ = plan["pay_at"].rpartition("/")[2]
    assert (await stage.client.post(f"{stage.gateway.url}/payments/{id_}/{decision}")).status_code == 200
    await stage.gateway.quiet()
    assert (await stage.deliver(stage.letterbox.bodies[-1])).status_code == 204


async def owed(stage: Stage) -> tuple[int, int]:
    """(by the funder's account, by the buyers' lines): they are one."""
    async with stage.shop.db.read() as tx:
        exposure = await tx.conn.fetchval("select sum(exposure_minor)::bigint from credit.line")
    return -await stage.shop.balance("funder"), exposure


async def test_5_installments(stage: Stage) -> None:
    """106.00 in three installments with 3 % for it: told to the day and the cent before, taken from the limit with the
    purchase, collected by the gateway; more than the limit is refused, with the reasons, and changes nothing."""
    shop, buyer = stage.shop, await stage.shop.buyer(0)
    quote = await buyer.quote([(stage.offer, 10)])  # 100.00 and 6.00 of shipping
    told = (await buyer.send("GET", f"/v1/quotes/{quote['id']}/installments")).json()
    assert [offer["months"] for offer in told["offers"]] == [3, 6, 12]
    three = told["offers"][0]
    assert [one["amount_minor"] for one in three["installments"]] == [3_640, 3_639, 3_639]
    assert [one["due_at"][:10] for one in three["installments"]] == ["2026-04-02", "2026-05-02", "2026-06-02"]
    assert (three["fee_minor"], three["total_minor"], three["yearly_bp"]) == (318, 10_918, 1_946)
    assert [(offer["fee_minor"], offer["yearly_bp"]) for offer in told["offers"][1:]] == [(0, 0), (0, 0)]
    assert told["standing"] == {
        "currency": "USD", "limit_minor": 50_000, "exposure_minor": 0, "available_minor": 50_000,
        "score": {"points": 300, "reasons": [{"what": "start", "count": 1, "points": 300}]},
    }  # fmt: skip

    status, placed = await buy(buyer, stage.offer, 10, 3)
    assert (status, placed["status"]) == (201, "placed")
    assert await owed(stage) == (10_600, 10_600)
    assert await shop.balance("escrow") == 10_600
    state = await shop.state()
    status, refused = await buy(buyer, stage.offer, 40, 6)
    assert (status, refused["type"], refused["asked_minor"]) == (409, "/problems/credit_refused", 40_600)
    assert refused["standing"]["available_minor"] == 39_400
    assert refused["standing"]["score"]["reasons"][1] == {"what": "used", "count": 21, "points": 0}
    assert await shop.state() == state
    status, refused = await buy(buyer, stage.offer, 40, 24)
    assert (status, refused["type"]) == (409, "/problems/installments_not_offered")

    await stage.work(MONTH)  # it is asked for, and paid in time
    plan = await plan_of(buyer, placed)
    assert (plan["due_minor"], plan["payoff_minor"], plan["rebate_minor"]) == (3_640, 10_918 - 106, 106)
    await finish(stage, plan)
    plan = await plan_of(buyer, placed)
    assert [one["status"] for one in plan["installments"]] == ["paid", "open", "open"]
    assert (plan["due_minor"], plan["status"]) == (0, "open")
    assert await owed(stage) == (7_066, 7_066)
    assert (await shop.balance("plan_fee"), await shop.balance("gateway")) == (106, -3_640)
    await shop.audited()

    await stage.work(MONTH)  # nobody pays: it is late once, and the score says so
    await stage.work(timedelta(days=6))
    await stage.work(timedelta(days=6))
    plan = await plan_of(buyer, placed)
    assert [one["late_fee_minor"] for one in plan["installments"]] == [0, 363, 0]
    assert plan["due_minor"] == 3_639 + 363
    standing = (await buyer.send("GET", "/v1/credit?market=us")).json()
    assert {reason["what"]: reason["points"] for reason in standing["score"]["reasons"]} == {
        "start": 300, "member_days": 24, "on_time": 30, "overdue": -150, "used": 0,
    }  # fmt: skip
    assert (standing["score"]["points"], standing["limit_minor"], standing["available_minor"]) == (204, 0, 0)

    order = parse("ord", (await buyer.send("GET", f"/v1/groups/{placed['id']}")).json()["orders"][0]["id"])
    staff = shop.session(Role.SELLER, new_id(START), stage.seller)
    given = {"line_no": 1, "amount_minor": 9_000, "reason": "Scratched."}
    path = f"/v1/seller/orders/{show('ord', order)}/refund-line"
    assert (await shop.http.post(path, json=given, headers=staff)).status_code == 204
    # Of 106.00 90.00 go back: the 70.66 that are owed, and 19.34 that were paid; of the fee 3.18 * 90 / 106 = 2.70.
    plan = await plan_of(buyer, placed)
    assert [one["status"] for one in plan["installments"]] == ["paid", "void", "void"]
    assert (plan["status"], plan["back_minor"]) == ("paid", 1_934 + 58)
    assert await owed(stage) == (0, 0)
    await stage.work()
    assert (await shop.balance("plan_fee"), await shop.balance("gateway")) == (48, -3_640 + 1_992)
    assert await shop.balance("escrow") == 1_600
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", "1")])
    await stage.work(MONTH)
    assert await shop.balance("escrow") == 0  # the seller has the rest, as of any purchase
