"""Totals so far become rates, and looks become shares."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrepot.world.rehearse.store import Glance, Sample
from entrepot.world.rehearse.watch import Cpu, Seen, child_s, machine_s, postmaster, rate, tree_s, usage

BEGAN = datetime(2026, 11, 10, 23, tzinfo=UTC)
T = BEGAN.timestamp()


def glance(**counts: int) -> Glance:
    quiet = {
        "active": 2, "on_lock": 0, "on_log": 0, "on_other": 0, "connections": 10, "commits": 0, "wal_bytes": 0,
        "behind": 0,
    }  # fmt: skip
    return Glance(**quiet | counts)


def test_a_rate_is_growth_between_the_first_and_the_last() -> None:
    totals = [(0.0, 5.0), (1.0, 7.0), (2.0, 12.0), (3.0, 12.0)]
    assert rate(totals, 1.0, 2.0) == 3.5  # from the last before it
    assert rate(totals, 0.0, 3.0) == pytest.approx(7 / 3)
    assert rate(totals, 10.0, 11.0) == 0.0
    assert rate([], 0.0, 1.0) == 0.0


def test_usage_of_two_seconds() -> None:
    seen = [
        Seen(T, glance(), Cpu(10.0, 1.0, 0.1)),
        Seen(T + 1, glance(active=4, on_log=1, commits=300, wal_bytes=1_000_000), Cpu(10.5, 1.2, 0.1)),
        Seen(T + 2, glance(active=6, on_lock=3, commits=400, wal_bytes=4_000_000, behind=7), Cpu(11.0, 1.4, 0.3)),
    ]
    samples = [
        Sample(pid, BEGAN + timedelta(seconds=n), 1.0 + share * n, 5.0 * n, 0.25 * n, 10 * n, 40 * n)
        for pid, share in ((1, 0.2), (2, 0.1))
        for n in range(3)
    ]
    found = usage(seen, samples, [(T, 0.0), (T + 2, 0.5)], T, T + 2, 100)
    cores = os.cpu_count() or 1
    assert found.machine == pytest.approx(0.5 / cores)
    assert found.web_cores == pytest.approx(0.3)
    assert found.web_busiest == found.postgres_cores == pytest.approx(0.2)
    assert (found.web_processes, found.load_cores) == (2, 0.25)
    assert found.worker_cores == pytest.approx(0.1)
    assert (found.batch, found.late_ms, found.in_use) == (4.0, 10.0, 0.25)
    assert (found.active, found.on_lock, found.on_log, found.log_busy) == (4.0, 1.0, 1 / 3, 1 / 3)
    assert (found.commits_per_s, found.wal_mb_per_s, found.behind) == (200.0, 2.0, 7)
    assert found.ours == 1.0


def test_nothing_seen_is_nothing_used() -> None:
    found = usage([], [], [], T, T + 1, 0)
    assert (found.machine, found.web_processes, found.active, found.ours) == (0.0, 0, 0.0, 0.0)


def test_processors_are_read_from_the_kernel() -> None:
    before = tree_s(os.getpid())
    until = before + 0.05
    while tree_s(os.getpid()) < until:
        pass
    assert machine_s() > until
    assert child_s(b"entrepot.worker") == 0.0  # pytest has none
    assert postmaster(os.getpid()) is None  # pytest's parent is no PostgreSQL
    assert not Path("/proc/0").exists()
    assert postmaster(0) is None
