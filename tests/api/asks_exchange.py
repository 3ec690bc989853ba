"""Requests that are granted about currencies: see asks."""

from __future__ import annotations

from entrepot import exchange, sellers
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL
from tests.api.asks import ask
from tests.api.stage import Ask, Stage
from tests.shop import START


@ask("GET /v1/seller/settlement")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/seller/settlement", who=stage.shop.session(Role.SELLER, NIL, stage.seller))


@ask("PUT /v1/seller/settlement")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/seller/settlement", {"currency": "USD"}, who=stage.shop.session(Role.SELLER, NIL, stage.seller))


@ask("POST /v1/seller/offers/{offer_id}/markets")
async def _(stage: Stage) -> Ask:
    offer = await stage.shop.offer(stage.seller, 1_000, 10)
    async with stage.shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("pr", "Puerto Rico", "USD", "es"))
        await exchange.set_terms(tx, exchange.ExchangeTerms("pr", START, 100, 7, True, "tests"))
    seller = stage.shop.session(Role.SELLER, NIL, stage.seller)
    return Ask(f"/v1/seller/offers/{offer}/markets", {"market": "pr"}, who=seller)
