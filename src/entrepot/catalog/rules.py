"""Pure decisions of the catalog."""

from __future__ import annotations

import re
import unicodedata

STEM_MAX = 80  # characters

_GAPS = re.compile(r"[^a-z0-9]+")


def stem(title: str) -> str:
    """The readable part of a product's slug: ASCII letters, digits and single dashes; may be empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return _GAPS.sub("-", plain).strip("-")[:STEM_MAX].rstrip("-")
