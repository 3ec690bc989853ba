"""What the exchange of currencies does by itself: prices follow the rates."""

from __future__ import annotations

from entrepot.exchange import following

TIMERS = (following.follow_prices,)
