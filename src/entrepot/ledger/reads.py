"""Balances and statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.ledger import store
from entrepot.ledger.store import BelowZero, ClosedDay, HeldLine, StatementLine, TrialLine
from entrepot.ledger.types import StatementTooLong

MAX_LINES = 100_000
PAGE = 50


class Statement(msgspec.Struct, frozen=True):
    """opening + sum(lines) == closing, in minor units of the account's currency."""

    opening_minor: int
    closing_minor: int
    lines: list[StatementLine]


async def account_ids(
    tx: ReadTx, cell: int, codes: Sequence[str], owners: Sequence[UUID], currencies: Sequence[str]
) -> list[int]:
    """The ids of accounts by (code, owner, currency), in the order asked; 0 where there is none."""
    return await tx.all(store.ACCOUNT_IDS, cell=cell, codes=codes, owners=owners, currencies=currencies)


async def balance(tx: ReadTx, cell: int, code: str, currency: str, owner: UUID = NIL) -> int:
    """Minor units; 0 for an account that is not there."""
    return await tx.one(store.BALANCE, cell=cell, code=code, owner=owner, currency=currency)


async def statement(tx: ReadTx, cell: int, account: int, start: datetime, stop: datetime) -> Statement:
    """The account from `start` (included) to `stop` (not). Raises StatementTooLong."""
    opening = await tx.one(store.BEFORE, cell=cell, account=account, start=start)
    lines = await tx.all(store.LINES, cell=cell, account=account, start=start, stop=stop, limit=MAX_LINES + 1)
    if len(lines) > MAX_LINES:
        raise StatementTooLong(MAX_LINES)
    closing = opening + sum(line.amount_minor for line in lines)
    return Statement(opening, closing, lines)


async def held(tx: ReadTx, cell: int, account: int, codes: Sequence[str], stop: datetime) -> list[HeldLine]:
    """What was held of the account at `stop` by holds of these codes that end by themselves, the next to end first; at
    most MAX_LINES."""
    return await tx.all(store.HELD, cell=cell, account=account, codes=codes, stop=stop, limit=MAX_LINES)


async def below_zero(
    tx: ReadTx, cells: Sequence[int], code: str, limit: int, owner: UUID | None = None
) -> list[BelowZero]:
    """Accounts of a code that owe something, those that have for longest first."""
    return await tx.all(store.BELOW_ZERO, cells=cells, code=code, owner=owner, limit=limit)


async def closed_days(tx: ReadTx, cells: Sequence[int], before: date | None = None) -> list[ClosedDay]:
    """Days that are closed in one of the cells, the latest first, those before `before`, PAGE at a time."""
    return await tx.all(store.DAYS, cells=cells, before=before or date.max, limit=PAGE)


async def trial_balance(tx: ReadTx, cells: Sequence[int], day: date) -> list[TrialLine]:
    """The trial balance of a day, by currency and code, of those of the cells that have closed it: cells close by
    themselves, and one begins with its first transfer. Raises NotFound where none has."""
    if not await tx.one(store.IS_CLOSED, cells=cells, day=day):
        raise NotFound
    return await tx.all(store.TRIAL_BALANCE, cells=cells, day=day)
