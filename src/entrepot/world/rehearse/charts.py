"""Line charts as figures in percent of their plot; the template draws them, and its text stays as large on a phone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TICKS = 4
ROUND = (1, 2, 2.5, 5)

Points = Sequence[tuple[float, float | None]]
"""(seconds, value); a value that is not known interrupts the line."""


@dataclass(frozen=True)
class Series:
    name: str
    tone: str
    points: Points
    filled: bool = False


@dataclass(frozen=True)
class Line:
    """`path` and, of a filled one, `area` are SVG path data in a square of 100 by 100, from its upper left corner."""

    name: str
    tone: str
    path: str
    area: str


@dataclass(frozen=True)
class Chart:
    """Ticks are (text, percent from the left or from the bottom); `bands` are (text, left, width) of the phases."""

    title: str
    note: str
    lines: list[Line]
    x_ticks: list[tuple[str, float]]
    y_ticks: list[tuple[str, float]]
    bands: list[tuple[str, float, float]]
    bound: float | None


def chart(
    title: str, note: str, series: Sequence[Series], bands: Sequence[tuple[str, float, float]], end_s: float, *,
    unit: str = "", log: bool = False, bound: float | None = None, top: float | None = None,
) -> Chart:  # fmt: skip
    """`bands` are (name, begin, end) in seconds. A line is drawn at `bound`; `top` is shown at least."""
    values = [value for one in series for _, value in one.points if value is not None]
    values += [value for value in (bound, top) if value is not None]
    ticks = log_ticks(values) if log else even_ticks(max(values, default=0.0))
    low, high = ticks[0], ticks[-1]

    def y(value: float) -> float:
        share = math.log(max(value, low) / low) / math.log(high / low) if log else value / high
        return 100 * min(max(share, 0.0), 1.0)

    def x(at: float) -> float:
        return 100 * at / end_s

    return Chart(
        title,
        note,
        [_line(one, [(x(at), None if value is None else y(value)) for at, value in one.points]) for one in series],
        [(f"{at:g} s", x(at)) for at in even_ticks(end_s, whole=True) if at <= end_s],
        [(_text(tick, unit), y(tick)) for tick in ticks],
        [(name, x(begin), x(end) - x(begin)) for name, begin, end in bands],
        None if bound is None else y(bound),
    )


def _text(tick: float, unit: str) -> str:
    return f"{tick / 1000:g} s" if unit == " ms" and tick >= 1000 else f"{tick:,g}{unit}"


def stacked(series: Sequence[Series]) -> list[Series]:
    """The same, each on top of those before it, the uppermost first, so that it is drawn behind the others."""
    below = [0.0] * len(series[0].points)
    made = []
    for one in series:
        below = [low + (value or 0.0) for low, (_, value) in zip(below, one.points, strict=True)]
        points = [(at, None if value is None else high) for (at, value), high in zip(one.points, below, strict=True)]
        made.append(Series(one.name, one.tone, points, filled=True))
    return made[::-1]


def even_ticks(largest: float, *, whole: bool = False) -> list[float]:
    """From 0 in TICKS round steps or fewer to `largest` or just above it."""
    if largest <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(largest / TICKS))
    steps = [digit * power * scale for scale in (1, 10) for digit in ROUND]
    step = next(step for step in steps if step * TICKS >= largest * 0.9999 and (not whole or step == int(step)))
    return [round(step * n, 10) for n in range(math.ceil(largest / step * 0.9999) + 1)]


def log_ticks(values: Sequence[float]) -> list[float]:
    """Powers of ten around the values that are above zero, at least two."""
    above = [value for value in values if value > 0] or [1.0]
    low = math.floor(math.log10(min(above)))
    high = max(math.ceil(math.log10(max(above))), low + 1)
    return [float(10**power) for power in range(low, high + 1)]


def _line(one: Series, points: Sequence[tuple[float, float | None]]) -> Line:
    path, area, drawn = [], [], list[tuple[float, float]]()
    for at, value in [*points, (0.0, None)]:
        if value is not None:
            drawn.append((at, 100 - value))
            continue
        if drawn:
            line = " ".join(f"{left:.2f} {down:.2f}" for left, down in drawn)
            path.append(f"M{line}")
            area.append(f"M{drawn[0][0]:.2f} 100 {line} {drawn[-1][0]:.2f} 100Z")
        drawn = []
    return Line(one.name, one.tone, "".join(path), "".join(area) if one.filled else "")
