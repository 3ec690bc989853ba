"""Payouts to sellers' own accounts at Stripe, connected to ours: transfers there, asked for by the sweeper."""

from __future__ import annotations

from uuid import UUID

from entrepot import ledger
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import new_id
from entrepot.ledger import Settle
from entrepot.payments import paying_out
from entrepot.payments import store_payouts as store
from entrepot.payments.actions import RETRIED_EVERY, RETRY_AFTER, seconds
from entrepot.payments.store_payouts import TransferDue


async def connect_account(tx: Tx, cell: int, seller_id: UUID, account: str | None, by: UUID) -> None:
    """From the next run on a seller is paid to its account at Stripe or, with None, by the bank again."""
    tx.was(account=await connected_account(tx, cell, seller_id))
    id_ = new_id(tx.now)
    await tx.run(store.ADD_CONNECTED, cell=cell, id=id_, seller_id=seller_id, account=account, now=tx.now, added_by=by)
    tx.emit("account_connected", seller_id, {"account": account, "by": by}, cell)


async def connected_account(tx: ReadTx, cell: int, seller_id: UUID) -> str | None:
    return await tx.maybe(store.CONNECTED, cell=cell, seller_id=seller_id) or None


async def claim_transfers(tx: Tx, cell: int, limit: int) -> list[TransferDue]:
    """Payouts that Stripe has still to be asked for; each is nobody else's for RETRY_AFTER or longer."""
    return await tx.all(
        store.CLAIM_TRANSFERS, cell=cell, now=tx.now, first_s=seconds(RETRY_AFTER), retried_s=seconds(RETRIED_EVERY),
        limit=limit,
    )  # fmt: skip


async def record_transferred(tx: Tx, cell: int, payout_id: UUID, external_id: str) -> None:
    """It is in the seller's account at Stripe: seller 97 -> payout 97."""
    row = await tx.one(store.LOCK_PAYOUT, cell=cell, id=payout_id)
    if row.status == "sent":
        await ledger.post_all(tx, cell, [Settle(row.id, "payout")])
        await tx.run(store.TRANSFERRED, cell=cell, id=row.id, external_id=external_id)
        paying_out.tell(tx, cell, row, "settled")


async def record_refused(tx: Tx, cell: int, payout_id: UUID) -> None:
    """Stripe will not do it: the money is the seller's again, and the next run tries anew."""
    row = await tx.one(store.LOCK_PAYOUT, cell=cell, id=payout_id)
    if row.status == "sent":
        await paying_out.give_back(tx, row)
