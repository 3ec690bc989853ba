"""What the ledger does by itself: holds expire, days are closed. Both may be run again at any time."""

from __future__ import annotations

from entrepot.ledger import actions

TIMERS = (actions.expire_holds, actions.close_due)
