"""Which rule applies and what it takes. Pure; whole minor units, rounded half up, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.fees.types import NewRule, Rule, SellerFacts, Subject


class Fees(NamedTuple):
    """What a quote needs to know of fees in a market at a time: its rules in their order, the categories above those
    of its offers (only when a rule asks for one), and what is known of its sellers (only what matters)."""

    rules: Sequence[Rule] = ()
    above: Mapping[int, tuple[int, ...]] = {}
    sellers: Mapping[UUID, SellerFacts] = {}

    def of(self, kind: str, market: str, seller_id: UUID, category_id: int = 0) -> Rule | None:
        """The first rule of a kind that fits."""
        if not self.rules:
            return None
        volume = self.sellers.get(seller_id, SellerFacts()).volume_minor
        subject = Subject(market, seller_id, self.above.get(category_id, ()), volume)
        return next((rule for rule in self.rules if rule.kind == kind and failing(rule, subject) is None), None)


def failing(rule: Rule, subject: Subject) -> str | None:
    """The first condition of a rule that a subject does not meet; None when it fits."""
    if rule.market is not None and rule.market != subject.market:
        return "market"
    if rule.seller_id is not None and rule.seller_id != subject.seller_id:
        return "seller"
    if rule.category_id is not None and rule.category_id not in subject.categories:
        return "category"
    if rule.volume_from_minor is not None and rule.volume_from_minor > subject.volume_minor:
        return "volume"
    return None


def charge(rule: Rule, base_minor: int, units: int = 1) -> int:
    """What a rule takes of so much, sold as so many units.

    15 % up to 100.00 and 8 % of what is over it, 0.30 for each unit: of two for 250.00 together 15.00 + 12.00 + 0.60.
    """
    parts = 0
    for i, rate in enumerate(rule.rates_bp):
        upto = rule.over_minor[i + 1] if i + 1 < len(rule.over_minor) else base_minor
        parts += max(0, min(base_minor, upto) - rule.over_minor[i]) * rate
    amount = max((parts + 5_000) // 10_000 + rule.fixed_minor * units, rule.min_minor)
    if rule.max_minor is not None:
        amount = min(amount, rule.max_minor)
    return min(amount, base_minor)


def shadows(rule: Rule, other: Rule | NewRule, categories: Sequence[int]) -> bool:
    """Whether a rule that comes first leaves nothing to another of its kind; `categories` are the other's own and all
    that it lies in."""
    if rule.kind != other.kind or other.valid_from is None:
        return False
    until = rule.valid_to is None or (other.valid_to is not None and other.valid_to <= rule.valid_to)
    return (
        rule.market in (None, other.market)
        and rule.seller_id in (None, other.seller_id)
        and (rule.category_id is None or (other.category_id is not None and rule.category_id in categories))
        and (rule.volume_from_minor or 0) <= (other.volume_from_minor or 0)
        and rule.valid_from <= other.valid_from
        and until
    )


def flaw(new: NewRule) -> str | None:
    """What is wrong with a rule in itself, in words."""
    amounts = new.volume_from_minor or new.fixed_minor or new.min_minor or new.max_minor is not None
    if new.over_minor[0] != 0 or sorted(set(new.over_minor)) != new.over_minor:
        return "tiers begin with what is over 0, and each is over more than the one before - at `$.tiers`"
    if new.market is None and (amounts or len(new.over_minor) > 1):
        return "amounts are of a currency: name a market - at `$.market`"
    if new.max_minor is not None and new.max_minor < new.min_minor:
        return "less than min_minor - at `$.max_minor`"
    if new.kind != "commission" and new.category_id is not None:
        return "only a commission depends on a category - at `$.category_id`"
    if new.valid_to is not None and new.valid_from is not None and new.valid_to <= new.valid_from:
        return "must be later than valid_from - at `$.valid_to`"
    return None


def bounds(month: date) -> tuple[datetime, datetime]:
    """When the month of this first day begins and the next one does, in UTC."""
    following = (month + timedelta(days=31)).replace(day=1)
    return datetime.combine(month, time(), UTC), datetime.combine(following, time(), UTC)
