"""What follows an order by itself: consumers of events, and timers. All of them take batches and may be run again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

import httpx

from entrepot import credit, payments
from entrepot.kit.cells import FIRST
from entrepot.kit.db import Database, Tx
from entrepot.kit.events import Consumer, Event
from entrepot.orders import actions, holds, identities, screening, selling, store
from entrepot.payments import Due, Gateway

QUOTES_KEPT = timedelta(days=1)
"""Expired quotes are kept this long, to say that they expired rather than that they never were."""


async def _request_fulfillment(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await actions.request_fulfillment(tx, cell, [UUID(order) for event in events for order in event.data["orders"]])


async def _deliver(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await actions.deliver_many(tx, cell, [event.key for event in events])


async def _cancel_payments(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await payments.cancel_many(tx, cell, [event.key for event in events])


async def _expire_unpaid(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await actions.expire_unpaid(tx, cell, [UUID(event.data["group_id"]) for event in events])


async def _recheck(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    named = all("variants" in event.data for event in events)
    variants = sorted({id_ for event in events for id_ in event.data["variants"]}) if named else None
    await selling.recheck(tx, cell, variants)


async def _screen(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await screening.hold_matches(tx, cell, [UUID(order) for event in events for order in event.data["orders"]])


async def _screen_all(tx: Tx, cell: int, _: Sequence[Event]) -> None:
    await screening.hold_all(tx, cell)


async def _forget(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await tx.run(identities.FORGET, cell=cell, buyers=[event.key for event in events])


CONSUMERS = (
    Consumer("fulfillment", frozenset({"group_paid"}), _request_fulfillment),
    Consumer("delivery", frozenset({"shipment_delivered"}), _deliver),
    Consumer("late_payments", frozenset({"group_expired"}), _cancel_payments),
    Consumer("failed_payments", frozenset({"payment_failed"}), _expire_unpaid),
    Consumer("screening", frozenset({"group_paid"}), _screen),
    Consumer("screening_again", frozenset({"parties_listed"}), _screen_all),
    Consumer("identities_of_erased", frozenset({"buyer_erased"}), _forget),
    Consumer("quotes_by_new_rules", frozenset({"sale_rules_changed"}), _recheck),
)


async def settle(tx: Tx, cell: int, due: Due, external_id: str) -> None:
    """The gateway captured a payment: its group is paid, or, when it had ended unpaid, the money goes back. One that is
    not its group's first pays installments."""
    if due.id != due.group_id:
        await credit.settle(tx, cell, due, external_id)
    elif await actions.record_paid(tx, cell, [due.group_id]):
        captured = await payments.mark_captured(tx, cell, due.id, external_id)
        assert captured, "a group that awaits its payment has one that may be captured"
    else:
        await payments.return_late(tx, cell, due, external_id)


async def sweep(
    db: Database, client: httpx.AsyncClient, gateway: Gateway, cell: int, lanes: int = payments.LANES
) -> int:
    """What waits for the gateway, asked in so many lanes; how much of it there was."""
    found = await payments.list_disputes(db, client, gateway) if cell == FIRST else 0
    return found + await payments.sweep(db, client, gateway, cell, settle, lanes)


async def _drop_quotes(tx: Tx, cell: int) -> int:
    return await tx.one(store.DROP_OLD_QUOTES, cell=cell, before=tx.now - QUOTES_KEPT, limit=actions.BATCH)


Timer = Callable[[Tx, int], Awaitable[int]]

TIMERS: tuple[Timer, ...] = (
    actions.expire_groups, actions.release_due, holds.end_due, payments.settle_due, payments.pay_out, _drop_quotes,
)  # fmt: skip


async def run_timer(db: Database, timer: Timer, cell: int) -> int:
    """Whatever is due at the clock's now, a batch of it; how much there was."""
    return await db.transact(lambda tx: timer(tx, cell))


async def run_timers(db: Database, cell: int) -> int:
    """A batch of each kind; how much there was."""
    return sum([await run_timer(db, timer, cell) for timer in TIMERS])
