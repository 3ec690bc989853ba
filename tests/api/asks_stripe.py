"""Requests that are granted about Stripe: see asks."""

from __future__ import annotations

import msgspec
from stripe import WebhookSignature

from entrepot.kit.ids import show
from tests.api.asks import ask
from tests.api.stage import WEBHOOK_SECRET, Ask, Stage, absent, number


@ask("GET /v1/groups/{group_id}/payment/step")
async def _(stage: Stage) -> Ask:
    """It is not known to Stripe yet, so nobody is asked."""
    return Ask(f"/v1/groups/{await stage.group(method='stripe')}/payment/step")


@ask("POST /v1/webhooks/stripe")
async def _(stage: Stage) -> Ask:
    at = int(stage.shop.clock.now().timestamp())
    intent = {"id": f"pi_{number()}", "metadata": {"reference": absent("pmt")}}
    event = {
        "id": f"evt_{number()}", "type": "payment_intent.succeeded", "created": at, "data": {"object": intent},
    }  # fmt: skip
    raw = msgspec.json.encode(event)
    header = WebhookSignature.generate_signature_header(raw.decode(), WEBHOOK_SECRET.decode(), at)
    return Ask("/v1/webhooks/stripe", headers={"stripe-signature": header}, raw=raw)


@ask("GET /v1/sellers/{seller_id}/connected-account")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.seller)}/connected-account")


@ask("POST /v1/sellers/{seller_id}/connected-account")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', stage.other_seller)}/connected-account", {"account": "acct_1"})
