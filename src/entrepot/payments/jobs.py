"""The gateway's side of payments: intent -> call -> record, and again until there is an answer.

The intent is the payment's (or refund's) committed row; its id is the key of every call about it. What is captured is
settled by the caller's `settle` in the transaction that records it: the order group is paid, or the money goes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx

from entrepot import platform
from entrepot.kit.cells import FIRST
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import NIL, parse, show
from entrepot.kit.log import log
from entrepot.kit.outside import OutsideError
from entrepot.kit.sql import Query
from entrepot.payments import actions, charging_back, store, transfers
from entrepot.payments.gateways.lines import LANES, Gateway, Line, connector, dispute_connector, open_line
from entrepot.payments.gateways.types import (
    Answer,
    BusyError,
    Created,
    DisputeAsked,
    DisputeHint,
    DisputesTold,
    DisputeTold,
    Evidence,
    GatewayRefused,
    Hint,
    Mismatch,
    PaymentAsked,
    PaymentTold,
    RefundAsked,
    Refunded,
    RefundTold,
    Standing,
    Step,
    TransferAsked,
    Transferred,
    WebhookError,
    WebhookEvent,
    payment_mismatch,
    refund_mismatch,
)
from entrepot.payments.store_chargebacks import ChargebackDue
from entrepot.payments.store_payouts import TransferDue
from entrepot.payments.types import Due, RefundDue, WebhookRefused

SWEEP = 100
"""Payments and refunds that one sweep takes on."""
LISTED_PAGES = 100
"""Of a gateway's list of disputes."""
GLANCE_S = 1
"""While calls are under way, how often it is looked whether something else is due."""

Settle = Callable[[Tx, int, Due, str], Awaitable[None]]
"""(tx, cell, the payment, the gateway's id of it): the gateway has captured it."""


async def sweep(
    db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, settle: Settle, lanes: int = LANES
) -> int:
    """Asks a gateway about its payments, and for its refunds and transfers, that are due, at most SWEEP; how many were.

    `lanes` calls are under way at a time, and one that hangs holds up its lane only: what is due is claimed when a lane
    is free for it, so that its call ends within its lease. With one lane everything happens in one order, by time due.
    A gateway that has too many calls is asked nothing more by this sweep. While refunds are switched off they leave
    their lanes to those who are about to pay.
    A fault, such as a database that is away, is raised when what was under way has ended."""
    line = open_line(client, gateway)
    async with db.read() as tx:
        resting = await platform.is_off(tx, platform.Switch.REFUNDS)
    found, under_way, faults, is_busy = 0, set[asyncio.Task[bool]](), list[BaseException](), False
    try:
        while True:
            free = 0 if faults or is_busy else min(lanes - len(under_way), SWEEP - found)
            asks = await _claim(db, line, gateway, cell, settle, free, resting) if free else []
            found += len(asks)
            under_way |= {asyncio.create_task(ask) for ask in asks}
            if not under_way:
                break
            ended, under_way = await asyncio.wait(under_way, timeout=GLANCE_S, return_when=asyncio.FIRST_COMPLETED)
            faults += [fault for task in ended if (fault := task.exception())]
            is_busy = is_busy or any(task.exception() is None and task.result() for task in ended)
    finally:
        for task in under_way:
            task.cancel()
    if faults:
        raise faults[0]
    return found


async def _claim(
    db: Database, line: Line, gateway: Gateway, cell: int, settle: Settle, limit: int, resting: bool
) -> list[Coroutine[Any, Any, bool]]:
    """What is due, to be asked now; a quarter of it refunds, a quarter transfers and a quarter disputes, however many
    payments wait; no refunds while they are `resting`. A claim that is lost with the server is only a claim."""
    share, payouts, with_transfers = limit // 4, list[TransferDue](), gateway.method == "stripe"
    async with db.write(durable=False) as tx:
        disputes = await charging_back.claim(tx, cell, gateway.method, max(1, share))
        limit -= len(disputes)
        refunds = await actions.claim_refunds(tx, cell, gateway.method, share) if share and not resting else []
        if share and with_transfers:
            payouts += await transfers.claim_transfers(tx, cell, share)
        payments = await actions.claim_due(tx, cell, gateway.method, limit - len(refunds) - len(payouts))
        left = limit - len(refunds) - len(payouts) - len(payments)
        if not resting:
            refunds += await actions.claim_refunds(tx, cell, gateway.method, left)
        if with_transfers:
            left = limit - len(refunds) - len(payouts) - len(payments)
            payouts += await transfers.claim_transfers(tx, cell, left)
    asks = [_spared(_ask(db, line, gateway, cell, due, settle), payment=due.id, attempt=due.attempts)
            for due in payments]  # fmt: skip
    asks += [_spared(_refund(db, line, cell, due), refund=due.id, attempt=due.attempts) for due in refunds]
    asks += [_spared(_dispute(db, line, gateway, cell, due), chargeback=due.id, attempt=due.attempts)
             for due in disputes]  # fmt: skip
    return asks + [_spared(_transfer(db, line, cell, due), payout=due.id, attempt=due.attempts) for due in payouts]


async def _spared(ask: Coroutine[Any, Any, None], **what: object) -> bool:
    """No usable answer is no fault: it is asked again when its pause is over. Whether the gateway is too busy."""
    try:
        await ask
    except OutsideError as error:
        log("gateway_unknown", error=str(error), **what)
        return isinstance(error, BusyError)
    return False


async def _ask(db: Database, line: Line, gateway: Gateway, cell: int, due: Due, settle: Settle) -> None:
    """What follows from what the gateway says of a payment."""
    asked = asked_of(due, gateway)
    if due.amount_minor == 0:  # nothing to pay is paid
        async with db.write() as tx:
            await settle(tx, cell, due, asked.reference)
        return
    to = line.connector
    if due.external_id is None:
        # Also for one that is being canceled: whether the gateway knows it is only known by asking with its key.
        steps = to.create(asked)
    else:
        steps = (to.cancel if due.status == "canceling" else to.look)(asked, due.external_id, due.amount_minor)
    told = await _take(line, steps)
    if isinstance(told, Created):
        async with db.write() as tx:
            await actions.mark_pending(tx, cell, due.id, told.external_id, told.redirect_url)
    if not isinstance(told, Created | Standing) or told.status in ("failed", "canceled"):
        await _give_up(db, cell, due, told)
    elif told.status == "captured":
        async with db.write() as tx:
            await settle(tx, cell, due, told.external_id)


async def _take(line: Line, steps: Sequence[Step]) -> Answer:
    """Steps, until one tells. Raises OutsideError."""
    for step in steps:
        told = step.parse(*await line.send(step.request))
        if told is not None:
            return told
    return GatewayRefused(0, "amount_not_payable")


def _why(told: Answer) -> str:
    if isinstance(told, GatewayRefused):
        return told.code
    return f"another {told.field}" if isinstance(told, Mismatch) else type(told).__name__


async def _give_up(db: Database, cell: int, due: Due, why: Answer) -> None:
    if due.status == "canceling" and isinstance(why, Mismatch):
        # Nobody knows then whether there is money at the gateway: it is asked again, and the operator is shown it.
        raise OutsideError(f"the gateway tells of another {why.field}")
    log("payment_failed", payment=due.id, why=_why(why))
    async with db.write() as tx:
        await actions.give_up(tx, cell, due.id)


async def _refund(db: Database, line: Line, cell: int, due: RefundDue) -> None:
    told = await _take(line, line.connector.refund(_refund_asked(due)))
    async with db.write() as tx:
        if isinstance(told, Refunded):
            await actions.record_refunded(tx, cell, due.id, told.external_id)
        else:
            refusal = _why(told)
            log("refund_failed", refund=due.id, why=refusal)
            await actions.record_refused(tx, cell, due.id, refusal)


async def _transfer(db: Database, line: Line, cell: int, due: TransferDue) -> None:
    from entrepot.payments.gateways.stripe import transfer  # large: see lines.connector

    asked = TransferAsked(show("pay", due.id), due.destination, due.amount_minor, due.currency)
    told = await _take(line, transfer(asked))
    if isinstance(told, Transferred):
        async with db.write() as tx:
            await transfers.record_transferred(tx, cell, due.id, told.external_id)
    elif isinstance(told, GatewayRefused) and told.code != "balance_insufficient":
        log("transfer_refused", payout=due.id, why=told.code)
        async with db.write() as tx:
            await transfers.record_refused(tx, cell, due.id)
    else:  # until cards have brought enough; or nobody knows whether there is money under way
        raise OutsideError(_why(told))


async def _dispute(db: Database, line: Line, gateway: Gateway, cell: int, due: ChargebackDue) -> None:
    """Answers a dispute, or looks at it, and keeps what the gateway says of it."""
    asked = DisputeAsked(due.external_id, due.payment_external_id, due.currency, due.captured_minor)
    to = dispute_connector(gateway.method)
    evidence = None if due.evidence is None else Evidence(show("cbk", due.id), due.evidence)
    told = await _take(line, to.look(asked) if evidence is None else to.answer(asked, evidence))
    async with db.write() as tx:
        if isinstance(told, DisputeTold):
            fits = await charging_back.record(tx, cell, due.id, told, is_sent=evidence is not None)
        else:
            fits = isinstance(told, GatewayRefused)
            if isinstance(told, GatewayRefused):
                await charging_back.record_evidence_refused(tx, cell, due.id, told.code)
    if not fits:  # nothing of it moves money; it is asked again, and the operator is shown it
        raise OutsideError(_why(told))


async def list_disputes(db: Database, client: httpx.AsyncClient, gateway: Gateway) -> int:
    """Asks a gateway for the disputes that no webhook has told of, now and then; how many it has that are ours."""
    async with db.write(durable=False) as tx:
        since = await charging_back.list_now(tx, gateway.method)
    if since is None:
        return 0
    line, after, found = open_line(client, gateway), None, 0
    for _ in range(LISTED_PAGES):
        try:
            told = await _take(line, dispute_connector(gateway.method).latest(since, after))
        except OutsideError as error:
            log("gateway_unknown", error=str(error))
            break
        assert isinstance(told, DisputesTold), "a list is all that answers"
        after = told.after
        async with db.write() as tx:
            found += sum([await charging_back.hear(tx, gateway.method, one, listed=True) for one in told.hints])
        if after is None:
            break
    return found


async def take_webhook(db: Database, gateway: Gateway, headers: Mapping[str, str], body: bytes, settle: Settle) -> None:
    """Acts on what the gateway tells, each thing once. Raises WebhookRefused for what it did not send, which costs no
    transaction. What it tells of payments that are not ours, or otherwise than asked, is logged and moves nothing."""
    try:
        event = connector(gateway.method).parse_webhook(gateway.secret, headers, body, db.clock.now())
    except WebhookError as error:
        raise WebhookRefused(str(error)) from None
    if event.told is not None:
        await db.transact(lambda tx: _act(tx, gateway, event, settle))


async def _act(tx: Tx, gateway: Gateway, event: WebhookEvent, settle: Settle) -> None:
    if not await actions.store_webhook(tx, gateway.method, event.event_id):
        return
    if isinstance(event.told, RefundTold):
        await _hear_refund(tx, event.event_id, event.told)
    elif isinstance(event.told, DisputeHint):
        if not await charging_back.hear(tx, gateway.method, event.told):
            log("webhook_mismatch", event_id=event.event_id)
    elif isinstance(event.told, Hint):
        cell, id_ = await _place_of(tx, store.CELL_OF, "pmt", event.told.reference)
        await actions.look_now(tx, cell, id_, gateway.method, event.told.id, is_over=event.told.is_over)
    elif event.told is not None:
        await _hear_payment(tx, gateway, event.event_id, event.told, settle)


async def _hear_payment(tx: Tx, gateway: Gateway, event_id: str, told: PaymentTold, settle: Settle) -> None:
    cell, id_ = await _place_of(tx, store.CELL_OF, "pmt", told.reference)
    due = await tx.maybe(store.DUE_BY_ID, cell=cell, id=id_, method=gateway.method)
    if due is None or payment_mismatch(asked_of(due, gateway), told):
        log("webhook_mismatch", event_id=event_id)
    elif told.status == "captured":
        await settle(tx, cell, due, told.id)
    elif due.status != "captured":
        await actions.give_up(tx, cell, due.id)


async def _hear_refund(tx: Tx, event_id: str, told: RefundTold) -> None:
    if told.status == "done":
        return
    cell, id_ = await _place_of(tx, store.REFUND_CELL, "rfd", told.reference)
    due = await tx.maybe(store.REFUND_BY_ID, cell=cell, id=id_)
    if due is None or refund_mismatch(_refund_asked(due), told):
        log("webhook_mismatch", event_id=event_id)
    else:
        await actions.refund_came_back(tx, cell, due.id)


async def _place_of(tx: Tx, cell_of: Query[int], prefix: str, reference: str) -> tuple[int, UUID]:
    """The cell and id of what a gateway speaks of; the id is NIL for what is not ours."""
    try:
        id_ = parse(prefix, reference)
    except ValueError:
        return FIRST, NIL
    cell = await tx.maybe(cell_of, id=id_)
    return (FIRST, NIL) if cell is None else (cell, id_)


def asked_of(due: Due, gateway: Gateway) -> PaymentAsked:
    """What is asked of a gateway: the same for the same row."""
    back = f"{gateway.return_url}/orders/{show('grp', due.group_id)}"
    return PaymentAsked(show("pmt", due.id), due.amount_minor, due.currency, back)


def _refund_asked(due: RefundDue) -> RefundAsked:
    return RefundAsked(show("rfd", due.id), due.external_id, due.amount_minor, due.currency, due.captured_minor)
