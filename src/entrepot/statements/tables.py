"""Files of rows, for spreadsheets and accountants' programs: in German ones columns are parted by semicolons and
decimals by commas. They begin with a byte order mark, without which spreadsheets take umlauts for something else."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from io import StringIO

from entrepot.kit.db import Database
from entrepot.kit.spreadsheet import safe
from entrepot.statements import reads
from entrepot.statements.types import Dac7Seller, Desk, FormSeller, LineView, MonthStatement
from entrepot.statements.words import Language, group_name, kind_name, label, plain

MARK = "\ufeff".encode()
CHUNK = 1_000
"""Lines in memory at a time; in between others have their turn."""
_COLUMNS = ("day", "time", "group", "what", "reference", "amount", "balance", "currency")


def rows(some: Iterable[Sequence[object]], language: Language) -> bytes:
    """Rows of a file (RFC 4180)."""
    text = StringIO()
    csv.writer(text, delimiter=";" if language == "de" else ",").writerows(some)
    return text.getvalue().encode()


async def csv_of_statement(db: Database, desk: Desk, found: MonthStatement, language: Language) -> AsyncIterator[bytes]:
    """A statement's balances and every line between them, CHUNK at a time. The last row says what the account had after
    what is in the file; a file without it was cut off."""

    def edge(name: str, minor: int) -> list[object]:
        return ["", "", "", label(name, language), found.number or "", "", plain(minor, found.currency, language),
                found.currency]  # fmt: skip

    heads = [label(name, language) for name in _COLUMNS]
    yield MARK + rows([heads, edge("opening", found.opening_minor)], language)
    balance, after = found.opening_minor, None
    while True:
        async with db.read() as tx:
            lines = await reads.lines_from(tx, desk, found, after, balance, CHUNK)
        yield rows((_row(line, found.currency, language) for line in lines), language)
        if len(lines) < CHUNK:
            break
        balance, after = lines[-1].balance_minor, lines[-1].place
    yield rows([edge("closing", lines[-1].balance_minor if lines else balance)], language)


def _row(line: LineView, currency: str, language: Language) -> list[object]:
    when = line.local.isoformat(" ", "seconds")
    return [
        when[:10], when[11:], group_name(line.group, language),
        kind_name(line.code, language), line.cause, plain(line.amount_minor, currency, language),
        plain(line.balance_minor, currency, language), currency,
    ]  # fmt: skip


_WHO = (
    "seller_id", "shop", "reportable", "why", "missing", "kind", "name", "first_name", "line1", "line2", "postal_code",
    "city", "region", "country", "tax_id", "tax_country", "vat_id", "register_number", "birth_date", "birth_place",
    "branches",
)  # fmt: skip
_DAC7 = (
    "year", *_WHO, "account_holder", "iban", "currency", "quarter", "activities", "consideration", "fees", "taxes",
    "consideration_eur", "correct_earlier",
)  # fmt: skip
_FORM = ("year", *_WHO, "transactions", "gross", *(f"month_{month:02}" for month in range(1, 13)))


def csv_of_dac7(found: Sequence[Dac7Seller] | None, year: int) -> bytes:
    """A row for each seller, currency and quarter; None for the names of the columns."""
    if found is None:
        return MARK + rows([_DAC7], "en")
    return rows(
        (
            [
                year, *_who(one), safe(account.holder), account.iban, account.currency, number, quarter.activities,
                *(
                    plain(minor, account.currency, "en")
                    for minor in (quarter.consideration_minor, quarter.fees_minor, quarter.taxes_minor)
                ),
                "" if one.consideration_eur_minor is None else plain(one.consideration_eur_minor, "EUR", "en"),
                _yes(one.correct_earlier),
            ]
            for one in found
            for account in one.accounts
            for number, quarter in enumerate(account.quarters, 1)
        ),
        "en",
    )  # fmt: skip


def csv_of_forms(found: Sequence[FormSeller] | None, year: int) -> bytes:
    """A row for each seller; None for the names of the columns."""
    if found is None:
        return MARK + rows([_FORM], "en")
    return rows(
        (
            [year, *_who(one), one.transactions, *(plain(m, "USD", "en") for m in (one.gross_minor, *one.by_month))]
            for one in found
        ),
        "en",
    )


def _who(one: Dac7Seller | FormSeller) -> list[str]:
    told = [one.seller_id, safe(one.shop), _yes(one.reportable), one.why, " ".join(one.missing)]
    who = one.identity
    if who is None:
        return [*told, *[""] * (len(_WHO) - len(told))]
    said = [getattr(who, name) for name in _WHO[len(told) : -1]]
    return [*told, *(safe("" if value is None else str(value)) for value in said), " ".join(who.branches)]


def _yes(so: bool) -> str:
    return "yes" if so else "no"
