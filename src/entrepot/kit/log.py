"""Structured logs: one JSON object a line on stderr; ids only, never a name, an address, a body or a secret."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from entrepot.kit.clock import RealClock

_clock = RealClock()
_encoder = msgspec.json.Encoder(enc_hook=str)


def log(event: str, **fields: Any) -> None:
    """`event` is a constant; `fields` are ids, counts and codes."""
    line = _encoder.encode({"at": _clock.now(), "event": event, **fields})
    sys.stderr.write(line.decode() + "\n")
