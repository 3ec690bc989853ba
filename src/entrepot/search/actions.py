"""Putting goods on offer, which takes a row of stock and an offer."""

from __future__ import annotations

from uuid import UUID

from entrepot import catalog, inventory
from entrepot.catalog import NewOffer, Offer
from entrepot.kit.db import Tx
from entrepot.kit.problem import NotFound
from entrepot.search import store


async def offer_goods(
    tx: Tx, cell: int, seller_id: UUID, variant_id: int, market: str, location_id: int, unit_price_minor: int
) -> Offer:
    """Offers a variant from a location, whose stock is opened (empty) if it is not there yet.

    Raises NotFound for an unknown variant or market, and for a location that is another seller's; OfferExists."""
    if await tx.maybe(store.LOCATION, cell=cell, location_id=location_id, seller_id=seller_id) is None:
        raise NotFound
    stocks = await inventory.open_stock(tx, cell, [seller_id], [variant_id], [location_id])
    new = NewOffer(seller_id, variant_id, market, location_id, stocks[0], unit_price_minor)
    return await catalog.add_offer(tx, cell, new)
