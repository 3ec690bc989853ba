"""Money: whole minor units of one currency. No float comes near it, and every rounding has a name.

Exponents are those of ISO 4217 (amendment 176): 2 unless listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
MAX_MINOR = 10**15
"""No single amount is larger than this: sums of a thousand of them still fit a bigint."""

# After a comma three digits could be thousands.
_WRITTEN = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,3})|,([0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units of `currency` (ISO 4217 code). Adding two currencies raises ValueError."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} is not {other.currency}")
        return Money(self.minor + other.minor, self.currency)

    def __str__(self) -> str:
        digits = exponent(self.currency)
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}{f'.{rest:0{digits}d}' if digits else ''} {self.currency}"


def exponent(currency: str) -> int:
    """Decimal digits of a currency's minor unit: JPY 0, USD 2, KWD 3."""
    return EXPONENTS.get(currency, 2)


def minor_of(text: str, currency: str) -> int:
    """Minor units of an amount as people write it: 25, 25.5 or 25,50. Raises ValueError for anything else, such as a
    sign, a separator of thousands or more decimals than the currency has."""
    written = _WRITTEN.fullmatch(text)
    decimals = (written[2] or written[3] or "") if written else ""
    if written is None or len(decimals) > exponent(currency):
        raise ValueError("no amount of this currency")
    return int(written[1] + decimals.ljust(exponent(currency), "0"))


def share_bp(minor: int, rate_bp: int) -> int:
    """`rate_bp` basis points of a non-negative amount, rounded half up to a minor unit."""
    return (minor * rate_bp + 5_000) // 10_000


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split in proportion to non-negative `weights` by largest remainder; the parts sum to it exactly.

    Ties go to the earlier part; weights that are all zero count as equal. Raises ValueError for a negative total
    or weight, and for no weights with something to split.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("total and weights must not be negative")
    if not weights:
        if total:
            raise ValueError("nothing to split over")
        return []
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
