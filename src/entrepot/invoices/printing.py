"""Documents as a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from entrepot.invoices.types import Document
from entrepot.kit import printing

TEMPLATE: Final = Path(__file__).with_name("invoice.typ")


def pdf(document: Document) -> bytes:
    """See kit.printing."""
    return printing.pdf(TEMPLATE, "document", document)
