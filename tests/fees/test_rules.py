"""Which rule applies and what it takes, against a model that is as plain as can be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.fees import NewRule, Rule, bounds, charge
from entrepot.fees.rules import Fees, failing, flaw, shadows
from entrepot.fees.types import SellerFacts, Subject

START, ADA, BOB = datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1), UUID(int=2)


def rule(id_: int = 1, **fields: object) -> Rule:
    plain = Rule(id_, "commission", id_, "Rule", None, None, None, None, START, None, [0], [1_000], 0, 0, None, "tests")
    return msgspec.structs.replace(plain, **fields)


@given(
    st.lists(st.integers(1, 5_000), max_size=3, unique=True), st.lists(st.integers(0, 10_000), min_size=4, max_size=4),
    st.integers(0, 12_000), st.integers(1, 9), st.integers(0, 50), st.integers(0, 300), st.integers(0, 900) | st.none(),
)  # fmt: skip
def test_a_charge_is_that_of_each_unit_of_money(
    over: list[int], rates: list[int], base: int, units: int, fixed: int, least: int, above: int | None
) -> None:
    """Each minor unit is taken of at the rate of the tier that it lies in; the sum is rounded once."""
    steps = [0, *sorted(over)]
    tiers = rule(
        over_minor=steps, rates_bp=rates[: len(steps)], fixed_minor=fixed, min_minor=least,
        max_minor=None if above is None else least + above,
    )  # fmt: skip
    exact = sum(
        (Decimal(rates[max(i for i, step in enumerate(steps) if step <= unit)]) for unit in range(base)), Decimal(0)
    )
    rounded = int((exact / 10_000).quantize(Decimal(1), ROUND_HALF_UP)) + fixed * units
    bounded = max(rounded, least) if above is None else min(max(rounded, least), least + above)
    assert charge(tiers, base, units) == min(bounded, base)


def test_the_first_that_fits_applies() -> None:
    rules = [
        rule(1, market="de"), rule(2, seller_id=BOB), rule(3, category_id=7),
        rule(4, volume_from_minor=500, market="us"), rule(5, kind="payment_fee"), rule(6),
    ]  # fmt: skip
    above = {70: (7, 70), 80: (80,)}
    fees = Fees(rules, above, {ADA: SellerFacts(500)})
    assert [fees.of("commission", "us", *of).id for of in ((ADA, 70), (ADA, 80), (BOB, 70))] == [3, 4, 2]  # type: ignore[union-attr]
    assert fees.of("payment_fee", "us", ADA) == rules[4]
    assert Fees(rules[:5], above).of("commission", "us", ADA, 80) is None
    subject = Subject("us", ADA, (80,), 499)
    assert [failing(one, subject) for one in rules[:4]] == ["market", "seller", "category", "volume"]


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ({}, {"market": "us", "seller_id": ADA}, True),
        ({"market": "us"}, {}, False),
        ({"category_id": 7}, {"category_id": 70}, True),
        ({"category_id": 70}, {"category_id": 7}, False),
        ({"volume_from_minor": 5}, {"volume_from_minor": 9}, True),
        ({"volume_from_minor": 9}, {"volume_from_minor": 5}, False),
        ({"valid_to": datetime(2026, 2, 1, tzinfo=UTC)}, {}, False),
        ({"kind": "payment_fee"}, {}, False),
        ({"valid_from": datetime(2026, 1, 2, tzinfo=UTC)}, {}, False),
    ],
)
def test_what_an_earlier_rule_leaves(first: dict[str, object], second: dict[str, object], *, hidden: bool) -> None:
    above = {70: (7, 70), 7: (7,)}
    other = rule(2, **second)
    assert shadows(rule(1, **first), other, above.get(other.category_id or 0, ())) is hidden


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"over_minor": [1]}, "tiers"),
        ({"over_minor": [0, 5, 5], "rates_bp": [1, 2, 3]}, "tiers"),
        ({"fixed_minor": 1}, "market"),
        ({"over_minor": [0, 5], "rates_bp": [1, 2]}, "market"),
        ({"market": "us", "min_minor": 5, "max_minor": 4}, "max_minor"),
        ({"kind": "payment_fee", "category_id": 1}, "category_id"),
        ({"valid_from": START, "valid_to": START}, "valid_to"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, object], said: str) -> None:
    new = NewRule("commission", 1, "Rule", "tests", [0], [100])
    assert flaw(new) is None
    assert f"$.{said}" in (flaw(msgspec.structs.replace(new, **fields)) or "")


def test_a_month_ends_where_the_next_begins() -> None:
    assert bounds(date(2026, 12, 1)) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert bounds(date(2028, 2, 1))[1] == datetime(2028, 3, 1, tzinfo=UTC)
