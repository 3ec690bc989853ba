"""What some units of an order are worth, and what goes back of them: frozen amounts taken apart, never computed anew.

Every share is a difference of cumulative floors: whatever is taken in whatever steps, the last step leaves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entrepot.kit.money import allocate
from entrepot.orders.store_parts import Amounts, UnitsRow


def of_units(amount_minor: int, quantity: int, taken: int, units: int) -> int:
    """What the next `units` of a line of `quantity` have of its amount, after `taken` others had theirs."""
    return amount_minor * (taken + units) // quantity - amount_minor * taken // quantity


def of_lines(lines: Sequence[UnitsRow], payment_fee_minor: int, wanted: Mapping[int, int]) -> Amounts:
    """What so many units of the lines (by number) of an order have of its amounts. The payment fee, which is the
    order's, is split over all lines by what was paid for them."""
    fees = allocate(payment_fee_minor, [line.paid_minor for line in lines])
    asked = [(line, fee, wanted[line.line_no]) for line, fee in zip(lines, fees, strict=True) if line.line_no in wanted]

    def total(amounts: Sequence[int]) -> int:
        return sum(
            of_units(amount, line.quantity, line.taken, units)
            for amount, (line, _, units) in zip(amounts, asked, strict=True)
        )

    return Amounts(
        total([line.paid_minor for line, _, _ in asked]),
        total([line.operator_discount_minor for line, _, _ in asked]),
        total([line.commission_minor for line, _, _ in asked]),
        total([fee for _, fee, _ in asked]),
    )


def going_back(part: Amounts, back_minor: int) -> Amounts:
    """What goes back with `back_minor` of a part's paid amount, each rounded down; with all of it, all of it."""
    assert 0 <= back_minor <= part.paid_minor
    return Amounts(
        back_minor,
        part.operator_discount_minor * back_minor // part.paid_minor,
        part.commission_minor * back_minor // part.paid_minor,
        part.payment_fee_minor * back_minor // part.paid_minor,
    )


def less(whole: Amounts, gone: Amounts) -> Amounts:
    return Amounts(
        whole.paid_minor - gone.paid_minor,
        whole.operator_discount_minor - gone.operator_discount_minor,
        whole.commission_minor - gone.commission_minor,
        whole.payment_fee_minor - gone.payment_fee_minor,
    )
