"""What the worker does for campaigns."""

from __future__ import annotations

from entrepot.campaigns.actions import settle

TIMERS = (settle,)
