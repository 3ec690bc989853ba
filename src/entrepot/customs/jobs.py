"""What declarations do by themselves: they are made when an order is paid, taken back when it is canceled, and asked
about until customs has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import httpx

from entrepot.customs import declarations, office, store_declarations
from entrepot.customs.office import Declared, Office
from entrepot.customs.store_declarations import DueRow
from entrepot.kit.auth import Keys
from entrepot.kit.cells import cells
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import Consumer, Event
from entrepot.kit.ids import show
from entrepot.kit.log import log
from entrepot.kit.outside import OutsideError

AGAIN = timedelta(seconds=30)
"""A declaration without an answer is asked about again so much later."""
ASKED = 20
"""Declarations that one sweep asks about, all at once."""


async def _open(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await declarations.open_many(tx, cell, [UUID(order) for event in events for order in event.data["orders"]])


async def _changed(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    changed = {event.key for event in events if event.data.get("kind", "canceled") == "canceled"}
    for order_id in await tx.all(store_declarations.DECLARED, cell=cell, ids=list(changed)):
        await declarations.order_changed(tx, cell, order_id)


async def _freed(tx: Tx, cell: int, _: Sequence[Event]) -> None:
    await declarations.book_changed(tx, cell)


async def _forget(tx: Tx, _: int, events: Sequence[Event]) -> None:
    """What was told of an erased buyer's orders is where the orders are, in any cell."""
    buyers = [event.key for event in events]
    for cell in await cells(tx):
        await tx.run(store_declarations.FORGET, cell=cell, buyers=buyers)
        await tx.run(store_declarations.FORGET_SAID, cell=cell, buyers=buyers)


CONSUMERS = (
    Consumer("declarations", frozenset({"group_paid"}), _open),
    Consumer("declarations_changed", frozenset({"order_canceled", "order_part_ended"}), _changed),
    Consumer(
        "declarations_short",
        frozenset(
            {
                "declaration_rejected",
                "declaration_revoked",
                "goods_received",
                "order_part_ended",
                "stock_adjusted",
            }
        ),
        _freed,
    ),
    Consumer("declarations_of_erased", frozenset({"buyer_erased"}), _forget),
)


async def sweep(db: Database, client: httpx.AsyncClient, to: Office, keys: Keys, cell: int, limit: int = ASKED) -> int:
    """Asks customs about what is due, all at once; how much it was. Each is claimed for as long as a call may take."""
    again = db.clock.now() + AGAIN
    due = await db.transact(
        lambda tx: tx.all(store_declarations.CLAIM, cell=cell, now=tx.now, again_at=again, limit=limit)
    )
    await asyncio.gather(*(_ask(db, client, to, keys, cell, one) for one in due))
    return len(due)


async def _ask(db: Database, client: httpx.AsyncClient, to: Office, keys: Keys, cell: int, due: DueRow) -> None:
    id_ = show("dec", due.id)
    try:
        if due.status == "revoking":
            answer = await office.revoke(client, to, id_, db.clock.now())
        else:
            async with db.read() as tx:
                found = await declarations.gather(tx, cell, due.order_id)
            number = "" if found.sealed is None else keys.decrypt(found.sealed).decode()
            declared = Declared(id_, found.order.mode, found.order.country, number, found.messages)
            answer = await office.declare(client, to, declared, db.clock.now())
    except (OutsideError, ValueError) as error:
        log("customs_unknown", declaration=due.id, error=type(error).__name__, attempt=due.attempts)
        return
    if answer is not None:
        told = answer
        await db.transact(lambda tx: declarations.answered(tx, cell, due.order_id, due.id, due.status, told))
