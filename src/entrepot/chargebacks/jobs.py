"""What follows by itself: what the gateway tells is posted, what falls on orders is frozen and ended, evidence is sent
in time."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.chargebacks.actions import send_due, settle_shares, take_in
from entrepot.kit.db import Tx
from entrepot.kit.events import Consumer, Event


async def _take_in(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    await take_in(tx, cell, [event.key for event in events])


CONSUMERS = (Consumer("chargebacks", frozenset({"chargeback_told"}), _take_in),)
TIMERS = (settle_shares, send_due)
