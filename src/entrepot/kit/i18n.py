"""Money and times as people of a language write them, and which language somebody is spoken to in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_skeleton, get_datetime_format
from babel.numbers import format_currency

from entrepot.kit.money import exponent

PRICES = 10_000
"""That are remembered as they are written: a page has dozens, other pages have the same, and each takes 50 us."""


@lru_cache(PRICES)
def format_money(minor: int, currency: str, locale: Locale) -> str:
    amount = Decimal(minor).scaleb(-exponent(currency))
    return format_currency(amount, currency, locale=locale, decimal_quantization=False)


def format_time(at: datetime, locale: Locale) -> str:
    """What a clock showed, whichever it was, to the minute."""
    joined = str(get_datetime_format("medium", locale)).replace("'", "")
    return joined.format(format_skeleton("Hm", at, locale=locale), format_date(at, "medium", locale))


def format_window(starts: datetime, ends: datetime, locale: Locale) -> str:
    """From when to when on a day, as a clock showed it: Mon, Mar 2, 2026, 10:00 to 12:00."""
    hours = "\N{EN DASH}".join(format_skeleton("Hm", at, locale=locale) for at in (starts, ends))
    joined = str(get_datetime_format("medium", locale)).replace("'", "")
    return joined.format(hours, format_skeleton("yMMMEd", starts, locale=locale))


def choose(wanted: Sequence[str], there: Collection[str], otherwise: str) -> str:
    """The first of the wanted languages (BCP 47 tags, best first) that is there, or `otherwise`."""
    return negotiate_locale([tag for tag in wanted if tag], list(there), sep="-") or otherwise


def N(message: str) -> str:  # noqa: N802 - the mark that message extraction looks for
    """Marks a text for the translators; it is translated where it is shown."""
    return message
