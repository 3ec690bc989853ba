"""What the worker does for accounts now and then."""

from __future__ import annotations

from entrepot.accounts import rules, store
from entrepot.kit.db import Tx


async def forget_tries(tx: Tx) -> None:
    """Deletes log-in tries that have left the window."""
    await tx.run(store.FORGET_TRIES, before=tx.now - rules.WINDOW)
