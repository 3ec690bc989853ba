"""What screens show of products and offers."""

from __future__ import annotations

from typing import Literal

import msgspec

from entrepot.catalog import Component, Converted, Price
from entrepot.trade import Barrier, Contact


class Card(msgspec.Struct, frozen=True, gc=False):
    """A product in a list, with its cheapest offer: of those in stock or, when none is (`available` false), of all.

    `price_per` of `unit` cost `price`. `component_slugs` are the products in it, when that offer is a bundle."""

    id: int
    slug: str
    title: str
    brand: str
    price: Price
    price_per: int
    unit: str
    available: bool
    component_slugs: list[str]


class Facet(msgspec.Struct, frozen=True):
    """How many of the found products lie in a category."""

    slug: str
    name: str
    count: int


class Page(msgspec.Struct, frozen=True):
    """`next` is the `after` of the page that follows, null on the last. A page may show fewer products than asked:
    those that nobody offers any more are left out. Only a search has `total` (at most 1000) and `facets`,
    which are none while they are switched off."""

    items: list[Card]
    next: int | None
    total: int | None = None
    facets: list[Facet] = []


class Variant(msgspec.Struct, frozen=True):
    id: int
    sku: str
    gtin: str | None
    title: str


class ProductOffer(msgspec.Struct, frozen=True):
    """One seller's offer of a variant; `available` units can be bought now. Only a bundle has `components`. `converted`
    says what of the price was made, where its seller asks it in another currency."""

    id: int
    variant_id: int
    seller: str
    seller_slug: str
    ship_from: str
    ship_from_country: str
    price: Price
    price_per: int
    unit: str
    available: int
    components: list[Component]
    converted: Converted | None = None
    contact: Contact | None = None


class Product(msgspec.Struct, frozen=True):
    """A product with at most 100 variants and its 100 cheapest offers, cheapest first. `rules` are what the law of the
    market's country says of it: offers that it stands in the way of are not here. `language` is that of a translation,
    which may be `stale`: the product says something else since; or a `machine`'s, which nobody has read."""

    id: int
    slug: str
    title: str
    brand: str
    description: str
    category: str
    category_name: str
    variants: list[Variant]
    offers: list[ProductOffer]
    rules: list[Barrier]
    language: str | None = None
    stale: bool = False
    machine: bool = False


class OwnOffer(msgspec.Struct, frozen=True):
    """An offer as its seller's list shows it. Only a bundle has `components`."""

    id: int
    product_slug: str
    title: str
    sku: str
    market: str
    location_id: int
    price: Price
    price_per: int
    unit: str
    status: Literal["active", "paused", "campaign"]
    available: int
    components: list[Component]
