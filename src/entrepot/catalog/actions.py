"""Filling the catalog, one by one and by the hundred thousand.

The import verbs take parallel arrays with the caller's own ids; rows that are there already stay as they are, so that
an import can be run again. Any other clash (a slug, a SKU, an unknown parent) is an error of the data and raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from entrepot.catalog import rules, store, store_following
from entrepot.catalog.types import (
    AddedProduct,
    BundleNotValid,
    CategorySlugTaken,
    NewBundle,
    NewOffer,
    NewProduct,
    Offer,
    OfferExists,
    OfferStatusIs,
    SkuTaken,
)
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound


async def add_category(tx: Tx, slug: str, name: str, parent_id: int | None = None) -> int:
    """The id of the new category. Raises CategorySlugTaken, NotFound for an unknown parent."""
    try:
        async with tx.conn.transaction():
            added = await tx.maybe(store.ADD_CATEGORY, slug=slug, name=name, parent_id=parent_id)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    if added is None:
        raise CategorySlugTaken(slug)
    return added


async def add_product(tx: Tx, new: NewProduct) -> AddedProduct:
    """Adds a product with its variants; its slug is its title and id. Raises SkuTaken, NotFound for an unknown
    category; the caller's transaction is then to be rolled back."""
    try:
        product = await tx.one(
            store.ADD_PRODUCT, stem=rules.stem(new.title), title=new.title, brand=new.brand,
            description=new.description, language=new.language, category_id=new.category_id, now=tx.now,
        )  # fmt: skip
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    variants = new.variants
    variant_ids = await tx.all(
        store.ADD_VARIANTS, product_id=product.id, skus=[v.sku for v in variants], gtins=[v.gtin for v in variants],
        titles=[v.title for v in variants], units=[v.unit for v in variants],
        prices_per=[v.price_per for v in variants],
    )  # fmt: skip
    if len(variant_ids) < len(variants):
        raise SkuTaken
    return AddedProduct(product.id, product.slug, variant_ids)


async def add_offer(tx: Tx, cell: int, new: NewOffer) -> Offer:
    """Raises NotFound for an unknown variant or market, OfferExists when the seller has this offer already."""
    offer = await _add_offer(tx, cell, new)
    tx.emit("offer_added", offer.seller_id, {"offer_id": offer.id}, cell)
    return offer


async def _add_offer(tx: Tx, cell: int, new: NewOffer) -> Offer:
    offer = await tx.maybe(
        store.ADD_OFFER, cell=cell, seller_id=new.seller_id, variant_id=new.variant_id, market=new.market,
        location_id=new.location_id, stock_id=new.stock_id, unit_price_minor=new.unit_price_minor, status=new.status,
        now=tx.now,
    )  # fmt: skip
    if offer is None:
        known = await tx.maybe(store.VARIANT_AND_MARKET, variant_id=new.variant_id, market=new.market)
        raise OfferExists() if known else NotFound()
    await tx.run(store.LIST, markets=[offer.market], products=[offer.product_id])
    return offer


async def add_bundle(tx: Tx, cell: int, seller_id: UUID, new: NewBundle) -> Offer:
    """Offers a bundle of other offers of the seller's, which may be paused. Raises BundleNotValid, NotFound for an
    unknown variant or an offer that is not the seller's, OfferExists when the seller has this offer already."""
    quantities = {part.offer_id: part.quantity for part in new.components}
    found = await tx.all(store.OFFERS_OF_SELLER, cell=cell, seller_id=seller_id, offer_ids=list(quantities))
    sold_by = await tx.maybe(store.SOLD_BY, variant_id=new.variant_id)
    if len(found) < len(quantities) or sold_by is None:
        raise NotFound
    if reason := rules.no_bundle(new.components, found, sold_by):
        raise BundleNotValid(reason)
    one = found[0]
    offer = await _add_offer(
        tx, cell, NewOffer(seller_id, new.variant_id, one.market, one.location_id, None, new.unit_price_minor)
    )
    await tx.run(
        store.ADD_COMPONENTS, cell=cell, bundle_id=offer.id, offer_ids=list(quantities),
        quantities=list(quantities.values()),
    )  # fmt: skip
    tx.emit("offer_added", seller_id, {"offer_id": offer.id, "component_ids": sorted(quantities)}, cell)
    return offer


async def set_prices(
    tx: Tx, cell: int, offer_ids: Sequence[int], prices: Sequence[int], seller_id: UUID | None = None
) -> None:
    """Sets the unit prices (minor units of each market's currency) of different offers, all or none: they are their own
    from then on. With `seller_id` only that seller's offers are its to change. Raises NotFound when one is not there.
    """
    if not offer_ids:
        return
    if len(set(offer_ids)) < len(offer_ids):
        raise ValueError("an offer has one price")
    changed = await tx.all(
        store.SET_PRICES, cell=cell, offer_ids=offer_ids, prices=prices, seller_id=seller_id, now=tx.now
    )
    if len(changed) < len(offer_ids):
        raise NotFound
    await tx.run(store_following.PRICED, cell=cell, offer_ids=offer_ids)
    if len(changed) == 1:
        tx.was(unit_price_minor=changed[0])
    tx.emit("offer_prices_changed", seller_id or NIL, {"offer_ids": list(offer_ids)}, cell)


async def pause_offer(tx: Tx, cell: int, seller_id: UUID, offer_id: int) -> Offer:
    """active -> paused: it cannot be bought. Raises NotFound, also for another seller's, and OfferStatusIs."""
    return await _set_status(tx, cell, seller_id, offer_id, "active", "paused", "offer_paused")


async def resume_offer(tx: Tx, cell: int, seller_id: UUID, offer_id: int) -> Offer:
    """paused -> active. Raises NotFound, also for another seller's, and OfferStatusIs, also for one that waits for a
    rate of exchange."""
    if await tx.one(store_following.IS_WAITING, cell=cell, offer_id=offer_id, seller_id=seller_id):
        raise OfferStatusIs("waiting")
    return await _set_status(tx, cell, seller_id, offer_id, "paused", "active", "offer_resumed")


async def _set_status(tx: Tx, cell: int, seller_id: UUID, offer_id: int, from_: str, to: str, event: str) -> Offer:
    key = {"cell": cell, "seller_id": seller_id, "offer_id": offer_id}
    offer = await tx.maybe(store.SET_STATUS, **key, from_=from_, to=to, now=tx.now)
    if offer is None:
        found = await tx.maybe(store.OFFER, **key)
        raise OfferStatusIs(found.status) if found else NotFound()
    tx.was(status=from_)
    tx.emit(event, seller_id, {"offer_id": offer_id}, cell)
    return offer


async def import_categories(
    tx: Tx, ids: Sequence[int], parent_ids: Sequence[int | None], slugs: Sequence[str], names: Sequence[str]
) -> None:
    """Parents may be in the same call."""
    if ids:
        await tx.run(store.IMPORT_CATEGORIES, ids=ids, parent_ids=parent_ids, slugs=slugs, names=names)
        await tx.one(store.PASS_CATEGORIES, high=max(ids))


async def import_products(
    tx: Tx,
    ids: Sequence[int],
    slugs: Sequence[str],
    titles: Sequence[str],
    brands: Sequence[str],
    category_ids: Sequence[int],
) -> None:
    """Products without variants; those come by `import_variants`."""
    if ids:
        await tx.run(
            store.IMPORT_PRODUCTS, ids=ids, slugs=slugs, titles=titles, brands=brands, category_ids=category_ids,
            now=tx.now,
        )  # fmt: skip
        await tx.one(store.PASS_PRODUCTS, high=max(ids))


async def import_variants(
    tx: Tx,
    ids: Sequence[int],
    product_ids: Sequence[int],
    skus: Sequence[str],
    titles: Sequence[str],
    units: Sequence[str],
    prices_per: Sequence[int],
) -> None:
    """Variants of products that are there; a price buys `prices_per` of `units`."""
    if ids:
        await tx.run(
            store.IMPORT_VARIANTS, ids=ids, product_ids=product_ids, skus=skus, titles=titles, units=units,
            prices_per=prices_per,
        )  # fmt: skip
        await tx.one(store.PASS_VARIANTS, high=max(ids))


async def import_offers(
    tx: Tx,
    cell: int,
    ids: Sequence[int],
    seller_ids: Sequence[UUID],
    variant_ids: Sequence[int],
    markets: Sequence[str],
    location_ids: Sequence[int],
    stock_ids: Sequence[int],
    unit_price_minors: Sequence[int],
) -> None:
    """Active offers of variants that are there. The caller has opened the stock of each."""
    if ids:
        await tx.run(
            store.IMPORT_OFFERS, cell=cell, ids=ids, seller_ids=seller_ids, variant_ids=variant_ids, markets=markets,
            location_ids=location_ids, stock_ids=stock_ids, unit_price_minors=unit_price_minors, now=tx.now,
        )  # fmt: skip
        await tx.run(store.LIST_OFFERED, markets=markets, variant_ids=variant_ids)
        await tx.one(store.PASS_OFFERS, high=max(ids))
