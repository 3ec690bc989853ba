"""What is judged by, as the operator sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from entrepot.fraud import store
from entrepot.fraud.types import Decision, Kind, Rule
from entrepot.kit.db import ReadTx

RULES_MAX = 100


class RuleView(msgspec.Struct, frozen=True):
    """A rule; `valid_to` is null until it is ended."""

    name: str
    kind: Kind
    currency: str
    amount_minor: int
    count: int
    within_s: int
    hold_s: int
    then: Decision
    valid_from: datetime
    source: str
    valid_to: datetime | None


class HookView(msgspec.Struct, frozen=True):
    """The service that is asked; an empty address: none."""

    url: str
    fails: Literal["open", "closed"]
    answer_within_s: int
    since: datetime | None


async def rules_view(tx: ReadTx) -> list[RuleView]:
    """Those that hold first, at most RULES_MAX."""
    found: list[Rule] = await tx.all(store.RULES, limit=RULES_MAX)
    return [msgspec.convert(rule, RuleView, from_attributes=True) for rule in found]


async def hook_view(tx: ReadTx) -> HookView:
    row = await tx.maybe(store.HOOK_AT)
    if row is None:
        return HookView("", "open", 60, None)
    return HookView(row.url, row.fails, row.answer_within_s, row.valid_from)  # type: ignore[arg-type]
