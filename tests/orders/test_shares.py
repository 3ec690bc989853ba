"""Shares of parts: whatever is taken in whatever steps, nothing is lost, invented or left over."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.ids import NIL
from entrepot.orders import papers, shares
from entrepot.orders.store import OrderLineRow
from entrepot.orders.store_borders import CanceledRow
from entrepot.orders.store_parts import Amounts, LeftRow
from entrepot.orders.types import AmountNotLeft, LineNotThere, UnitsTaken

NOTHING = Amounts(0, 0, 0, 0, 0, 0)


def line(
    no: int, units: int, paid: int, discount: int = 0, commission: int = 0, bundle: int = 0, per: int = 1
) -> LeftRow:
    return LeftRow(no, bundle, per, no, units, paid, paid, discount, commission, 0, commission, 0, paid * 19 // 119)


def after(rows: list[LeftRow], taken: dict[int, shares.Share]) -> list[LeftRow]:
    """The lines as the database would show them next."""
    left = []
    for row in rows:
        gone = taken.get(row.line_no, shares.Share(0, 0, 0, 0, 0, 0, 0))
        left.append(
            msgspec.structs.replace(
                row,
                units=row.units - gone.units,
                paid_minor=row.paid_minor - gone.paid_minor,
                operator_discount_minor=row.operator_discount_minor - gone.operator_discount_minor,
                commission_minor=row.commission_minor - gone.commission_minor,
                fee_taken_minor=row.fee_taken_minor + gone.payment_fee_minor,
                tax_taken_minor=row.tax_taken_minor + gone.fee_tax_minor,
                withheld_minor=row.withheld_minor - gone.withheld_minor,
            )
        )
    return left


lines = st.builds(
    line, st.just(1), st.integers(1, 12), st.integers(0, 10_000), st.integers(0, 500), st.integers(0, 900)
)  # fmt: skip


@given(
    st.lists(lines, min_size=1, max_size=4), st.integers(0, 400), st.integers(0, 99), st.randoms(use_true_random=False)
)
def test_parts_of_all_units_are_all_of_it(rows: list[LeftRow], fee: int, tax: int, chance: Random) -> None:
    """Units and amounts are taken in any steps: no share is negative or more than was left, and the last unit has what
    all others left."""
    rows = [msgspec.structs.replace(row, line_no=number) for number, row in enumerate(rows, 1)]
    whole = shares.total([
        Amounts(r.paid_minor, r.operator_discount_minor, r.commission_minor, 0, 0, r.withheld_minor) for r in rows
    ])  # fmt: skip
    taken = [NOTHING]
    while any(row.units for row in rows):
        rest = shares.left(rows, fee, tax)
        row = chance.choice([row for row in rows if row.units])
        if row.paid_minor and chance.random() < 0.3:
            part = shares.of_amount(rows, rest, row.line_no, chance.randint(1, row.paid_minor))
        else:
            part = shares.of_units(rest, {row.line_no: chance.randint(1, row.units)})
        for number, share in part.items():
            assert min(msgspec.structs.astuple(share)) >= 0
            assert min(msgspec.structs.astuple(shares.less(rest[number], share))) >= 0
        taken += part.values()
        rows = after(rows, part)
    assert shares.total(taken) == Amounts(
        whole.paid_minor, whole.operator_discount_minor, whole.commission_minor, fee, tax, whole.withheld_minor
    )  # fmt: skip


def test_each_takes_of_what_is_left() -> None:
    """Of 100 for three: 33, then 10 of the other 67, then 28 and 29 of 57."""
    rows, found = [line(1, 3, 100, 20, 10)], []
    for units, amount in ((1, 0), (0, 10), (1, 0), (1, 0)):
        rest = shares.left(rows, 7, 4)
        part = shares.of_units(rest, {1: units}) if units else shares.of_amount(rows, rest, 1, amount)
        found.append(msgspec.structs.astuple(part[1])[:5])
        rows = after(rows, part)
    assert found == [(33, 6, 3, 2, 1), (10, 2, 1, 0, 0), (28, 6, 3, 2, 1), (29, 6, 3, 3, 2)]


def test_what_is_not_left_is_not_taken() -> None:
    rows = [line(1, 2, 100), line(2, 4, 50, bundle=1, per=2), line(3, 2, 30, bundle=1)]
    rest = shares.left(rows, 0, 0)
    with pytest.raises(UnitsTaken) as units:
        shares.of_units(rest, {1: 3})
    assert (units.value.line_no, units.value.left) == (1, 2)
    with pytest.raises(LineNotThere):
        shares.of_units(rest, {4: 1})
    with pytest.raises(AmountNotLeft) as amount:
        shares.of_amount(rows, rest, 2, 81)
    assert amount.value.left_minor == 80


def test_a_bundle_is_a_whole() -> None:
    """It is named by its first component, and of all its components as many are taken as are in it. An amount is split
    over them by what was paid for each."""
    rows = [line(1, 2, 100), line(2, 4, 50, bundle=1, per=2), line(3, 2, 30, bundle=1)]
    assert shares.with_components(rows, {1: 2, 2: 2}) == {1: 2, 2: 4, 3: 2}
    with pytest.raises(LineNotThere):
        shares.with_components(rows, {3: 1})
    taken = shares.of_amount(rows, shares.left(rows, 0, 0), 2, 9)
    assert {number: share.paid_minor for number, share in taken.items()} == {2: 6, 3: 3}


@given(st.integers(1, 10_000), st.integers(0, 500), st.integers(0, 900), st.integers(0, 90), st.data())
def test_what_goes_back_and_what_is_kept_are_the_part(
    paid: int, discount: int, commission: int, fee: int, data: st.DataObject
) -> None:
    part = Amounts(paid, discount, commission, fee, fee // 5, paid * 19 // 119)
    back_minor = data.draw(st.integers(0, paid))
    back = shares.portion(part, back_minor, paid)
    kept = shares.less(part, back)
    assert shares.total([back, kept]) == part
    assert back.paid_minor == back_minor
    assert min(msgspec.structs.astuple(back) + msgspec.structs.astuple(kept)) >= 0
    if back_minor in (0, paid):
        assert back == (part if back_minor else NOTHING)
    # The share of each is that of the money, rounded down.
    assert back.commission_minor * paid <= commission * back_minor < (back.commission_minor + 1) * paid


def test_papers_have_what_the_canceled_units_left() -> None:
    """600 less 500 of discount for 6 units: one is canceled for 16, another for 16 of the 84; 68 are left of 4, where
    anew they would be 67. Of 7 for the transport 4 go with them, rounded down, and the goods have the rest."""
    bought = OrderLineRow(NIL, 1, 0, "", "", 1, 1, "", "", 6, "each", 1, 100, 0, 600, 500, 0)
    left = papers.left_of(bought, CanceledRow(1, 2, 32))
    assert (left.quantity, left.gross_minor - left.discount_minor, left.shipping_minor) == (4, 68, 0)
    sent = papers.left_of(msgspec.structs.replace(bought, shipping_minor=7), CanceledRow(1, 2, 17 + 18))
    assert (sent.gross_minor - sent.discount_minor, sent.shipping_minor) == (68, 4)
    assert papers.left_of(bought, CanceledRow(1, 6, 100)).quantity == 0
