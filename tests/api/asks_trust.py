"""Requests that are granted about what needs a second person, the audit log, reviews and sessions: see asks."""

from __future__ import annotations

from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, show
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
