"""Finding codes by words: an index of the nomenclature's texts, in every language that it has.

A text is its words in Latin letters without accents, and the first letters of the long ones, so that `candles` finds
`candle` and `Kerzenhalter` finds `Kerzen`, and a language that the index does not have finds its sisters' words. What
an English text says that it is not (`other than ...`) is left out. A word weighs in a code as in BM25: more where few
codes have it, less where the code's text is long. What a tenth of all codes have tells none of them apart, and is left
out.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from math import log
from typing import NamedTuple

STEMS = (4, 5)
MAX_WORDS = 200
"""Of a text that is asked for; the rest is passed over."""
COMMON = 10
"""A word that more than one in so many codes has is left out."""
SATURATION, LENGTH = 0.6, 0.3
"""BM25's k1 and b."""

_LATIN = {
    ord(letter): latin
    for letters, latins in (
        ("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o"),
        ("абвгдежзийклмнопрстуфхцчшщъьюя", "a b v g d e zh z i i k l m n o p r s t u f h c ch sh sht a  yu ya"),
    )
    for letter, latin in zip(letters, latins.split(" "), strict=True)
}
_ACCENT = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_OTHER_THAN = re.compile(r"(?:\bo/than|\bother than|\bexcluding|\bexcl\.?|\bexcept)\b[^,;)]*", re.IGNORECASE)


class Posting(NamedTuple):
    """In which codes a word is, and what it weighs there, in thousandths."""

    word: str
    codes: list[int]
    weights: list[int]


def words(text: str) -> set[str]:
    """What a text is found by; a beginning of a word has a ~ before it."""
    plain = _OTHER_THAN.sub(" ", text.lower())
    if not plain.isascii():
        plain = _ACCENT.sub("", unicodedata.normalize("NFKD", plain))
        if not plain.isascii():
            plain = plain.translate(_LATIN)
    found = set(_WORD.findall(plain))
    return found.union(*([f"~{word[:stem]}" for word in found if len(word) > stem] for stem in STEMS))


class Document:
    """The words of what is said of a code: of its heading, and of what is below."""

    def __init__(self) -> None:
        self.heading: set[str] = set()
        self.below: set[str] = set()


def documents(lines: Iterable[tuple[str, int, bool, str]]) -> dict[int, Document]:
    """What is said of each code of six digits. `lines` are (code, level, leaf, text) in the order of the nomenclature,
    each below the last of a lower level."""
    found: dict[int, Document] = defaultdict(Document)
    above: list[set[str]] = []
    read = cache(words)  # most texts are there several times: `Other`, `Of cotton`
    for code, level, leaf, text in lines:
        if level == 0 and code.endswith("00000000"):  # a chapter says too little
            above = []
            continue
        above = above[:level] + [set()] * (level - len(above)) + [read(text)]
        if leaf:
            document = found[int(code[:6])]
            document.heading |= above[0]
            document.below.update(*above[1:])
    return found


def index(found: Mapping[int, Document]) -> Iterator[Posting]:
    """The postings of documents: a word counts once if the heading has it, and once if something below has it."""
    lengths = {code: len(document.heading) + len(document.below) for code, document in found.items()}
    mean = sum(lengths.values()) / max(len(lengths), 1)
    places: dict[str, list[int]] = defaultdict(list)
    shares: dict[str, list[float]] = defaultdict(list)
    for code, document in found.items():
        long = SATURATION * (1 - LENGTH + LENGTH * lengths[code] / mean)
        once, twice = 1 / (1 + long), 2 / (2 + long)
        for word in document.heading ^ document.below:
            places[word].append(code)
            shares[word].append(once)
        for word in document.heading & document.below:
            places[word].append(code)
            shares[word].append(twice)
    for word, codes in places.items():
        if len(codes) * COMMON > len(found):
            continue
        rarity = 1_000 * log(1 + (len(found) - len(codes) + 0.5) / (len(codes) + 0.5)) * (SATURATION + 1)
        yield Posting(word, codes, [round(rarity * share) for share in shares[word]])
