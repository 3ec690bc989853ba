"""Requests that are granted about channels: see asks."""

from __future__ import annotations

from typing import Any

from entrepot.kit.auth import Role
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage, number


async def _post(stage: Stage, path: str, body: dict[str, Any]) -> Any:
    done = await stage.shop.http.post(path, json=body, headers=stage.headers(Role.SELLER))
    assert done.status_code == 201, done.text
    return done.json()


async def _channel(stage: Stage) -> str:
    """The path of a channel; a seller has few, so all asks share one."""
    path = "/v1/seller/channels"
    there = (await stage.shop.http.get(path, headers=stage.headers(Role.SELLER))).json()["items"]
    named = [one for one in there if one["name"] == "Elsewhere"]
    one = named[0] if named else await _post(stage, path, {"name": "Elsewhere", "buffer": 1})
    return f"{path}/{one['id']}"


async def _sold(stage: Stage) -> dict[str, Any]:
    return {"number": f"E-{number()}", "lines": [{"sku": await _sku(stage), "quantity": 1}]}


async def _sku(stage: Stage) -> str:
    async with stage.shop.db.read() as tx:
        return str(
            await tx.conn.fetchval(
                "select v.sku from catalog.offer o join catalog.variant v on v.id = o.variant_id where o.id = $1",
                stage.offer,
            )
        )


async def _sale(stage: Stage) -> str:
    path = f"{await _channel(stage)}/sales"
    return f"{path}/{(await _post(stage, path, await _sold(stage)))['id']}"


plain("GET /v1/seller/channels")


@ask("POST /v1/seller/channels")
async def open_channel(stage: Stage) -> Ask:
    async with stage.shop.db.write() as tx:  # a seller has only so many, and other requests have opened some
        await tx.conn.execute("delete from channels.channel where name <> 'Elsewhere'")
    return Ask("/v1/seller/channels", {"name": f"Shop {number()}", "buffer": 2})


@ask("PUT /v1/seller/channels/{channel_id}")
async def change_channel(stage: Stage) -> Ask:
    return Ask(await _channel(stage), {"buffer": 1, "closed": False})


@ask("PUT /v1/seller/channels/{channel_id}/buffers")
async def set_channel_buffer(stage: Stage) -> Ask:
    return Ask(f"{await _channel(stage)}/buffers", {"sku": await _sku(stage), "buffer": 3})


@ask("GET /v1/seller/channels/{channel_id}/levels")
async def list_levels(stage: Stage) -> Ask:
    return Ask(f"{await _channel(stage)}/levels")


@ask("GET /v1/seller/channels/{channel_id}/sales")
async def list_sales(stage: Stage) -> Ask:
    return Ask(f"{await _channel(stage)}/sales")


@ask("POST /v1/seller/channels/{channel_id}/sales")
async def add_sale(stage: Stage) -> Ask:
    return Ask(f"{await _channel(stage)}/sales", await _sold(stage))


@ask("POST /v1/seller/channels/{channel_id}/sales/{sale_id}/send")
async def send_sale(stage: Stage) -> Ask:
    return Ask(f"{await _sale(stage)}/send")


@ask("POST /v1/seller/channels/{channel_id}/sales/{sale_id}/cancel")
async def cancel_sale(stage: Stage) -> Ask:
    return Ask(f"{await _sale(stage)}/cancel")
