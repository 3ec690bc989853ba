"""Tax numbers: those of examples that tax offices publish are taken, and mistyped ones are not."""

from __future__ import annotations

import pytest

from entrepot.sellers.tax_ids import tax_id_of, vat_id_of


@pytest.mark.parametrize(
    ("country", "number", "kept"),
    [
        ("DE", "36 574 261 809", "36574261809"),  # a person's Identifikationsnummer
        ("DE", "DE 136 695 976", "136695976"),
        ("US", "12-3456789", "123456789"),
        ("GB", "1955839661", "1955839661"),
        ("AU", "83 914 571 673", "83914571673"),
        ("BR", "16.727.230/0001-97", "16727230000197"),
        ("BR", "390.533.447-05", "39053344705"),  # a person's CPF
        ("CN", "91110000600037341L", "91110000600037341L"),
        ("JP", "5-8356-7825-6246", "5835678256246"),
        ("AE", "100 234 567 890 003", "100 234 567 890 003"),  # the library knows none of it
    ],
)
def test_a_tax_number_is_checked_by_its_country(country: str, number: str, kept: str) -> None:
    assert tax_id_of(country, number) == kept
    if country not in ("US", "AE", "DE"):  # which have numbers without a check digit, too, or none that are known
        for wrong in (number[:-1] + ("2" if number[-1] != "2" else "3"), number[:-2], "", "0"):
            with pytest.raises(ValueError, match=country):
                tax_id_of(country, wrong)


@pytest.mark.parametrize(
    ("country", "number", "kept"),
    [
        ("DE", "136695976", "DE136695976"),
        ("FR", "fr 40 303 265 045", "FR40303265045"),
        ("GR", "EL 094259216", "EL094259216"),
        ("GB", "GB 980 7806 84", "980780684"),
        ("AU", "83 914 571 673", "83914571673"),
        ("US", "whatever it is", "whatever it is"),  # there is no such number in the United States
    ],
)
def test_a_vat_number_of_the_union_has_its_state_in_front(country: str, number: str, kept: str) -> None:
    assert vat_id_of(country, number) == kept


def test_a_vat_number_of_another_state_is_none_of_this_one() -> None:
    with pytest.raises(ValueError, match="FR"):
        vat_id_of("FR", "DE136695976")
