"""Prometheus metrics, summed over the server's processes when PROMETHEUS_MULTIPROC_DIR is set (it is, by `serve`)."""

from __future__ import annotations

import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

LEFT_BEHIND = Counter("entrepot_left_behind", "Things that a timer or consumer failed at, at each try", ["job"])


class Counts:
    """What an application counts. A rehearsal's has a name, and metrics apart from the shop's."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        prefix = f"entrepot_{name}".rstrip("_")
        self._requests = Histogram(
            f"{prefix}_request_seconds", "Time to answer, by route and status", ["route", "status"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
        )  # fmt: skip
        self.verdicts = Counter(f"{prefix}_place_verdicts", "Verdicts of place_many", ["verdict"])
        self.batches = Histogram(
            f"{prefix}_batch_commands", "Commands in a batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
        )

    def requests_of(self, route: str) -> Callable[[int, float], None]:
        """Counts a route's answers: (status, seconds). Looking up a metric by its labels takes longer than counting, so
        they are kept."""
        kept: dict[int, Callable[[float], None]] = {}

        def seen(status: int, took_s: float) -> None:
            observe = kept.get(status)
            if observe is None:
                observe = kept[status] = self._requests.labels(route, status).observe
            observe(took_s)

        return seen


SHOP, REHEARSAL = Counts(), Counts("rehearsal")


def expose() -> bytes:
    """The text that /metrics answers."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def gauge(name: str, what: str, value: float) -> bytes:
    """One more line, of what is read when it is asked for."""
    return f"# HELP {name} {what}\n# TYPE {name} gauge\n{name} {value}\n".encode()
