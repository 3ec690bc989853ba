"""Bar charts as figures of whole units; the template draws them. A day without sales has a bar of no height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 76, 24, 10
TICKS = 4
SLOT_MAX = 46
"""So that the bars of a young market are not as wide as doors."""
LABEL = 60
"""What a day's name takes, with the gap to the next one."""


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    value: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """`ticks` are (value, y), from zero up; `labeled` are the bars that say their day."""

    bars: list[Bar]
    ticks: list[tuple[int, int]]
    labeled: list[Bar]


def chart(values: dict[date, int]) -> Chart:
    """Bars of the days from the first to the last, none left out. Values are not negative."""
    if not values:
        return Chart([], [], [])
    days = [min(values) + timedelta(days=i) for i in range((max(values) - min(values)).days + 1)]
    step = tick_step(max(values.values()))
    top = max(-(-max(values.values()) // step), 1) * step
    base, room = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    slot = min((WIDTH - LEFT) // len(days), SLOT_MAX) or 1
    bars = []
    for i, day in enumerate(days):
        value = values.get(day, 0)
        height = value * room // top
        bars.append(Bar(day, value, LEFT + i * slot, base - height, max(slot * 3 // 4, 1), height))
    ticks = [(value, base - value * room // top) for value in range(0, top + 1, step)]
    return Chart(bars, ticks, bars[:: -(-LABEL // slot)])


def tick_step(largest: int, ticks: int = TICKS) -> int:
    """The smallest of 1, 2, 5, 10, 20 ... that reaches `largest` in so many steps."""
    step = 1
    for factor in _round_numbers():
        step = factor
        if step * ticks >= largest:
            break
    return step


def _round_numbers() -> Sequence[int]:
    return [digit * 10**power for power in range(18) for digit in (1, 2, 5)]
