"""What is judged by itself: orders that were paid, and questions to the service outside."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from entrepot.fraud import actions, rules, store
from entrepot.fraud.types import Question
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import Consumer, Event
from entrepot.kit.ids import show
from entrepot.kit.log import log
from entrepot.kit.outside import OutsideError, call

AGAIN = timedelta(seconds=15)
"""A question without an answer is asked again so much later."""
ASKED = 20
"""Questions that one sweep asks at a time."""


async def _judge(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await actions.judge(tx, cell, [UUID(order) for event in events for order in event.data["orders"]])


CONSUMERS = (Consumer("fraud", frozenset({"group_paid"}), _judge),)


async def sweep(db: Database, client: httpx.AsyncClient, keys: Keys, cell: int) -> int:
    """Asks the service about orders that wait for it, all at once; how many."""
    again = db.clock.now() + AGAIN
    due = await db.transact(
        lambda tx: tx.all(store.CLAIM, cell=cell, now=tx.now, again_at=again, limit=ASKED), durable=False
    )
    await asyncio.gather(*(_ask(db, client, keys, cell, question) for question in due))
    return len(due)


async def _ask(db: Database, client: httpx.AsyncClient, keys: Keys, cell: int, question: Question) -> None:
    if db.clock.now() >= question.due_at:
        await db.transact(lambda tx: actions.be_silent(tx, cell, question))
        return
    async with db.read() as tx:
        facts = (await actions.facts_of(tx, cell, [question.order_id]))[question.order_id]
    order_id = show("ord", question.order_id)
    body = rules.asked(order_id, show("grp", facts.group_id), show("usr", facts.buyer_id), facts)
    try:
        signature = _sign(keys.decrypt(question.secret), db.clock.now(), body)
        headers = {"entrepot-signature": signature}
        response = await call(client, "POST", question.url, key=order_id, body=body, headers=headers)
    except (OutsideError, ValueError) as error:
        log("fraud_service_silent", order=question.order_id, error=type(error).__name__, attempt=question.attempts)
        return
    said = rules.answered(response.content) if response.status_code == 200 else None
    if said is None:
        log("fraud_service_unclear", order=question.order_id, status=response.status_code)
        return
    await db.transact(lambda tx: actions.answer(tx, cell, question, said))


def _sign(secret: bytes, at: datetime, body: bytes) -> str:
    """`t=<seconds>,v1=<HMAC-SHA-256 of "t.body">`, as our own webhooks are signed."""
    stamp = int(at.timestamp())
    return f"t={stamp},v1={hmac.digest(secret, b'%d.%b' % (stamp, body), 'sha256').hex()}"
