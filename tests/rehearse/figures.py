"""Made-up measurements, of which a test changes what it is about."""

from __future__ import annotations

from typing import Any

import msgspec

from entrepot.world.rehearse.latency import Counts, bucket
from entrepot.world.rehearse.load import Second
from entrepot.world.rehearse.watch import Usage

QUIET = Usage(
    cores=4, machine=0.5, web_cores=0.8, web_busiest=0.4, web_processes=2, postgres_cores=0.7, load_cores=0.3,
    worker_cores=0.1,
    in_use=0.25, late_ms=12.0, batch=3.0, active=2.0, on_lock=0.0, on_log=0.2, log_busy=0.1, connections=20.0,
    max_connections=100, commits_per_s=400.0, wal_mb_per_s=2.0, behind=0,
)  # fmt: skip


def used(**change: Any) -> Usage:
    return msgspec.structs.replace(QUIET, **change)


def answers(seconds: float, count: int) -> Counts:
    return {bucket(seconds): count}


def second(since_s: int, step: int = 0, **change: Any) -> Second:
    """One of 100 arrivals, of which 20 order, all answered within 10 ms."""
    quiet = Second(
        at=1_000.0 + since_s, since_s=float(since_s), step=step, arrivals=100, ordering=20, orders=20, refused=0,
        failed=0, unsent=0, waiting=3, cpu_s=0.3 * since_s, latencies={"listing": answers(0.01, 100)},
    )  # fmt: skip
    return msgspec.structs.replace(quiet, **change)
