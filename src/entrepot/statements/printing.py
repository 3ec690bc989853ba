"""A statement as a PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from entrepot.kit import printing
from entrepot.payments import FEES
from entrepot.sellers import Identity
from entrepot.statements import words
from entrepot.statements.rules import first_of, last_of
from entrepot.statements.types import DayTotal, GroupTotal, LineView, MonthStatement
from entrepot.statements.words import LABELS, Language

TEMPLATE: Final = Path(__file__).with_name("statement.typ")
PRINTED_MAX = 250
"""Of more movements none is printed singly: they are in the CSV, and here by day and kind."""
COLUMNS = {"sales": ("sales",), "refunds": ("refunds",), "fees": FEES, "payouts": ("payouts",)}
"""Of a day; whatever is in no column is in the last one."""


class Parties(NamedTuple):
    """Who sends it and for whom it is, as far as it is known; `shop` is what the seller calls itself."""

    house: Identity | None
    seller: Identity | None
    shop: str


def printed(
    found: MonthStatement, lines: Sequence[LineView], parties: Parties, made_at: datetime, language: Language
) -> bytes:
    """The PDF of a statement. `lines` are all of its lines, when there are at most PRINTED_MAX; else they are left out.
    See kit.printing."""
    single = lines if found.entries <= PRINTED_MAX else ()
    assert len(single) in (0, found.entries), "a statement is printed with all of its lines or with none"
    return printing.pdf(TEMPLATE, "statement", _data(found, single, parties, made_at, language))


def _data(
    found: MonthStatement, lines: Sequence[LineView], parties: Parties, made_at: datetime, language: Language
) -> dict[str, Any]:
    def bare(minor: int) -> str:
        return words.bare(minor, found.currency, language)

    return {
        "lang": language,
        "labels": {name: words.label(name, language) for name in LABELS},
        "month": words.month_name(first_of(found.month), language),
        "number": found.number,
        "currency": found.currency,
        "seller": found.seller_id,
        "period": f"{words.day(first_of(found.month), language)} - {words.day(last_of(found.month), language)}",
        "zone": found.zone,
        "made": words.moment(made_at, language) + " UTC",
        "house": _party(parties.house, "Entrepot", language),
        "party": _party(parties.seller, parties.shop, language),
        "opened": bare(found.opening_minor),
        "closed": bare(found.closing_minor),
        "opening": words.money(found.opening_minor, found.currency, language),
        "closing": words.money(found.closing_minor, found.currency, language),
        "reserved": words.money(found.reserved_minor, found.currency, language) if found.reserved_minor else None,
        "owes": found.closing_minor < 0,
        "groups": [_group(group, bare, language) for group in found.groups],
        "entries": words.number(found.entries, language),
        "moved": bare(found.closing_minor - found.opening_minor),
        "days": [_day(one, bare, language) for one in found.days],
        "bars": _bars(found),
        "sums": [bare(sum(_columns(one)[i] for one in found.days)) for i in range(len(COLUMNS) + 1)],
        "lines": [
            [
                words.moment(line.local, language), words.kind_name(line.code, language), line.cause,
                bare(line.amount_minor), bare(line.balance_minor),
            ]
            for line in lines
        ],
        "too_many": None if found.entries <= PRINTED_MAX else words.label("too_many", language).format(
            limit=words.number(PRINTED_MAX, language)
        ),
    }  # fmt: skip


def _party(who: Identity | None, otherwise: str, language: Language) -> dict[str, Any]:
    """Name, address and numbers. What nobody has said is not made up."""
    if who is None:
        return {"name": otherwise, "lines": [], "tax_id": "", "vat_id": ""}
    town = f"{who.postal_code} {who.city}" + (f", {who.region}" if who.region else "")
    lines = [line for line in (who.line1, who.line2, town, words.country(who.country, language)) if line]
    tax_id = f"{who.tax_id} ({who.tax_country})" if who.tax_id else ""
    return {"name": who.full_name, "lines": lines, "tax_id": tax_id, "vat_id": who.vat_id}


def _group(group: GroupTotal, bare: Callable[[int], str], language: Language) -> dict[str, Any]:
    return {
        "name": words.group_name(group.group, language),
        "entries": words.number(group.entries, language),
        "amount": bare(group.amount_minor),
        "kinds": [
            [words.kind_name(kind.code, language), words.number(kind.entries, language), bare(kind.amount_minor)]
            for kind in group.kinds
        ],
    }


def _day(one: DayTotal, bare: Callable[[int], str], language: Language) -> dict[str, Any]:
    amounts = [bare(minor) if minor else "" for minor in _columns(one)]
    return {"day": words.day(one.day, language), "amounts": [*amounts, bare(one.closing_minor)]}


def _bars(found: MonthStatement) -> list[int]:
    """The balance at the end of each day of the month, in thousandths of the highest."""
    high = max(abs(found.opening_minor), *(abs(one.closing_minor) for one in found.days), 1)
    closings, balance, bars = {one.day: one.closing_minor for one in found.days}, found.opening_minor, []
    for number in range(last_of(found.month).day):
        balance = closings.get(first_of(found.month) + timedelta(days=number), balance)
        bars.append(balance * 1_000 // high)
    return bars


def _columns(one: DayTotal) -> list[int]:
    told = [sum(one.by_group.get(group, 0) for group in groups) for groups in COLUMNS.values()]
    return [*told, one.amount_minor - sum(told)]
