"""When sellers are paid out, and where to: pure decisions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

from entrepot.payments.types import BankAccountNotValid, Schedule
from entrepot.sellers import Calendar, is_working

FIRST_MONDAY = date(1970, 1, 5)

_LENGTHS = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20
    EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30
    KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23
    PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26
    UA29 VA22 VG24 XK20 YE30
"""
IBAN_LENGTHS = {word[:2]: int(word[2:]) for word in _LENGTHS.split()}
"""Characters of an IBAN by country (IBAN registry, release 101)."""
_NO_LATIN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")
HOLDER_MAX = 70
"""Characters of a name in a SEPA payment."""


def iban_of(text: str) -> str:
    """An IBAN as machines write it (ISO 13616), from one that people wrote. Raises BankAccountNotValid for a country
    without IBANs, a wrong length or wrong check digits: somebody has mistyped it."""
    iban = "".join(text.split()).upper()
    if not (iban.isascii() and iban.isalnum()) or IBAN_LENGTHS.get(iban[:2]) != len(iban) or not iban[2:4].isdigit():
        raise BankAccountNotValid("iban")
    if int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 != 1:
        raise BankAccountNotValid("iban")
    return iban


def holder_of(text: str) -> str:
    """A name in the letters that banks take (EPC217-08). Raises BankAccountNotValid for one without any of them."""
    holder = " ".join(latin(text).split())
    if not re.search(r"[A-Za-z]", holder) or len(holder) > HOLDER_MAX:
        raise BankAccountNotValid("holder")
    return holder


def latin(text: str) -> str:
    """Text without accents; a character that banks do not take becomes a point."""
    split = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return _NO_LATIN.sub(".", "".join(character for character in split if not unicodedata.combining(character)))


def is_due(schedule: Schedule, last: date | None, today: date) -> bool:
    """Whether a payout day has come since the run of the day `last` (None: there was none). One on which nobody was
    there to run is made up for."""
    return last is None or _turn(schedule, today) > _turn(schedule, last)


def last_working(runs: Sequence[date], calendar: Calendar) -> date | None:
    """The last of the days of runs (the latest first) on which people of a calendar worked: only then were they paid,
    so that a payout day on a holiday is made up for on the next working day."""
    return next((day for day in runs if is_working(calendar, day)), None)


def _turn(schedule: Schedule, day: date) -> int:
    """Grows by one on each payout day."""
    if schedule.every == "month":
        return day.year * 12 + day.month - (day.day < schedule.on_day)
    days = (day - FIRST_MONDAY).days - (schedule.on_day - 1)
    return days // {"day": 1, "week": 7, "two_weeks": 14}[schedule.every]
