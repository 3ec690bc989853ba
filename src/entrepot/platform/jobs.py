"""What the worker does for the platform."""

from __future__ import annotations

from entrepot.platform.actions import note_ended

TIMERS = (note_ended,)
