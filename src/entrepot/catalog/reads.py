"""What other rooms and screens ask of the catalog. Screens that need stock too are in `search`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot.catalog import store
from entrepot.catalog.types import Alternative, Category, Component, ComponentFacts, Offer, OfferFacts
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound

MAX_CATEGORIES = 10_000
MAX_ALTERNATIVES = 200


async def offers_for_quote(tx: ReadTx, cell: int, offer_ids: Sequence[int]) -> list[OfferFacts]:
    """The facts of offers, each once, in no order; an offer that is not there is absent."""
    facts = await tx.all(store.FACTS, cell=cell, offer_ids=offer_ids)
    bundles = [offer.offer_id for offer in facts if offer.stock_id is None]
    if not bundles:
        return facts
    of = await _components(tx, cell, bundles)
    return [msgspec.structs.replace(offer, components=of.get(offer.offer_id, [])) for offer in facts]


async def components_of(tx: ReadTx, cell: int, offer_id: int) -> list[Component]:
    """What is in a bundle; nothing, if the offer is none."""
    return [part.shown for part in (await _components(tx, cell, [offer_id])).get(offer_id, ())]


async def _components(tx: ReadTx, cell: int, bundle_ids: Sequence[int]) -> dict[int, list[ComponentFacts]]:
    found: dict[int, list[ComponentFacts]] = {}
    for part in await tx.all(store.COMPONENTS, cell=cell, bundle_ids=bundle_ids):
        found.setdefault(part.bundle_id, []).append(part)
    return found


async def cell_of_offer(tx: ReadTx, offer_id: int) -> int | None:
    """The cell in which an offer is sold, for those who know its id only; None when there is no such offer."""
    return await tx.maybe(store.CELL_OF, offer_id=offer_id)


async def offer_of(tx: ReadTx, cell: int, seller_id: UUID, offer_id: int) -> Offer:
    """A seller's own offer. Raises NotFound, also for another seller's."""
    found = await tx.maybe(store.OFFER, cell=cell, offer_id=offer_id, seller_id=seller_id)
    if found is None:
        raise NotFound
    return found


async def alternatives(tx: ReadTx, cell: int, offer_id: int) -> list[Alternative]:
    """What one can have instead of what an offer sells, and that offer itself while it is on sale; no bundles; at most
    MAX_ALTERNATIVES."""
    return await tx.all(store.ALTERNATIVES, cell=cell, offer_id=offer_id, limit=MAX_ALTERNATIVES)


async def known_variants(tx: ReadTx, variant_ids: Sequence[int]) -> set[int]:
    """Those of the variants that are there."""
    return set(await tx.all(store.KNOWN_VARIANTS, variant_ids=variant_ids))


async def variants_by_sku(tx: ReadTx, skus: Sequence[str]) -> dict[str, int]:
    """Ids of variants by SKU; a SKU that is not there is absent."""
    return {row.sku: row.id for row in await tx.all(store.VARIANTS_BY_SKU, skus=skus)}


async def categories(tx: ReadTx) -> list[Category]:
    """All categories (at most MAX_CATEGORIES), parents before their children."""
    rows = await tx.all(store.CATEGORIES, limit=MAX_CATEGORIES)
    below: dict[int | None, list[Category]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)
    ordered = below.get(None, [])[:]
    for parent in ordered:  # grows while we walk it: breadth first
        ordered += below.get(parent.id, [])
    return ordered
