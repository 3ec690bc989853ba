"""Splitting and sharing money: nothing is lost, nobody is favored but by a named rule."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.money import MAX_MINOR, Money, allocate, exponent, minor_of, share_bp

weights = st.lists(st.integers(0, MAX_MINOR), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("total", "given", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),  # the odd cent goes to the earliest
        (101, [1, 1, 1], [34, 34, 33]),
        (100, [1, 2, 3], [17, 33, 50]),
        (10, [0, 3, 0, 3], [0, 5, 0, 5]),
        (5, [0, 0], [3, 2]),  # weights that say nothing are equal
        (1, [1, 1_000_000], [0, 1]),
        (0, [7, 0], [0, 0]),
        (0, [], []),
        (MAX_MINOR, [MAX_MINOR, MAX_MINOR - 1], [500_000_000_000_000, 500_000_000_000_000]),
    ],
)
def test_allocate(total: int, given: list[int], parts: list[int]) -> None:
    assert allocate(total, given) == parts


@given(st.integers(0, MAX_MINOR), weights)
def test_allocate_is_exact_and_fair(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    whole = sum(weights) or len(weights)
    shares = [Fraction(total * (weight if sum(weights) else 1), whole) for weight in weights]
    # Each part is its share rounded down or up, and no part was rounded up before a larger remainder.
    ups = [part - share.numerator // share.denominator for part, share in zip(parts, shares, strict=True)]
    rests = [share - share.numerator // share.denominator for share in shares]
    assert set(ups) <= {0, 1}
    ranked = sorted(range(len(parts)), key=lambda i: (-rests[i], i))
    assert [ups[i] for i in ranked] == sorted(ups, reverse=True)


@given(st.integers(0, 10_000), weights)
def test_a_weight_of_zero_gets_nothing(total: int, weights: list[int]) -> None:
    if any(weights):
        assert all(part == 0 for part, weight in zip(allocate(total, weights), weights, strict=True) if weight == 0)


@pytest.mark.parametrize(("total", "given"), [(-1, [1]), (1, [1, -1]), (1, [])])
def test_allocate_refuses(total: int, given: list[int]) -> None:
    with pytest.raises(ValueError, match=r"negative|nothing"):
        allocate(total, given)


def test_share_bp_rounds_half_up_everywhere() -> None:
    for minor in range(251):
        for rate_bp in range(0, 10_001, 25):
            exact = Fraction(minor * rate_bp, 10_000)
            found = share_bp(minor, rate_bp)
            assert found - Fraction(1, 2) <= exact < found + Fraction(1, 2), (minor, rate_bp)
    assert (share_bp(1, 5_000), share_bp(1, 4_999), share_bp(3_998, 1_000), share_bp(4_598, 150)) == (1, 0, 400, 69)


def test_money_shows_the_minor_units_of_its_currency() -> None:
    shown = [(5, "USD", "0.05 USD"), (-1_234, "EUR", "-12.34 EUR"), (1_500, "JPY", "1500 JPY"), (7, "KWD", "0.007 KWD")]
    for minor, currency, text in shown:
        assert str(Money(minor, currency)) == text
    assert (exponent("JPY"), exponent("USD"), exponent("BHD")) == (0, 2, 3)


def test_money_of_two_currencies_does_not_add() -> None:
    assert Money(1, "USD") + Money(2, "USD") == Money(3, "USD")
    with pytest.raises(ValueError, match="USD is not EUR"):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25", "USD", 2_500),
        ("25.5", "USD", 2_550),
        ("0,07", "EUR", 7),
        ("1.234", "KWD", 1_234),
        ("100", "JPY", 100),
        ("0", "USD", 0),
    ],
)
def test_an_amount_as_people_write_it(text: str, currency: str, minor: int) -> None:
    assert minor_of(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "USD"), ("-1", "USD"), ("1e3", "USD"), ("1.", "USD"), (".5", "USD"), ("1,000", "USD"), ("1,000", "KWD"),
        ("1.000,50", "EUR"), ("1.234", "USD"), ("1.5", "JPY"), ("1 ", "USD"), ("\u0661", "USD"), ("1\n", "USD"),
        ("9" * 17, "USD"),
    ],
)  # fmt: skip
def test_what_is_no_amount(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        minor_of(text, currency)
