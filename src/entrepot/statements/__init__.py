"""Statements of account, one per seller, currency and month, and what tax offices are told of sellers in a year.

They are read from the ledger, which nobody changes: opening + every movement == closing, to the minor unit, and what
payments.KINDS does not know of is shown as `other`. A month is closed, and its statement has a number, once the ledger
has closed its last day; until then it is preliminary. Months begin by the clock of dated zones (`statements.zone`).
A reading costs what came after the month's beginning, not what was before; lines are read by position, so that a
file of them needs no more memory than a page.

It keeps only zones, and emits no events.
"""

from entrepot.statements.actions import set_zone
from entrepot.statements.printing import Parties, printed
from entrepot.statements.reads import PAGE, currencies, lines, lines_from, statement, zones
from entrepot.statements.rules import following, last_of, month_of
from entrepot.statements.tables import CHUNK, csv_of_statement
from entrepot.statements.tax import (
    DAC7_EXCLUDED,
    DAC7_RULES,
    FORM_1099K,
    FORM_RULES,
    SELLERS,
    dac7,
    form_1099k,
    sellers_after,
    threshold_of,
)
from entrepot.statements.types import (
    DayTotal,
    Desk,
    GroupTotal,
    Issued,
    KindTotal,
    LineView,
    Month,
    MonthStatement,
    Zone,
    ZoneNotLater,
    ZoneUnknown,
)

__all__ = [
    "CHUNK", "DAC7_EXCLUDED", "DAC7_RULES", "FORM_1099K", "FORM_RULES", "PAGE", "SELLERS", "DayTotal", "Desk",
    "GroupTotal", "Issued", "KindTotal", "LineView", "Month", "MonthStatement", "Parties", "Zone", "ZoneNotLater",
    "ZoneUnknown", "csv_of_statement", "currencies", "dac7", "following", "form_1099k", "last_of", "lines",
    "lines_from", "month_of", "printed", "sellers_after", "set_zone", "statement", "threshold_of", "zones",
]  # fmt: skip
