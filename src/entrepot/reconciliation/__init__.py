"""Reconciliation: what the books, the payment provider and the bank say of the same money, laid side by side.

Statements (ISO 20022 camt.053) and the provider's reports are taken in whole or not at all, each once. A statement
settles the payouts that it says were sent, and gives back those that it says came back. After each import the last
weeks are matched: what does not fit is a discrepancy, in a queue for a person.

Invariants: a discrepancy is found once, however often it is looked for; it ends by a person's note, or because it is no
longer there. A statement that is kept adds up.

rules: the matching, pure; camt, report: files as values, pure.

Events: discrepancy_found (key: the discrepancy; data: kind, subject), discrepancy_resolved (the same, and by).
"""

from entrepot.reconciliation.actions import import_file, resolve
from entrepot.reconciliation.reads import discrepancies, imports
from entrepot.reconciliation.types import (
    FILE_MAX_BYTES,
    DiscrepancyEnded,
    Entry,
    FileNotRead,
    Imported,
    NotOurAccount,
    ProviderFee,
    ReportLine,
    ToldOtherwise,
)

__all__ = [
    "FILE_MAX_BYTES", "DiscrepancyEnded", "Entry", "FileNotRead", "Imported", "NotOurAccount", "ProviderFee",
    "ReportLine", "ToldOtherwise", "discrepancies", "import_file", "imports", "resolve",
]  # fmt: skip
