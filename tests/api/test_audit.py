"""Whatever staff is granted to change leaves one line in the audit log, which says what was overwritten and not who
people are. That a refusal and a repeated key leave none is in test_refused and test_granted: they change nothing."""

from __future__ import annotations

import asyncpg
import pytest

from entrepot.app import ROUTES
from entrepot.kit.auth import Role
from entrepot.kit.http import Route
from entrepot.kit.ids import new_id
from tests.api.asks import ASKS
from tests.api.stage import Stage
from tests.shop import START

STAFF = {Role.SELLER, Role.OPERATOR}
CHANGING = [route for route in ROUTES if route.method != "GET" and route.access & STAFF]
ADDS = {
    "PUT /v1/locations/{location_id}/book", "PUT /v1/message-preferences",
    "PUT /v1/operator/orders/{order_id}/payment-message", "PUT /v1/seller/bonded/{location_id}/items",
    "PUT /v1/seller/orders/{order_id}/parcel", "PUT /v1/operator/identity", "PUT /v1/seller/identity",
    "PUT /v1/sellers/{seller_id}/identity", "PUT /v1/operator/registrations/{scheme}",
    "PUT /v1/products/{product_id}/translations/{language}", "PUT /v1/sale-rules/{name}",
    "PUT /v1/sellers/{seller_id}/permits/{country}/{name}", "PUT /v1/variants/{variant_id}/customs",
}  # fmt: skip
"""What is put for the first time here, or as a row that follows the one before."""


async def lines(stage: Stage) -> list[asyncpg.Record]:
    async with stage.shop.db.read() as tx:
        return list(await tx.conn.fetch("select * from kit.audit_line order by id"))


@pytest.mark.parametrize("route", CHANGING, ids=[route.name for route in CHANGING])
async def test_an_act_leaves_one_line(stage: Stage, route: Route) -> None:
    ask = await ASKS[route.name](stage)
    before = await lines(stage)
    headers = dict(ask.who or stage.headers(min(route.access & STAFF)))
    if route.key == "needed":
        headers["idempotency-key"] = new_id(START).hex
    answer = await stage.send(route, ask, headers)
    assert answer.status_code < 300, answer.text
    (line,) = [line for line in await lines(stage) if line not in before]
    caller = stage.shop.keys.caller(headers["authorization"].removeprefix("Bearer "), stage.shop.clock.now())
    assert caller is not None
    assert (line["route"], line["address"], line["user_id"]) == (route.name, ask.path, caller.user_id)
    assert (line["role"], line["seller_id"], line["origin"]) == (caller.role, caller.seller_id, "127.0.0.1")
    assert set(line["said"]) >= set(ask.body or {})
    if route.method == "PUT" and route.name not in ADDS:
        assert line["before"], "what was there before?"


async def test_a_line_stays_as_it_is(stage: Stage) -> None:
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from kit.audit_line")
    for change in ("update kit.audit_line set origin = ''", "delete from kit.audit_line", "truncate kit.audit_line"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with stage.shop.db.write() as tx:
                await tx.conn.execute(change)
