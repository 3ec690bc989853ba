"""What buyers dispute at the bank that gave the card, as the gateway tells of it. Webhooks and the gateway's list are
reasons to look; what the look shows is kept, told (chargeback_told), and posted by the room chargebacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.payments import store_chargebacks as store
from entrepot.payments.actions import RETRIED_EVERY, RETRY_AFTER, seconds
from entrepot.payments.gateways.types import DisputeHint, DisputeTold
from entrepot.payments.store_chargebacks import Chargeback, ChargebackDue, Room
from entrepot.payments.types import EvidenceTooLate

LOOKED_EVERY = timedelta(hours=6)
"""How often an open dispute is looked at, whatever webhooks say."""
LISTED_EVERY = timedelta(hours=1)
"""How often a gateway is asked for disputes that no webhook has told of,"""
LISTED_BACK = timedelta(days=7)
"""and how far back."""


async def hear(tx: Tx, method: str, hint: DisputeHint, *, listed: bool = False) -> bool:
    """There is a dispute of a payment: it will be looked at now. False for a payment that is not ours."""
    found = await tx.maybe(store.PAYMENT_OF, method=method, external_id=hint.payment_id)
    if found is None:
        return False
    await tx.run(
        store.HEAR_OF_LISTED if listed else store.HEAR, cell=found.cell, id=new_id(tx.now), payment_id=found.id,
        method=method, external_id=hint.id, now=tx.now,
    )  # fmt: skip
    return True


async def claim(tx: Tx, cell: int, method: str, limit: int) -> list[ChargebackDue]:
    """Disputes whose time to be looked at, or to be answered, has come; each is nobody else's for RETRY_AFTER or
    longer."""
    return await tx.all(
        store.CLAIM, cell=cell, now=tx.now, first_s=seconds(RETRY_AFTER), retried_s=seconds(RETRIED_EVERY),
        method=method, limit=limit,
    )  # fmt: skip


async def record(tx: Tx, cell: int, id_: UUID, told: DisputeTold, *, is_sent: bool) -> bool:
    """How a dispute stands; `is_sent`: the gateway has our evidence. Of one that is over, and in which the gateway has
    given back what it will, there is nothing more to look at. False when it contradicts what it told before."""
    is_over = told.status == "lost" or (told.status == "won" and told.returned_minor == told.withdrawn_minor)
    due_at = None if is_over and told.withdrawn_minor + (told.status == "won") else tx.now + LOOKED_EVERY
    by = None if told.evidence_by is None else datetime.fromtimestamp(told.evidence_by, UTC)
    done = await tx.maybe(
        store.TOLD, cell=cell, id=id_, status=told.status, reason=told.reason, amount_minor=told.amount_minor,
        withdrawn_minor=told.withdrawn_minor, returned_minor=told.returned_minor, fee_minor=told.fee_minor,
        evidence_by=by, due_at=due_at, is_sent=is_sent, now=tx.now,
    )  # fmt: skip
    if done is not None:
        tx.emit("chargeback_told", id_, {"status": told.status}, cell)
    return done is not None


async def record_evidence_refused(tx: Tx, cell: int, id_: UUID, refusal: str) -> None:
    await tx.run(store.REFUSED, cell=cell, id=id_, refusal=refusal, now=tx.now)


async def answer(tx: Tx, cell: int, id_: UUID, evidence: str) -> None:
    """What is to be sent to the bank, once and for good. Raises EvidenceTooLate."""
    if await tx.maybe(store.ANSWER, cell=cell, id=id_, evidence=evidence, now=tx.now) is None:
        raise EvidenceTooLate


async def list_now(tx: Tx, method: str) -> datetime | None:
    """Since when the gateway is to be asked for what we have not heard of, once in LISTED_EVERY; else None. Who has not
    asked for longer than LISTED_BACK asks for all of that time."""
    last = await tx.maybe(store.LIST_NOW, method=method, now=tx.now, before=tx.now - LISTED_EVERY)
    return last and min(last, tx.now) - LISTED_BACK


async def chargebacks(tx: ReadTx, cell: int, ids: Sequence[UUID]) -> list[Chargeback]:
    return await tx.all(store.BY_IDS, cell=cell, ids=ids)


async def latest_chargebacks(tx: ReadTx, before: UUID | None, limit: int) -> list[Chargeback]:
    """Of all cells, the last one first."""
    return await tx.all(store.ALL, before=before or UUID(int=(1 << 128) - 1), limit=limit)


async def chargeback_cell(tx: ReadTx, id_: UUID) -> int:
    """Raises NotFound."""
    cell = await tx.maybe(store.CELL_OF, id=id_)
    if cell is None:
        raise NotFound
    return cell


async def lock_room(tx: Tx, cell: int, payment_id: UUID) -> Room:
    """What of a payment nobody has taken or given back yet; it is locked."""
    return await tx.one(store.LOCK_ROOM, cell=cell, id=payment_id)


class Taken(NamedTuple):
    """What a bank takes of an order, of what was paid for it, or has kept of that in the end."""

    order_id: UUID
    paid_minor: int
    taken_minor: int


async def take(tx: Tx, cell: int, id_: UUID, payment_id: UUID, of: Sequence[Taken], over_minor: int) -> None:
    """The bank has taken so much of the orders of a payment, which is locked, and `over_minor` beyond what was left of
    it."""
    taken = [one.taken_minor for one in of]
    await tx.run(store.TAKE, cell=cell, id=payment_id, taken_minor=sum(taken), over_minor=over_minor)
    await tx.run(
        store.ADD_TAKEN, cell=cell, id=id_, payment_id=payment_id, orders=[one.order_id for one in of],
        paid=[one.paid_minor for one in of], taken=taken,
    )  # fmt: skip


async def give_again(
    tx: Tx, cell: int, id_: UUID, payment_id: UUID, kept: Mapping[UUID, int], taken_minor: int, over_minor: int
) -> None:
    """The bank has given so much of that back; what it has kept of each order."""
    await tx.run(store.RETURN, cell=cell, id=payment_id, taken_minor=taken_minor, over_minor=over_minor)
    await tx.run(store.SET_TAKEN, cell=cell, id=id_, orders=list(kept), taken=list(kept.values()))


async def taken_of(tx: ReadTx, cell: int, group_id: UUID) -> dict[UUID, int]:
    """What banks have of a group's orders."""
    return {row.order_id: row.taken_minor for row in await tx.all(store.TAKEN_OF, cell=cell, payments=[group_id])}


async def left_of(tx: ReadTx, cell: int, group_id: UUID, order_id: UUID) -> int:
    """What of an order could still go back to its buyer, by the payment of its group."""
    found = await tx.maybe(store.LEFT_OF, cell=cell, id=group_id)
    if found is None or found.group_id in (None, NIL):
        return 0
    of = {row.order_id: row.left_minor for row in await tx.all(store.TAKEN_OF, cell=cell, payments=[group_id])}
    return min(found.left_minor, of.get(order_id, found.left_minor))
