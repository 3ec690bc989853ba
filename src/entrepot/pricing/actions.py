"""Setting up shipping services and promotions. The very same one again changes nothing."""

from __future__ import annotations

from entrepot import sellers
from entrepot.kit.db import Tx
from entrepot.pricing import store
from entrepot.pricing.types import Promotion, PromotionExists, ShippingService, ShippingServiceExists


async def add_shipping_service(tx: Tx, service: ShippingService) -> None:
    """Raises NotFound for an unknown market, ShippingServiceExists."""
    await sellers.market(tx, service.market)
    added = await tx.maybe(
        store.ADD_SERVICE, market=service.market, code=service.code, name=service.name,
        base_minor=service.base_minor, item_minor=service.item_minor, transit_s=service.transit_s,
        position=service.position,
    )  # fmt: skip
    if added is None and await tx.one(store.SERVICE, market=service.market, code=service.code) != service:
        raise ShippingServiceExists


async def add_promotion(tx: Tx, promotion: Promotion) -> None:
    """Raises NotFound for an unknown market, PromotionExists."""
    await sellers.market(tx, promotion.market)
    added = await tx.maybe(
        store.ADD_PROMOTION, code=promotion.code, market=promotion.market, percent_bp=promotion.percent_bp,
        amount_minor=promotion.amount_minor, minimum_minor=promotion.minimum_minor,
        funding_party=promotion.funding_party, valid_from=promotion.valid_from, valid_to=promotion.valid_to,
    )  # fmt: skip
    if added is None and await tx.one(store.PROMOTION, code=promotion.code) != promotion:
        raise PromotionExists
