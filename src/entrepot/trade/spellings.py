"""How the United States, the United Kingdom and the European Union write their duties, read into one expression."""

from __future__ import annotations

import re
from decimal import Decimal

from entrepot.trade import expressions

_NUMBER = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"

# What each word for a unit means: how many of which unit.
_US_UNITS = {
    "kg": "kg", "t": "1000 kg", "liter": "l", "each": "item", "head": "item", "pr.": "pair", "doz.": "12 item",
    "gross": "144 item", "1000": "1000 item", "thousand": "1000 item", "m2": "m2", "m3": "m3",
    "bbl": "158.987294928 l", "pf.liter": "proof l",
}  # fmt: skip
_EU_UNITS = {
    "kg": "kg", "tonne": "1000 kg", "hl": "100 l", "item": "item", "items": "item", "m": "m", "m2": "m2",
    "%vol/hl": "%vol hl",
}  # fmt: skip

_US_SPECIFIC = re.compile(rf"(\$)?{_NUMBER}(?: ?cents)?(?:/| )({'|'.join(map(re.escape, _US_UNITS))})")
_EU_SPECIFIC = re.compile(rf"{_NUMBER}(EUR|GBP)/(?:{_NUMBER})?({'|'.join(map(re.escape, _EU_UNITS))})")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)(?: (\d)/(\d))?%")
_SEASON = re.compile(r"\b(JAN|FEB|MAR|APR|MAY|JUNE?|JULY?|AUG|SEP|OCT|NOV|DEC)\b")
_UNKNOWN = {
    "EA": "depends on the composition of the goods", "lactic": "depends on the composition of the goods",
    "sacchar": "depends on the composition of the goods", "eda": "depends on the composition of the goods",
    "content": "depends on the composition of the goods", "sugars": "depends on the composition of the goods",
    "Entry Price": "depends on the entry price", "on the": "differs by part of the goods",
    "rate applicable": "refers to another line", "rate of duty": "refers to another line",
    "additional U.S. note": "refers to a note", "degree": "depends on the composition of the goods",
}  # fmt: skip


class UnreadError(Exception):
    """What is written is not read; the text says why, in words that many lines share."""


def read_us(text: str) -> str:
    """The expression of a duty of the Harmonized Tariff Schedule. Raises UnreadError."""
    text = text.strip()
    if text.startswith("Free") and text.strip() == "Free":
        return "0%"
    plain = re.sub(r"\bpf\. ?liter", "pf.liter", text.replace("1,000", "1000")).replace("/ liter", "/liter")
    return _expression([_share(part) or _us_specific(part) for part in _parts(plain, text)], text)


def read_eu(text: str) -> str:
    """The expression of a duty of the Common External Tariff or the UK Global Tariff. Raises UnreadError."""
    if _SEASON.search(text):
        raise UnreadError("differs by season")
    rest, _, most = text.partition(" MAX ")
    plain, _, least = rest.partition(" MIN ")
    written = _eu_sum(plain, text)
    if least:
        written += f" MIN {_eu_sum(least, text)}"
    if most:
        written += f" MAX {_eu_sum(most, text)}"
    return expressions.parse(written).text


def _eu_sum(text: str, whole: str) -> str:
    return _expression([_share(part) or _eu_specific(part.replace(" ", "")) for part in _parts(text, whole)], whole)


def _parts(text: str, whole: str) -> list[str]:
    parts = [part.strip() for part in re.split(r" ?\+ ?", text)]
    if not all(parts):
        raise _unread(whole)
    return parts


def _expression(terms: list[str | None], whole: str) -> str:
    found = [term for term in terms if term is not None]
    if len(found) < len(terms):
        raise _unread(whole)
    return expressions.parse(" + ".join(found)).text


def _share(text: str) -> str | None:
    found = _SHARE.fullmatch(text)
    if found is None:
        return None
    percent = Decimal(found[1])
    if found[2]:  # 33 1/3 %: a third has no end; twelve digits are exact to the cent of any amount
        percent += (Decimal(found[2]) / Decimal(found[3])).quantize(Decimal("1e-12"))
    return f"{_plain(percent)}%"


def _us_specific(text: str) -> str | None:
    found = _US_SPECIFIC.fullmatch(text)
    if found is None or (found[1] is None) != ("cents" in text):
        return None
    amount = Decimal(found[2].replace(",", ""))
    return f"{_plain(amount if found[1] else amount.scaleb(-2))} USD/{_US_UNITS[found[3]]}"


def _eu_specific(text: str) -> str | None:
    found = _EU_SPECIFIC.fullmatch(text)
    if found is None:
        return None
    amount, currency, per, word = found.groups()
    unit = _EU_UNITS[word]
    if per and per != "1":
        if " " in unit:
            return None
        unit = f"{per.replace(',', '')} {unit}"
    return f"{_plain(Decimal(amount.replace(',', '')))} {currency}/{unit}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _unread(text: str) -> UnreadError:
    return UnreadError(next((why for sign, why in _UNKNOWN.items() if sign in text), "its form is not known"))
