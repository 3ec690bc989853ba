"""Ids that say themselves: the same source row always becomes the same id, so that a second run adds nothing.

UUIDs have the shape of version 7: time first, then an ordinal and the source's own number in the random bits.
"""

from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from entrepot.world.completejourney.source import FIRST_DAY

CELL = 0
MARKET = "US"
CURRENCY = "USD"
OPENING = datetime.combine(FIRST_DAY - timedelta(days=1), datetime.min.time(), UTC)
"""Everything that must be there before the first basket is made at this time, a day ahead."""
STORES = 100_000
"""More than the largest number of a store, 34280; the numbers of products go to 17959460."""


class Kind(IntEnum):
    """What a number of the source counts."""

    SELLER = 1
    BUYER = 2
    BASKET = 3
    RECEIPT = 4
    TOP_UP = 5
    PLAN_FEE = 6


def uuid_of(kind: Kind, number: int, at: datetime = OPENING, ordinal: int = 0) -> UUID:
    """The UUID of the `ordinal`-th thing (at most 4095) of a `kind`'s `number` (below 2**56) at a time."""
    ms = int(at.timestamp() * 1000)
    return UUID(int=ms << 80 | 0x7 << 76 | ordinal << 64 | 0b10 << 62 | kind << 56 | number)


def offer_id(product_id: int, store_id: int) -> int:
    return product_id * STORES + store_id


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
