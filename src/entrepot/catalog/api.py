"""The category tree for everyone; products and prices for seller staff. Lists of products are in `search`."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from entrepot.catalog import actions, reads, translations
from entrepot.catalog.store_translations import MachineRow, StaleRow
from entrepot.catalog.types import (
    AddedProduct,
    BundleNotValid,
    Category,
    CategorySlugTaken,
    Minor,
    NewBundle,
    NewProduct,
    Offer,
    OfferExists,
    OfferStatusIs,
    OfferView,
    RowId,
    SkuTaken,
    Title,
    TranslatedByAnother,
    offer_view,
)
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, PUBLIC, SELLER, get, post, put
from entrepot.kit.ids import END
from entrepot.kit.problem import NotFound


class Categories(msgspec.Struct, frozen=True):
    """Parents come before their children."""

    items: list[Category]


class NewCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slug: Annotated[str, Meta(pattern=f"^[a-z0-9]([a-z0-9-]{{0,78}}[a-z0-9])?{END}", examples=["dairy"])]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    parent_id: RowId | None = None


class NewPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unit_price_minor: Minor


async def list_categories(tx: ReadTx) -> Categories:
    """The category tree."""
    return Categories(await reads.categories(tx))


async def add_category(tx: Tx, body: NewCategory) -> Category:
    """Adds a category."""
    id_ = await actions.add_category(tx, body.slug, body.name, body.parent_id)
    return Category(id_, body.parent_id, body.slug, body.name)


async def add_product(tx: Tx, body: NewProduct) -> AddedProduct:
    """Adds a product with its variants to the shared catalog."""
    return await actions.add_product(tx, body)


async def read_own_offer(tx: ReadTx, caller: Caller, offer_id: int) -> OfferView:
    """One of the seller's own offers."""
    assert caller.seller_id is not None
    return await _view(tx, caller.cell, await reads.offer_of(tx, caller.cell, caller.seller_id, offer_id))


async def offer_bundle(tx: Tx, caller: Caller, body: NewBundle) -> OfferView:
    """Offers a bundle of the seller's own offers. Its stock is theirs, and what is in it never changes."""
    assert caller.seller_id is not None
    offer = await actions.add_bundle(tx, caller.cell, caller.seller_id, body)
    return await _view(tx, caller.cell, offer)


async def set_price(tx: Tx, caller: Caller, offer_id: int, body: NewPrice) -> OfferView:
    """Sets the price of one of the seller's own offers."""
    assert caller.seller_id is not None
    await actions.set_prices(tx, caller.cell, [offer_id], [body.unit_price_minor], caller.seller_id)
    return await _view(tx, caller.cell, await reads.offer_of(tx, caller.cell, caller.seller_id, offer_id))


async def pause_offer(tx: Tx, caller: Caller, offer_id: int) -> OfferView:
    """Takes one of the seller's own offers off sale."""
    assert caller.seller_id is not None
    return await _view(tx, caller.cell, await actions.pause_offer(tx, caller.cell, caller.seller_id, offer_id))


async def resume_offer(tx: Tx, caller: Caller, offer_id: int) -> OfferView:
    """Puts a paused offer on sale again."""
    assert caller.seller_id is not None
    return await _view(tx, caller.cell, await actions.resume_offer(tx, caller.cell, caller.seller_id, offer_id))


async def _view(tx: ReadTx, cell: int, offer: Offer) -> OfferView:
    return offer_view(offer, await reads.components_of(tx, cell, offer.id) if offer.stock_id is None else ())


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    description: Annotated[str, Meta(max_length=10_000)] = ""


class StaleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class StaleTranslations(msgspec.Struct, frozen=True):
    items: list[StaleRow]


async def set_product_text(tx: Tx, product_id: int, body: Text) -> None:
    """Changes what a product says; its translations are stale then."""
    await translations.set_text(tx, product_id, body.title, body.description)


async def translate_product(tx: Tx, caller: Caller, product_id: int, language: str, body: Text) -> None:
    """Says in another language what a product says: a seller of what it offers."""
    if not re.fullmatch("[a-z]{2,3}", language):
        raise NotFound
    await translations.translate(
        tx, product_id, language, body.title, body.description, caller.cell, caller.seller_id
    )  # fmt: skip


async def list_stale_translations(tx: ReadTx, query: StaleQuery) -> StaleTranslations:
    """Translations of what products do not say any more."""
    return StaleTranslations(await translations.stale(tx, query.after))


class MachineTranslations(msgspec.Struct, frozen=True):
    items: list[MachineRow]


async def list_machine_translations(tx: ReadTx, caller: Caller, query: StaleQuery) -> MachineTranslations:
    """What machines have said and nobody has read: of what a seller offers, or of anything."""
    return MachineTranslations(await translations.unread(tx, caller.cell, caller.seller_id, query.after))


async def review_translation(tx: Tx, caller: Caller, product_id: int, language: str) -> None:
    """What a machine has said is right: it is shown as the caller's."""
    await translations.review(tx, product_id, language, caller.cell, caller.seller_id)


routes = [
    get("/v1/categories", list_categories, access=PUBLIC),
    post(
        "/v1/categories", add_category, access=OPERATOR, raises=(CategorySlugTaken, NotFound), status=201, key="taken"
    ),
    put("/v1/products/{product_id}/text", set_product_text, access=OPERATOR, key="taken"),
    put(
        "/v1/products/{product_id}/translations/{language}",
        translate_product,
        access=SELLER | OPERATOR,
        key="taken",
        raises=(TranslatedByAnother,),
    ),
    get("/v1/machine-translations", list_machine_translations, access=SELLER | OPERATOR),
    post(
        "/v1/products/{product_id}/translations/{language}/review",
        review_translation,
        access=SELLER | OPERATOR,
        key="taken",
    ),
    get("/v1/operator/stale-translations", list_stale_translations, access=OPERATOR),
    post("/v1/seller/products", add_product, access=SELLER, raises=(SkuTaken, NotFound), status=201, key="taken"),
    post(
        "/v1/seller/bundles",
        offer_bundle,
        access=SELLER,
        raises=(NotFound, BundleNotValid, OfferExists),
        status=201,
        key="taken",
    ),
    get("/v1/seller/offers/{offer_id}", read_own_offer, access=SELLER),
    put("/v1/seller/offers/{offer_id}/price", set_price, access=SELLER, key="taken"),
    post("/v1/seller/offers/{offer_id}/pause", pause_offer, access=SELLER, raises=(OfferStatusIs,), key="taken"),
    post("/v1/seller/offers/{offer_id}/resume", resume_offer, access=SELLER, raises=(OfferStatusIs,), key="taken"),
]
