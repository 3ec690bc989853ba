"""Requests that are granted about currencies: see asks."""

from __future__ import annotations

from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL
from tests.api.asks import ask
from tests.api.stage import Ask, Stage


@ask("GET /v1/seller/settlement")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/seller/settlement", who=stage.shop.session(Role.SELLER, NIL, stage.seller))


@ask("PUT /v1/seller/settlement")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/seller/settlement", {"currency": "USD"}, who=stage.shop.session(Role.SELLER, NIL, stage.seller))
