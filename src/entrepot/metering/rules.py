"""What use costs. Pure: whole units, prices in millionths of a minor unit, and one rounding, `line_minor`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from entrepot.kit.money import exponent
from entrepot.metering.types import Line, Meter, Rate, Used

MICRO = 10**6
DECIMALS = 6
"""Of a price, below a minor unit: 0.00000001 dollars is the smallest."""
_WRITTEN = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,9}))?")


class Span(NamedTuple):
    """The units from `start` up to `stop` of a month, at a price."""

    rate: Rate
    start: int
    stop: int


class Rates:
    """Prices, to be asked which of them a day has."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._of: dict[tuple[str, str, str], list[Rate]] = {}
        for rate in sorted(rates, key=lambda rate: rate.valid_from):
            self._of.setdefault((rate.meter, rate.currency, rate.filter), []).append(rate)

    def at(self, meter: str, currency: str, filter_: str, day: date) -> Rate | None:
        """The latest price of a filter that counts on a day, or else the one for all."""
        for which in dict.fromkeys((filter_, "")):
            begun = [rate for rate in self._of.get((meter, currency, which), ()) if rate.valid_from <= day]
            if begun:
                return begun[-1]
        return None


def month_of(day: date) -> date:
    return day.replace(day=1)


def following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def line_minor(quantity: int, rate_micro: int) -> int:
    """What a line of a bill costs: units times price, half a minor unit rounded up. Nothing else of a bill is rounded
    but its tax: an hour or a day never is."""
    return (quantity * rate_micro + MICRO // 2) // MICRO


def lines(
    used: Sequence[Used], meters: Mapping[str, Meter], rates: Rates, billed: Mapping[tuple[str, str, date], int]
) -> list[Line]:
    """The lines of one seller's bill in one currency. `billed` is how much of a meter, filter and month earlier bills
    have: what comes late goes on in the tiers where they ended."""
    found = list[Line]()
    together: dict[tuple[str, str, date], list[Used]] = {}
    for one in sorted(used, key=lambda one: one.day):
        together.setdefault((one.meter, one.filter, month_of(one.day)), []).append(one)
    for (meter, filter_, month), days in sorted(together.items()):
        for span in _spans(meters[meter].combine, days, rates, billed.get((meter, filter_, month), 0)):
            for over, quantity, rate_micro in _tiers(span):
                found.append(
                    Line(
                        meter, filter_, month, span.rate.filter, span.rate.valid_from, over, quantity, rate_micro,
                        line_minor(quantity, rate_micro),
                    )
                )  # fmt: skip
    return found


def _spans(combine: str, days: Sequence[Used], rates: Rates, start: int) -> list[Span]:
    """Each day's use by the price of that day, counted on from `start`. The largest use of a month has the price of the
    first day that reached it; where an earlier bill has some of it, only the rest is left."""
    spans = list[Span]()
    if combine == "max":
        peak = max(days, key=lambda day: (day.most, -day.day.toordinal()))
        days = [peak] if peak.most > start else []
    for one in days:
        stop = one.most if combine == "max" else start + one.by(combine)
        rate = rates.at(one.meter, one.currency, one.filter, one.day)
        assert rate is not None, "what has no price is not taken, and no price goes away"
        if spans and spans[-1].rate is rate:
            spans[-1] = Span(rate, spans[-1].start, stop)
        else:
            spans.append(Span(rate, start, stop))
        start = stop
    return spans


def _tiers(span: Span) -> Iterator[tuple[int, int, int]]:
    """(over, units, price of one) of the tiers that a span reaches."""
    ends = [*span.rate.over[1:], max(span.stop, span.rate.over[-1])]
    for over, end, rate_micro in zip(span.rate.over, ends, span.rate.rates_micro, strict=True):
        units = min(span.stop, end) - max(span.start, over)
        if units > 0:
            yield over, units, rate_micro


def micro_of(text: str, currency: str) -> int:
    """Millionths of a minor unit of a price as people write it: 0.0004. Raises ValueError for anything else."""
    written = _WRITTEN.fullmatch(text)
    decimals = (written[2] or "") if written else ""
    most = exponent(currency) + DECIMALS
    if written is None or len(decimals) > most:
        raise ValueError("no price of this currency")
    return int(written[1] + decimals.ljust(most, "0"))


def written(rate_micro: int, currency: str) -> str:
    """The same the other way: 40000 of USD is 0.0004, a whole cent 0.01."""
    digits = exponent(currency)
    whole, rest = divmod(rate_micro, 10 ** (digits + DECIMALS))
    decimals = f"{rest:0{digits + DECIMALS}d}".rstrip("0").ljust(digits, "0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def flaw(over: Sequence[int]) -> str | None:
    """What is wrong with tiers, which begin at 0 and rise."""
    if over[0] != 0 or any(low >= high for low, high in pairwise(over)):
        return "tiers begin with over 0 and rise - at `$.tiers`"
    return None
