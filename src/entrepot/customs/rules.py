"""Periods of schemes, the lines of a return and its file. No I/O."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from io import StringIO

from entrepot.customs.types import Line, Period, PeriodNotValid
from entrepot.kit.money import Money, exponent
from entrepot.orders import TaxEntry

MONTHLY = frozenset({"IOSS", "CN"})
"""The others are quarterly: OSS, and those of the UK, Australia, New Zealand and Singapore, whose returns have forms of
their own (VAT, GST) that these figures go into."""
DECLARED_IN = {"IOSS": "EUR", "OSS": "EUR", "UK": "GBP", "AU": "AUD", "NZ": "NZD", "SG": "SGD", "CN": "CNY"}
CORRECTED_WITHIN_Y = 3
"""Years after a return was due in which a later one may correct it (Directive 2006/112/EC, 369g(4) and 369t(2))."""
COLUMNS = (
    "scheme", "number", "period_from", "period_to", "corrects_period_from", "member_state_of_consumption",
    "vat_rate_percent", "currency", "taxable_amount", "vat_amount", "collected_in", "collected_base", "collected_vat",
    "remark",
)  # fmt: skip


def period_of(scheme: str, day: date) -> Period:
    """The period of a scheme that a day is in."""
    months = 1 if scheme in MONTHLY else 3
    first = date(day.year, day.month - (day.month - 1) % months, 1)
    following = _month_after(first, months)
    return Period(first, following - timedelta(days=1), _month_after(following, 1) - timedelta(days=1))


def period_from(scheme: str, first_day: date) -> Period:
    """Raises PeriodNotValid."""
    found = period_of(scheme, first_day)
    if found.first_day != first_day:
        raise PeriodNotValid
    return found


def _month_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def lines_of(scheme: str, period: Period, entries: Iterable[TaxEntry], rates: Mapping[str, Decimal]) -> list[Line]:
    """The lines of a return. What went back of a sale of the same period is not in it; of an earlier one it corrects
    that period. `rates` say what one unit of the declared currency is in another."""
    sums: dict[tuple[date | None, str, int, str], tuple[int, int]] = {}
    for entry in entries:
        begin = period_of(scheme, entry.sold_on).first_day
        key = (None if begin == period.first_day else begin, entry.country, entry.rate_bp, entry.currency)
        base, tax = sums.get(key, (0, 0))
        sums[key] = (base + entry.base_minor, tax + entry.tax_minor)
    declared = DECLARED_IN[scheme]
    found = []
    for key in sorted(sums, key=lambda key: (key[0] is not None, key[0] or date.min, *key[1:])):
        (corrects, country, rate_bp, currency), (base, tax) = key, sums[key]
        if not base and not tax:
            continue
        late = corrects is not None and period.last_day > _years_after(period_of(scheme, corrects).due_on)
        amounts = [_declared(minor, currency, declared, rates) for minor in (base, tax)]
        found.append(Line(country, rate_bp, currency, base, tax, corrects, late, *amounts))
    return found


def _years_after(day: date) -> date:
    return day.replace(year=day.year + CORRECTED_WITHIN_Y, day=min(day.day, 28))


def _declared(minor: int, currency: str, declared: str, rates: Mapping[str, Decimal]) -> int | None:
    if currency == declared:
        return minor
    if currency not in rates:
        return None
    shift = exponent(declared) - exponent(currency)
    return int((Decimal(minor).scaleb(shift) / rates[currency]).to_integral_value(ROUND_HALF_UP))


def to_csv(scheme: str, number: str, period: Period, lines: Sequence[Line]) -> str:
    """The return as a file: the fields that the return asks for, a line for each country and rate, and beside each
    what it was collected in."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    declared = DECLARED_IN[scheme]
    for line in lines:
        writer.writerow((
            scheme, number, period.first_day, period.last_day, line.corrects or "", line.country,
            f"{Decimal(line.rate_bp).scaleb(-2):f}", declared, _amount(line.declared_base_minor, declared),
            _amount(line.declared_tax_minor, declared), line.currency, _amount(line.base_minor, line.currency),
            _amount(line.tax_minor, line.currency), _remark(line),
        ))  # fmt: skip
    return out.getvalue()


def _remark(line: Line) -> str:
    if line.late:
        return "older than three years: to be claimed from the member state itself"
    return "no exchange rate: to be filled in" if line.declared_tax_minor is None else ""


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(Money(minor, currency)).removesuffix(f" {currency}")
