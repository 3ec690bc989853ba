"""From facts to HTML in a language: templates, translations, money, dates and the files beside the pages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from entrepot.accounts import Address, address_lines
from entrepot.catalog import Price
from entrepot.kit.i18n import choose, format_money, format_time, format_window
from entrepot.kit.money import exponent
from entrepot.metering import written
from entrepot.orders import OrderPart
from entrepot.payments import GROUPS, kind_of
from entrepot.pricing import Window
from entrepot.trade import Barrier
from entrepot.web.words import EVENTS, ORDER_PARTS, STATUSES

FOLDER = Path(__file__).parent
SOURCE_LANGUAGE = "en"
"""The language that templates and code are written in."""


def _asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it for ever."""
    content = (FOLDER / "static" / name).read_bytes()
    return f"/static/{hashlib.blake2b(content, digest_size=6).hexdigest()}/{name}"


ASSETS = {path.name: _asset(path.name) for path in (FOLDER / "static").iterdir()}


def _texts(code: str) -> NullTranslations:
    """A language's catalog, read from its .po file."""
    if code == SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    with (FOLDER / "languages" / f"{code}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=code, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


class Measured(Protocol):
    """`price_per` of `unit` cost what the price says: cards, offers and lines of all kinds."""

    @property
    def price_per(self) -> int: ...
    @property
    def unit(self) -> str: ...


class Language:
    """A language of the pages, with its texts, formats and templates. `code` is a BCP 47 tag."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale.parse(code, sep="-")

    @cached_property
    def name(self) -> str:
        return (self.locale.get_display_name() or self.code).capitalize()

    @cached_property
    def direction(self) -> str:
        return self.direction_of(self.code)

    @cached_property
    def _catalog(self) -> NullTranslations:
        """Read when something is said: most processes that know of pages draw none."""
        return _texts(self.code)

    @cached_property
    def _templates(self) -> Environment:
        templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        templates.globals |= {"_": self.text, "_n": self.count, "lang": self, "asset": ASSETS.__getitem__}
        formats = (
            self.money, self.money_short, self.measure, self.number, self.day, self.day_short, self.time, self.clock,
            self.month, self.country, self.status, self.event, self.transfer, self.group, self.said, self.rule,
            self.part_name, self.percent, self.postal, self.unit_price, self.window,
        )  # fmt: skip
        templates.filters |= {one.__name__: one for one in formats}
        return templates

    @staticmethod
    def direction_of(code: str) -> str:
        """ltr or rtl; the style sheet has logical sides only, so that this is all it takes."""
        return Locale.parse(code, sep="-").text_direction

    def text(self, message: str, **values: object) -> str:
        """The translation of a message, with its `%(name)s` filled in."""
        translated = self._catalog.gettext(message)
        return translated % values if values else translated

    def count(self, one: str, many: str, n: int, **values: object) -> str:
        """The same for a message that depends on a number, which it calls `%(n)s`."""
        return self._catalog.ngettext(one, many, n) % {"n": self.number(n), **values}

    def money(self, price: Price) -> str:
        return format_money(price.minor, price.currency, self.locale)

    def money_short(self, price: Price) -> str:
        """For the scale of a chart: 12K rather than 12,000.00."""
        amount = Decimal(price.minor).scaleb(-exponent(price.currency))
        return format_compact_currency(amount, price.currency, locale=self.locale, fraction_digits=1)

    def unit_price(self, micro: int, currency: str) -> str:
        """Millionths of a minor unit, with all their decimals."""
        price = Decimal(written(micro, currency))
        return format_currency(price, currency, locale=self.locale, decimal_quantization=False)

    def measure(self, item: Measured) -> str:
        """What one price buys, where that is not a piece: 1000 milliliters are called a liter."""
        if item.price_per == 1:
            return self.text("per %(unit)s", unit=item.unit)
        if item.price_per == 1_000 and item.unit.startswith("milli"):
            return self.text("per %(unit)s", unit=item.unit.removeprefix("milli"))
        return self.text("per %(n)s %(unit)s", n=self.number(item.price_per), unit=item.unit)

    def number(self, n: int) -> str:
        return format_decimal(n, locale=self.locale)

    def percent(self, bp: int) -> str:
        """Basis points."""
        return format_percent(Decimal(bp) / 10_000, locale=self.locale, decimal_quantization=False)

    def day(self, at: date) -> str:
        return format_date(at, "medium", self.locale)

    def day_short(self, at: date) -> str:
        return format_skeleton("MMMd", at, locale=self.locale)

    def time(self, at: datetime) -> str:
        return self.clock(at.astimezone(UTC))

    def clock(self, at: datetime) -> str:
        """What a clock showed, whichever it was."""
        return format_time(at, self.locale)

    def window(self, of: Window) -> str:
        """When something is delivered, by the clock of its market."""
        return format_window(of.starts, of.ends, self.locale)

    def month(self, at: date) -> str:
        return format_date(at, "LLLL y", self.locale)

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code, code))

    def postal(self, address: Address, *, abroad: bool = False) -> list[str]:
        """The lines of an address, as its country writes it, or as it writes it for others."""
        return address_lines(address, abroad=abroad)

    def countries(self) -> list[tuple[str, str]]:
        """Codes (ISO 3166-1 alpha-2) and names of all countries, by name."""
        names: dict[str, str] = dict(self.locale.territories)
        return sorted(((code, names[code]) for code in names if len(code) == 2 and code.isalpha()), key=lambda c: c[1])

    def said(self, texts: Mapping[str, str]) -> str:
        """A text in this language, or else in English, or in whatever it was said in."""
        return texts.get(self.locale.language) or texts.get(SOURCE_LANGUAGE) or next(iter(texts.values()), "")

    def rule(self, rule: Barrier) -> str:
        """What a rule of a country says, where it stands, and since when."""
        return self.text(
            "%(why)s (%(source)s, since %(day)s)", why=self.said(rule.text), source=rule.citation,
            day=self.day(rule.valid_from),
        )  # fmt: skip

    def status(self, code: str) -> str:
        return self.text(STATUSES.get(code, code))

    def event(self, code: str) -> str:
        return self.text(EVENTS.get(code, code))

    def transfer(self, code: str) -> str:
        return self.said(kind_of(code).words)

    def group(self, name: str) -> str:
        """Of a statement's movements."""
        return self.said(GROUPS[name])

    def part_name(self, part: OrderPart) -> str:
        return self.text(ORDER_PARTS[part.kind, part.party])

    def html(self, template: str, context: dict[str, Any]) -> str:
        return self._templates.get_template(template).render(context)


LANGUAGES = {
    code: Language(code)
    for code in (SOURCE_LANGUAGE, *sorted(path.stem for path in (FOLDER / "languages").glob("*.po")))
}


def choose_language(wanted: Sequence[str]) -> Language:
    """The first of the wanted languages (BCP 47 tags, best first) that we have, or the source language."""
    return LANGUAGES[choose(wanted, LANGUAGES, SOURCE_LANGUAGE)]


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, best first; what is malformed in it is passed over."""
    weighted = []
    for position, part in enumerate(header.split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        quality = parameter.strip().removeprefix("q=") or "1"
        if tag.replace("-", "").isalnum() and quality.replace(".", "", 1).isdecimal():
            weighted.append((-Decimal(quality), position, tag))
    return [tag for _, _, tag in sorted(weighted)]
