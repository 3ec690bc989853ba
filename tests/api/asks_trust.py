"""Requests that are granted about what needs a second person, the audit log, reviews and sessions: see asks."""

from __future__ import annotations

from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, parse, show
from entrepot.orders import actions as orders_actions
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage, number
from tests.shop import START

plain("GET /v1/operator/audit", about="ord_0", route="POST ")
plain("GET /v1/operator/audit.csv", route="POST ")
plain("GET /v1/seller/audit", about="ord_0")
plain("GET /v1/operator/approvals", over="false")
plain("GET /v1/operator/approval-limits")


async def _approval(stage: Stage, what: str) -> Ask:
    """A request of somebody else's to top up a wallet."""
    limits, http = "/v1/operator/approval-limits/top_up", stage.shop.http
    set_ = await http.put(limits, json={"currency": "EUR", "limit_minor": 0}, headers=stage.shop.operator)
    assert set_.status_code == 204, set_.text
    other = stage.shop.session(Role.OPERATOR, new_id(START))
    body = {"user_id": show("usr", stage.buyer.id), "currency": "USD", "amount_minor": 5}
    asked = await http.post("/v1/top-ups", json=body, headers=other | {"idempotency-key": new_id(START).hex})
    async with stage.shop.db.write() as tx:
        await tx.conn.execute("delete from approvals.alone")
    return Ask(f"/v1/operator/approvals/{asked.json()['approval_id']}/{what}", {"note": "Seen."})


@ask("POST /v1/operator/approvals/{approval_id}/approve")
async def _(stage: Stage) -> Ask:
    return await _approval(stage, "approve")


@ask("POST /v1/operator/approvals/{approval_id}/refuse")
async def _(stage: Stage) -> Ask:
    return await _approval(stage, "refuse")


@ask("PUT /v1/operator/approval-limits/{action}")
async def _(stage: Stage) -> Ask:
    async with stage.shop.db.write() as tx:
        await tx.conn.execute("delete from approvals.alone")
    return Ask("/v1/operator/approval-limits/loosen_limit", {"currency": "XXX", "limit_minor": 0})


@ask("POST /v1/sessions/end")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/sessions/end", who=await _signed_in(stage))


@ask("POST /v1/operator/users/{user_id}/sessions/end")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/users/{show('usr', (await stage.shop.buyer()).id)}/sessions/end")


async def _signed_in(stage: Stage) -> dict[str, str]:
    """Somebody of a new seller's staff."""
    who = {"email": f"p{number()}@example.org", "password": "correct horse battery"}
    path = f"/v1/sellers/{show('sel', stage.seller)}/staff"
    await stage.shop.http.post(path, json=who | {"name": "Sam"}, headers=stage.shop.operator)
    session = (await stage.shop.http.post("/v1/sessions", json=who)).json()
    return {"authorization": f"Bearer {session['token']}"}


plain("GET /v1/operator/fraud-rules")
plain("GET /v1/operator/fraud-hook")


@ask("PUT /v1/operator/fraud-hook")
async def _(stage: Stage) -> Ask:
    off = {"url": "", "fails": "open", "answer_within_s": 60}
    set_ = await stage.shop.http.put("/v1/operator/fraud-hook", json=off, headers=stage.shop.operator)
    assert set_.status_code == 200
    return Ask("/v1/operator/fraud-hook", off)


RULE = {
    "kind": "buyer", "count": 40, "within_s": 3_600, "then": "released", "hold_s": 3_600, "source": "tests",
    "currency": "USD", "amount_minor": 10**12, "valid_from": "2099-01-01T00:00:00Z",
}  # fmt: skip


@ask("POST /v1/operator/fraud-rules")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/fraud-rules", RULE | {"name": f"rule{number()}"})


@ask("DELETE /v1/operator/fraud-rules/{name}")
async def _(stage: Stage) -> Ask:
    name, headers = f"rule{number()}", stage.shop.operator
    body = RULE | {"name": name}
    await stage.shop.http.post("/v1/operator/fraud-rules", json=body, headers=headers)
    return Ask(f"/v1/operator/fraud-rules/{name}")


async def _delivered(stage: Stage) -> str:
    """A delivered order of `buyer` from `seller`."""
    order = await stage.order(shipped=True)
    async with stage.shop.db.write() as tx:
        await orders_actions.deliver_many(tx, 0, [parse("ord", order)])
    return order


async def _review(stage: Stage) -> str:
    path = f"/v1/orders/{await _delivered(stage)}/lines/1/review"
    written = await stage.buyer.send("PUT", path, {"stars": 4, "text": "Good."})
    assert written.status_code == 200, written.text
    return str(written.json()["id"])


@ask("PUT /v1/orders/{order_id}/lines/{line_no}/review")
async def _(stage: Stage) -> Ask:
    body = {"stars": 5, "text": "Just right.", "seller_stars": 4, "language": "en"}
    return Ask(f"/v1/orders/{await _delivered(stage)}/lines/1/review", body)


@ask("GET /v1/orders/{order_id}/reviews")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/orders/{await stage.order()}/reviews")


@ask("GET /v1/products/{product_id}/reviews")
async def _(stage: Stage) -> Ask:
    async with stage.shop.db.read() as tx:
        product = await tx.conn.fetchval("select product_id from catalog.offer where id = $1", stage.offer)
    return Ask(f"/v1/products/{product}/reviews", query={"stars": "4"})


plain("GET /v1/ratings", products="1,2")
plain("GET /v1/seller/reviews")
plain("GET /v1/operator/reviews")


@ask("GET /v1/sellers/{seller_id}/reviews")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/reviews")


@ask("PUT /v1/seller/reviews/{review_id}/answer")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/reviews/{await _review(stage)}/answer", {"text": "Thank you."})


@ask("POST /v1/reviews/{review_id}/report")
async def _(stage: Stage) -> Ask:
    body = {"reason": "other", "text": "It is about something else."}
    return Ask(f"/v1/reviews/{await _review(stage)}/report", body, who=stage.headers(Role.SELLER))


@ask("PUT /v1/operator/reviews/{review_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/reviews/{await _review(stage)}", {"hidden": True, "why": "An insult."})
