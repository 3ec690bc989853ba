"""Papers as a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from entrepot.kit import printing
from entrepot.papers.types import Papers

TEMPLATE: Final = Path(__file__).with_name("papers.typ")


def pdf(papers: Papers) -> bytes:
    """All papers, each on a page of its own; see kit.printing."""
    return printing.pdf(TEMPLATE, "papers", papers)
