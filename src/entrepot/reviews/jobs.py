"""What follows by itself: ratings are counted, and who is forgotten has said nothing."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.events import Consumer, Event
from entrepot.reviews import store
from entrepot.reviews.actions import count


async def _forget(tx: Tx, _: int, events: Sequence[Event]) -> None:
    """A text may say who wrote it; the stars stay. Reviews are where the orders are, in any cell."""
    for cell in await cells(tx):
        await tx.run(store.FORGET, cell=cell, buyers=[event.key for event in events])


TIMERS = (count,)
CONSUMERS = (Consumer("reviews_of_erased", frozenset({"buyer_erased"}), _forget),)
