"""How a chargeback falls on orders and parties. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from entrepot.chargebacks.types import Rule, Taken
from entrepot.kit.money import allocate
from entrepot.orders import Sold


def split(amount_minor: int, sold: Sequence[Sold]) -> list[int]:
    """What of an amount falls on each order: by what is left of each, by largest remainder."""
    return allocate(amount_minor, [one.left_minor for one in sold])


def liable_of(rules: Iterable[Rule], market: str, seller_id: UUID, reason: str) -> str:
    """Who bears it, by rules in the order in which they were made: that which names the seller, else the market, else
    the reason; the latest of those that say as much. Without one the operator does."""
    fit = [
        rule
        for rule in rules
        if rule.market in (None, market) and rule.seller_id in (None, seller_id) and rule.reason in (None, reason)
    ]
    if not fit:
        return "operator"
    return max(reversed(fit), key=_weight).liable


def _weight(rule: Rule) -> tuple[bool, bool, bool, float]:
    named = (rule.seller_id is not None, rule.market is not None, rule.reason is not None)
    return (*named, rule.valid_from.timestamp())


def drawn(lost_minor: int, parts: Sequence[Taken]) -> list[int]:
    """What of a loss each part bears, one after another until it is covered."""
    found = []
    for part in parts:
        found.append(min(lost_minor, part.taken_minor))
        lost_minor -= found[-1]
    return found


def letter(said: Iterable[tuple[str, str, str]]) -> str:
    """What the bank reads, of what was said by whom, and the names of the files that were shown."""
    return "\n\n".join(
        f"{party}: {text}" + (f"\n(file: {file_name})" if file_name else "") for party, text, file_name in said
    )
