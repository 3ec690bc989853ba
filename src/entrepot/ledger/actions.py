"""Posting. Each call is one statement, whatever the number of transfers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from entrepot.kit.db import Tx
from entrepot.ledger import store
from entrepot.ledger.types import Command, DayNotOver, Hold, InsufficientFunds, Settle, Transfer, TransferRefused, Void

BATCH = 500
"""Holds that one `expire_holds` ends."""
CLOSE_AFTER = timedelta(hours=1)
"""After its end a day is closed. No transaction takes so long; one that did would be refused."""
CLOSED_MAX = 400
"""Days that one `close_days` closes: each is a lock."""
DONE = frozenset({"posted", "held", "settled", "voided", "exists"})
"""Verdicts of what stands."""
_KINDS = {Transfer: "post", Hold: "hold", Settle: "settle", Void: "void"}


async def open_accounts(
    tx: Tx,
    *,
    cell: int,
    codes: Sequence[str],
    owners: Sequence[UUID],
    currencies: Sequence[str],
    limited: bool,
    striped: bool,
) -> list[int]:
    """Opens the accounts (code, owner, currency) that are not open yet; all their ids, in the order asked.

    `limited` accounts refuse to go below zero. `striped` ones spread their balance over a row per writer: for busy
    accounts without a limit."""
    return await tx.all(
        store.OPEN_MANY, cell=cell, now=tx.now, codes=codes, owners=owners, currencies=currencies, limited=limited,
        striped=striped,
    )  # fmt: skip


async def apply(tx: Tx, cell: int, commands: Sequence[Command]) -> list[str]:
    """Judges commands one after another and carries out those that pass; a verdict for each, in order, of those that
    ledger.apply_many lists: posted, held, settled, voided, exists, or why it was refused."""
    if not commands:
        return []
    told: list[str] = await tx.one(
        store.APPLY_MANY, cell=cell, now=tx.now,
        kinds=[_KINDS[type(c)] for c in commands],
        causes=[c.cause_id for c in commands], codes=[c.code for c in commands],
        debits=_each(commands, "debit"), credits=_each(commands, "credit"), amounts=_each(commands, "amount"),
        dues=_each(commands, "due_at"), links=[c.link for c in commands],
    )  # fmt: skip
    return told


def _each(commands: Sequence[Command], field: str) -> list[Any]:
    """The field of those commands that have it."""
    return [getattr(command, field, None) for command in commands]


async def post_all(tx: Tx, cell: int, commands: Sequence[Command]) -> None:
    """All of them or, by raising InsufficientFunds or TransferRefused, none. What was done before counts as done."""
    for verdict in await apply(tx, cell, commands):
        if verdict == "insufficient_funds":
            raise InsufficientFunds
        if verdict not in DONE:
            raise TransferRefused(verdict)


async def lock(tx: Tx, cell: int, accounts: Sequence[int]) -> None:
    """Locks accounts that have one row, in id order, for who must know what they hold."""
    await tx.all(store.LOCK, cell=cell, accounts=accounts)


async def expire_holds(tx: Tx, cell: int, limit: int = BATCH) -> int:
    """Holds whose time has passed are free again, a batch of them; how many. Each is told (`hold_expired`)."""
    expired = await tx.all(store.EXPIRE_MANY, cell=cell, now=tx.now, limit=limit)
    for hold in expired:
        tx.emit("hold_expired", hold.cause_id, {"code": hold.code}, cell)
    return len(expired)


async def close_days(tx: Tx, cell: int, through: date) -> int:
    """Makes the trial balance of each day (UTC) up to `through` that is open, CLOSED_MAX at a time, and closes it: from
    then on the database takes nothing that is dated into it. How many days; waits for whoever still writes in one.
    Raises DayNotOver."""
    if through >= tx.now.date():
        raise DayNotOver
    return await tx.one(store.CLOSE_DAYS, cell=cell, now=tx.now, through=through, limit=CLOSED_MAX)


async def close_due(tx: Tx, cell: int) -> int:
    """Closes what ended CLOSE_AFTER ago, once the operator has closed a first day by hand, in whichever cell: one that
    is added later follows. How many days."""
    if not await tx.one(store.IS_CLOSING):
        return 0
    return await close_days(tx, cell, (tx.now - CLOSE_AFTER).date() - timedelta(days=1))
