"""What some units of an order, or an amount of a line, are worth to each side: frozen amounts taken apart, never
computed anew.

Each part takes its share of what the parts before it have left, rounded down: whatever is taken in whatever steps, the
last step leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from entrepot.kit.money import allocate
from entrepot.orders.store_parts import Amounts, LeftRow
from entrepot.orders.types import AmountNotLeft, LineNotThere, UnitsTaken


class Share(Amounts, frozen=True):
    """Units of a line with their amounts: what is in no part yet, or what a part takes. Without units it is an amount
    only."""

    units: int


def left(lines: Sequence[LeftRow], payment_fee_minor: int, fee_tax_minor: int) -> dict[int, Share]:
    """What is left of each line, by its number. The payment fee, which is the order's, is split over all lines by what
    was paid for them, and the tax on fees by what each line has of them."""
    fees = allocate(payment_fee_minor, [line.sold_for_minor for line in lines])
    taxes = allocate(fee_tax_minor, [line.charged_minor + fee for line, fee in zip(lines, fees, strict=True)])
    return {
        line.line_no: Share(
            line.paid_minor,
            line.operator_discount_minor,
            line.commission_minor,
            fee - line.fee_taken_minor,
            tax - line.tax_taken_minor,
            line.withheld_minor,
            line.units,
        )
        for line, fee, tax in zip(lines, fees, taxes, strict=True)
    }


def with_components(lines: Sequence[LeftRow], units: Mapping[int, int]) -> dict[int, int]:
    """Units by line, where a bundle is asked for as a whole, by the number of its first component: of each of its
    components as many as are in so many bundles. Raises LineNotThere."""
    bought, seen = dict[int, int](), set[int]()
    for line in lines:
        is_first = line.bundle_no not in seen
        seen.add(line.bundle_no)
        if line.bundle_no == 0 and line.line_no in units:
            bought[line.line_no] = units[line.line_no]
        elif line.bundle_no and is_first and line.line_no in units:
            together = [other for other in lines if other.bundle_no == line.bundle_no]
            bought |= {other.line_no: units[line.line_no] * other.price_per for other in together}
    for line_no in units:
        if line_no not in bought:
            raise LineNotThere(line_no)
    return bought


def of_units(rest: Mapping[int, Share], units: Mapping[int, int]) -> dict[int, Share]:
    """What so many units of lines have of what is left. Raises LineNotThere, UnitsTaken."""
    taken = {}
    for line_no, quantity in units.items():
        if line_no not in rest:
            raise LineNotThere(line_no)
        line = rest[line_no]
        if quantity > line.units:
            raise UnitsTaken(line_no, line.units)
        taken[line_no] = Share(*_astuple(portion(line, quantity, line.units)), quantity)
    return taken


def of_amount(lines: Sequence[LeftRow], rest: Mapping[int, Share], line_no: int, amount_minor: int) -> dict[int, Share]:
    """What an amount of what was paid for a line, which may be a bundle, has of what is left of it. Raises
    LineNotThere, AmountNotLeft."""
    chosen = list(with_components(lines, {line_no: 1}))
    paid = [rest[number].paid_minor for number in chosen]
    if amount_minor > sum(paid):
        raise AmountNotLeft(line_no, sum(paid))
    amounts = allocate(amount_minor, paid)
    return {
        number: Share(*_astuple(portion(rest[number], amount, of)), 0)
        for number, amount, of in zip(chosen, amounts, paid, strict=True)
        if amount
    }


def portion(whole: Amounts, n: int, of: int) -> Amounts:
    """`n` of `of` equal portions of amounts, each rounded down; of all portions all."""
    assert 0 <= n <= of, "a part is no more than the whole"
    if n == of:
        return Amounts(*_astuple(whole))
    return Amounts(*(amount * n // of for amount in _astuple(whole)))


def total(some: Iterable[Amounts]) -> Amounts:
    columns = zip(*(_astuple(amounts) for amounts in some), strict=True)
    return Amounts(*(sum(column) for column in columns))


def less(whole: Amounts, gone: Amounts) -> Amounts:
    return Amounts(*(a - b for a, b in zip(_astuple(whole), _astuple(gone), strict=True)))


def _astuple(amounts: Amounts) -> tuple[int, int, int, int, int, int]:
    return (
        amounts.paid_minor, amounts.operator_discount_minor, amounts.commission_minor, amounts.payment_fee_minor,
        amounts.fee_tax_minor, amounts.withheld_minor,
    )  # fmt: skip
