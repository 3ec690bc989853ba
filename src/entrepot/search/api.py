"""Products for everyone; a seller's own offers for its staff."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.catalog import Minor, OfferExists, OfferView, RowId, offer_view
from entrepot.inventory import StockCurrencyIs
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import PUBLIC, SELLER, get, post
from entrepot.kit.ids import END
from entrepot.kit.problem import NotFound
from entrepot.platform import Switch, Switches
from entrepot.search import actions, reads
from entrepot.search.types import OwnOffer, Page, Product

MarketCode = Annotated[str, Meta(min_length=1, max_length=20, examples=["us"])]
Language = Annotated[str, Meta(max_length=20, pattern=f"^[A-Za-z-]*{END}", examples=["de"])]
After = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class ProductsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `q` a search, best first; without it a listing. `after` is the `next` of the page before."""

    market: MarketCode
    q: Annotated[str, Meta(max_length=200)] = ""
    category: Annotated[str, Meta(max_length=80)] | None = None
    after: After = 0
    limit: Annotated[int, Meta(ge=1, le=reads.PAGE_MAX)] = 24
    language: Language = ""


class ProductQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: MarketCode
    language: Language = ""


class OffersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: After = 0
    limit: Annotated[int, Meta(ge=1, le=reads.OWN_OFFERS_MAX)] = 50


class OfferGoods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    variant_id: RowId
    market: MarketCode
    location_id: RowId
    unit_price_minor: Minor


class OwnOffers(msgspec.Struct, frozen=True):
    items: list[OwnOffer]
    next: int | None


async def list_products(tx: ReadTx, request: Request, query: ProductsQuery) -> Page:
    """A page of products with their cheapest offers."""
    if query.q.strip():
        switches: Switches = request.app.state.switches
        plain = await switches.off(Switch.FACETS) is not None
        return await reads.found(
            tx, query.market, query.q, query.category, query.after, query.limit, query.language, plain=plain
        )
    return await reads.listing(tx, query.market, query.category, query.after, query.limit, query.language)


async def read_product(tx: ReadTx, slug: str, query: ProductQuery) -> Product:
    """A product with its variants and offers."""
    return await reads.product(tx, query.market, slug, query.language)


async def list_own_offers(tx: ReadTx, caller: Caller, query: OffersQuery) -> OwnOffers:
    """The seller's own offers, a page at a time."""
    assert caller.seller_id is not None
    items = await reads.own_offers(tx, caller.cell, caller.seller_id, query.after, query.limit)
    return OwnOffers(items, items[-1].id if len(items) == query.limit else None)


async def offer_goods(tx: Tx, caller: Caller, body: OfferGoods) -> OfferView:
    """Offers a variant from one of the seller's locations."""
    assert caller.seller_id is not None
    offer = await actions.offer_goods(
        tx, caller.cell, caller.seller_id, body.variant_id, body.market, body.location_id, body.unit_price_minor
    )
    return offer_view(offer)


routes = [
    get("/v1/products", list_products, access=PUBLIC, raises=(NotFound,)),
    get("/v1/products/{slug}", read_product, access=PUBLIC),
    get("/v1/seller/offers", list_own_offers, access=SELLER),
    post(
        "/v1/seller/offers", offer_goods, access=SELLER, raises=(NotFound, OfferExists, StockCurrencyIs), status=201,
        key="taken",
    ),
]  # fmt: skip
