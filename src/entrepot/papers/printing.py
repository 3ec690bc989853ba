"""Papers as a PDF, set by Typst. What sellers and buyers wrote goes to it as data, never as markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import typst

from entrepot.kit.money import Money
from entrepot.papers.types import Papers

TEMPLATE: Final = Path(__file__).with_name("papers.typ")


def pdf(papers: Papers) -> bytes:
    """All papers, each on a page of its own. The same papers are always the same bytes. Takes some milliseconds, the
    first time a third of a second: not for the event loop."""
    data = msgspec.json.encode(_shown(msgspec.to_builtins(papers))).decode()
    set_ = typst.compile(TEMPLATE, root=TEMPLATE.parent, format="pdf", sys_inputs={"papers": data})
    assert isinstance(set_, bytes)
    return set_


def _shown(value: Any) -> Any:
    """The structure with its prices as they are written: typst knows no currencies."""
    if isinstance(value, dict):
        if value.keys() == {"minor", "currency"}:
            return str(Money(value["minor"], value["currency"]))
        return {key: _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value
