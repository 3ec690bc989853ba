"""Requests that are granted about statements and tax offices: see asks."""

from __future__ import annotations

from entrepot.kit.ids import show
from tests.api.asks import ASKS, Make, ask, plain
from tests.api.stage import Ask, Stage, number

WHO = {
    "kind": "company", "name": "Ada Ltd", "line1": "1 Main Street", "postal_code": "62701", "city": "Springfield",
    "country": "US", "tax_id": "12-3456789", "tax_country": "US",
}  # fmt: skip
OF = "/v1/sellers/{seller_id}"
MONTH = {"currency": "USD"}


def of_seller(rest: str, body: object = None, query: dict[str, str] | None = None) -> Make:
    async def make(stage: Stage) -> Ask:
        return Ask(f"/v1/sellers/{show('sel', stage.seller)}{rest}", body, query or {})

    return make


def of_path(path: str, body: object = None, query: dict[str, str] | None = None) -> Make:
    async def make(_: Stage) -> Ask:
        return Ask(path, body, query or {})

    return make


plain("GET /v1/seller/statements")
plain("GET /v1/seller/identity")
plain("GET /v1/operator/identity")
plain("GET /v1/operator/statement-zones")
ASKS["PUT /v1/seller/identity"] = of_path("/v1/seller/identity", WHO)
ASKS["PUT /v1/operator/identity"] = of_path("/v1/operator/identity", WHO)
ASKS[f"GET {OF}/identity"] = of_seller("/identity")
ASKS[f"PUT {OF}/identity"] = of_seller("/identity", WHO)
ASKS[f"GET {OF}/statements"] = of_seller("/statements")
for part in ("", "/lines", "/csv", "/pdf"):
    own = "/v1/seller/statements/{month}" + part
    ASKS[f"GET {own}"] = of_path(f"/v1/seller/statements/2026-03{part}", query=MONTH)
    ASKS[f"GET {OF}/statements/{{month}}{part}"] = of_seller(f"/statements/2026-03{part}", query=MONTH)
for report in ("dac7", "1099-k"):
    ASKS[f"GET /v1/operator/reports/{report}/{{year}}"] = of_path(f"/v1/operator/reports/{report}/2026")
    ASKS[f"GET /v1/operator/reports/{report}/{{year}}/csv"] = of_path(f"/v1/operator/reports/{report}/2026/csv")
    ASKS[f"GET /v1/seller/reports/{report}/{{year}}"] = of_path(f"/v1/seller/reports/{report}/2026")


@ask("POST /v1/operator/statement-zones")
async def _(_: Stage) -> Ask:
    year, month = divmod(number(), 12)
    zone = {"currency": "USD", "valid_from": f"{2100 + year}-{month + 1:02}-01", "zone": "Europe/Berlin"}
    return Ask("/v1/operator/statement-zones", zone | {"source": "tests"})
