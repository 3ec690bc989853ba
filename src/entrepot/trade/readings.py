"""What a file or a pack says, as rows of the trade tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from entrepot.trade.types import NOT_READ, Restriction

EXAMPLES = 3


class Ruling(NamedTuple):
    """A restriction as a country has it from a day on."""

    country: str
    fact: Restriction
    valid_from: date
    valid_to: date | None
    citation: str


@dataclass
class Reading:
    """Rows are in the order of the columns of their tables, without the source. `unread` has, by reason, how many lines
    were not read, and some of them."""

    name: str
    title: str
    digest: str
    codes: list[tuple[str, str, date, date | None, bool]] = field(default_factory=list)
    texts: list[tuple[str, str, str, str]] = field(default_factory=list)
    rates: list[tuple[str, str, str, date, date | None, str, int]] = field(default_factory=list)
    laws: list[tuple[str, str, date, date | None, dict[str, Any], str]] = field(default_factory=list)
    restrictions: list[Ruling] = field(default_factory=list)
    euro_rates: list[tuple[str, date, Decimal]] = field(default_factory=list)
    words: list[tuple[str, str, list[int], list[int]]] = field(default_factory=list)
    unread: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    @property
    def read(self) -> int:
        rates = sum(1 for *_, expression, _line in self.rates if expression != NOT_READ)
        return (
            len(self.codes) + len(self.texts) + rates + len(self.laws) + len(self.restrictions) + len(self.euro_rates)
        )

    def leave(self, reason: str, example: str) -> None:
        """Counts what was not read."""
        number, examples = self.unread.get(reason, (0, []))
        self.unread[reason] = (number + 1, [*examples, example] if number < EXAMPLES else examples)
