"""What follows by itself: turns end, and what buyers said is forgotten with them."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.disputes import store
from entrepot.disputes.actions import end_turns
from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.events import Consumer, Event


async def _forget(tx: Tx, _: int, events: Sequence[Event]) -> None:
    """A buyer's disputes are where the orders are, in any cell."""
    for cell in await cells(tx):
        await tx.run(store.FORGET, cell=cell, buyers=[event.key for event in events])


TIMERS = (end_turns,)
CONSUMERS = (Consumer("disputes_of_erased", frozenset({"buyer_erased"}), _forget),)
