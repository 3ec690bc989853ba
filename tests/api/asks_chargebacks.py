"""Requests that are granted about chargebacks: see asks."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

from entrepot.chargebacks import actions, reads
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, parse, show
from entrepot.payments import charging_back
from entrepot.payments.gateways.types import DisputeHint, DisputeTold
from tests.api.asks import ASKS, ask, plain
from tests.api.stage import Ask, Stage, number
from tests.shop import MARKET

SAID = {"text": "Signed for.", "file": {"name": "slip.pdf", "content": b64encode(b"%PDF-1.7").decode()}}

plain("GET /v1/seller/chargebacks")
plain("GET /v1/operator/chargebacks")
plain("GET /v1/operator/chargeback-rules")


async def _chargeback(stage: Stage) -> tuple[str, str]:
    """A chargeback of an order of the stage's, and something that the seller has said."""
    order, name = parse("ord", await stage.order(shipped=True)), f"sp_{number()}"
    async with stage.shop.db.write() as tx:
        payment: UUID = await tx.conn.fetchval(
            "update payments.payment p set method = 'sandbox', external_id = $2 from orders.order o "
            "where o.id = $1 and p.id = o.group_id returning p.id", order, name,
        )  # fmt: skip
        await charging_back.hear(tx, "sandbox", DisputeHint(f"sd_{name}", name))
        id_: UUID = await tx.conn.fetchval("select id from payments.chargeback where payment_id = $1", payment)
        by = int((tx.now + timedelta(days=7)).timestamp())
        told = DisputeTold(f"sd_{name}", name, "open", "fraudulent", 100, "USD", 100, 0, 15, by)
        await charging_back.record(tx, 0, id_, told, is_sent=False)
        await actions.take_in(tx, 0, [id_])
        await actions.settle_shares(tx, 0)
    said = await stage.shop.http.post(
        f"/v1/seller/chargebacks/{show('cbk', id_)}/evidence", json=SAID,
        headers=stage.shop.session(Role.SELLER, NIL, stage.seller),
    )  # fmt: skip
    assert said.status_code == 204, said.text
    async with stage.shop.db.read() as reading:
        shown = await reads.view(reading, id_)
    return show("cbk", id_), shown.evidence[0].id


def of_chargeback(name: str, body: dict[str, Any] | None = None) -> None:
    async def make(stage: Stage) -> Ask:
        chargeback, evidence = await _chargeback(stage)
        return Ask(name.split()[1].format(chargeback_id=chargeback, evidence_id=evidence), body)

    ASKS[name] = make


for who in ("seller", "operator"):
    of_chargeback(f"GET /v1/{who}/chargebacks/{{chargeback_id}}")
    of_chargeback(f"GET /v1/{who}/chargebacks/{{chargeback_id}}/files/{{evidence_id}}")
    of_chargeback(f"POST /v1/{who}/chargebacks/{{chargeback_id}}/evidence", SAID)
of_chargeback("POST /v1/operator/chargebacks/{chargeback_id}/send")


@ask("POST /v1/operator/chargeback-rules")
async def _(stage: Stage) -> Ask:
    body = {"liable": "seller", "source": "tests", "market": MARKET, "seller_id": show("sel", stage.seller)}
    return Ask("/v1/operator/chargeback-rules", body | {"reason": "unrecognized"})
