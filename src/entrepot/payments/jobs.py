"""The gateway's side of payments: intent -> call -> record, and again until there is an answer.

The intent is the payment's (or refund's) committed row; its id is the key of every call about it. What is captured is
settled by the caller's `settle` in the transaction that records it: the order group is paid, or the money goes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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


async def sweep(db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, settle: Settle) -> int:
    """Asks the gateway about every payment that is due; how many were."""
    async with db.write() as tx:
        dues = await actions.claim_due(tx, cell)
    for due in dues:
        try:
            await _ask(db, client, gateway, cell, due, settle)
        except OutsideError as error:
            log("gateway_unknown", payment=due.id, attempt=due.attempts, error=str(error))
    return len(dues)


async def _ask(db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, due: Due, settle: Settle) -> None:
    asked = _asked(due, gateway)
    if due.amount_minor == 0:  # nothing to pay is paid
        async with db.write() as tx:
            await settle(tx, cell, due, asked.reference)
        return
    external_id = due.external_id
    if external_id is None:
        # Also for one that is being canceled: whether the gateway knows it is only known by asking with its key.
        request = sandbox.build_create(asked)
        answer = await call(client, request.method, gateway.url + request.path, key=request.key, body=request.body)
        told = sandbox.parse_created(asked, answer.status_code, answer.content)
        if not isinstance(told, sandbox.Created):
            await _give_up(db, cell, due, told)
            return
        external_id = told.external_id
        async with db.write() as tx:
            await actions.mark_pending(tx, cell, due.id, external_id, told.redirect_url)
        if told.status == "captured":
            async with db.write() as tx:
                await settle(tx, cell, due, external_id)
            return
    canceling = due.status == "canceling"
    build, parse_answer = (
        (sandbox.build_cancel, sandbox.parse_canceled) if canceling else (sandbox.build_get, sandbox.parse_got)
    )
    request = build(asked, external_id)
    answer = await call(client, request.method, gateway.url + request.path, key=request.key, body=request.body)
    standing = parse_answer(asked, external_id, answer.status_code, answer.content)
    if not isinstance(standing, sandbox.Standing):
        await _give_up(db, cell, due, standing)
    elif standing.status == "captured":
        async with db.write() as tx:
            await settle(tx, cell, due, external_id)
    elif standing.status in ("failed", "canceled"):
        await _give_up(db, cell, due, standing)


async def _give_up(db: Database, cell: int, due: Due, why: object) -> None:
    log("payment_failed", payment=due.id, why=type(why).__name__)
    async with db.write() as tx:
        await actions.give_up(tx, cell, due.id)


async def sweep_refunds(db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int) -> int:
    """Asks the gateway for every refund that is due; how many were."""
    async with db.write() as tx:
        dues = await actions.claim_refunds(tx, cell)
    for due in dues:
        try:
            await _refund(db, client, gateway, cell, due)
        except OutsideError as error:
            log("gateway_unknown", refund=due.id, attempt=due.attempts, error=str(error))
    return len(dues)


async def _refund(db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, due: RefundDue) -> None:
    asked = sandbox.RefundAsked(show("rfd", due.id), due.external_id, due.amount_minor, due.currency)
    request = sandbox.build_refund(asked)
    answer = await call(client, request.method, gateway.url + request.path, key=request.key, body=request.body)
    told = sandbox.parse_refunded(asked, answer.status_code, answer.content)
    async with db.write() as tx:
        if isinstance(told, sandbox.Refunded):
            await actions.record_refunded(tx, cell, due.id, "done", told.external_id)
        else:
            log("refund_failed", refund=due.id, why=type(told).__name__)
            await actions.record_refunded(tx, cell, due.id, "failed", None)


async def take_webhook(
    tx: Tx, gateway: Gateway, headers: Mapping[str, str], body: bytes, settle: Settle
) -> None:
    """Acts on what the gateway tells, each thing once. Raises WebhookRefused for what it did not send. What it tells
    of payments that are not ours, or otherwise than asked, is logged and moves nothing."""
    try:
        event = sandbox.parse_webhook(gateway.secret, headers, body, tx.now)
    except sandbox.WebhookError as error:
        raise WebhookRefused(str(error)) from None
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
