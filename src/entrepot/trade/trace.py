"""Landed cost in words: every step with its figures and where it stands, as a customs broker would check it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from entrepot.kit.money import Money
from entrepot.trade.types import Assessed, Landed


class Step(msgspec.Struct, frozen=True):
    """A step of the `line` (from 1; 0 for the whole consignment): value, duty, tax, rate or estimate."""

    line: int
    step: str
    text: str
    source: str


def steps(landed: Landed) -> list[Step]:
    """All steps of a quote, line by line."""
    found: list[Step] = []
    if not landed.lines:
        return [Step(0, "value", "Nothing is imported: both countries are in one customs territory.", "")]
    if landed.currency != landed.customs_currency:
        rate = f"1 {landed.currency} = {landed.rate:.6f} {landed.customs_currency}"
        found.append(Step(0, "rate", rate, "European Central Bank, euro reference rates"))
    for number, line in enumerate(landed.lines, 1):
        found += [Step(number, *step) for step in _of_line(landed, line)]
    found += [Step(0, "estimate", why, "") for why in landed.why]
    return found


def _of_line(landed: Landed, line: Assessed) -> Iterator[tuple[str, str, str]]:
    def money(minor: int) -> str:
        return str(Money(minor, landed.customs_currency))

    parts = f"goods {money(line.goods_minor)}"
    if landed.basis == "CIF":
        parts += f" + transport and insurance {money(line.transport_minor)}"
    yield "value", f"{line.code}: {parts} = {money(line.customs_value_minor)} ({landed.basis})", ""
    if line.duty_relief:
        yield "duty", money(line.duty_minor), line.duty_relief
    else:
        taken = f"{line.expression} of {money(line.customs_value_minor)} = {money(line.duty_minor)}"
        yield "duty", f"{taken} ({line.program})", line.source
    if line.tax_name:
        taken = f"{line.tax_name} {_percent(line.tax_rate)} of {money(line.tax_base_minor)} = {money(line.tax_minor)}"
        yield "tax", taken, line.tax_relief or line.tax_source


def _percent(rate: Decimal) -> str:
    return f"{rate.normalize():f}%"
