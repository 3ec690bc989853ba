"""Balances and statements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.ledger import store
from entrepot.ledger.store import (
    BelowZero,
    Caused,
    ClosedDay,
    Flow,
    Gross,
    HeldLine,
    Line,
    Moved,
    StatementLine,
    Total,
    TrialLine,
)
from entrepot.ledger.types import StatementTooLong

MAX_LINES = 100_000
PAGE = 50


class Statement(msgspec.Struct, frozen=True):
    """opening + sum(lines) == closing, in minor units of the account's currency."""

    opening_minor: int
    closing_minor: int
    lines: list[StatementLine]


class Flows(msgspec.Struct, frozen=True):
    """What an account moved from one time to another, by day and code: opening + all amounts == closing."""

    opening_minor: int
    closing_minor: int
    flows: list[Flow]


class Position(NamedTuple):
    """A place among an account's lines: behind one of them, or (`begin`) before the first."""

    at: datetime
    cause_id: UUID
    negated: int
    code: str

    @classmethod
    def begin(cls, start: datetime) -> Position:
        return cls(start, NIL, -(2**63), "")

    @classmethod
    def behind(cls, line: Line) -> Position:
        return cls(line.at, line.cause_id, -line.amount_minor, line.code)


async def account_ids(
    tx: ReadTx, cell: int, codes: Sequence[str], owners: Sequence[UUID], currencies: Sequence[str]
) -> list[int]:
    """The ids of accounts by (code, owner, currency), in the order asked; 0 where there is none."""
    return await tx.all(store.ACCOUNT_IDS, cell=cell, codes=codes, owners=owners, currencies=currencies)


async def balance(tx: ReadTx, cell: int, code: str, currency: str, owner: UUID = NIL) -> int:
    """Minor units; 0 for an account that is not there."""
    return await tx.one(store.BALANCE, cell=cell, code=code, owner=owner, currency=currency)


async def balances(tx: ReadTx, cells: Sequence[int], codes: Sequence[str], currency: str) -> dict[str, int]:
    """Of the house's accounts in all of these cells, by code; 0 for one that is not there."""
    found = dict.fromkeys(codes, 0)
    for cell in cells:
        for row in await tx.all(store.BALANCES, cell=cell, codes=codes, owner=NIL, currency=currency):
            found[row.code] += row.minor
    return found


async def statement(tx: ReadTx, cell: int, account: int, start: datetime, stop: datetime) -> Statement:
    """The account from `start` (included) to `stop` (not). Raises StatementTooLong."""
    opening = await tx.one(store.BEFORE, cell=cell, account=account, start=start)
    lines = await tx.all(store.LINES, cell=cell, account=account, start=start, stop=stop, limit=MAX_LINES + 1)
    if len(lines) > MAX_LINES:
        raise StatementTooLong(MAX_LINES)
    closing = opening + sum(line.amount_minor for line in lines)
    return Statement(opening, closing, lines)


async def flows(tx: ReadTx, cell: int, account: int, start: datetime, stop: datetime, zone: str) -> Flows:
    """What an account without stripes moved from `start` to `stop`, by days of a time zone, at one moment."""
    rows = await tx.all(store.FLOWS, cell=cell, account=account, start=start, stop=stop, zone=zone)
    within = [row for row in rows if row.day is not None]
    closing = rows[0].balance_minor - sum(row.amount_minor for row in rows if row.day is None)
    return Flows(closing - sum(row.amount_minor for row in within), closing, within)


async def lines_after(
    tx: ReadTx, cell: int, account: int, place: Position, stop: datetime, zone: str, limit: int
) -> list[Line]:
    """An account's lines behind a place and before `stop`, in order, with local times of a time zone."""
    return await tx.all(
        store.LINES_AFTER, cell=cell, account=account, stop=stop, zone=zone, limit=limit, **place._asdict()
    )


async def moved_up_to(tx: ReadTx, cell: int, account: int, start: datetime, place: Position) -> int:
    """What an account moved from `start` up to a place; minor units."""
    return await tx.one(store.MOVED_UP_TO, cell=cell, account=account, start=start, **place._asdict())


async def moved_accounts(tx: ReadTx, cell: int, code: str, owner: UUID) -> list[Moved]:
    """An owner's accounts of a code without stripes that were ever moved, by currency."""
    return await tx.all(store.MOVED_ACCOUNTS, cell=cell, code=code, owner=owner)


async def totals(tx: ReadTx, cell: int, account: int, begins: Sequence[datetime]) -> list[Total]:
    """What an account moved by code in each of the spans between these times, which are in order."""
    spans = {"begins": begins, "start": begins[0], "stop": begins[-1]}
    return await tx.all(store.TOTALS, cell=cell, account=account, **spans)


async def credited(tx: ReadTx, cell: int, account: int, code: str, begins: Sequence[datetime]) -> list[Caused]:
    """The causes of what an account was credited by a code, with the spans between these times."""
    spans = {"begins": begins, "start": begins[0], "stop": begins[-1]}
    return await tx.all(store.CREDITED, cell=cell, account=account, code=code, **spans)


async def named(tx: ReadTx, cell: int, causes: Collection[UUID], code: str) -> dict[UUID, datetime]:
    """Those of the causes that have a transfer of a code, and when it was."""
    return {row.cause_id: row.at for row in await tx.all(store.NAMED, cell=cell, causes=causes, code=code)}


async def gross(
    tx: ReadTx,
    cell: int,
    account: int,
    code: str,
    begins: Sequence[datetime],
    *,
    plus: Sequence[str],
    less: Sequence[str],
    more: Collection[UUID],
) -> list[Gross]:
    """What the causes of an account's credits of a code, and `more` causes, moved by transfers of the codes `plus`
    without those of `less`, to whomever, in the spans in which that began."""
    spans = {"begins": begins, "start": begins[0], "stop": begins[-1]}
    return await tx.all(
        store.GROSS, cell=cell, account=account, code=code, plus=plus, less=less, more=more, **spans
    )  # fmt: skip


async def closed_through(tx: ReadTx, cell: int) -> date | None:
    """The last day (UTC) that a cell has closed: all before it are closed, too."""
    return await tx.maybe(store.CLOSED_THROUGH, cell=cell)


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
