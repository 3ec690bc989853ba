"""Shipping services for everyone; promotions for the operator."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from entrepot.catalog import Price
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, PUBLIC, get, post
from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Malformed, NotFound
from entrepot.pricing import actions, api_slots, reads
from entrepot.pricing.types import Promotion, PromotionExists
from entrepot.sellers import market as read_market


class NewPromotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give one of `percent_bp` and `amount_minor`. `max_uses` purchases in all and `max_per_buyer` of one buyer may use
    it, and it takes off `budget_minor` in all."""

    code: Annotated[str, Meta(pattern=f"^[A-Z0-9][A-Z0-9_-]{{0,39}}{END}", examples=["SPRING"])]
    market: Annotated[str, Meta(min_length=1, max_length=20)]
    funding_party: Literal["operator", "seller"]
    valid_from: Annotated[datetime, Meta(tz=True)]
    valid_to: Annotated[datetime, Meta(tz=True)]
    percent_bp: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    minimum_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] = 0
    max_uses: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    max_per_buyer: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    budget_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None

    def __post_init__(self) -> None:
        require_calendar(self.valid_from, self.valid_to)


class ShippingChoice(msgspec.Struct, frozen=True):
    """`base` per order and `item` per line of it; usually `transit_s` seconds under way. Over a border duty and tax are
    paid with the order (DDP) or asked for at the door (DAP), with `clearance` where any is due. One that is
    `slotted` has time slots."""

    code: str
    name: str
    base: Price
    item: Price
    transit_s: int
    incoterm: str
    clearance: Price
    slotted: bool


class ShippingChoices(msgspec.Struct, frozen=True):
    items: list[ShippingChoice]


async def list_shipping(tx: ReadTx, market: str) -> ShippingChoices:
    """The shipping services of a market."""
    currency = (await read_market(tx, market)).currency
    return ShippingChoices([
        ShippingChoice(
            s.code, s.name, Price(s.base_minor, currency), Price(s.item_minor, currency), s.transit_s, s.incoterm,
            Price(s.clearance_minor, currency), s.slotted,
        )
        for s in await reads.services(tx, market)
    ])  # fmt: skip


async def add_promotion(tx: Tx, body: NewPromotion) -> NewPromotion:
    """Adds a promotion."""
    if (body.percent_bp is None) == (body.amount_minor is None):
        raise Malformed("give one of percent_bp and amount_minor")
    if body.valid_to <= body.valid_from:
        raise Malformed("valid_to must be later than valid_from")
    promotion = Promotion(
        body.code, body.market, body.percent_bp, body.amount_minor, body.minimum_minor, body.funding_party,
        body.valid_from, body.valid_to, body.max_uses, body.max_per_buyer, body.budget_minor,
    )  # fmt: skip
    await actions.add_promotion(tx, promotion)
    return body


routes = [
    *api_slots.routes,
    get("/v1/markets/{market}/shipping", list_shipping, access=PUBLIC),
    post("/v1/promotions", add_promotion, access=OPERATOR, raises=(NotFound, PromotionExists), status=201, key="taken"),
]
