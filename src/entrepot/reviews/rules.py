"""What may be said, and until when."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from entrepot.reviews.types import LinksNotTaken, NotDelivered, ReviewClosed

WRITE_FOR = timedelta(days=180)
"""After the delivery."""
EDIT_FOR = timedelta(days=30)
"""After it was first said."""
_LINK = re.compile(
    r"://|\bwww\.|\S@\S+\.\w|\b[\w-]+\.(?:com|net|org|info|shop|biz|de|eu|io|ru|cn|xyz|top|ly)\b", re.IGNORECASE
)
_CONTROL = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without control characters, also those that turn the direction around. Raises LinksNotTaken."""
    text = _CONTROL.sub(" ", text).strip()
    if _LINK.search(text):
        raise LinksNotTaken
    return text


def require_open(delivered_at: datetime | None, received: int, written_at: datetime | None, now: datetime) -> None:
    """Whether a line of which `received` units were sent may be reviewed, for the first time or (`written_at`) again.
    Raises NotDelivered, ReviewClosed."""
    if delivered_at is None or received <= 0:
        raise NotDelivered
    until = delivered_at + WRITE_FOR if written_at is None else written_at + EDIT_FOR
    if now >= until:
        raise ReviewClosed
