"""Which form the post takes, and when there is a statement on origin."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from entrepot import catalog, trade
from entrepot.papers.rules import post_form
from tests.acceptance.finding import opened


def test_the_post_takes_the_short_form_up_to_300_sdr() -> None:
    """The limit itself is within it, a cent more is not; where the rates are not known it is the long form."""
    day, rates = date(2026, 3, 2), {"USD": "1.08", "CNY": "7.8", "JPY": "163", "GBP": "0.85"}
    book = trade.Book(day, [], [], {currency: Decimal(rate) for currency, rate in rates.items()})
    # 0.57813 / 1.08 + 0.37379 + 1.0993 / 7.8 + 13.452 / 163 + 0.08087 / 0.85 = 1.22770 EUR
    up_to, over = (post_form(catalog.Price(minor, "EUR"), book, day) for minor in (36_831, 36_832))
    assert (up_to.form, up_to.value_sdr) == ("CN 22", Decimal("300.00"))
    assert (over.form, over.value_sdr) == ("CN 23", Decimal("300.01"))
    unknown = post_form(catalog.Price(100, "EUR"), trade.Book(day, [], [], {}), day)
    assert (unknown.form, unknown.value_sdr) == ("CN 23", None)
    assert post_form(catalog.Price(100, "EUR"), book, date(2027, 8, 1)).form == "CN 23"


@pytest.mark.anyio
async def test_a_statement_on_origin_is_a_fact_of_a_pack(db_url: str) -> None:
    async with opened(db_url) as db, db.write() as tx:
        await trade.load_packs(tx)
        book = await trade.book(tx, {"DE", "FR", "GB"}, (), tx.now.date())
        there = ("DE", "FR", "GB", "AQ")
        assert [await trade.is_import(tx, "DE", to, tx.now.date()) for to in there] == [False, False, True, True]
    assert not book.is_import("DE", "FR")
    assert book.statement("DE", "GB", {"CN"}) is None
    statement, citation = book.statement("DE", "GB", {"DE", "FR"}) or (None, "")
    assert statement is not None
    assert "Union preferential origin" in statement.text
    assert "annex 7" in citation
