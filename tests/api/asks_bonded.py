"""Requests that are granted about goods in bond: see asks."""

from __future__ import annotations

from typing import Any

from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, show
from entrepot.worker import run_until_idle
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage, number

BOOK = {"number": "T5141W000001", "office": "Ningbo"}
PARCEL = {"carrier": "sf", "tracking_number": "SF1", "weight_g": 500}


def seller(stage: Stage) -> dict[str, str]:
    return stage.shop.session(Role.SELLER, NIL, stage.seller)


async def _warehouse(stage: Stage, *, opened: bool = True) -> int:
    new = {"code": f"zone-{number()}", "name": "Zone", "country": "US"}
    place: int = (await stage.shop.http.post("/v1/seller/locations", json=new, headers=seller(stage))).json()["id"]
    if opened:
        done = await stage.shop.http.put(f"/v1/locations/{place}/book", json=BOOK, headers=stage.shop.operator)
        assert done.status_code == 204, done.text
    return place


async def _item(stage: Stage) -> tuple[int, int, dict[str, Any]]:
    """(location, offer, item) of a variant that is said to be in a book."""
    place = await _warehouse(stage)
    offer = await stage.shop.offer(stage.seller, 1_000, 0, location=place)
    async with stage.shop.db.read() as tx:
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", offer)
    item = {
        "record_no": f"A{number()}", "variant_id": variant, "per_unit_milli": 180, "hs_code": "610910",
        "country_of_origin": "CN", "description": "Shirts", "unit": "kg", "unit_value_minor": 1, "currency": "USD",
    }  # fmt: skip
    said = await stage.shop.http.put(f"/v1/seller/bonded/{place}/items", json=item, headers=seller(stage))
    assert said.status_code == 204, said.text
    return place, offer, item


async def _filled(stage: Stage) -> int:
    """An offer of which goods lie in bond."""
    place, offer, item = await _item(stage)
    body = {"declaration_no": f"3101{number()}", "lines": [{"variant_id": item["variant_id"], "quantity": 5}]}
    headers = seller(stage) | {"idempotency-key": f"filled-{number()}"}
    done = await stage.shop.http.post(f"/v1/seller/bonded/{place}/receipts", json=body, headers=headers)
    assert done.status_code == 201, done.text
    customs = {"hs_code": "610910", "country_of_origin": "CN", "customs_description": "Shirts", "weight_g": 180}
    path = f"/v1/variants/{item['variant_id']}/customs"
    assert (await stage.shop.http.put(path, json=customs, headers=stage.shop.operator)).status_code == 200
    return offer


async def _declared(stage: Stage) -> str:
    """An order of goods in bond that nobody has said a parcel of."""
    (order,) = await stage.buyer.buy([(await _filled(stage), 1)])
    await run_until_idle(stage.shop.db)
    return show("ord", order)


@ask("PUT /v1/locations/{location_id}/book")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/locations/{await _warehouse(stage, opened=False)}/book", BOOK)


plain("GET /v1/operator/bonded")
plain("GET /v1/seller/bonded")
plain("GET /v1/operator/declarations")


@ask("PUT /v1/seller/bonded/{location_id}/items")
async def _(stage: Stage) -> Ask:
    place, _, item = await _item(stage)
    return Ask(f"/v1/seller/bonded/{place}/items", item)


@ask("POST /v1/seller/bonded/{location_id}/receipts")
async def _(stage: Stage) -> Ask:
    place, _, item = await _item(stage)
    body = {"declaration_no": f"3101{number()}", "lines": [{"variant_id": item["variant_id"], "quantity": 1}]}
    return Ask(f"/v1/seller/bonded/{place}/receipts", body)


@ask("POST /v1/seller/bonded/stock/{stock_id}/write-offs")
async def _(stage: Stage) -> Ask:
    offer = await _filled(stage)
    async with stage.shop.db.read() as tx:
        stock = await tx.conn.fetchval("select stock_id from catalog.offer where id = $1", offer)
    return Ask(f"/v1/seller/bonded/stock/{stock}/write-offs", {"units": 1, "reason": "lost"})


@ask("PUT /v1/seller/orders/{order_id}/parcel")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/orders/{await _declared(stage)}/parcel", PARCEL)


@ask("PUT /v1/operator/orders/{order_id}/payment-message")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/orders/{await _declared(stage)}/payment-message", {"payer": "Ada"})


for who in ("seller", "operator"):

    @ask(f"POST /v1/{who}/orders/{{order_id}}/declarations")
    async def _(stage: Stage, who: str = who) -> Ask:
        return Ask(f"/v1/{who}/orders/{await _declared(stage)}/declarations")


@ask("GET /v1/seller/orders/{order_id}/declarations")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/orders/{await _declared(stage)}/declarations")
