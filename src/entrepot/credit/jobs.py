"""What follows a plan by itself."""

from entrepot.credit.actions import look_at_due

TIMERS = (look_at_due,)
