"""Languages are whole, figures are exact, pictures and charts are what they say."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from entrepot import web
from entrepot.catalog import Price
from entrepot.web.chart import chart, tick_step
from entrepot.web.pictures import GLYPHS, WORDS, picture
from entrepot.web.render import LANGUAGES, Language, accepted, choose_language
from entrepot.web.visit import local

FOLDER = Path(web.__file__).parent
TEXTS = [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")]


def written() -> set[str | tuple[str, ...]]:
    """Every text of templates and code."""
    keywords = {"_": None, "N": None, "text": None, "_n": (1, 2)}
    return {message for _, _, message, _, _ in extract_from_dir(FOLDER, TEXTS, keywords=keywords)}


@pytest.mark.parametrize("path", sorted((FOLDER / "languages").glob("*.po")), ids=lambda path: path.stem)
def test_a_language_is_whole(path: Path) -> None:
    with path.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    told = {message.id if isinstance(message.id, str) else tuple(message.id) for message in catalog if message.id}
    assert written() - told == set()
    assert told - written() == set()
    for message in catalog:
        assert all([message.string] if isinstance(message.string, str) else message.string or [""]), message.id
        assert list(message.check(catalog)) == [], message.id


def test_money_is_exact_in_every_exponent() -> None:
    english, german = LANGUAGES["en"], LANGUAGES["de"]
    assert english.money(Price(123_456_789_01, "USD")) == "$123,456,789.01"
    assert english.money(Price(-5, "USD")) == "-$0.05"
    assert german.money(Price(1_990, "EUR")) == "19,90\N{NO-BREAK SPACE}€"
    assert english.money(Price(1_990, "JPY")) == "¥1,990"
    assert english.money(Price(1_234_567, "KWD")) == "KWD1,234.567"
    assert english.money(Price(10**15 - 1, "USD")) == f"${Decimal(10**15 - 1).scaleb(-2):,}"


def test_times_are_told_in_utc_and_in_the_language() -> None:
    at = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    assert LANGUAGES["en"].time(at) == "Mar 2, 2026, 09:05"
    assert LANGUAGES["de"].time(at) == "02.03.2026, 09:05"
    assert LANGUAGES["de"].month(at) == "März 2026"


def test_plurals() -> None:
    german = LANGUAGES["de"]
    assert [german.count("%(n)s offer", "%(n)s offers", n) for n in (0, 1, 2_000)] == [
        "0 Angebote", "1 Angebot", "2.000 Angebote",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"), ("en;q=0.1, de;q=0.2", "de"), ("fr, de", "de"), ("fr", "en"), ("", "en"),
        ("*", "en"), ("de;q=x", "en"), (";;q=,,de", "de"), ("de_DE", "en"),
    ],
)  # fmt: skip
def test_the_browser_s_language_is_taken(header: str, language: str) -> None:
    assert choose_language(accepted(header)).code == language


def test_a_right_to_left_language_turns_the_page() -> None:
    assert Language.direction_of("ar") == "rtl"
    assert LANGUAGES["de"].direction == "ltr"


@pytest.mark.parametrize(
    ("to", "goes"),
    [
        ("/cart", "/cart"), ("/search?q=a%20b", "/search?q=a%20b"), ("//evil.test", "/"), ("/\\evil.test", "/"),
        ("https://evil.test", "/"), ("cart", "/"), ("", "/"), ("/a\nb", "/"), ("/\t/evil.test", "/"),
    ],
)  # fmt: skip
def test_a_way_back_stays_on_this_site(to: str, goes: str) -> None:
    assert local(to) == goes


def test_the_same_words_give_the_same_picture() -> None:
    assert picture("white-milk-1") == picture("white-milk-1")
    assert picture("white-milk-1") != picture("white-milk-2")
    for slug in ("white-milk-1", "", "<script>&", "ä" * 500):
        root = ET.fromstring(picture(slug))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "script" not in picture(slug)


def test_the_picture_of_a_bundle_shows_what_is_in_it() -> None:
    def things(name: str) -> int:
        return picture(name).count("<ellipse")

    slugs = ["white-milk", "gala-apples", "wheat-bread", "dark-roast-coffee", "earl-grey-tea"]
    assert [things("+".join(slugs[:count])) for count in (1, 2, 3, 4, 5)] == [1, 2, 3, 4, 4]
    assert picture("white-milk+gala-apples") != picture("white-milk+wheat-bread")
    assert ET.fromstring(picture("+".join(slugs) + "+++")) is not None
    assert ET.fromstring(picture("+")) is not None


def test_every_kind_that_words_tell_is_drawn() -> None:
    assert {kind for kind, _ in WORDS} <= set(GLYPHS)


def test_a_chart_has_a_bar_for_every_day() -> None:
    drawn = chart({date(2026, 3, 1): 40, date(2026, 3, 4): 100})
    assert [bar.value for bar in drawn.bars] == [40, 0, 0, 100]
    assert [bar.height for bar in drawn.bars] == [66, 0, 0, 166]
    assert {bar.y + bar.height for bar in drawn.bars} == {176}
    assert [value for value, _ in drawn.ticks] == [0, 50, 100]
    assert chart({}).bars == []
    # The names of days do not run into each other, be they few or many.
    for count, every in ((5, 2), (28, 3), (31, 3), (366, 60)):
        drawn = chart({date(2026, 3, 1) + timedelta(days=i): 1 for i in range(count)})
        assert drawn.labeled == drawn.bars[::every]
    assert chart({date(2026, 3, 1): 0}).bars[0].height == 0


@pytest.mark.parametrize(("largest", "step"), [(0, 1), (4, 1), (5, 2), (20, 5), (21, 10), (10**15, 5 * 10**14)])
def test_steps_of_a_scale_are_round(largest: int, step: int) -> None:
    assert tick_step(largest) == step


def test_no_two_macros_have_one_name() -> None:
    """The later one would hide the other, and a page of the other be none."""
    names = re.findall(r"{% macro (\w+)", (FOLDER / "templates" / "parts.html").read_text("utf-8"))
    assert sorted(set(names)) == sorted(names)
