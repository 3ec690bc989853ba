"""What the catalog is told and tells, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
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
MAX_COMPONENTS = 10
"""Offers in one bundle."""
PerBundle = Annotated[int, Meta(ge=1, le=1_000_000)]


class Component(msgspec.Struct, frozen=True):
    """`quantity` of `unit` of what the offer `offer_id` sells are in one bundle."""

    offer_id: int
    title: str
    slug: str
    quantity: int
    unit: str


class ComponentFacts(msgspec.Struct, frozen=True):
    """What a quote needs of a component, of which `quantity` units are in one bundle; its price is that of it alone."""

    bundle_id: int
    offer_id: int
    variant_id: int
    stock_id: int
    quantity: int
    unit_price_minor: int
    price_per: int
    title: str
    slug: str
    unit: str

    @property
    def alone_minor(self) -> int:
        """What as much of it as is in one bundle costs alone."""
        return self.unit_price_minor * self.quantity // self.price_per

    @property
    def shown(self) -> Component:
        return Component(self.offer_id, self.title, self.slug, self.quantity, self.unit)


class OfferFacts(msgspec.Struct, frozen=True, gc=False):
    """What a quote needs of an offer. `price_per` units of `unit` cost `unit_price_minor`; `own` is the operator's;
    without `commission_bp` the market's rate holds; `buyable` says that neither offer nor seller stands in the way. It
    is sold in `cell`. A bundle has components, and no stock of its own. Its seller is paid in
    `settles_in`, None: in the offer's currency."""

    offer_id: int
    seller_id: UUID
    own: bool
    commission_bp: int | None
    seller_status: str
    buyable: bool
    variant_id: int
    stock_id: int | None
    location_id: int
    market: str
    currency: str
    unit_price_minor: int
    price_per: int
    unit: str
    title: str
    slug: str
    cell: int
    components: list[ComponentFacts] = []
    settles_in: str | None = None
    category_id: int = 0


class Alternative(msgspec.Struct, frozen=True):
    """An offer of the same product by the same seller in the same market that is on sale, with the variant's title."""

    offer_id: int
    variant_id: int
    stock_id: int
    title: str
    unit_price_minor: int
    price_per: int


class Offer(msgspec.Struct, frozen=True):
    """An offer as its seller sees it; `status` is active, paused or campaign. A bundle has no stock of its own."""

    id: int
    seller_id: UUID
    product_id: int
    variant_id: int
    market: str
    location_id: int
    stock_id: int | None
    unit_price_minor: int
    price_per: int
    status: str


class OfferView(msgspec.Struct, frozen=True):
    """An offer as its seller is shown it: `price_per` units cost `unit_price_minor` of the market's currency. Only a
    bundle has `components`."""

    id: int
    seller_id: str
    product_id: int
    variant_id: int
    market: str
    location_id: int
    unit_price_minor: int
    price_per: int
    status: Literal["active", "paused", "campaign"]
    components: list[Component] = []


def offer_view(offer: Offer, components: Sequence[Component] = ()) -> OfferView:
    return OfferView(
        offer.id, ids.show("sel", offer.seller_id), offer.product_id, offer.variant_id, offer.market,
        offer.location_id, offer.unit_price_minor, offer.price_per, offer.status,  # type: ignore[arg-type]
        list(components),
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


class Converted(msgspec.Struct, frozen=True):
    """What a price was made of: what the seller asks elsewhere, at the rates of a day."""

    price: Price
    day: date


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
    language: Annotated[str, Meta(pattern=f"^[a-z]{{2,3}}{ids.END}", description="that it is written in")] = "en"


class NewOffer(msgspec.Struct, frozen=True):
    """An offer before it has an id. The caller has opened `stock_id` for this seller, variant and location; a bundle
    has none. With the status `campaign` it is no listed offer, and carts do not take it: a campaign sells it."""

    seller_id: UUID
    variant_id: int
    market: str
    location_id: int
    stock_id: int | None
    unit_price_minor: int
    status: Literal["active", "campaign"] = "active"


class InBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`quantity` units of what the offer `offer_id` sells."""

    offer_id: RowId
    quantity: PerBundle = 1


class NewBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bundle is offered where its components are: in their market, from their location."""

    variant_id: RowId
    unit_price_minor: Minor
    components: Annotated[list[InBundle], Meta(min_length=1, max_length=MAX_COMPONENTS)]


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
class TranslatedByAnother(Problem):
    """Another seller, or the operator, has translated this."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class TextChanged(Problem):
    """What this is a translation of has changed meanwhile: it is to be read again."""

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
class BundleNotValid(Problem):
    """These offers do not make a bundle."""

    status: ClassVar[int] = 409
    reason: str  # twice, nested, campaign, apart (in market or location) or unit (bundles are sold by the piece)


@dataclass(eq=False)
class NotFollowed(Problem):
    """The price of this offer cannot be followed in that market."""

    status: ClassVar[int] = 409
    # bundle, campaign, market (its own), follows (another), settlement (paid in another currency) or not_allowed
    reason: str


@dataclass(eq=False)
class OfferStatusIs(Problem):
    """The offer's status does not allow this."""

    status: ClassVar[int] = 409
    offer_status: str
