"""What the catalog is told and tells, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit import ids
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Problem

Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
RowId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Title = Annotated[str, Meta(min_length=1, max_length=300)]

MAX_VARIANTS = 100
"""Variants of one product."""


class OfferFacts(msgspec.Struct, frozen=True, gc=False):
    """What a quote needs of an offer. `price_per` units of `unit` cost `unit_price_minor`; `own` is the operator's;
    without `commission_bp` the market's rate holds; `buyable` says that neither offer nor seller stands in the way."""

    offer_id: int
    seller_id: UUID
    own: bool
    commission_bp: int | None
    seller_status: str
    buyable: bool
    variant_id: int
    stock_id: int
    location_id: int
    market: str
    currency: str
    unit_price_minor: int
    price_per: int
    unit: str
    title: str


class Offer(msgspec.Struct, frozen=True):
    """An offer as its seller sees it; `status` is active, paused or campaign."""

    id: int
    seller_id: UUID
    product_id: int
    variant_id: int
    market: str
    location_id: int
    stock_id: int
    unit_price_minor: int
    price_per: int
    status: str


class OfferView(msgspec.Struct, frozen=True):
    """An offer as its seller is shown it: `price_per` units cost `unit_price_minor` of the market's currency."""

    id: int
    seller_id: str
    product_id: int
    variant_id: int
    market: str
    location_id: int
    unit_price_minor: int
    price_per: int
    status: Literal["active", "paused", "campaign"]


def offer_view(offer: Offer) -> OfferView:
    return OfferView(
        offer.id, ids.show("sel", offer.seller_id), offer.product_id, offer.variant_id, offer.market,
        offer.location_id, offer.unit_price_minor, offer.price_per, offer.status,  # type: ignore[arg-type]
    )  # fmt: skip


class Category(msgspec.Struct, frozen=True):
    id: int
    parent_id: int | None
    slug: str
    name: str


class Price(msgspec.Struct, frozen=True):
    """An amount of money on the wire: `minor` units of an ISO 4217 currency."""

    minor: int
    currency: str


class NewVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`price_per` units of `unit` are what one price buys: 1 `each`, or 1000 `ml` of a liter."""

    sku: Annotated[str, Meta(min_length=1, max_length=64, pattern=f"^[!-~]+{ids.END}")]
    title: Annotated[str, Meta(max_length=300)] = ""
    gtin: Annotated[str, Meta(pattern=f"^([0-9]{{8}}|[0-9]{{12,14}}){ids.END}", examples=["4006381333931"])] | None = (
        None
    )
    unit: Annotated[str, Meta(pattern=f"^[a-z_]{{1,20}}{ids.END}", examples=["each"])] = "each"
    price_per: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class NewProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    category_id: RowId
    variants: Annotated[list[NewVariant], Meta(min_length=1, max_length=MAX_VARIANTS)]
    brand: Annotated[str, Meta(max_length=120)] = ""
    description: Annotated[str, Meta(max_length=10_000)] = ""


class NewOffer(msgspec.Struct, frozen=True):
    """An offer before it has an id. The caller has opened `stock_id` for this seller, variant and location. With the
    status `campaign` it is no listed offer, and carts do not take it: a campaign sells it."""

    seller_id: UUID
    variant_id: int
    market: str
    location_id: int
    stock_id: int
    unit_price_minor: int
    status: Literal["active", "campaign"] = "active"


class AddedProduct(msgspec.Struct, frozen=True):
    """Variants are in the order given."""

    id: int
    slug: str
    variant_ids: list[int]


@dataclass(eq=False)
class SkuTaken(Problem):
    """A variant with this SKU is there already."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class CategorySlugTaken(Problem):
    """Another category has this slug."""

    status: ClassVar[int] = 409
    slug: str


@dataclass(eq=False)
class OfferExists(Problem):
    """The seller offers this variant in this market from this location already."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class OfferStatusIs(Problem):
    """The offer's status does not allow this."""

    status: ClassVar[int] = 409
    offer_status: str
