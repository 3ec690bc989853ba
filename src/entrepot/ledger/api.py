"""The books of the house over HTTP: trial balances, and closing a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, get, post
from entrepot.kit.problem import NotFound
from entrepot.ledger import actions, reads
from entrepot.ledger.store import ClosedDay, TrialLine
from entrepot.ledger.types import DayNotOver

Cell = Annotated[int, Meta(ge=0, le=32_767)]


class ClosedDaysQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last day of the page before."""

    cell: Cell = 0
    before: date | None = None


class ClosedDays(msgspec.Struct, frozen=True):
    items: list[ClosedDay]


class TrialQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    day: date
    cell: Cell = 0


class TrialBalance(msgspec.Struct, frozen=True):
    """Every code of the house's and its members' accounts; of each currency the closings add up to nothing."""

    day: date
    lines: list[TrialLine]


class CloseDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`through` is the last day (UTC) to close, which must be over."""

    through: date
    cell: Cell = 0


class DaysClosed(msgspec.Struct, frozen=True):
    days: int


async def list_closed_days(tx: ReadTx, query: ClosedDaysQuery) -> ClosedDays:
    """Days whose books are closed, the latest first."""
    return ClosedDays(await reads.closed_days(tx, [query.cell], query.before))


async def read_trial_balance(tx: ReadTx, query: TrialQuery) -> TrialBalance:
    """The trial balance of a closed day, by currency and account code."""
    return TrialBalance(query.day, await reads.trial_balance(tx, [query.cell], query.day))


async def close_days(tx: Tx, body: CloseDays) -> DaysClosed:
    """Closes the books of every day that is open up to one that is over, at most 400 at a time: nothing is dated into
    them any more. From the first close on, the worker closes each day an hour after its end."""
    return DaysClosed(await actions.close_days(tx, body.cell, body.through))


routes = [
    get("/v1/operator/closed-days", list_closed_days, access=OPERATOR),
    get("/v1/operator/trial-balance", read_trial_balance, access=OPERATOR, raises=(NotFound,)),
    post("/v1/operator/closed-days", close_days, access=OPERATOR, raises=(DayNotOver,), key="taken"),
]
