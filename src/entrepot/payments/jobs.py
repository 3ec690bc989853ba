"""The gateway's side of payments: intent -> call -> record, and again until there is an answer.

The intent is the payment's (or refund's) committed row; its id is the key of every call about it. What is captured is
settled by the caller's `settle` in the transaction that records it: the order group is paid, or the money goes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any
from uuid import UUID

import httpx
import msgspec

from entrepot.kit.auth import Keys
from entrepot.kit.cells import FIRST
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import parse, show
from entrepot.kit.log import log
from entrepot.kit.outside import OutsideError, call
from entrepot.kit.secrets import get_secret
from entrepot.payments import actions, store
from entrepot.payments.gateways import sandbox
from entrepot.payments.types import Due, RefundDue, WebhookRefused

LANES = 8
"""Calls to the gateway that one sweeper has under way."""
SWEEP = 100
"""Payments and refunds that one sweep takes on."""
GLANCE_S = 1
"""While calls are under way, how often it is looked whether something else is due."""

Settle = Callable[[Tx, int, Due, str], Awaitable[None]]
"""(tx, cell, the payment, the gateway's id of it): the gateway has captured it."""


class Gateway(msgspec.Struct, frozen=True):
    """Where the sandbox gateway is, where it sends buyers back to, and the secret of its webhooks."""

    url: str
    return_url: str
    secret: bytes


async def find_gateway(db: Database, keys: Keys, url: str, return_url: str) -> Gateway | None:
    """The gateway at `url`, when there is one and its webhooks' secret is known (kit.secret `sandbox_webhook`)."""
    if not url:
        return None
    async with db.read() as tx:
        secret = await get_secret(tx, keys, "sandbox_webhook")
    return None if secret is None else Gateway(url, return_url, secret)


def open_client() -> httpx.AsyncClient:
    """A client for one sweeper: a connection for each of its lanes."""
    return httpx.AsyncClient(limits=httpx.Limits(max_connections=LANES, max_keepalive_connections=LANES))


async def sweep(
    db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, settle: Settle, lanes: int = LANES
) -> int:
    """Asks the gateway about the payments and for the refunds that are due, at most SWEEP of them; how many were.

    `lanes` calls are under way at a time, and one that hangs holds up its lane only: what is due is claimed when a lane
    is free for it, so that its call ends within its lease. With one lane everything happens in one order, by time due.
    A fault, such as a database that is away, is raised when what was under way has ended."""
    found, under_way, faults = 0, set[asyncio.Task[None]](), list[BaseException]()
    try:
        while True:
            free = 0 if faults else min(lanes - len(under_way), SWEEP - found)
            asks = await _claim(db, client, gateway, cell, settle, free) if free else []
            found += len(asks)
            under_way |= {asyncio.create_task(ask) for ask in asks}
            if not under_way:
                break
            ended, under_way = await asyncio.wait(under_way, timeout=GLANCE_S, return_when=asyncio.FIRST_COMPLETED)
            faults += [fault for task in ended if (fault := task.exception())]
    finally:
        for task in under_way:
            task.cancel()
    if faults:
        raise faults[0]
    return found


async def _claim(
    db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, settle: Settle, limit: int
) -> list[Coroutine[Any, Any, None]]:
    """What is due, to be asked now; a quarter of it refunds, however many payments wait. A claim that is lost with the
    server is only a claim."""
    async with db.write(durable=False) as tx:
        refunds = await actions.claim_refunds(tx, cell, limit // 4) if limit > 3 else []
        payments = await actions.claim_due(tx, cell, limit - len(refunds))
        refunds += await actions.claim_refunds(tx, cell, limit - len(refunds) - len(payments))
    return [_spared(_ask(db, client, gateway, cell, due, settle), payment=due.id, attempt=due.attempts)
            for due in payments] + [
        _spared(_refund(db, client, gateway, cell, due), refund=due.id, attempt=due.attempts) for due in refunds
    ]  # fmt: skip


async def _spared(ask: Coroutine[Any, Any, None], **what: object) -> None:
    """No usable answer is no fault: it is asked again when its pause is over."""
    try:
        await ask
    except OutsideError as error:
        log("gateway_unknown", error=str(error), **what)


async def _ask(db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, due: Due, settle: Settle) -> None:
    """One call about a payment, and what follows from its answer."""
    asked = _asked(due, gateway)
    if due.amount_minor == 0:  # nothing to pay is paid
        async with db.write() as tx:
            await settle(tx, cell, due, asked.reference)
        return
    told: sandbox.Created | sandbox.Standing | sandbox.Declined | sandbox.GatewayRefused | sandbox.Mismatch
    if due.external_id is None:
        # Also for one that is being canceled: whether the gateway knows it is only known by asking with its key.
        told = sandbox.parse_created(asked, *await _send(client, gateway, sandbox.build_create(asked)))
        if isinstance(told, sandbox.Created):
            async with db.write() as tx:
                await actions.mark_pending(tx, cell, due.id, told.external_id, told.redirect_url)
    elif due.status == "canceling":
        answer = await _send(client, gateway, sandbox.build_cancel(asked, due.external_id))
        told = sandbox.parse_canceled(asked, due.external_id, *answer)
    else:
        answer = await _send(client, gateway, sandbox.build_get(asked, due.external_id))
        told = sandbox.parse_got(asked, due.external_id, *answer)
    if not isinstance(told, sandbox.Created | sandbox.Standing) or told.status in ("failed", "canceled"):
        await _give_up(db, cell, due, told)
    elif told.status == "captured":
        async with db.write() as tx:
            await settle(tx, cell, due, told.external_id)


async def _give_up(db: Database, cell: int, due: Due, why: object) -> None:
    if due.status == "canceling" and isinstance(why, sandbox.Mismatch):
        # Nobody knows then whether there is money at the gateway: it is asked again, and the operator is shown it.
        raise OutsideError(f"the gateway tells of another {why.field}")
    log("payment_failed", payment=due.id, why=type(why).__name__)
    async with db.write() as tx:
        await actions.give_up(tx, cell, due.id)


async def _refund(db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, due: RefundDue) -> None:
    asked = sandbox.RefundAsked(show("rfd", due.id), due.external_id, due.amount_minor, due.currency)
    told = sandbox.parse_refunded(asked, *await _send(client, gateway, sandbox.build_refund(asked)))
    async with db.write() as tx:
        if isinstance(told, sandbox.Refunded):
            await actions.record_refunded(tx, cell, due.id, told.external_id)
        else:
            refusal = told.code if isinstance(told, sandbox.GatewayRefused) else f"another {told.field}"
            log("refund_failed", refund=due.id, why=refusal)
            await actions.record_refused(tx, cell, due.id, refusal)


async def _send(client: httpx.AsyncClient, gateway: Gateway, request: sandbox.OutRequest) -> tuple[int, bytes]:
    """The status and body of the gateway's answer. Raises OutsideError."""
    answer = await call(client, request.method, gateway.url + request.path, key=request.key, body=request.body)
    return answer.status_code, answer.content


async def take_webhook(db: Database, gateway: Gateway, headers: Mapping[str, str], body: bytes, settle: Settle) -> None:
    """Acts on what the gateway tells, each thing once. Raises WebhookRefused for what it did not send, which costs no
    transaction. What it tells of payments that are not ours, or otherwise than asked, is logged and moves nothing."""
    try:
        event = sandbox.parse_webhook(gateway.secret, headers, body, db.clock.now())
    except sandbox.WebhookError as error:
        raise WebhookRefused(str(error)) from None
    await db.transact(lambda tx: _act(tx, gateway, event, settle))


async def _act(tx: Tx, gateway: Gateway, event: sandbox.WebhookEvent, settle: Settle) -> None:
    if not await actions.store_webhook(tx, "sandbox", event.event_id) or isinstance(event.told, sandbox.RefundTold):
        return
    cell, due = await _due_of(tx, event.told.reference)
    if due is None or sandbox.payment_mismatch(_asked(due, gateway), event.told):
        log("webhook_mismatch", event_id=event.event_id)
    elif event.told.status == "captured":
        await settle(tx, cell, due, event.told.id)
    elif due.status != "captured":
        await actions.give_up(tx, cell, due.id)


async def _due_of(tx: Tx, reference: str) -> tuple[int, Due | None]:
    """The payment that a gateway speaks of, with its cell."""
    try:
        payment_id: UUID = parse("pmt", reference)
    except ValueError:
        return FIRST, None
    cell = await tx.maybe(store.CELL_OF, id=payment_id)
    if cell is None:
        return FIRST, None
    return cell, await tx.maybe(store.DUE_BY_ID, cell=cell, id=payment_id)


def _asked(due: Due, gateway: Gateway) -> sandbox.PaymentAsked:
    back = f"{gateway.return_url}/orders/{show('grp', due.group_id)}"
    return sandbox.PaymentAsked(show("pmt", due.id), due.amount_minor, due.currency, back)
