"""Documents as a PDF, set by Typst. What people wrote goes to it as data, never as markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import typst

from entrepot.invoices.types import Document
from entrepot.kit.money import Money

TEMPLATE: Final = Path(__file__).with_name("invoice.typ")


def pdf(document: Document) -> bytes:
    """The same document is always the same bytes. Takes some milliseconds, the first time a third of a second: not for
    the event loop."""
    data = msgspec.json.encode(_shown(msgspec.to_builtins(document))).decode()
    printed = typst.compile(TEMPLATE, root=TEMPLATE.parent, format="pdf", sys_inputs={"document": data})
    assert isinstance(printed, bytes)
    return printed


def _shown(value: Any) -> Any:
    """The structure with its prices as they are written: typst knows no currencies."""
    if isinstance(value, dict):
        if value.keys() == {"minor", "currency"}:
            return str(Money(value["minor"], value["currency"]))
        return {key: _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value
