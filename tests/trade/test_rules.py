"""What holds of every quote, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Problem
from entrepot.trade.books import Book
from entrepot.trade.packs import law_pack
from entrepot.trade.rules import quote
from entrepot.trade.types import (
    NOT_READ,
    Consignment,
    CurrencyRateMissing,
    Goods,
    LawMissing,
    OriginMissing,
    PackNotValid,
    QuantityMissing,
    Rate,
    RateMissing,
    ValueNotValid,
)
from tests.trade.golden import law_of

AT = date(2026, 3, 2)
EURO = {"USD": Decimal("1.1698"), "SEK": Decimal("11.2"), "JPY": Decimal("172.31")}
COUNTRIES = ("DE", "GB", "US", "SE", "JP", "CA", "BR")
ITEM = {"item": Decimal(3), "kg": Decimal("1.5")}
OLD = "the tariff EU is that of 2021: what has changed since is not in it"


def book(expression: str = "12%", *codes: str, at: date = AT, mean: str | None = None) -> Book:
    rates = [
        Rate(tariff, code, "mfn", expression, "tests", 1, at)
        for tariff in ("EU", "GB", "US") for code in codes or ("61091000",)
    ]  # fmt: skip
    laws = [law for country in COUNTRIES if (law := law_of(country, at))]
    for law in laws:
        if mean is not None and law.mean is not None:
            law.mean = (type(law.mean[0])(Decimal(mean), 2022), "tests")
    euro = EURO | dict.fromkeys(("GBP", "CAD", "BRL"), Decimal("1.5"))
    return Book(at, laws, rates, euro)


def sent(
    to: str, *values: int, code: str = "61091000", currency: str = "USD", freight: int = 0, **more: object
) -> Consignment:
    goods = tuple(Goods(code, "CN", value, ITEM) for value in values)
    return Consignment(goods, "CN", to, AT, currency, freight, **more)  # type: ignore[arg-type]


values = st.lists(st.integers(0, 10**9), min_size=1, max_size=6)
destinations = st.sampled_from(COUNTRIES)


@given(destinations, values, st.integers(0, 10**6), st.sampled_from(["USD", "EUR", "JPY"]))
def test_the_sums_are_those_of_the_lines(to: str, lines: list[int], freight: int, currency: str) -> None:
    landed = quote(book(), sent(to, *lines, freight=freight, currency=currency))
    assert landed.duty_minor == sum(duty for duty, _ in landed.charges)
    assert landed.tax_minor == sum(tax for _, tax in landed.charges)
    assert len(landed.charges) == len(lines)
    assert all(duty >= 0 and tax >= 0 for duty, tax in landed.charges)


@given(destinations, values, st.integers(0, 300), st.integers(0, 300))
def test_more_duty_is_never_less(to: str, lines: list[int], one: int, other: int) -> None:
    low, high = sorted((one, other))
    a, b = (quote(book(f"{rate}%", mean=str(rate)), sent(to, *lines)) for rate in (low, high))
    assert a.duty_minor <= b.duty_minor
    assert a.tax_minor <= b.tax_minor


@given(destinations, st.integers(1, 6))
def test_nothing_costs_nothing(to: str, lines: int) -> None:
    landed = quote(book(), sent(to, *[0] * lines))
    assert (landed.duty_minor, landed.tax_minor, landed.border_minor) == (0, 0, 0)


@given(values)
def test_a_line_pays_the_same_in_any_order(lines: list[int]) -> None:
    one = quote(book(), sent("DE", *lines, currency="EUR"))
    back = quote(book(), sent("DE", *reversed(lines), currency="EUR"))
    assert sorted(one.charges) == sorted(back.charges)


def test_a_code_of_six_digits_is_exact_where_its_lines_agree_and_else_the_highest() -> None:
    agreed = quote(book("12%", "61091000", "61091090"), sent("DE", 20_000, code="610910", currency="EUR"))
    assert (agreed.duty_minor, agreed.why) == (2_400, (OLD,))
    rates = [
        Rate("EU", "61091000", "mfn", "12%", "t", 1, AT),
        Rate("EU", "61091090", "mfn", "1.5 EUR/item", "t", 2, AT),
    ]
    apart = Book(AT, [law for law in [law_of("DE", AT)] if law], rates, {})
    dear = quote(apart, sent("DE", 20_000, code="610910", currency="EUR"))
    cheap = quote(apart, sent("DE", 20_000, code="61091090", currency="EUR"))
    assert (dear.duty_minor, cheap.duty_minor) == (2_400, 450)
    assert dear.estimated
    assert dear.why == (f"which of 2 lines of the tariff 610910 means is not said: the highest duty is taken; {OLD}",)
    assert dear.lines[0].source == "t:1"


def test_a_line_that_was_not_read_is_not_passed_over() -> None:
    """Of a code of six digits another line would be taken for it."""
    rates = [Rate("EU", "61091000", "mfn", "12%", "t", 1, AT), Rate("EU", "61091090", "mfn", NOT_READ, "t", 2, AT)]
    partly = Book(AT, [law for law in [law_of("DE", AT)] if law], rates, {})
    assert quote(partly, sent("DE", 20_000, code="61091000", currency="EUR")).duty_minor == 2_400
    for code in ("610910", "61091090"):
        with pytest.raises(RateMissing) as refused:
            quote(partly, sent("DE", 20_000, code=code, currency="EUR"))
        assert refused.value.field == "code"
        assert refused.value.remedy.startswith("the duty of 61091090 (t:2) is not read: say another line")


def test_half_a_cent_of_a_duty_per_dozen_rounds_up() -> None:
    """0.004 / 12 has no end; 165 times it is a hair less than 5.5 cents."""
    goods = Goods("61091000", "CN", 100_000, {"item": Decimal(165)})
    asked = Consignment((goods,), "CN", "DE", AT, "EUR")
    assert quote(book("0.004 EUR/12 item"), asked).duty_minor == 6


def test_a_longer_code_than_the_tariffs_is_that_of_the_tariff() -> None:
    assert quote(book(), sent("DE", 20_000, code="6109100010", currency="EUR")).duty_minor == 2_400


@pytest.mark.parametrize(
    ("to", "change", "problem", "field"),
    [
        ("DE", {"code": "61091099"}, RateMissing, "code"),
        ("DE", {"code": "851712"}, RateMissing, "code"),
        ("DE", {"origin": ""}, OriginMissing, "country_of_origin"),
        ("DE", {"origin": "China"}, OriginMissing, "country_of_origin"),
        ("DE", {"value": -1}, ValueNotValid, "value_minor"),
        ("DE", {"value": MAX_MINOR + 1}, ValueNotValid, "value_minor"),
        ("DE", {"freight": -1}, ValueNotValid, "freight_minor"),
        ("DE", {"currency": "XAU"}, CurrencyRateMissing, "currency"),
        ("AQ", {}, LawMissing, "to"),
        ("DE", {"expression": "2 EUR/pair"}, QuantityMissing, "pair"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_help(
    to: str, change: dict[str, object], problem: type[Problem], field: str
) -> None:
    goods = Goods(change.get("code", "61091000"), change.get("origin", "CN"), change.get("value", 20_000), ITEM)  # type: ignore[arg-type]
    asked = Consignment((goods,), "CN", to, AT, change.get("currency", "EUR"), change.get("freight", 0))  # type: ignore[arg-type]
    with pytest.raises(problem) as refused:
        quote(book(str(change.get("expression", "12%"))), asked)
    assert refused.value.field == field  # type: ignore[attr-defined]
    assert refused.value.remedy  # type: ignore[attr-defined]


def test_without_a_law_of_the_day_nothing_is_quoted() -> None:
    assert law_of("HR", date(2020, 12, 31)) is None
    assert law_of("HR", date(2021, 1, 1)) is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"countries": '["de"]'}, "'de' is no country's ISO code"),
        ({"valid_to": "2020-01-01"}, "valid_to must be a date after valid_from"),
        ({"rate": '"-1"'}, "rate must be from 0 to"),
        ({"rate": '"NaN"'}, "rate must be from 0 to"),
        ({"rate": '"100"', "inside": "true"}, "rate must be less than 100"),
        ({"kind": '"tariff"'}, "'tariff'"),
    ],
)
def test_a_pack_is_refused_before_anything_of_it_is_kept(wrong: dict[str, str], said: str) -> None:
    fact = {"kind": '"tax"', "countries": '["DE"]', "valid_from": "2026-01-01", "name": '"VAT"', "rate": '"19"'}
    fact |= {"citation": '"none"'} | wrong
    with pytest.raises(PackNotValid, match="fact 1") as refused:
        law_pack("mine", "[[fact]]\n" + "\n".join(f"{key} = {value}" for key, value in fact.items()))
    assert said in refused.value.detail


def test_a_country_whose_tax_nobody_has_said_is_not_free_of_tax() -> None:
    at = date(2022, 6, 1)  # Singapore's pack begins its GST in 2023
    asked = Consignment((Goods("610910", "CN", 20_000, ITEM),), "CN", "SG", at, "SGD")
    with pytest.raises(LawMissing) as refused:
        quote(Book(at, [law for law in [law_of("SG", at)] if law], [], {}), asked)
    assert (refused.value.field, refused.value.remedy) == (
        "to", "load a pack with the tax at import of SG on 2022-06-01",
    )  # fmt: skip


def test_what_may_pay_a_reduced_tax_or_excise_is_an_estimate() -> None:
    def why(code: str) -> tuple[str, ...]:
        return quote(book("12%", code), sent("DE", 20_000, code=code, currency="EUR")).why

    assert why("61091000") == why("49019900") == (OLD,)
    assert why("30049000") == (OLD, "30049000 may pay a reduced rate of VAT, which is not known: the full one is taken")
    assert why("24022090") == ("the excise duty on alcohol and tobacco is not in it", OLD)
