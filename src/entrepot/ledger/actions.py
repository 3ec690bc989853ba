"""Posting. Each call is one statement, whatever the number of transfers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kit.db import Tx
from entrepot.ledger import store
from entrepot.ledger.types import InsufficientFunds, Transfer, TransferRefused


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


async def post(tx: Tx, cell: int, transfers: Sequence[Transfer]) -> list[str]:
    """Judges transfers one after another and posts those that pass; a verdict for each, in order: amount_not_positive,
    same_account, unknown_account, currency_mismatch, exists, conflict, insufficient_funds or posted."""
    if not transfers:
        return []
    verdicts = await tx.all(
        store.POST_MANY, cell=cell, now=tx.now,
        causes=[t.cause_id for t in transfers], codes=[t.code for t in transfers],
        debits=[t.debit for t in transfers], credits=[t.credit for t in transfers],
        amounts=[t.amount for t in transfers],
    )  # fmt: skip
    return [row.verdict for row in verdicts]


async def post_all(tx: Tx, cell: int, transfers: Sequence[Transfer]) -> None:
    """All of them or, by raising InsufficientFunds or TransferRefused, none. Posted before counts as posted."""
    for verdict in await post(tx, cell, transfers):
        if verdict == "insufficient_funds":
            raise InsufficientFunds
        if verdict not in ("posted", "exists"):
            raise TransferRefused(verdict)
