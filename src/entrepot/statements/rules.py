"""From what an account moved, by day and code, to what people read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from entrepot.ledger import Flow
from entrepot.payments import GROUPS, kind_of
from entrepot.statements.types import DayTotal, GroupTotal, KindTotal, Month


def first_of(month: Month) -> date:
    return date.fromisoformat(f"{month}-01")


def following(first: date, by: int = 1) -> date:
    """The first of the month so many months later."""
    number = first.year * 12 + first.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def last_of(month: Month) -> date:
    return following(first_of(month)) - timedelta(days=1)


def month_of(day: date) -> Month:
    return f"{day:%Y-%m}"


def number_of(month: Month, currency: str, seller_id: UUID) -> str:
    """The number of a closed statement: there is one per seller, currency and month, so it says which."""
    return f"{month}-{currency}-{seller_id.hex[-8:].upper()}"


def by_group(flows: Iterable[Flow]) -> list[GroupTotal]:
    """Totals by group, in the order of payments.GROUPS, and in them by code; none is left out."""
    totals = dict[tuple[str, str], tuple[int, int]]()
    for flow in flows:
        code = flow.code or ""
        key = (kind_of(code).group, code)
        entries, amount = totals.get(key, (0, 0))
        totals[key] = entries + flow.entries, amount + flow.amount_minor
    found = []
    for group in GROUPS:
        kinds = [KindTotal(code, *totals[of, code]) for of, code in sorted(totals) if of == group]
        if kinds:
            entries, amount = sum(k.entries for k in kinds), sum(k.amount_minor for k in kinds)
            found.append(GroupTotal(group, entries, amount, kinds))
    return found


def by_day(flows: Sequence[Flow], opening_minor: int, first: date, last: date) -> list[DayTotal]:
    """Totals of each day on which something moved. Where the clock changed with the month, what is not of its days by
    the old one is of the nearest."""
    days = dict[date, dict[str, int]]()
    for flow in flows:
        assert flow.day is not None, "what came after the month is no part of it"
        groups = days.setdefault(min(max(flow.day, first), last), {})
        group = kind_of(flow.code or "").group
        groups[group] = groups.get(group, 0) + flow.amount_minor
    found, balance = [], opening_minor
    for day, groups in sorted(days.items()):
        moved = sum(groups.values())
        balance += moved
        found.append(DayTotal(day, groups, moved, balance))
    return found
