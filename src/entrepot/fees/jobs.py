"""What fees do by themselves, by the clock. Each may be run again at any time."""

from __future__ import annotations

from entrepot.fees import actions, shops

TIMERS = (actions.count_month, shops.charge_due)
