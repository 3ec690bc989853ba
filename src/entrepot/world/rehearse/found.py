"""What is asked of a rehearsal and what it found, as run.py makes it and report.py tells it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from entrepot.world.rehearse.judge import Link, Span, Verdict
from entrepot.world.rehearse.plan import Mix, Step
from entrepot.world.rehearse.store import Payments
from entrepot.world.rehearse.target import Target
from entrepot.world.rehearse.watch import Usage


class Asked(msgspec.Struct, frozen=True):
    """`ramp` are the steps of the ramp, `shape` is that of the peak, by minute. Rates are orders a second. `keep`: the
    rehearsal's database is not dropped in the end. `through_gateway` is the share of the orders that are not paid by
    wallet."""

    target: Target
    mix: Mix
    ramp: list[Step]
    shape: list[float]
    shape_name: str
    speed: float
    recorded_per_s: float | None
    forecast_per_s: float | None
    headroom: float
    p99_ms: float
    keep: bool
    through_gateway: float = 0.0


class Size(msgspec.Struct, frozen=True):
    """How large the real marketplace is, and the one that was made for the rehearsal."""

    name: str
    real: int
    made: int


class Kind(msgspec.Struct, frozen=True):
    """One kind of visitor at the highest load that held."""

    name: str
    per_s: float  # requests
    p50_ms: float
    p99_ms: float


class Evidence(msgspec.Struct, frozen=True):
    """That it was real, and harmless: orders that the load generator was told are placed, those in the rehearsal's
    database, rows that the auditor checked there and differences it found, and rows of the rehearsal in real tables."""

    acknowledged: int
    placed: int
    checked: int
    findings: int
    strayed: int
    payments: Payments | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, wrong or in the wrong place. Orders whose answers came too late nobody heard of."""
        return self.placed >= self.acknowledged and not self.findings and not self.strayed


class Point(msgspec.Struct, frozen=True):
    """A second of the timeline, `since_s` after the load began."""

    since_s: float
    phase: str
    planned_per_s: float
    offered_per_s: float
    accepted_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    refused: int
    failed: int
    usage: Usage
    in_line: int = 0


class Result(msgspec.Struct, frozen=True):
    """`ramp` are the judged steps, each with the limits that it reached; `peak` is the busiest part of the replay."""

    at: datetime
    took_s: float
    version: str
    postgres: str
    sizes: list[Size]
    asked: Asked
    ramp: list[tuple[Span, list[str]]]
    held: Span | None
    peak: Span | None
    peak_limits: list[str]
    peak_per_s: float
    kinds: list[Kind]
    capacity_per_s: float
    admit_per_s: int
    links: list[Link]
    bottleneck: str
    verdict: Verdict
    evidence: Evidence
    timeline: list[Point]
