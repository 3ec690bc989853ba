"""A month that is over is billed. It may be run again at any time."""

from __future__ import annotations

from entrepot.metering import actions

TIMERS = (actions.bill_due,)
