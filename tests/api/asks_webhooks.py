"""Requests that are granted about webhooks: see asks."""

from __future__ import annotations

from collections import deque
from uuid import UUID

from entrepot.kit.ids import parse
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage, number

plain("GET /v1/webhook-endpoints")
LATEST: deque[UUID] = deque(maxlen=2)
_ONE = "/v1/webhook-endpoints/{webhook_id}"


async def _made(stage: Stage) -> str:
    """The path of a new endpoint of the house; there is room for it."""
    async with stage.shop.db.write() as tx:
        await tx.conn.execute(
            "update webhooks.endpoint set status = 'removed', reason = 'owner' "
            "where id <> all ($1)", list(LATEST),
        )  # fmt: skip
    body = {"url": f"https://seller.example/{number()}", "types": ["order.paid"]}
    made = await stage.shop.http.post("/v1/webhook-endpoints", json=body, headers=stage.shop.operator)
    assert made.status_code == 201, made.text
    LATEST.append(parse("whk", made.json()["id"]))
    return f"/v1/webhook-endpoints/{made.json()['id']}"


@ask("POST /v1/webhook-endpoints")
async def _(stage: Stage) -> Ask:
    await _made(stage)
    return Ask("/v1/webhook-endpoints", {"url": "https://seller.example/", "types": ["order.paid", "payout.sent"]})


@ask(f"GET {_ONE}")
async def _(stage: Stage) -> Ask:
    return Ask(await _made(stage))


@ask(f"PUT {_ONE}")
async def _(stage: Stage) -> Ask:
    return Ask(await _made(stage), {"url": "https://seller.example/other", "types": ["dispute.opened"]})


@ask(f"DELETE {_ONE}")
async def _(stage: Stage) -> Ask:
    return Ask(await _made(stage))


@ask(f"POST {_ONE}/rotate")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _made(stage)}/rotate")


@ask(f"POST {_ONE}/on")
async def _(stage: Stage) -> Ask:
    path = await _made(stage)
    await stage.shop.http.post(f"{path}/off", headers=stage.shop.operator)
    return Ask(f"{path}/on")


@ask(f"POST {_ONE}/off")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _made(stage)}/off")


@ask(f"POST {_ONE}/test")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _made(stage)}/test")


@ask(f"GET {_ONE}/deliveries")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _made(stage)}/deliveries", query={"status": "due"})


@ask(f"POST {_ONE}/deliveries/{{event_id}}/resend")
async def _(stage: Stage) -> Ask:
    path = await _made(stage)
    event = (await stage.shop.http.post(f"{path}/test", headers=stage.shop.operator)).json()["id"]
    async with stage.shop.db.write() as tx:
        await tx.conn.execute(
            "update webhooks.delivery set status = 'failed', attempts = 10 where id = $1", parse("evt", event)
        )
    return Ask(f"{path}/deliveries/{event}/resend")
