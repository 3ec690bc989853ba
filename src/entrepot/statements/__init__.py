"""Statements of account, one per seller, currency and month, and what tax offices are told of sellers in a year.

They are read from the ledger, which nobody changes: opening + every movement == closing, to the minor unit, and what
payments.KINDS does not know of is shown as `other`. A month is closed, and its statement has a number, once the ledger
has closed its last day; until then it is preliminary. Months begin by the clock of dated zones (`statements.zone`).
A reading costs what came after the month's beginning, not what was before; lines are read by position, so that a
file of them needs no more memory than a page.

It keeps only zones, and emits no events.
"""

from entrepot.statements.reads import PAGE, currencies, lines, statement
from entrepot.statements.rules import following, last_of, month_of
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
    "PAGE", "DayTotal", "Desk", "GroupTotal", "Issued", "KindTotal", "LineView", "Month", "MonthStatement", "Zone",
    "ZoneNotLater", "ZoneUnknown", "currencies", "following", "last_of", "lines", "month_of", "statement",
]  # fmt: skip
