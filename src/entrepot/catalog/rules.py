"""Pure decisions of the catalog."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from entrepot.catalog.types import InBundle, Offer

STEM_MAX = 80  # characters

_GAPS = re.compile(r"[^a-z0-9]+")


def no_bundle(components: Sequence[InBundle], offers: Sequence[Offer], price_per: int) -> str | None:
    """Why these offers of one seller, each of them once in `offers`, make no bundle of a variant whose price buys
    `price_per` units; None if they do."""
    if len(components) > len(offers):
        return "twice"
    if any(offer.stock_id is None for offer in offers):
        return "nested"
    if any(offer.status == "campaign" for offer in offers):
        return "campaign"
    if len({(offer.market, offer.location_id) for offer in offers}) > 1:
        return "apart"
    return None if price_per == 1 else "unit"


def stem(title: str) -> str:
    """The readable part of a product's slug: ASCII letters, digits and single dashes; may be empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return _GAPS.sub("-", plain).strip("-")[:STEM_MAX].rstrip("-")
