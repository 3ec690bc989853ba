"""Structured logs: one JSON object a line on stderr; ids only, never a name, an address, a body or a secret."""

from __future__ import annotations

import logging
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


class JsonLines(logging.Formatter):
    """What a library logs, in our form. Of an exception only its type: what it says may repeat what a person typed."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": _clock.now(), "event": record.name, "level": record.levelname, "message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return _encoder.encode(line).decode()


LIBRARIES: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLines}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}
"""For logging.config.dictConfig."""
