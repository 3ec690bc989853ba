"""Requests that are granted about metered use: see asks."""

from __future__ import annotations

from itertools import count

from entrepot.kit.ids import show
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage
from tests.shop import MARKET

_serial = count(1)

plain("GET /v1/operator/meters")
plain("GET /v1/operator/usage", month="2026-03")
plain("GET /v1/seller/usage")
plain("GET /v1/seller/usage-events", month="2026-03")


def _meter() -> dict[str, object]:
    return {"code": f"calls_{next(_serial)}", "name": "Calls", "unit": "calls", "combine": "count"}


@ask("POST /v1/operator/meters")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/meters", _meter())


@ask("POST /v1/operator/meters/{meter}/prices")
async def _(stage: Stage) -> Ask:
    meter = _meter()
    added = await stage.shop.http.post("/v1/operator/meters", json=meter, headers=stage.shop.operator)
    assert added.status_code == 204, added.text
    price = {"currency": "USD", "tiers": [{"unit_price": "0.0004"}], "source": "tests"}
    return Ask(f"/v1/operator/meters/{meter['code']}/prices", price)


@ask("POST /v1/operator/usage-events")
async def _(stage: Stage) -> Ask:
    event = {
        "id": f"e-{next(_serial)}", "seller_id": show("sel", stage.seller), "market": MARKET, "meter": "calls",
        "at": stage.shop.clock.now().isoformat(),
    }  # fmt: skip
    return Ask("/v1/operator/usage-events", {"items": [event]})


@ask("GET /v1/sellers/{seller_id}/usage")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/usage")
