"""What the worker does for accounts now and then."""

from __future__ import annotations

from entrepot.accounts import rules, store
from entrepot.kit.db import Tx

FORGOTTEN = 5_000
"""Tries that one `forget_tries` deletes."""


async def forget_tries(tx: Tx) -> int:
    """Deletes log-in tries that have left the window, a batch of them; how many."""
    done = await tx.run(store.FORGET_TRIES, before=tx.now - rules.WINDOW, limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))
