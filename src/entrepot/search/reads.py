"""Lists of products and one product, as they are at this moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot import catalog, trade
from entrepot.catalog import Component, Price
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound
from entrepot.search import store
from entrepot.search.types import Card, Facet, OwnOffer, Page, Product, ProductOffer, Variant

PAGE_MAX = 48
OWN_OFFERS_MAX = 100
MAX_CANDIDATES = 1_000
MAX_FACETS = 50
FEW = 3
"""With fewer hits than this, likeness is asked for too."""

_variants = msgspec.json.Decoder(list[Variant]).decode
_components = msgspec.json.Decoder(list[Component]).decode
_offers = msgspec.json.Decoder(list[ProductOffer]).decode


async def listing(tx: ReadTx, market: str, category: str | None, after: int, limit: int, language: str = "") -> Page:
    """A page of what is offered in a market (or in a category and below), in the order of product ids, with titles in
    a `language` where there are such, else in the market's, else as they were written.

    Raises NotFound for an unknown market or category."""
    limit = min(limit, PAGE_MAX)
    rows = await tx.all(store.LISTING, market=market, category=category, after=after, limit=limit, today=tx.now.date())
    if not rows and not await tx.one(store.KNOWN, market=market, category=category):
        raise NotFound
    return Page(await _cards(tx, rows, language), rows[-1].id if len(rows) == limit else None)


async def found(
    tx: ReadTx, market: str, text: str, category: str | None, after: int, limit: int, language: str = "", *,
    plain: bool = False,
) -> Page:  # fmt: skip
    """A page of the products that have all words of `text` in title or brand, or in the title in any language, best
    first; when that finds few, also those that are like it. `after` is a position. Facets count all found, whatever
    `category` picks of them. A `plain` search asks for no likeness and counts no facets.

    Raises NotFound for an unknown market or category."""
    candidates = await tx.all(
        store.CANDIDATES, text=text, market=market, category=category, few=0 if plain else FEW, limit=MAX_CANDIDATES,
        today=tx.now.date(),
    )  # fmt: skip
    if not candidates and not await tx.one(store.KNOWN, market=market, category=category):
        raise NotFound
    wanted = [c.product_id for c in candidates if c.wanted]
    following = after + min(limit, PAGE_MAX)
    rows = await tx.all(store.CARDS, market=market, ids=wanted[after:following], today=tx.now.date())
    facets = [] if plain else await _facets(tx, candidates)
    shown = await _cards(tx, rows, language)
    return Page(shown, following if following < len(wanted) else None, len(wanted), facets)


async def _facets(tx: ReadTx, candidates: Sequence[store.Candidate]) -> list[Facet]:
    counts = Counter(c.category_id for c in candidates).most_common(MAX_FACETS)
    names = {row.id: row for row in await tx.all(store.FACETS, ids=[id_ for id_, _ in counts])}
    return [Facet(names[id_].slug, names[id_].name, count) for id_, count in counts]


async def cards(tx: ReadTx, market: str, product_ids: Sequence[int], language: str = "") -> list[Card]:
    """Products by id, in the order given, at most PAGE_MAX; those that nobody offers in the market are left out."""
    rows = await tx.all(store.CARDS, market=market, ids=list(product_ids[:PAGE_MAX]), today=tx.now.date())
    return await _cards(tx, rows, language)


async def product(tx: ReadTx, market: str, slug: str, language: str = "") -> Product:
    """A product with its variants and its offers in a market, in the first of the languages that a listing tries.
    Raises NotFound."""
    row = await tx.maybe(store.PRODUCT, market=market, slug=slug, today=tx.now.date())
    if row is None:
        raise NotFound
    variants = _variants(row.variants)
    rules = []
    if row.country is not None and row.marked:
        rules = await trade.rules_for(tx, row.country, [variant.id for variant in variants])
    told = (await catalog.in_languages(tx, {row.id: row.written_in}, [language, row.language or ""])).get(row.id)
    return Product(
        row.id, row.slug, told.title if told else row.title, row.brand,
        (told.description if told else "") or row.description, row.category, row.category_name, variants,
        _offers(row.offers), rules, told.language if told else None, told is not None and told.stale,
        told is not None and told.machine,
    )  # fmt: skip


async def own_offers(
    tx: ReadTx, cell: int, seller_id: UUID, after: int, limit: int, *, bundles: bool = False
) -> list[OwnOffer]:
    """A seller's offers, or only its bundles, in the order of their ids, at most OWN_OFFERS_MAX."""
    rows = await tx.all(
        store.OWN_OFFERS, cell=cell, seller_id=seller_id, bundles=bundles, after=after, limit=min(limit, OWN_OFFERS_MAX)
    )
    return [
        OwnOffer(
            r.id, r.product_slug, r.title, r.sku, r.market, r.location_id, Price(r.unit_price_minor, r.currency),
            r.price_per, r.unit, r.status, r.available, _components(r.components),  # type: ignore[arg-type]
        )
        for r in rows
    ]  # fmt: skip


async def _cards(tx: ReadTx, rows: Sequence[store.CardRow], language: str) -> list[Card]:
    languages = [language, rows[0].language] if rows else []
    told = await catalog.in_languages(tx, {row.id: row.written_in for row in rows}, languages)
    inside: dict[int | None, list[str]] = {row.bundle_id: [] for row in rows if row.bundle_id is not None}
    if inside:
        cells = [row.cell for row in rows if row.bundle_id is not None]
        for part in await tx.all(store.INSIDE, cells=cells, bundles=list(inside)):
            inside[part.bundle_id].append(part.slug)
    return [
        Card(
            row.id, row.slug, told[row.id].title if row.id in told else row.title, row.brand,
            Price(row.unit_price_minor, row.currency), row.price_per,
            row.unit, row.available, inside.get(row.bundle_id, []),
        )
        for row in rows
        if row.unit_price_minor is not None and row.price_per is not None and row.unit is not None
    ]  # fmt: skip
