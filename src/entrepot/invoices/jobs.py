"""Documents of a month are issued when it is over. It may be run again at any time."""

from __future__ import annotations

from entrepot.invoices import actions

TIMERS = (actions.issue_due,)
