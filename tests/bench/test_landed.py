"""The bench `landed` runs from end to end, tiny."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bench import landed
from entrepot.trade import Book, quote
from entrepot.trade.types import Rate
from tests.trade.golden import law_of


def test_lines_become_consignments_that_are_quoted(data: Path) -> None:
    sent = list(landed.consignments(data / "uci_online_retail" / "online_retail.parquet", 500))
    assert 490 < sum(len(one.lines) for one in sent) < 500  # some of them were canceled or given away
    assert {one.to for one in sent} == {"AU", "FR", "GB", "NL"}
    rates = [
        Rate(tariff, code, "mfn", "4%", "tests", 1, landed.AT) for tariff in ("EU", "GB") for code in landed.codes(sent)
    ]
    laws = [law for law in (law_of(to, landed.AT) for to in ("AU", "FR", "GB", "NL")) if law]
    book = Book(landed.AT, laws, rates, {"GBP": Decimal("0.87"), "AUD": Decimal("1.65")})
    assert {one.to for one in sent if quote(book, one).tax_minor} == {"FR", "GB", "NL"}


def test_without_data_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTREPOT_DATA", raising=False)
    with pytest.raises(landed.NoDataError, match="ENTREPOT_DATA"):
        landed.run(lambda _: None)
