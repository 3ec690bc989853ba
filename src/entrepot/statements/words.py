"""What files and papers say around the figures, by language; what the movements are called is in payments.KINDS."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from entrepot.kit.money import exponent
from entrepot.payments import GROUPS, kind_of

Language = Literal["en", "de"]

LABELS: dict[str, tuple[str, str]] = {
    "statement": ("Statement of account", "Kontoauszug"),
    "number": ("Number", "Nummer"),
    "preliminary": (
        "Preliminary: the books of this month are not closed yet, so there is no number, and more may come.",
        "Vorläufig: Die Bücher dieses Monats sind offen, er hat noch keine Nummer, und es kann noch etwas dazukommen.",
    ),
    "period": ("Period", "Zeitraum"),
    "made": ("Made on", "Erstellt am"),
    "from": ("From", "Von"),
    "for": ("For", "Für"),
    "tax_id": ("Tax id", "Steuernummer"),
    "vat_id": ("VAT id", "USt-IdNr."),
    "account": ("Account", "Konto"),
    "opening": ("Opening balance", "Anfangssaldo"),
    "closing": ("Closing balance", "Endsaldo"),
    "reserved": ("of which held back as a reserve", "davon als Rücklage zurückbehalten"),
    "owed": ("Below zero: what is released next fills it up.", "Negativ: Die nächsten Freigaben gleichen es aus."),
    "summary": ("Summary", "Übersicht"),
    "by_day": ("By day", "Nach Tagen"),
    "what": ("What", "Was"),
    "entries": ("Entries", "Posten"),
    "amount": ("Amount", "Betrag"),
    "balance": ("Balance", "Saldo"),
    "balance_by_day": ("Balance at the end of each day", "Saldo am Ende jedes Tages"),
    "day": ("Day", "Tag"),
    "time": ("Time", "Uhrzeit"),
    "group": ("Group", "Gruppe"),
    "reference": ("Reference", "Beleg"),
    "currency": ("Currency", "Währung"),
    "sum": ("Sum", "Summe"),
    "nothing": ("Nothing was moved in this month.", "In diesem Monat gab es keine Bewegung."),
    "sales": ("Sales", "Verkäufe"),
    "refunds": ("Refunds", "Erstattungen"),
    "payouts": ("Payouts", "Auszahlungen"),
    "fees": ("Fees", "Gebühren"),
    "rest": ("Other", "Sonstiges"),
    "single": ("Every movement", "Alle Bewegungen"),
    "too_many": (
        "There are more than {limit} movements: each of them is in the CSV file of this statement.",
        "Es gibt mehr als {limit} Bewegungen: Jede einzelne steht in der CSV-Datei dieses Auszugs.",
    ),
    "how": (
        "Opening balance and all movements add up to the closing balance. Positive amounts are the seller's.",
        "Anfangssaldo und alle Bewegungen ergeben den Endsaldo. Positive Beträge sind Guthaben des Verkäufers.",
    ),
    "no_invoice": (
        "This is a statement of account and no invoice.", "Dies ist ein Kontoauszug und keine Rechnung."
    ),
}  # fmt: skip


def label(name: str, language: Language) -> str:
    return LABELS[name][language == "de"]


def group_name(group: str, language: Language) -> str:
    return GROUPS[group][language]


def kind_name(code: str, language: Language) -> str:
    words = kind_of(code).words
    return words.get(language) or words["en"]


def money(minor: int, currency: str, language: Language) -> str:
    amount = Decimal(minor).scaleb(-exponent(currency))
    return format_currency(amount, currency, locale=language, decimal_quantization=False)


def bare(minor: int, currency: str, language: Language) -> str:
    """An amount in a table that says its currency once."""
    digits = exponent(currency)
    return format_decimal(
        Decimal(minor).scaleb(-digits), "#,##0" + ("." + "0" * digits if digits else ""), locale=language
    )


def number(n: int, language: Language) -> str:
    return format_decimal(n, locale=language)


def day(at: date, language: Language) -> str:
    return format_date(at, "medium", language)


def moment(at: datetime, language: Language) -> str:
    """A time without a zone, to the minute."""
    return format_datetime(at, "short", locale=language)


def country(code: str, language: Language) -> str:
    return str(Locale(language).territories.get(code, code))


def month_name(first: date, language: Language) -> str:
    return format_date(first, "LLLL y", language)


def plain(minor: int, currency: str, language: Language) -> str:
    """A bare amount, as tables of numbers are read in a language: 1234.56 or 1234,56."""
    digits = exponent(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    point = "," if language == "de" else "."
    return f"{'-' if minor < 0 else ''}{whole}{f'{point}{rest:0{digits}d}' if digits else ''}"
