"""The catalog: categories, products and their variants, shared by all sellers; and the sellers' offers.

An offer is one seller's proposition: seller x variant x market x ship-from location, with a price. A price buys
`price_per` units (1, or 1000 where goods are sold by measure). Each offer names one row of stock, which lies in a room
above; a screen that shows both is in `search`. A bundle is an offer without stock: it sells so many of each of its
components, which are other offers of its seller, market and location. An offer may follow the price that its seller
asks in another market (`follow`), at rates that a room above knows, until it gets a price of its own.

Invariants:
  an offer's product is its variant's; its price_per and unit are what its variant's were when it was made;
  what is in a bundle never changes, and is no bundle;
  a product that was ever offered in a market is in catalog.listed there, under its category, those above and 0.

A product's texts in other languages are `in_languages`; those of a text that has changed since are stale.

In SQL: catalog.offer_fact says what a sale judges of an offer.

Events: offer_added (key: the seller's id; data: offer_id, and of a bundle component_ids), offer_prices_changed (key:
the seller's id, or nil for an import; data: offer_ids), offer_paused and offer_resumed (key: the seller's id; data:
offer_id).
"""

from entrepot.catalog.actions import (
    add_bundle,
    add_category,
    add_offer,
    add_product,
    import_categories,
    import_offers,
    import_products,
    import_variants,
    pause_offer,
    resume_offer,
    set_prices,
)
from entrepot.catalog.following import Followed, converted, follow, look_again, set_followed, to_look_at
from entrepot.catalog.reads import (
    alternatives,
    categories,
    cell_of_offer,
    known_variants,
    offer_of,
    offers_for_quote,
    variants_by_sku,
)
from entrepot.catalog.translations import REVIEW_PAGE, in_languages, to_review, translate
from entrepot.catalog.types import (
    AddedProduct,
    Alternative,
    Category,
    CategorySlugTaken,
    Component,
    ComponentFacts,
    Converted,
    InBundle,
    Minor,
    NewBundle,
    NewOffer,
    NewProduct,
    NewVariant,
    NotFollowed,
    Offer,
    OfferExists,
    OfferFacts,
    OfferStatusIs,
    OfferView,
    Price,
    RowId,
    SkuTaken,
    offer_view,
)

__all__ = [
    "REVIEW_PAGE", "AddedProduct", "Alternative", "Category", "CategorySlugTaken", "Component", "ComponentFacts",
    "Converted", "Followed", "InBundle", "Minor", "NewBundle", "NewOffer", "NewProduct", "NewVariant", "NotFollowed",
    "Offer", "OfferExists", "OfferFacts", "OfferStatusIs", "OfferView", "Price", "RowId", "SkuTaken", "add_bundle",
    "add_category", "add_offer", "add_product", "alternatives", "categories", "cell_of_offer", "converted", "follow",
    "import_categories", "import_offers", "import_products", "import_variants", "in_languages", "known_variants",
    "look_again", "offer_of", "offer_view", "offers_for_quote", "pause_offer", "resume_offer", "set_followed",
    "set_prices", "to_look_at", "to_review", "translate", "variants_by_sku",
]  # fmt: skip
