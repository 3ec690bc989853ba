"""Landed cost to the cent, against cases worked by hand from lines of the official files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from entrepot.trade import files
from entrepot.trade.rules import quote
from tests.trade.golden import WORLD, Case, arithmetic, cases

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_case(case: Case) -> None:
    landed = quote(case.book(), case.sent)
    assert (landed.duty_minor, landed.tax_minor) == (case.duty_minor, case.tax_minor)
    assert landed.estimated == case.estimated


def test_reduced_rates_that_have_ended_since_the_database_was_made_end(data: Path) -> None:
    (file,) = [one for one in files.FILES if "eu_vat_rules" in one]
    ended = {(country, facts["rate"], end) for country, _, _, end, facts, _ in files.read(data, file).laws if end}
    assert ended == {
        ("CZ", "10", date(2024, 1, 1)), ("FI", "10", date(2025, 1, 1)), ("RO", "5", date(2025, 8, 1)),
    }  # fmt: skip


def test_there_are_enough_of_them_and_their_workings_are_right() -> None:
    assert len(CASES) >= 60
    steps = [step for case in CASES for text in case.working if (step := arithmetic(text))]
    assert len(steps) > 100
    assert [step for step in steps if step[0] != step[1]] == []


def test_the_files_say_what_the_cases_say(data: Path) -> None:
    read = {}
    for name, short in (("us_hts", "us"), ("uk_ukgt", "eu")):
        (file,) = [one for one in files.FILES if name in one]
        for tariff, code, program, begin, end, expression, line in files.read(data, file).rates:
            read[short, line, tariff, program] = (code, expression, begin, end)
    (file,) = [one for one in files.FILES if "worldbank" in one]
    means = {country: facts["rate"] for country, _, _, _, facts, _ in files.read(data, file).laws}
    for case in CASES:
        codes = {goods.code for goods in case.sent.lines}
        for said in case.rates:
            if said.file == WORLD:
                assert f"{float(means[case.sent.to]):g}%" == said.expression, case.title
                continue
            code, expression, begin, end = read[said.file, said.line, said.tariff, said.program]
            assert code in codes, case.title
            assert expression == said.expression, case.title
            assert begin <= case.sent.at < (end or date.max), case.title
