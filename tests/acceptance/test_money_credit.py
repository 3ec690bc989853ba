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


async def test_5_who_bears_the_fee(stage: Stage) -> None:
    """6 months are the seller's to pay for, 12 the platform's: the buyer owes what the goods cost. Of the seller's 530
    goes back what was given up, with the goods; the funder gives back its share of either to who paid it."""
    shop, buyer = stage.shop, await stage.shop.buyer(0)
    _, by_seller = await buy(buyer, stage.offer, 10, 6)
    _, by_platform = await buy(buyer, stage.offer, 10, 12)
    assert await owed(stage) == (21_200, 21_200)
    fees = [await shop.balance(code) for code in ("plan_fee", "payment_fee", "promotions")]
    assert fees == [530 + 954, -530, -954]
    plan = await plan_of(buyer, by_seller)
    assert [one["amount_minor"] for one in plan["installments"]] == [1_767, 1_767, 1_767, 1_767, 1_766, 1_766]
    orders_of = [
        (await buyer.send("GET", f"/v1/groups/{placed['id']}")).json()["orders"][0]["id"]
        for placed in (by_seller, by_platform)
    ]
    canceled = await buyer.send("POST", f"/v1/orders/{orders_of[1]}/cancel")
    assert canceled.status_code == 204, canceled.text
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(parse("ord", orders_of[0]), "house", "1")])
    await stage.work()
    assert (await buyer.send("POST", f"/v1/orders/{orders_of[0]}/confirm")).status_code == 204
    # commission 1,000; payment fee 159 and 530, of which the funder has got 530.
    assert await shop.balance("seller", stage.seller) == 10_600 - 1_000 - 159 - 530
    fees = [await shop.balance(code) for code in ("plan_fee", "payment_fee", "promotions")]
    assert fees == [530, 159, 0]
    assert (await plan_of(buyer, by_platform))["status"] == "canceled"
    assert await owed(stage) == (10_600, 10_600)


async def test_5_early_payoff_late_captures_and_what_is_given_up(stage: Stage) -> None:
    """A plan is paid off from the wallet while the gateway still collects: what that captures afterwards goes back. One
    that nobody pays is given up after 90 days, bars the buyer, and is paid all the same."""
    shop, buyer = stage.shop, await stage.shop.buyer(30_000)
    _, placed = await buy(buyer, stage.offer, 10, 3)
    await stage.work(MONTH)
    asked = await plan_of(buyer, placed)
    path = f"/v1/installments/{placed['id']}/pay"
    paid = await buyer.send("POST", path, {"what": "all", "method": "wallet"})
    assert (paid.status_code, paid.json()["status"], paid.json()["payoff_minor"]) == (200, "paid", 0)
    assert await shop.balance("wallet", buyer.id) == 30_000 - 10_812
    assert (await buyer.send("POST", path, {"what": "all"})).json()["type"] == "/problems/nothing_owed"
    ended = "select ended_at from credit.plan where id = $1"
    async with shop.db.read() as tx:
        ended_at = await tx.conn.fetchval(ended, parse("grp", placed["id"]))
    shop.clock.advance(timedelta(minutes=1))
    await finish(stage, asked)
    await stage.work()
    async with shop.db.read() as tx:
        assert await tx.conn.fetchval(ended, parse("grp", placed["id"])) == ended_at
    assert [payment.refunded_minor for payment in stage.theirs] == [3_640]
    assert (await shop.balance("gateway"), await shop.balance("plan_fee")) == (0, 212)
    await shop.audited()

    _, placed = await buy(buyer, stage.offer, 10, 3)
    for _ in range(5):
        await stage.work(MONTH)
    plan = await plan_of(buyer, placed)
    assert plan["status"] == "defaulted"
    assert (await owed(stage), await shop.balance("funder_loss")) == ((0, 0), -10_600)
    status, refused = await buy(buyer, stage.offer, 1, 3)
    assert (status, refused["type"]) == (409, "/problems/installments_not_offered")
    status, refused = await buy(buyer, stage.offer, 5, 3)
    assert (status, refused["type"], refused["standing"]["limit_minor"]) == (409, "/problems/credit_refused", 0)
    assert {"what": "default", "count": 1, "points": -600} in refused["standing"]["score"]["reasons"]
    late = sum(one["late_fee_minor"] for one in plan["installments"])
    assert (late, plan["payoff_minor"]) == (364 + 363, 10_918 + late)
    paid = await buyer.send("POST", f"/v1/installments/{placed['id']}/pay", {"what": "all", "method": "wallet"})
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    assert [await shop.balance(code) for code in ("funder_loss", "late_fee", "plan_fee")] == [0, late, 212 + 318]


async def test_5_over_cells(stage: Stage) -> None:
    """The buyer's cell lends, the seller's has the order; a refund finds its way back."""
    shop = stage.shop
    await shop.open_cell(1)
    far = await shop.offer(await shop.seller(cell=1), 1_000, 50, cell=1)
    buyer = await shop.buyer(0, cell=0)
    status, placed = await buy(buyer, far, 10, 3)
    assert (status, placed["status"]) == (201, "placed")
    assert (await owed(stage), await shop.balance("escrow", cell=1)) == ((10_600, 10_600), 10_600)
    order = (await buyer.send("GET", f"/v1/groups/{placed['id']}")).json()["orders"][0]["id"]
    assert (await buyer.send("POST", f"/v1/orders/{order}/cancel")).status_code == 204
    assert (await owed(stage), await shop.balance("escrow", cell=1)) == ((0, 0), 0)
    assert (await plan_of(buyer, placed))["status"] == "canceled"
