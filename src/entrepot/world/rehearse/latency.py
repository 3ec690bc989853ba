"""Latencies as counts in buckets that are 2 percent wide, so that seconds, kinds and steps can be added up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

WIDTH = math.log(1.02)
SMALLEST_S = 0.0001

Counts = dict[int, int]


def bucket(seconds: float) -> int:
    return int(math.log(max(seconds, SMALLEST_S) / SMALLEST_S) / WIDTH)


def value_ms(number: int) -> float:
    """The middle of a bucket."""
    return SMALLEST_S * math.exp((number + 0.5) * WIDTH) * 1000


def merged(several: Iterable[Mapping[int, int]]) -> Counts:
    total: Counts = {}
    for counts in several:
        for number, count in counts.items():
            total[number] = total.get(number, 0) + count
    return total


def quantile_ms(counts: Mapping[int, int], share: float) -> float | None:
    """The latency that `share` of the answers do not exceed; None without answers."""
    rank = math.ceil(sum(counts.values()) * share)
    for number in sorted(counts):
        rank -= counts[number]
        if rank <= 0:
            return value_ms(number)
    return None
