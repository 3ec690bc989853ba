"""Requests that are granted about time slots: see asks."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from entrepot import pricing
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage
from tests.shop import MARKET

_days = count(2)
"""Each slot is of another day."""

plain("GET /v1/operator/slots", market=MARKET)


async def _body(stage: Stage) -> dict[str, object]:
    """By a service of its own: from its first slot on nobody buys by it without one."""
    bike = pricing.ShippingService(MARKET, "bike", "Bike", 500, 0, 7_200, 9)
    async with stage.shop.db.write() as tx:
        await pricing.add_shipping_service(tx, bike)
    day = stage.shop.clock.now().date() + timedelta(days=next(_days))
    return {
        "market": MARKET, "shipping": "bike", "first_day": day.isoformat(), "starts": "10:00", "ends": "12:00",
        "capacity": 5, "cutoff_min": 60,
    }  # fmt: skip


@ask("POST /v1/operator/slots")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/operator/slots", await _body(stage))


@ask("PUT /v1/operator/slots/{slot_id}")
async def _(stage: Stage) -> Ask:
    added = await stage.shop.http.post("/v1/operator/slots", json=await _body(stage), headers=stage.shop.operator)
    assert added.status_code == 201, added.text
    return Ask(f"/v1/operator/slots/{added.json()['ids'][0]}", {"capacity": 6, "closed": True})


@ask("GET /v1/markets/{market}/shipping/{code}/slots")
async def _(stage: Stage) -> Ask:
    await _body(stage)
    return Ask(f"/v1/markets/{MARKET}/shipping/bike/slots")
