"""How tariffs write their duties, and the one way in which the program does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.trade import expressions
from entrepot.trade.spellings import UnreadError, read_eu, read_us


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Free", "0%"),
        ("16.5%", "16.5%"),
        ("33 1/3%", "33.333333333333%"),
        ("1 cents/kg", "0.01 USD/kg"),
        ("$1.646/kg", "1.646 USD/kg"),
        ("$1.035/kg +13.6%", "1.035 USD/kg + 13.6%"),
        ("46.3 cents/kg + 14.9%", "0.463 USD/kg + 14.9%"),
        ("4.5 cents/ liter", "0.045 USD/l"),
        ("0.9 cents each + 10.6%", "0.009 USD/item + 10.6%"),
        ("76 cents/pr. + 32%", "0.76 USD/pair + 32%"),
        ("2.8 cents/doz.", "0.028 USD/12 item"),
        ("14 cents/gross + 4.3%", "0.14 USD/144 item + 4.3%"),
        ("89.6 cents/1000", "0.896 USD/1000 item"),
        ("5.25 cents/bbl", "0.0525 USD/158.987294928 l"),
        ("18.9 cents/pf.liter", "0.189 USD/proof l"),
        ("$1.24/t", "1.24 USD/1000 kg"),
    ],
)
def test_united_states(text: str, read: str) -> None:
    assert read_us(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0.0%", "0%"),
        ("32.00 EUR / hl", "32 EUR/100 l"),
        ("34.00 GBP/100kg", "34 GBP/100 kg"),
        ("10.20% + 93.10 EUR / 100 kg", "10.2% + 93.1 EUR/100 kg"),
        ("1,024.00 EUR / tonne", "1024 EUR/1000 kg"),
        ("52.00 EUR / 1,000 items", "52 EUR/1000 item"),
        ("43.00 GBP/1000 items", "43 GBP/1000 item"),
        ("0.20 GBP/ item", "0.2 GBP/item"),
        ("1.40 GBP / % vol / hl", "1.4 GBP/%vol hl"),
        ("4.50% MIN 0.30 EUR / item MAX 0.80 EUR / item", "4.5% MIN 0.3 EUR/item MAX 0.8 EUR/item"),
        ("0.50 EUR / item MIN 2.70% MAX 4.60%", "0.5 EUR/item MIN 2.7% MAX 4.6%"),
        ("9.10% + 45.10 EUR / 100 kg MAX 18.90% + 16.50 EUR / 100 kg",
         "9.1% + 45.1 EUR/100 kg MAX 18.9% + 16.5 EUR/100 kg"),
        ("8.00% MAX 2.80 EUR / m2", "8% MAX 2.8 EUR/m2"),
    ],
)  # fmt: skip
def test_european_union_and_united_kingdom(text: str, read: str) -> None:
    assert read_eu(text) == read


@pytest.mark.parametrize(
    ("reader", "text", "why"),
    [
        (read_us, "3.7 cents/kg on drained weight", "its form is not known"),
        (read_us, "", "its form is not known"),
        (read_us, "1.5", "its form is not known"),
        (read_us, "40 cents each + 6% on the case + 5.3% on the battery", "differs by part of the goods"),
        (read_us, "The rate applicable to the natural juice in heading 2009", "refers to another line"),
        (read_us, "See additional U.S. note 1", "refers to a note"),
        (read_us, "1.7 cents/kg on lead content", "depends on the composition of the goods"),
        (read_eu, "Entry Price", "depends on the entry price"),
        (read_eu, "9.00% +  EA MAX 18.70%  + ADSZ", "depends on the composition of the goods"),
        (read_eu, "6.4 + 24.6 EUR/100 kg", "its form is not known"),
        (read_eu, "14.00% (01 JUL - 31 JAN), 0.00% (01 FEB - 30 JUN)", "differs by season"),
        (read_eu, "3.80% MIN 0.60 EUR / 100 kg / gross", "its form is not known"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_not_guessed(reader, text: str, why: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnreadError, match=why):
        reader(text)


def test_an_expression_is_what_its_words_say() -> None:
    duty = expressions.parse("4.5% + 2 EUR/100 kg MIN 0.3 EUR/item MAX 0.8 EUR/item")
    assert duty.units() == {"kg", "item"}

    def due(value: str, items: int) -> Decimal:
        return duty.amount(Decimal(value), {"kg": Decimal(5), "item": Decimal(items)}, lambda amount, _: amount)

    assert due("10", 1) == Decimal("0.55")
    assert due("10", 3) == Decimal("0.9")
    assert due("100", 3) == Decimal("2.4")
    with pytest.raises(ValueError, match="no term"):
        expressions.parse("12")
    with pytest.raises(ValueError, match="no term"):
        expressions.parse("12% + 3 EUR/dozen")
