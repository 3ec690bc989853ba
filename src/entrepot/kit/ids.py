"""Ids: UUIDv7 inside, `ord_0192...` outside.

A UUIDv7 starts with its time in milliseconds, so that rows made together lie together.
Outside the system an id carries a three-letter prefix that says what it is (`show`, `parse`, `Ref`).
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime
from uuid import UUID

from msgspec import Meta

END = r"$(?!\n)"
"""The end of a pattern in a Meta: Python's `$` alone would let a line feed follow."""

NIL = UUID(int=0)
"""The owner of the house's own accounts, and the caller of actions that nobody called."""


_COUNTER_BITS = 26
_DIGITS = re.compile("[0-9a-f]{32}")
_latest = (0, 0)


def new_id(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562) of the time `now` (aware, millisecond precision), a counter and 48 random bits.

    Ids that one process makes in one millisecond, and none of another between them, sort in the order in which they
    were made."""
    global _latest
    ms = int(now.timestamp() * 1000)
    counter = _latest[1] + 1 if _latest[0] == ms else int.from_bytes(os.urandom(2), "big")
    assert counter < 1 << _COUNTER_BITS, "over 67 million ids in a millisecond"
    _latest = (ms, counter)
    high = (ms << 16) | 0x7000 | (counter >> 14)
    low = 0x8000_0000_0000_0000 | ((counter & 0x3FFF) << 48) | int.from_bytes(os.urandom(6), "big")
    return UUID(int=(high << 64) | low)


def named_id(at: datetime, name: str) -> UUID:
    """The id of what `name` says happened at `at`: a UUIDv7 that is the same each time, so that a primary key can
    decide what is done once."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10], "big")
    high = (int(at.timestamp() * 1000) << 16) | 0x7000 | (digest >> 68)
    return UUID(int=(high << 64) | 0x8000_0000_0000_0000 | (digest & ((1 << 62) - 1)))


def first_id(at: datetime) -> UUID:
    """Not above any id of the time `at` or later, and above those of every millisecond before it."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def show(prefix: str, id_: UUID) -> str:
    """`show("ord", id)` is `ord_` and 32 hexadecimal digits."""
    return f"{prefix}_{id_.hex}"


def parse(prefix: str, shown: str) -> UUID:
    """The id behind what `show` gave. Raises ValueError for anything else."""
    head, _, digits = shown.partition("_")
    if head != prefix or not _DIGITS.fullmatch(digits):  # UUID and int take more than we show
        raise ValueError(f"not a {prefix}_ id")
    return UUID(hex=digits)


def ref(prefix: str) -> Meta:
    """The JSON Schema of a shown id, for `Annotated[str, ref("ord")]` in request bodies."""
    return Meta(pattern=f"^{prefix}_[0-9a-f]{{32}}{END}", examples=[f"{prefix}_{'0' * 32}"])
