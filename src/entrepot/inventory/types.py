"""What stock is told and tells, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from entrepot.kit.problem import Problem

Reason = Literal["counted", "damaged", "expired", "lost", "found"]
"""Why what is on hand is not what the books say."""


class Goods(msgspec.Struct, frozen=True):
    """`quantity` units of stock row `stock_id`, moved because of `cause_id`."""

    stock_id: int
    quantity: int
    cause_id: UUID


class Want(msgspec.Struct, frozen=True):
    """`quantity` units of goods that lie in these rows of stock."""

    stocks: list[int]
    quantity: int


class Short(Exception):  # noqa: N818 - no mistake: there is too little
    """There are not as many as are wanted; `left` of each want."""

    def __init__(self, left: list[int]) -> None:
        super().__init__(left)
        self.left = left


class Adjustment(msgspec.Struct, frozen=True):
    """A count that was corrected by `on_hand_delta` units, for a Reason."""

    id: UUID
    on_hand_delta: int
    reason: str
    at: datetime


@dataclass(eq=False)
class StockPromised(Problem):
    """No more can be taken away than is neither held nor sold."""

    status: ClassVar[int] = 409
    available: int


@dataclass(eq=False)
class StockCurrencyIs(Problem):
    """The operator's own goods are bought and sold in one currency; these are in another."""

    status: ClassVar[int] = 409
    currency: str
