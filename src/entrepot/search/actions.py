"""Putting goods on offer, which takes a location, a row of stock and an offer."""

from __future__ import annotations

from uuid import UUID

from entrepot import catalog, inventory, logistics, sellers
from entrepot.catalog import NewOffer, Offer
from entrepot.kit.db import Tx


async def offer_goods(
    tx: Tx, cell: int, seller_id: UUID, variant_id: int, market: str, location_id: int, unit_price_minor: int
) -> Offer:
    """Offers a variant from a location, whose stock is opened (empty) if it is not there yet.

    Raises NotFound for an unknown variant or market, and for a location that is another seller's; OfferExists;
    StockCurrencyIs for the operator's own goods that it bought, or sells, in the currency of another market."""
    await logistics.location_of(tx, cell, seller_id, location_id)
    stocks = await inventory.open_stock(tx, cell, [seller_id], [variant_id], [location_id])
    if (await sellers.seller(tx, sellers.SellerId(seller_id))).kind == "own":
        await inventory.fix_currency(tx, cell, stocks, (await sellers.market(tx, market)).currency)
    new = NewOffer(seller_id, variant_id, market, location_id, stocks[0], unit_price_minor)
    return await catalog.add_offer(tx, cell, new)
