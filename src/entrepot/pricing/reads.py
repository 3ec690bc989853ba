"""Shipping services and promotions as they are."""

from __future__ import annotations

from datetime import datetime

from entrepot.kit.db import ReadTx
from entrepot.pricing import store
from entrepot.pricing.types import Promotion, PromotionNotValid, ShippingNotOffered, ShippingService

MAX_SERVICES = 50


async def services(tx: ReadTx, market: str) -> list[ShippingService]:
    """The shipping services of a market by position, at most MAX_SERVICES; none for an unknown market."""
    return await tx.all(store.SERVICES, market=market, limit=MAX_SERVICES)


async def service(tx: ReadTx, market: str, code: str) -> ShippingService:
    """Raises ShippingNotOffered."""
    found = await tx.maybe(store.SERVICE, market=market, code=code)
    if found is None:
        raise ShippingNotOffered(code)
    return found


async def quota_sums(tx: ReadTx, prefix: str) -> list[store.QuotaSum]:
    """What is used of quotas whose names begin so, in all cells."""
    return await tx.all(store.QUOTA_SUMS, prefix=prefix)


async def promotion(tx: ReadTx, code: str, market: str, now: datetime) -> Promotion:
    """The promotion that `code` gives in a market at `now`. Raises PromotionNotValid."""
    found = await tx.maybe(store.PROMOTION, code=code)
    if found is None or found.market != market:
        raise PromotionNotValid("unknown")
    if not found.valid_from <= now < found.valid_to:
        raise PromotionNotValid("not_now")
    return found
