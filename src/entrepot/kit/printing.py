"""PDFs, set by Typst. What people wrote goes to a template as data, never as markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import typst

from entrepot.kit.money import Money


def pdf(template: Path, name: str, value: object) -> bytes:
    """The template's pages about `value`, which it reads as JSON by `name`. The same value is always the same bytes.
    Takes some milliseconds, the first time a third of a second: not for the event loop."""
    data = msgspec.json.encode(_shown(msgspec.to_builtins(value))).decode()
    printed = typst.compile(template, root=template.parent, format="pdf", sys_inputs={name: data})
    assert isinstance(printed, bytes)
    return printed


def _shown(value: Any) -> Any:
    """The structure with its prices as they are written: typst knows no currencies."""
    if isinstance(value, dict):
        if value.keys() == {"minor", "currency"}:
            return str(Money(value["minor"], value["currency"]))
        return {key: _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value
