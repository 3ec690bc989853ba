"""Search: where catalog, stock and ship-from meet: lists of products, one product with its offers, a seller's offers.

It owns no table. Every screen is read from the rows that a sale is judged by, so that no second store can disagree: a
listing is a range of catalog.listed and, for each of its products, the cheapest offer that can be bought now.
"""

from entrepot.search.reads import cards, found, listing, own_offers, product
from entrepot.search.types import Card, Facet, OwnOffer, Page, Product, ProductOffer, Variant

__all__ = [
    "Card", "Facet", "OwnOffer", "Page", "Product", "ProductOffer", "Variant", "cards", "found", "listing",
    "own_offers", "product",
]  # fmt: skip
