"""Requests that are granted about fees: see asks."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, show
from tests.api.asks import ask, plain
from tests.api.stage import Ask, Stage
from tests.shop import MARKET

RULE = {
    "kind": "commission", "name": "Toys", "source": "tests", "tiers": [{"rate_bp": 900}], "market": MARKET,
    "volume_from_minor": 10**9,
}  # fmt: skip
BILLING = {"name": "A Seller", "address": "1 Main Street", "country": "US"}
_positions = count(10_000, -1)
"""Each rule comes before the last one, which would leave nothing to it."""
_times = count(1)

plain("GET /v1/operator/fee-rules")
plain("GET /v1/operator/fee-entities")
plain("GET /v1/operator/shop-terms")
plain("GET /v1/seller/fee", market=MARKET, amount_minor=1_000)
plain("GET /v1/seller/shops")
plain("GET /v1/seller/shop-charges")


def _rule(stage: Stage) -> dict[str, object]:
    return RULE | {"position": next(_positions)}


@ask("POST /v1/operator/fee-rules")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/operator/fee-rules", _rule(stage))


@ask("POST /v1/operator/fee-rules/{rule_id}/end")
async def _(stage: Stage) -> Ask:
    added = await stage.shop.http.post("/v1/operator/fee-rules", json=_rule(stage), headers=stage.shop.operator)
    assert added.status_code == 201, added.text
    return Ask(f"/v1/operator/fee-rules/{added.json()['id']}/end")


@ask("GET /v1/sellers/{seller_id}/fee")
async def _(stage: Stage) -> Ask:
    query = {"market": MARKET, "amount_minor": 1_000}
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/fee", query=query)


@ask("POST /v1/operator/fee-entities")
async def _(stage: Stage) -> Ask:
    begin = stage.shop.clock.now() + timedelta(days=next(_times))
    body = {"currency": "USD", "code": "ACME", "valid_from": begin.isoformat()} | BILLING
    return Ask("/v1/operator/fee-entities", body)


@ask("POST /v1/operator/shop-terms")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/operator/shop-terms", await _terms(stage))


async def _terms(stage: Stage) -> dict[str, object]:
    """Terms of a seller of its own: those that are made next need not be later."""
    seller = await stage.shop.seller()
    costs = {"opening_fee_minor": 10_000, "monthly_fee_minor": 3_000, "deposit_minor": 50_000, "deposit_kept_days": 30}
    return {"market": MARKET, "seller_id": show("sel", seller), "source": "tests", **costs}


async def _shop(stage: Stage) -> tuple[dict[str, str], str, str]:
    """Staff of a new seller, the seller and its shop."""
    terms = await _terms(stage)
    said = await stage.shop.http.post("/v1/operator/shop-terms", json=terms, headers=stage.shop.operator)
    assert said.status_code == 204, said.text
    staff = stage.shop.session(Role.SELLER, NIL, stage.shop.sellers[-1])
    opened = await stage.shop.http.post("/v1/seller/shops", json={"market": MARKET}, headers=staff)
    assert opened.status_code == 201, opened.text
    return staff, str(terms["seller_id"]), opened.json()["id"]


@ask("POST /v1/seller/shops")
async def _(stage: Stage) -> Ask:
    terms = await _terms(stage)
    said = await stage.shop.http.post("/v1/operator/shop-terms", json=terms, headers=stage.shop.operator)
    assert said.status_code == 204, said.text
    staff = stage.shop.session(Role.SELLER, NIL, stage.shop.sellers[-1])
    return Ask("/v1/seller/shops", {"market": MARKET}, who=staff)


@ask("POST /v1/seller/shops/{shop_id}/close")
async def _(stage: Stage) -> Ask:
    staff, _seller, shop = await _shop(stage)
    return Ask(f"/v1/seller/shops/{shop}/close", who=staff)


@ask("GET /v1/sellers/{seller_id}/shops")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/shops")


@ask("GET /v1/sellers/{seller_id}/shop-charges")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/shop-charges")


@ask("POST /v1/sellers/{seller_id}/shops/{shop_id}/close")
async def _(stage: Stage) -> Ask:
    _staff, seller, shop = await _shop(stage)
    return Ask(f"/v1/sellers/{seller}/shops/{shop}/close")


@ask("POST /v1/sellers/{seller_id}/shops/{shop_id}/deduct")
async def _(stage: Stage) -> Ask:
    _staff, seller, shop = await _shop(stage)
    taken = {"amount_minor": 1_000, "reason": "Counterfeit goods", "case_ref": "C-7"}
    return Ask(f"/v1/sellers/{seller}/shops/{shop}/deduct", taken)


async def _invoice(stage: Stage) -> str:
    """The id of a new invoice of the stage's seller, of 10.00 of commission."""
    async with stage.shop.db.write() as tx:
        id_, serial = new_id(tx.now), next(_times)
        await tx.conn.execute(
            "insert into invoices.invoice values (0, $1, 'invoice', 'TEST', 2026, $2, $3, 'USD', "
            "date '1900-01-01' + $2::int, 1000, 0, '{\"name\": \"A\"}', '{\"name\": \"B\"}', null, '', null, $4)",
            id_, serial, stage.seller, tx.now,
        )  # fmt: skip
        line = "insert into invoices.line values (0, $1, 1, 'commission', '', 0, 1000, '2026-02-01')"
        await tx.conn.execute(line, id_)
        await tx.conn.execute("insert into invoices.tax values (0, $1, '', 0, 1000, 0)", id_)
    return show("inv", id_)


plain("GET /v1/operator/fee-invoices")
plain("GET /v1/seller/fee-invoices")


@ask("GET /v1/operator/fee-invoices/{invoice_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/fee-invoices/{await _invoice(stage)}")


@ask("GET /v1/operator/fee-invoices/{invoice_id}/pdf")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/fee-invoices/{await _invoice(stage)}/pdf")


@ask("POST /v1/operator/fee-invoices/{invoice_id}/credit")
async def _(stage: Stage) -> Ask:
    credited = {"line_no": 1, "net_minor": 100, "reason": "Agreed by phone"}
    return Ask(f"/v1/operator/fee-invoices/{await _invoice(stage)}/credit", credited)


@ask("GET /v1/seller/fee-invoices/{invoice_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/fee-invoices/{await _invoice(stage)}")


@ask("GET /v1/seller/fee-invoices/{invoice_id}/pdf")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/fee-invoices/{await _invoice(stage)}/pdf")
