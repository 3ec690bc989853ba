"""What the worker does for accounts now and then."""

from __future__ import annotations

from datetime import timedelta

from entrepot.accounts import rules, store
from entrepot.kit.db import Tx
from entrepot.kit.ids import first_id

FORGOTTEN = 5_000
"""Tries that one `forget_tries` deletes, or addresses one `forget_addresses`."""
REMOVED_KEPT = timedelta(days=180)
"""How long an address that its owner deleted is there for what was ordered to it: returns and disputes, too."""
CARTS_KEPT = timedelta(days=90)
"""As long as the carts of those who say no e-mail."""


async def forget_tries(tx: Tx) -> int:
    """Deletes log-in tries that have left the window, a batch of them; how many."""
    done = await tx.run(store.FORGET_TRIES, before=tx.now - rules.WINDOW, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))


async def forget_addresses(tx: Tx, cell: int) -> int:
    """Deletes what was removed long ago, a batch of it; how much."""
    done = await tx.run(store.FORGET_ADDRESSES, cell=cell, before=tx.now - REMOVED_KEPT, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))


async def forget_guests(tx: Tx, cell: int) -> int:
    """Deletes guests who never came further than a cart, when that is forgotten, too; how many."""
    before = first_id(tx.now - CARTS_KEPT)
    done = await tx.run(store.FORGET_GUESTS, cell=cell, made_before=before, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))
