"""Borders, part by part, as their users meet them: over HTTP and by the command. Parts that are not built are not
here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from entrepot import cli
from tests.shop import Shop, open_shop
from tests.trade.golden import Case, cases

DATA_SETS = ("hs2022", "us_hts", "uk_ukgt", "eu_taric", "worldbank", "eu_vat", "ecb")


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


def entrepot(*arguments: str) -> int:
    return cli.main(arguments)


async def asked(shop: Shop, from_: str, to: str, currency: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the API answers; a refusal is the problem's document."""
    body = {"from": from_, "to": to, "currency": currency, "lines": list(lines)} | more
    response = await shop.http.post("/v1/landed-cost", json=body)
    return dict(response.json())


def goods(code: str, origin: str, value_minor: int, **more: Any) -> dict[str, Any]:
    return {"code": code, "origin": origin, "value_minor": value_minor} | more


def test_2_tariff_data(
    own_db_url: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The official files become dated rows with their source in less than a minute; what was not read is told; the same
    again changes nothing. Without them there is a sample, and a pack of one's own is a file."""
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", own_db_url)
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path))
    assert entrepot("tariff", "import", str(data), "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["seconds"] < 60
    assert {source["state"] for source in done["sources"].values()} == {"read"}
    assert [name for name in DATA_SETS if not any(name in source for source in done["sources"])] == []
    assert entrepot("tariff", "import", str(data), "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert {name: {**source, "state": "read"} for name, source in again["sources"].items()} == done["sources"]
    assert {source["state"] for source in again["sources"].values()} == {"unchanged"}
    assert entrepot("tariff", "list") == 0
    told = capsys.readouterr().out
    assert "unread     89  US mfn: differs by part of the goods (line 3869, 32131000; line 10826, 91011140;" in told
    pack = tmp_path / "atlantis.toml"
    pack.write_text(
        'title = "Atlantis"\n[[fact]]\nkind = "customs"\ncountries = ["AQ"]\nvalid_from = 2026-01-01\nbasis = "CIF"\n'
        'currency = "EUR"\ncitation = "none"\n[[fact]]\nkind = "mean_duty"\ncountries = ["AQ"]\n'
        'valid_from = 2026-01-01\nrate = "3"\nyear = 2026\ncitation = "none"\n'
    )
    assert entrepot("tariff", "import", str(pack)) == 0
    pack.write_text(pack.read_text().replace('basis = "CIF"', 'basis = "EXW"'))
    assert entrepot("tariff", "import", str(pack)) == 1
    assert "atlantis: fact 1 (customs): Invalid enum value 'EXW'" in capsys.readouterr().err


@pytest.mark.anyio
async def test_2_the_sample_gives_way_to_what_is_imported(own_db_url: str) -> None:
    connection = await asyncpg.connect(own_db_url)
    try:
        rows = await connection.fetch("select tariff, count(*) as rows from trade.duty_rate group by 1 order by 1")
        assert [row["tariff"] for row in rows] == ["EU", "GB", "US"]
        assert await connection.fetchval("select count(distinct source) from trade.duty_rate") == 1
        expression = await connection.fetchval(
            "select expression from trade.duty_rate where tariff = 'US' and code = '61091000' and program = 'mfn'"
        )
        assert expression == "16.5%"
    finally:
        await connection.close()


async def test_3_landed_cost(shop: Shop) -> None:
    """A consignment's duty and tax over the API, from the packs as they ship: every figure with where it stands. (The
    golden cases, to the cent from the official files: tests/trade.)"""
    shirt = goods("610910", "CN", 18_000, quantities={"item": "12"})
    found = await asked(shop, "CN", "DE", "EUR", shirt, freight_minor=2_000, at="2026-03-02")
    assert (found["duty_minor"], found["tax_minor"], found["estimated"]) == (2_400, 4_256, False)
    assert [(step["step"], step["text"]) for step in found["steps"]] == [
        ("value", "610910: goods 180.00 EUR + transport and insurance 20.00 EUR = 200.00 EUR (CIF)"),
        ("duty", "12% of 200.00 EUR = 24.00 EUR (mfn)"),
        ("tax", "VAT 19% of 224.00 EUR = 42.56 EUR"),
    ]
    assert found["steps"][1]["source"] == "sample_tariff:7486"
    small = await asked(shop, "CN", "DE", "EUR", goods("610910", "CN", 5_000), at="2026-07-01")
    assert (small["duty_minor"], small["tax_minor"]) == (300, 1_007)
    assert "2026/382" in small["steps"][1]["source"]
    means = await asked(shop, "CN", "TH", "THB", goods("610910", "CN", 140_000), at="2026-03-02")
    assert means["duty_minor"] == 11_564
    assert means["estimated"]
    assert means["why"] == ["no tariff of TH is imported: the mean of its duties in 2022 is taken"]
    refused = await asked(shop, "CN", "DE", "EUR", goods("999999", "CN", 20_000), at="2026-03-02")
    assert (refused["type"], refused["field"]) == ("/problems/rate_missing", "code")
    refused = await asked(shop, "CN", "DE", "USD", shirt, at="2026-03-02")
    assert (refused["type"], refused["field"]) == ("/problems/currency_rate_missing", "currency")
    refused = await asked(shop, "CN", "AQ", "EUR", shirt, at="2026-03-02")
    assert (refused["type"], refused["field"]) == ("/problems/law_missing", "to")


def test_3_there_are_sixty_cases_to_the_cent() -> None:
    found: list[Case] = list(cases())
    assert len(found) >= 60
    assert {case.sent.to for case in found} >= {"US", "GB", "DE", "FR", "NL", "JP", "AU", "CN", "BR", "SG"}
