"""How far a long run is: one line redrawn on a terminal, a line now and then elsewhere. On stderr."""

from __future__ import annotations

import sys
from typing import TextIO

from entrepot.kit.clock import monotonic

REDRAW_S = 0.2
SAY_S = 10.0
WIDTH = 24


class ProgressLine:
    """`add` what is done; `total` of it is all. What was done `already` counts for the share, not for the rate."""

    def __init__(self, what: str, total: int, already: int = 0, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._live = self._out.isatty()
        self._what, self._total = what, total
        self._done = self._already = already
        self._began = self._shown = monotonic()

    def add(self, count: int, note: str) -> None:
        """`note` says where we are."""
        self._done += count
        now = monotonic()
        if now - self._shown >= (REDRAW_S if self._live else SAY_S):
            self._shown = now
            self._write(note, now)

    def end(self, note: str) -> None:
        """The last word, which stays."""
        self._write(note, monotonic())
        if self._live:
            self._out.write("\n")
            self._out.flush()

    def _write(self, note: str, now: float) -> None:
        rate = (self._done - self._already) / max(now - self._began, 0.001)
        text = f"{self._done:,} of {self._total:,} {self._what}, {rate:,.0f}/s"
        if rate and self._done < self._total:
            left = round((self._total - self._done) / rate)
            text += f", {left // 60}:{left % 60:02d} left"
        if self._live:
            filled = WIDTH * self._done // max(self._total, 1)
            bar = "#" * filled + "." * (WIDTH - filled)
            self._out.write(f"\r\x1b[K[{bar}] {text}, {note}")
        else:
            self._out.write(f"{text}, {note}\n")
        self._out.flush()
