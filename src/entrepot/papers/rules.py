"""From what is known of a parcel to its papers. Pure, in whole minor units; only the value in SDR is rounded."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import NamedTuple

from entrepot.catalog import Price
from entrepot.kit.money import exponent
from entrepot.papers.types import Declaration, Invoice, PackingList, Papers, PostForm, Sent
from entrepot.trade import Book, CurrencyRateMissing

CN22_UP_TO_SDR = 300
"""Universal Postal Convention, Regulations, on items subject to customs control: up to it the CN 22 is enough, and the
CN 23 may always be used instead."""
CATEGORY = "Sale of goods"
CENT = Decimal("0.01")
_LATIN = re.compile("[ -\u024f\u1e00-\u1eff\u2010-\u2044]*")
"""Latin letters, digits and what stands between words: what the post reads anywhere, and every PDF has."""


class Basket(NamedTuple):
    """So much of each currency is one special drawing right, from `begins` until before `ends`."""

    begins: date
    ends: date
    amounts: dict[str, Decimal]
    source: str


SDR_BASKETS = (
    Basket(
        date(2022, 8, 1), date(2027, 8, 1),
        {
            "USD": Decimal("0.57813"), "EUR": Decimal("0.37379"), "CNY": Decimal("1.0993"), "JPY": Decimal("13.452"),
            "GBP": Decimal("0.080870"),
        },
        "IMF, currency amounts of the SDR from 2022-08-01 to 2027-07-31",
    ),
)  # fmt: skip


def make(sent: Sent, book: Book) -> Papers:
    """All papers of a parcel. `book` has the exchange rates of its day, as far as they are known."""
    currency = sent.transport.currency
    goods = Price(sum(line.value.minor for line in sent.lines), currency)
    net_weight_g = sum(line.net_weight_g for line in sent.lines)
    return Papers(
        sent.order_id, sent.day, sent.sender, sent.recipient, sent.lines,
        Invoice(
            sent.order_id, "DAP" if sent.prepaid is None else "DDP",
            f"{sent.recipient.city}, {sent.recipient.country}", goods, sent.transport,
            Price(goods.minor + sent.transport.minor, currency),
        ),
        PackingList(sum(line.quantity for line in sent.lines), net_weight_g),
        post_form(goods, book, sent.day),
        Declaration(
            sent.order_id, sent.sender, sent.recipient, sent.sender.country, sent.recipient.country, goods,
            sent.transport, net_weight_g, sent.prepaid, sent.tax_collected,
        ),
        sorted({line.country_of_origin for line in sent.lines}), sent.statement,
    )  # fmt: skip


def in_latin(*texts: str) -> bool:
    """Whether texts can stand on papers."""
    return all(_LATIN.fullmatch(unicodedata.normalize("NFC", text)) for text in texts)


def post_form(goods: Price, book: Book, day: date) -> PostForm:
    """CN 22 or CN 23. One SDR is the sum of its basket at the day's reference rates; the value is rounded up, so that
    no more than the limit ever passes as it."""
    try:
        one, source = _sdr_in(goods.currency, book, day)
    except CurrencyRateMissing as missing:
        why = f"The CN 23 is always accepted; whether the CN 22 is enough is not known: {missing.remedy}"
        return PostForm("CN 23", CATEGORY, goods, None, CN22_UP_TO_SDR, why)
    value = Decimal(goods.minor).scaleb(-exponent(goods.currency)) / one
    shown = value.quantize(CENT, ROUND_UP)
    form, side = ("CN 22", "up to") if shown <= CN22_UP_TO_SDR else ("CN 23", "over")
    why = f"{side} {CN22_UP_TO_SDR} SDR, of which one is {one:.5f} {goods.currency} ({source}; ECB reference rates)"
    return PostForm(form, CATEGORY, goods, shown, CN22_UP_TO_SDR, why)


def _sdr_in(currency: str, book: Book, day: date) -> tuple[Decimal, str]:
    """What one SDR is in a currency, and by which basket. Raises CurrencyRateMissing."""
    for basket in SDR_BASKETS:
        if basket.begins <= day < basket.ends:
            parts = (amount * book.factor(of, currency) for of, amount in basket.amounts.items())
            return sum(parts, Decimal(0)), basket.source
    raise CurrencyRateMissing("currency", f"no basket of the SDR is known for {day}")
