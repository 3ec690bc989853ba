"""Converting amounts, whose rates count, and what is no file of rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.exchange import FileNotReadError, Lock, exchanged, providers, rules, shown_rate
from entrepot.kit.money import MAX_MINOR, exponent
from entrepot.trade import EuroRate

DAY = date(2026, 2, 27)
RATES = st.decimals(Decimal("0.0001"), Decimal(100_000), places=4)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD", "EUR"])


def lock(currency: str, per_euro: str, other: str, other_per_euro: str, spread_bp: int = 0) -> Lock:
    return Lock(currency, other, DAY, Decimal(per_euro), Decimal(other_per_euro), "tests", spread_bp)


@pytest.mark.parametrize(
    ("rates", "minor", "has"),
    [
        (lock("USD", "1.1172", "JPY", "175.68"), 1_000, 1_573),  # 10 / 1.1172 * 175.68 = 1572.50...
        (lock("JPY", "175.68", "USD", "1.1172"), 1_573, 1_000),  # 1573 / 175.68 * 1.1172 = 10.0031...
        (lock("USD", "1.1172", "KWD", "0.3418"), 1, 3),  # 0.00305... dinars are 3.05 fils
        (lock("KWD", "0.3418", "JPY", "175.68"), 1, 1),  # a fils is 0.51 yen
        (lock("USD", "2", "EUR", "1"), 1, 1),  # half a cent is rounded away from nothing
        (lock("USD", "2", "EUR", "1"), -1, -1),
        (lock("USD", "2", "EUR", "1"), 0, 0),
    ],
)
def test_amounts_are_converted_to_the_nearest_minor_unit(rates: Lock, minor: int, has: int) -> None:
    assert rules.convert(minor, rates) == has


@given(CURRENCIES, CURRENCIES, RATES, RATES, st.integers(-MAX_MINOR, MAX_MINOR), st.integers(-1_000, 1_000))
def test_a_conversion_is_exact_but_for_its_rounding(
    currency: str, other: str, mine: Decimal, others: Decimal, minor: int, more: int
) -> None:
    """No more than half a unit away from the fraction, and what grows has no less of either part."""
    rates = Lock(currency, other, DAY, mine, others, "tests", 333)
    exact = Fraction(minor) * Fraction(others) / Fraction(mine) * Fraction(10) ** (exponent(other) - exponent(currency))
    assert abs(rules.convert(minor, rates) - exact) <= Fraction(1, 2)
    assert rules.convert(-minor, rates) == -rules.convert(minor, rates)
    before, after = exchanged(minor, rates), exchanged(minor + more, rates)
    total, spread = after.total_minor - before.total_minor, after.spread_minor - before.spread_minor
    assert (total >= 0 and spread >= 0) if more >= 0 else (total <= 0 and spread <= 0)


@pytest.mark.parametrize(
    ("minor", "rates", "has"),
    [
        (10_00, lock("EUR", "1", "USD", "1.1", 200), 11_22),  # 11.00 / 0.98 = 11.2244...
        (98, lock("EUR", "1", "USD", "1", 200), 100),
        (123_456_789, lock("USD", "1.1172", "JPY", "175.68", 333), 200_823_557),
        (1, lock("USD", "100000", "EUR", "1"), 1),  # nothing is sold for nothing
        (0, lock("USD", "1.1", "EUR", "1", 200), 0),
    ],
)
def test_what_is_asked_leaves_the_price_when_the_spread_is_off(minor: int, rates: Lock, has: int) -> None:
    assert rules.asked(minor, rates) == has
    assert exchanged(-has, rates) == tuple(-part for part in exchanged(has, rates))


def test_the_last_day_that_both_have_counts() -> None:
    """Friday's rate of the one and Monday's of the other are no pair; rates of one source are preferred; the euro is
    one euro on any day."""
    monday, friday = date(2026, 3, 2), date(2026, 2, 27)
    told = [
        EuroRate("JPY", friday, Decimal(160), "b"),
        EuroRate("JPY", friday, Decimal(161), "a"),
        EuroRate("USD", monday, Decimal("1.2"), "a"),
        EuroRate("USD", friday, Decimal("1.1"), "a"),
    ]
    assert rules.latest(told, "USD", "JPY") == (told[3], told[1])
    assert rules.latest(told, "EUR", "USD") == (EuroRate("EUR", monday, Decimal(1), "a"), told[2])
    assert rules.latest(told, "JPY", "EUR") == (told[0], EuroRate("EUR", friday, Decimal(1), "b"))
    assert rules.latest(told, "USD", "KWD") is None


def test_a_rate_is_shown_in_six_digits() -> None:
    assert shown_rate(lock("USD", "1.1172", "JPY", "175.68")) == "157.250"
    assert shown_rate(lock("JPY", "175.68", "USD", "1.1172")) == "0.00635929"


def test_what_was_installed_are_the_rates_of_the_bank() -> None:
    found = providers.bundled(date(2024, 1, 1))
    assert (found.name, found.title) == ("ecb", "European Central Bank, euro reference rates")
    assert ("JPY", date(2024, 1, 2), Decimal("155.68")) in found.rows
    assert (min(row[1] for row in found.rows), len({row[0] for row in found.rows})) == (date(2024, 1, 2), 30)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "rates: "),
        ("day,currency,rate\n", "neither"),
        ("day,currency,per_euro\n2026-02-30,USD,1.1\n", "day is out of range"),
        ("day,currency,per_euro\n2026-02-27,EUR,1\n", "no currency beside the euro: EUR"),
        ("day,currency,per_euro\n2026-02-27,USD,0\n", "no rate: 0"),
        ("day,currency,per_euro\n2026-02-27,USD,NaN\n", "no rate: NaN"),
        ("day,currency,per_euro\n2026-02-27,USD\n", "not day,currency,per_euro: 2026-02-27,USD"),
        ("day,currency,per_euro\n2026-02-27,USD,1.1\n2026-02-27,USD,1.1\n", "told twice: 2026-02-27,USD"),
        ("Date,USD\n2026-02-27,1.1\n2026-02-27,1.2\n", "told twice: 2026-02-27,USD"),
        ('day,currency,per_euro\n2026-02-27,USD,"' + "1" * 140_000, "field larger"),
        ("PK, but nothing packed", "not a zip"),
    ],
)
def test_what_is_no_file_of_rates_is_told_apart(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(text)
    with pytest.raises(FileNotReadError, match=why):
        providers.of_file(tmp_path / "rates.csv")
