"""Trust: part 10 of money that ties; the other parts are in test_money.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot import accounts
from entrepot.kit.auth import Role, hash_password
from entrepot.kit.ids import new_id, show
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


class Operator:
    """One of the operators, signed in."""

    def __init__(self, shop: Shop, id_: UUID) -> None:
        self.shop, self.id = shop, id_

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        signed = self.shop.session(Role.OPERATOR, self.id) | headers
        answer = await self.shop.http.request(method, path, json=body, headers=signed)
        return answer.status_code, answer.json() if answer.content else None


async def test_10_four_eyes_and_the_audit_log(shop: Shop) -> None:
    """What one may do alone in a day ends; then another has to approve it, once, and each act is in the log."""
    ann, bob = Operator(shop, new_id(START)), Operator(shop, new_id(START))
    buyer = await shop.buyer(0)
    limit = {"currency": "USD", "limit_minor": 1_000}
    assert await ann.send("PUT", "/v1/operator/approval-limits/top_up", limit) == (204, None)

    async def top_up(who: Operator, minor: int, currency: str = "USD") -> tuple[int, Any]:
        body = {"user_id": show("usr", buyer.id), "currency": currency, "amount_minor": minor}
        key = {"idempotency-key": new_id(START).hex}
        status, told = await who.send("POST", "/v1/top-ups", body, **key)
        assert await who.send("POST", "/v1/top-ups", body, **key) == (status, told)
        return status, told["approval_id"]

    assert await top_up(ann, 600) == (201, None)
    status, asked = await top_up(ann, 401)
    assert (status, asked[:4], await shop.balance("wallet", buyer.id)) == (201, "apr_", 600)
    assert await top_up(ann, 400) == (201, None)
    assert await top_up(bob, 1_000) == (201, None)
    path = f"/v1/operator/approvals/{asked}"
    status, refused = await ann.send("POST", f"{path}/approve", {"note": ""})
    assert (status, refused["type"]) == (409, "/problems/not_by_yourself")
    assert await bob.send("POST", f"{path}/approve", {"note": "A bank transfer of the 1st."}) == (204, None)
    status, over = await bob.send("POST", f"{path}/approve", {"note": ""})
    assert (status, over["is_now"], await shop.balance("wallet", buyer.id)) == (409, "approved", 2_401)

    status, asked = await top_up(ann, 5_000)
    shop.clock.advance(timedelta(days=3))
    status, over = await bob.send("POST", f"/v1/operator/approvals/{asked}/approve", {})
    assert (status, over["is_now"], await shop.balance("wallet", buyer.id)) == (409, "expired", 2_401)
    assert await top_up(ann, 1_000) == (201, None)  # another day

    status, waits = await ann.send("PUT", "/v1/operator/approval-limits/top_up", limit | {"limit_minor": None})
    assert status == 202
    assert await ann.send("PUT", "/v1/operator/approval-limits/top_up", limit | {"limit_minor": 10}) == (204, None)
    assert (await bob.send("POST", f"/v1/operator/approvals/{waits['approval_id']}/refuse", {}))[0] == 204

    status, log = await bob.send("GET", f"/v1/operator/audit?user_id={show('usr', bob.id)}&about={path[23:]}")
    (line,) = log["items"]
    assert (line["route"], line["said"]) == (
        "POST /v1/operator/approvals/{approval_id}/approve", {"note": "A bank transfer of the 1st."},
    )  # fmt: skip
    assert line["before"]["args"]["amount_minor"] == 401
    assert [told.split()[0] for told in line["told"]] == ["approval_given"]
    status, log = await bob.send("GET", "/v1/operator/audit?route=top-ups")
    assert [item["said"]["amount_minor"] for item in log["items"]] == [1_000, 5_000, 1_000, 400, 401, 600]
    csv = await shop.http.get("/v1/operator/audit.csv?route=top-ups", headers=shop.operator)
    assert (csv.headers["content-type"], len(csv.text.splitlines())) == ("text/csv", 7)
    await shop.audited()


async def test_10_sessions_end(shop: Shop) -> None:
    """Somebody's sessions end everywhere; a new one begins; the same token means nothing any more."""
    seller = await shop.seller()
    password_hash = await hash_password("correct horse battery")
    async with shop.db.write() as tx:
        await accounts.add_staff(tx, Role.SELLER, seller, "sam@example.org", "Sam", password_hash)
    who = {"email": "sam@example.org", "password": "correct horse battery"}

    async def sign_in() -> dict[str, str]:
        session = (await shop.http.post("/v1/sessions", json=who)).json()
        return {"authorization": f"Bearer {session['token']}", "user": session["user_id"]}

    async def reads(headers: dict[str, str]) -> int:
        return (await shop.http.get("/v1/seller/orders", headers=headers)).status_code

    old, other = await sign_in(), await sign_in()
    assert (await reads(old), await reads(other)) == (200, 200)
    assert (await shop.http.post("/v1/sessions/end", headers=old)).status_code == 204
    assert (await reads(old), await reads(other)) == (401, 401)
    new = await sign_in()
    assert await reads(new) == 200
    path = f"/v1/operator/users/{new['user']}/sessions/end"
    assert (await shop.http.post(path, headers=shop.operator)).status_code == 204
    assert (await reads(new), await reads(await sign_in())) == (401, 200)
