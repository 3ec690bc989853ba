"""Paying in, paying back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from entrepot import accounts, ledger
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer
from entrepot.payments import store, store_chargebacks
from entrepot.payments.store import RefundRow
from entrepot.payments.types import (
    Due,
    PaymentChargedBack,
    PaymentNotThere,
    RefundCameBack,
    RefundDue,
    RefundNotFailed,
)

RETRY_AFTER = timedelta(seconds=30)
"""A claim's lease, which is longer than a call may take, and so the pause before the second try. Each pause after that
is twice as long as the one before, up to one of these two:"""
ASKED_EVERY = timedelta(minutes=4)
"""While a buyer waits. Shorter than the grace of order groups, so that a payment made in time whose webhook is lost is
still found in time."""
RETRIED_EVERY = timedelta(hours=1)
"""What nobody waits for but must be done all the same: canceling and giving back are tried for ever."""
STUCK_ATTEMPTS = 8
"""So many tries without an answer, about an hour of them, and the operator is shown it."""
CAME_BACK = ("came_back", "refund_failed", "refund_canceled")
"""Refusals of refunds that were made and did not reach the buyer."""
WEBHOOKS_KEPT = timedelta(days=90)
"""Far longer than a gateway tells a thing again, or than an old signature is taken (WEBHOOK_TOLERANCE)."""
FORGOTTEN = 5_000
"""Webhooks that one `forget_webhooks` deletes."""


async def top_up(tx: Tx, cell: int, buyer_id: UUID, currency: str, amount_minor: int, cause_id: UUID) -> None:
    """Money that reached us for a buyer's wallet: cash -> wallet. `cause_id` names it, so that it counts once."""
    await top_up_many(tx, cell, currency, [buyer_id], [amount_minor], [cause_id])


async def top_up_many(
    tx: Tx, cell: int, currency: str, buyers: Sequence[UUID], amounts: Sequence[int], causes: Sequence[UUID]
) -> None:
    """The same for many: cash -> each wallet. A buyer who was there before the currency's market has none yet."""
    await accounts.open_wallets(tx, cell, buyers)
    codes, owners = ["cash"] + ["wallet"] * len(buyers), [NIL, *buyers]
    cash, *wallets = await ledger.account_ids(tx, cell, codes, owners, [currency] * len(codes))
    await ledger.post_all(
        tx, cell,
        [
            Transfer(cause, "top_up", cash, wallet, amount)
            for cause, wallet, amount in zip(causes, wallets, amounts, strict=True)
        ],
    )  # fmt: skip


async def ask(
    tx: Tx, cell: int, payment_id: UUID, group_id: UUID, buyer_id: UUID, method: str, currency: str, amount_minor: int
) -> None:
    """A further payment of a group: by `wallet` it is captured, and the caller posts it; otherwise the gateway is
    asked, and what it captures is settled as any payment is."""
    await tx.run(
        store.ASK, cell=cell, id=payment_id, group_id=group_id, buyer_id=buyer_id, method=method, currency=currency,
        amount_minor=amount_minor, now=tx.now,
    )  # fmt: skip


async def claim_due(tx: Tx, cell: int, method: str, limit: int) -> list[Due]:
    """Payments through a gateway whose time to be looked at has come; each is nobody else's for RETRY_AFTER or longer.
    One that gets no answer ends by its group's payment deadline: then it is canceled, and that is tried for ever."""
    return await tx.all(
        store.CLAIM_DUE, cell=cell, now=tx.now, first_s=seconds(RETRY_AFTER), asked_s=seconds(ASKED_EVERY),
        retried_s=seconds(RETRIED_EVERY), method=method, limit=limit,
    )  # fmt: skip


async def mark_pending(tx: Tx, cell: int, payment_id: UUID, external_id: str, redirect_url: str) -> bool:
    """The gateway knows the payment; the buyer finishes it at `redirect_url`. False when it is past that."""
    await tx.run(store.KNOWN_AS, cell=cell, id=payment_id, external_id=external_id, now=tx.now)
    marked = await tx.maybe(
        store.PENDING, cell=cell, id=payment_id, external_id=external_id, redirect_url=redirect_url,
        due_at=tx.now + RETRY_AFTER,
    )  # fmt: skip
    return marked is not None


async def look_now(tx: Tx, cell: int, payment_id: UUID, method: str, external_id: str, *, is_over: bool) -> None:
    """Something happened to a payment at its gateway, which knows it as `external_id`: a look will show what. One that
    we gave up is looked at only if there may be money all the same, and then as one that is being canceled."""
    await tx.run(
        store.LOOK_NOW, cell=cell, id=payment_id, method=method, external_id=external_id, is_over=is_over, now=tx.now
    )


async def mark_captured(tx: Tx, cell: int, payment_id: UUID, external_id: str) -> bool:
    """The money is ours. True exactly once."""
    return await tx.maybe(store.CAPTURED, cell=cell, id=payment_id, external_id=external_id, now=tx.now) is not None


async def give_up(tx: Tx, cell: int, payment_id: UUID) -> bool:
    """Declined, canceled, or told differently than asked. True exactly once."""
    group_id = await tx.maybe(store.GIVE_UP, cell=cell, id=payment_id)
    if group_id is None:
        return False
    tx.emit("payment_failed", payment_id, {"group_id": group_id}, cell)
    return True


async def cancel_many(tx: Tx, cell: int, payments: Sequence[UUID]) -> None:
    """Nobody waits for these payments any more: the sweeper cancels them at the gateway, or returns the money."""
    await tx.run(store.CANCEL, cell=cell, ids=payments, now=tx.now)


async def lock_many(tx: Tx, cell: int, payments: Sequence[UUID]) -> None:
    """Locks payments that will be given back, in id order, for who locks something else before that."""
    await tx.all(store.LOCK, cell=cell, ids=payments)


async def return_late(tx: Tx, cell: int, due: Due, external_id: str) -> bool:
    """Captured after its order group had ended unpaid: it goes back whole. True exactly once."""
    if await tx.maybe(store.RETURN_LATE, cell=cell, id=due.id, external_id=external_id, now=tx.now) is None:
        return False
    await _insert_refunds(tx, cell, [due.id], [due.group_id], [due.group_id], [due.amount_minor], "late_capture")
    return True


async def refund_many(
    tx: Tx,
    cell: int,
    payments: Sequence[UUID],
    orders: Sequence[UUID],
    causes: Sequence[UUID],
    amounts: Sequence[int],
    reason: str,
) -> list[str]:
    """Gives `amounts` of `payments` back for `orders`, or for parts of them, which are then the `causes`: at once into
    a wallet, by a later call through a gateway. The methods, in order. Raises PaymentNotThere when one of them is not
    captured, PaymentChargedBack when the buyer's bank has taken it back."""
    done = await tx.all(store.ADD_REFUNDED, cell=cell, payments=payments, amounts=amounts)
    if missing := sorted(set(payments) - {given.id for given in done}):
        left = await tx.maybe(store.LEFT_OF_TAKEN, cell=cell, ids=missing)
        raise PaymentNotThere if left is None else PaymentChargedBack(left)
    if taken := [given.id for given in done if given.charged_back_minor]:
        await _require_left(tx, cell, taken, orders, amounts)
    await _insert_refunds(tx, cell, payments, orders, causes, amounts, reason)
    return await tx.all(store.METHODS_OF, cell=cell, payments=payments)


async def _require_left(
    tx: Tx, cell: int, taken: Sequence[UUID], orders: Sequence[UUID], amounts: Sequence[int]
) -> None:
    """Of an order no more is given back than banks have left of it, of payments that are locked. Raises
    PaymentChargedBack."""
    for row in await tx.all(store_chargebacks.TAKEN_OF, cell=cell, payments=taken):
        if sum(amount for order, amount in zip(orders, amounts, strict=True) if order == row.order_id) > row.left_minor:
            raise PaymentChargedBack(max(0, row.left_minor))


async def cover(
    tx: Tx, cell: int, payment_id: UUID, order_id: UUID, cause: UUID, amount_minor: int, reason: str
) -> UUID:
    """So much of a payment would go back, and the buyer's bank has taken it for good: the buyer has it, and the caller
    posts that it was no loss. The refund's id. Raises PaymentChargedBack while the bank has not decided."""
    of = {"payment_id": payment_id, "order_id": order_id, "cause_id": cause, "reason": reason}
    id_ = new_id(tx.now)
    done = await tx.maybe(store_chargebacks.COVER, cell=cell, id=id_, amount_minor=amount_minor, now=tx.now, **of)
    if done is None:
        raise PaymentChargedBack(0)
    return id_


async def taken_over(tx: Tx, cell: int, payment_id: UUID) -> tuple[int, bool]:
    """What the buyer's bank has taken of a payment beyond its orders, and whether it has decided; the payment is
    locked."""
    over = await tx.one(store_chargebacks.OVER, cell=cell, id=payment_id)
    return over.over_minor, over.covers_minor is not None


async def _insert_refunds(
    tx: Tx,
    cell: int,
    payments: Sequence[UUID],
    orders: Sequence[UUID],
    causes: Sequence[UUID],
    amounts: Sequence[int],
    reason: str,
) -> None:
    some = [i for i, amount in enumerate(amounts) if amount > 0]
    await tx.run(
        store.REFUND, cell=cell, now=tx.now, ids=[new_id(tx.now) for _ in some], payments=[payments[i] for i in some],
        orders=[orders[i] for i in some], causes=[causes[i] for i in some], amounts=[amounts[i] for i in some],
        reason=reason,
    )  # fmt: skip


async def claim_refunds(tx: Tx, cell: int, method: str, limit: int) -> list[RefundDue]:
    """Refunds that a gateway has still to be asked for; each is nobody else's for RETRY_AFTER or longer."""
    return await tx.all(
        store.CLAIM_REFUNDS, cell=cell, now=tx.now, first_s=seconds(RETRY_AFTER), retried_s=seconds(RETRIED_EVERY),
        method=method, limit=limit,
    )  # fmt: skip


def seconds(time: timedelta) -> int:
    return time // timedelta(seconds=1)


async def record_refunded(tx: Tx, cell: int, refund_id: UUID, external_id: str) -> None:
    """The gateway made a refund."""
    row = await tx.maybe(store.REFUNDED, cell=cell, id=refund_id, status="done", external_id=external_id, refusal=None)
    if row is not None:
        await tx.run(store.RETURNED, cell=cell, id=row.payment_id)


async def record_refused(tx: Tx, cell: int, refund_id: UUID, refusal: str) -> None:
    """The gateway refused a refund for good: the books say that the buyer has the money, and the gateway still has it.
    The event tells it, and the operator decides: `retry_refund` or `credit_refund`."""
    row = await tx.maybe(store.REFUNDED, cell=cell, id=refund_id, status="failed", external_id=None, refusal=refusal)
    if row is not None:
        _tell_refund(tx, "refund_failed", cell, refund_id, row.order_id, row.payment_id)


async def refund_came_back(tx: Tx, cell: int, refund_id: UUID) -> None:
    """The gateway made a refund, but the buyer's bank sent it back: it is as if it had been refused."""
    row = await tx.maybe(store.CAME_BACK, cell=cell, id=refund_id, refusal=CAME_BACK[0])
    if row is not None:
        await tx.run(store.RETURNED_TO_US, cell=cell, id=row.payment_id)
        _tell_refund(tx, "refund_failed", cell, refund_id, row.order_id, row.payment_id)


async def retry_refund(tx: Tx, refund_id: UUID) -> None:
    """Asks the gateway again for a refund that it refused, by the same key: what it may have done after all is not
    done twice. What came back is kept there as it is, under that key. Raises NotFound, RefundNotFailed,
    RefundCameBack, and PaymentChargedBack for what the buyer's bank has taken itself."""
    refund = await _failed_refund(tx, refund_id)
    if refund.refusal in CAME_BACK:
        raise RefundCameBack
    if (await tx.one(store_chargebacks.OVER, cell=refund.cell, id=refund.payment_id)).over_minor:
        raise PaymentChargedBack(0)
    await tx.run(store.RETRY_REFUND, cell=refund.cell, id=refund_id, now=tx.now)
    _tell_refund(tx, "refund_retried", refund.cell, refund_id, refund.order_id, refund.payment_id)


async def credit_refund(tx: Tx, refund_id: UUID) -> None:
    """Gives a refund that the gateway refused into the buyer's wallet instead, where the gateway's money is ours to
    keep: gateway 100 -> wallet 100. What of it the buyer's bank has taken for good the buyer has: it was no loss then,
    gateway 60 -> chargeback_loss 60, and 40 are left. Raises NotFound, RefundNotFailed, and PaymentChargedBack while
    the bank has not decided."""
    refund = await _failed_refund(tx, refund_id)
    over = await tx.one(store_chargebacks.OVER, cell=refund.cell, id=refund.payment_id)
    if over.over_minor and over.covers_minor is None:
        raise PaymentChargedBack(0)
    covered = min(over.over_minor, refund.amount_minor)
    credited = refund.amount_minor - covered
    await tx.run(store_chargebacks.COVERED, cell=refund.cell, id=refund_id, covered_minor=covered)
    await tx.run(store.RETURNED, cell=refund.cell, id=refund.payment_id)
    if covered:
        of = {"taken_minor": 0, "over_minor": covered}
        await tx.run(store_chargebacks.RETURN, cell=refund.cell, id=refund.payment_id, **of)
    (wallet,) = await ledger.open_accounts(
        tx, cell=refund.cell, codes=["wallet"], owners=[refund.buyer_id], currencies=[refund.currency], limited=True,
        striped=False,
    )  # fmt: skip
    gateway, loss = await ledger.account_ids(
        tx, refund.cell, ["gateway", "chargeback_loss"], [NIL] * 2, [refund.currency] * 2
    )
    moves = [
        Transfer(refund_id, "refund_credit", gateway, wallet, credited),
        Transfer(refund_id, "refund_covered", gateway, loss, covered),
    ]
    await ledger.post_all(tx, refund.cell, [move for move in moves if move.amount])
    if credited:
        given = {"buyer_id": refund.buyer_id, "currency": refund.currency, "amount_minor": credited}
        _tell_refund(tx, "refund_credited", refund.cell, refund_id, refund.order_id, refund.payment_id, **given)


async def _failed_refund(tx: Tx, refund_id: UUID) -> RefundRow:
    cell = await tx.maybe(store.REFUND_CELL, id=refund_id)
    if cell is None:
        raise NotFound
    refund = await tx.one(store.LOCK_REFUND, cell=cell, id=refund_id)
    if refund.status != "failed":
        raise RefundNotFailed(refund.status)
    return refund


def _tell_refund(
    tx: Tx, kind: str, cell: int, refund_id: UUID, order_id: UUID, payment_id: UUID, **more: object
) -> None:
    tx.emit(kind, order_id, {"refund_id": refund_id, "payment_id": payment_id, **more}, cell)


async def store_webhook(tx: Tx, gateway: str, event_id: str) -> bool:
    """Whether this event is new to us."""
    return await tx.maybe(store.WEBHOOK, gateway=gateway, event_id=event_id, now=tx.now) is not None


async def forget_webhooks(tx: Tx) -> int:
    """Deletes what is known of webhooks older than WEBHOOKS_KEPT, a batch of it; how many."""
    done = await tx.run(store.FORGET_WEBHOOKS, before=tx.now - WEBHOOKS_KEPT, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))
