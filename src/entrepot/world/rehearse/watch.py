"""PostgreSQL and the machine during a rehearsal, five times a second, and what all that was seen comes to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from entrepot.kit.clock import RealClock
from entrepot.kit.db import Database
from entrepot.world.rehearse.store import GLANCE, MAX_CONNECTIONS, Glance, Sample

EVERY_S = 0.2
CPU_EVERY = 5  # glances
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Cpu(msgspec.Struct, frozen=True):
    """Processor seconds so far: of the whole machine, of PostgreSQL (None where it runs on another machine), of the
    rehearsal's worker, and of its sandbox gateway."""

    machine_s: float
    postgres_s: float | None
    worker_s: float
    gateway_s: float = 0.0


class Seen(msgspec.Struct, frozen=True):
    """One look at `at` (a Unix time)."""

    at: float
    glance: Glance
    cpu: Cpu | None


class Usage(msgspec.Struct, frozen=True):
    """What was used on average over some time. Cores are processors that were at work; `machine`, `web_busiest` (of the
    web processes), `in_use` (of their fullest pool) and `log_busy` are shares, 1 is all."""

    cores: int
    machine: float
    web_cores: float
    web_busiest: float
    web_processes: int
    postgres_cores: float
    load_cores: float
    worker_cores: float
    in_use: float
    late_ms: float
    batch: float
    active: float
    on_lock: float
    on_log: float
    log_busy: float
    connections: float
    max_connections: int
    commits_per_s: float
    wal_mb_per_s: float
    behind: int
    gateway_cores: float = 0.0

    @property
    def rest_cores(self) -> float:
        """Of this command, and of programs that have nothing to do with it."""
        known = self.web_cores + self.postgres_cores + self.load_cores + self.worker_cores + self.gateway_cores
        return max(self.machine * self.cores - known, 0.0)

    @property
    def ours(self) -> float:
        """The share of the processors' work that web processes, PostgreSQL, worker, load generator and sandbox gateway
        did."""
        total = self.machine * self.cores
        return 1 - self.rest_cores / total if total else 0.0


class Watch:
    """Looks until it is canceled. `seen` is all that it saw."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.seen: list[Seen] = []
        self.max_connections = 0

    async def run(self) -> None:
        clock = RealClock()
        async with self._db.read() as tx:
            self.max_connections = await tx.one(MAX_CONNECTIONS)
            server = postmaster(await tx.conn.fetchval("select pg_backend_pid()"))
        while True:
            for n in range(CPU_EVERY):
                async with self._db.read() as tx:
                    glance = await tx.one(GLANCE)
                cpu = _cpu(server) if n == 0 else None
                self.seen.append(Seen(clock.now().timestamp(), glance, cpu))
                await asyncio.sleep(EVERY_S)


def usage(
    seen: Sequence[Seen], samples: Sequence[Sample], load: Sequence[tuple[float, float]], begin: float, end: float,
    max_connections: int,
) -> Usage:  # fmt: skip
    """From `begin` to `end` (Unix times). `load` are (time, processor seconds so far) of the load generator."""
    cores = os.cpu_count() or 1
    glances = [look.glance for look in seen if begin <= look.at <= end] or [look.glance for look in seen[-1:]]
    cpus = [(look.at, look.cpu) for look in seen if look.cpu is not None]
    by_pid: dict[int, list[Sample]] = {}
    for sample in samples:
        by_pid.setdefault(sample.pid, []).append(sample)
    webs = [rate([(s.at.timestamp(), s.cpu_s) for s in mine], begin, end) for mine in by_pid.values()]
    batches = sum(_grown([(s.at.timestamp(), s.batches) for s in mine], begin, end) for mine in by_pid.values())
    commands = sum(_grown([(s.at.timestamp(), s.commands) for s in mine], begin, end) for mine in by_pid.values())
    during = [sample for sample in samples if begin <= sample.at.timestamp() <= end]
    return Usage(
        cores=cores,
        # Read a moment too late, a second may seem to have more than there is.
        machine=min(rate([(at, cpu.machine_s) for at, cpu in cpus], begin, end) / cores, 1.0),
        web_cores=sum(webs),
        web_busiest=max(webs, default=0.0),
        web_processes=len(by_pid),
        postgres_cores=rate([(at, cpu.postgres_s) for at, cpu in cpus if cpu.postgres_s is not None], begin, end),
        load_cores=rate(load, begin, end),
        worker_cores=rate([(at, cpu.worker_s) for at, cpu in cpus], begin, end),
        in_use=_mean([sample.in_use for sample in during]),
        late_ms=max((sample.late_ms for sample in during), default=0.0),
        batch=commands / batches if batches else 0.0,
        active=_mean([glance.active for glance in glances]),
        on_lock=_mean([glance.on_lock for glance in glances]),
        on_log=_mean([glance.on_log for glance in glances]),
        log_busy=_mean([glance.on_log > 0 for glance in glances]),
        connections=_mean([glance.connections for glance in glances]),
        max_connections=max_connections,
        commits_per_s=rate([(look.at, look.glance.commits) for look in seen], begin, end),
        wal_mb_per_s=rate([(look.at, look.glance.wal_bytes) for look in seen], begin, end) / 1e6,
        behind=glances[-1].behind if glances else 0,
        gateway_cores=rate([(at, cpu.gateway_s) for at, cpu in cpus], begin, end),
    )


def _cpu(server: int | None) -> Cpu:
    return Cpu(
        machine_s(), tree_s(server) if server else None, child_s(b"entrepot.worker"),
        child_s(b"entrepot.world.gateway"),
    )  # fmt: skip


def rate(totals: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """Growth per second of (time, total so far) between two times; 0 with fewer than two of them about there."""
    inside = _about(totals, begin, end)
    if len(inside) < 2 or inside[-1][0] <= inside[0][0]:
        return 0.0
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def _grown(totals: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    inside = _about(totals, begin, end)
    return inside[-1][1] - inside[0][1] if inside else 0.0


def _about(totals: Sequence[tuple[float, float]], begin: float, end: float) -> list[tuple[float, float]]:
    """Those in the time, and the last one before it."""
    before = [total for total in totals if total[0] < begin]
    return before[-1:] + [total for total in totals if begin <= total[0] <= end]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def machine_s() -> float:
    """Processor seconds of the machine that were not idle; waiting for a disk is idle."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / TICKS_PER_S


def postmaster(backend: int) -> int | None:
    """The pid of the server that a backend belongs to; None when it is not on this machine."""
    with suppress(OSError, ValueError, IndexError):
        parent = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        if "postgres" in Path(f"/proc/{parent}/comm").read_text():
            return parent
    return None


def tree_s(root: int) -> float:
    """Processor seconds of a process and its children, those that ended included."""
    ticks = 0
    for pid, fields in _processes():
        if pid == root:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == root:
            ticks += sum(map(int, fields[11:13]))
    return ticks / TICKS_PER_S


def child_s(module: bytes) -> float:
    """Processor seconds of the child of this process that runs a module of ours."""
    ticks = 0
    for pid, fields in _processes():
        if int(fields[1]) == os.getpid():
            with suppress(OSError):
                if module in Path(f"/proc/{pid}/cmdline").read_bytes():
                    ticks += sum(map(int, fields[11:13]))
    return ticks / TICKS_PER_S


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Each process and what follows its name in brackets: state, parent, ..., utime, stime, cutime, cstime."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                yield int(entry.name), Path(entry.path, "stat").read_text().rpartition(")")[2].split()
