"""What a rehearsal found, told: one HTML file that needs nothing from elsewhere, JSON, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from entrepot.world.rehearse import judge
from entrepot.world.rehearse.charts import Chart, Series, chart, stacked
from entrepot.world.rehearse.found import Point, Result
from entrepot.world.rehearse.load import CONNECTIONS
from entrepot.world.rehearse.store import Payments
from entrepot.world.rehearse.watch import Usage

BESIDE_CORES = 0.3
WORDS = {"go": "Go", "no_go": "No go", "measured": "Measured"}
PHASES = {"warm": "warm-up", "ramp": "ramp to the first limit", "peak": "the peak, replayed"}
KINDS = {
    "listing": "a page of 24 products",
    "detail": "a product's page",
    "cart": "a cart that is filled and left",
    "purchase": "a whole purchase, from an empty cart to paid",
    "place": "an order from a cart that was quoted before",
    "campaign": "an order from a campaign, through its waiting room, of the one product that all want",
    "payment": "a look whether a payment has arrived",
}


def as_html(result: Result) -> str:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    templates.filters |= {"rate": rate, "limit": judge.LIMITS.__getitem__}
    return templates.get_template("report.html").render(
        r=result, word=WORDS[result.verdict.word], charts=charts(result), small=small_charts(result),
        names=judge.NAMES, remedies=judge.REMEDIES, limits=judge.LIMITS, percent=judge.ADMIT_PERCENT, phases=PHASES,
        kinds=KINDS, connections=CONNECTIONS,
        first=first_limit(result),
        at_least=at_least(result), beside=beside(result), decided=decided(result), usage=_usage_at_limit(result),
    )  # fmt: skip


def as_json(result: Result) -> str:
    return msgspec.json.encode(result).decode()


def as_lines(result: Result, kept: str) -> list[str]:
    """For a terminal: the answer first."""
    evidence, asked = result.evidence, result.asked
    capacity = f"{at_least(result)}{rate(result.capacity_per_s)} orders/s"
    capacity += f" with a 99th percentile of at most {asked.p99_ms:g} ms"
    admission = f"{result.admit_per_s} buyers/s are proposed for the waiting room, {judge.ADMIT_PERCENT} % of that"
    books = f"{evidence.checked:,} checks of its books, {evidence.findings} differences"
    return [
        WORDS[result.verdict.word].upper(),
        *result.verdict.reasons,
        "",
        f"capacity     {capacity}",
        f"first limit  {first_limit(result)}",
        f"bottleneck   {judge.NAMES[result.bottleneck]}. {judge.REMEDIES[result.bottleneck]}",
        f"admission    {admission}; take it over at a campaign",
        f"written      {evidence.placed:,} orders in a database of its own; {books}",
        f"real tables  {evidence.strayed} rows of the rehearsal",
        f"report       {kept}",
        *filter(None, [_paid(result.evidence.payments), beside(result)]),
    ]


def _paid(payments: Payments | None) -> str | None:
    if payments is None:
        return None
    text = f"gateway      {payments.paid:,} of {payments.asked:,} orders paid through it"
    return text + ("" if payments.p99_s is None else f", 99 of 100 within {payments.p99_s:,.1f} s")


def rate(value: float) -> str:
    """A rate with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 20 else f"{value:,.1f}"


def first_limit(result: Result) -> str:
    for found, reached in result.ramp:
        if reached:
            return f"at {rate(found.planned_per_s)} orders/s {judge.LIMITS[reached[0]]}"
    return "none, the deployment holds more than the ramp had (see --up-to)"


def decided(result: Result) -> str:
    """How the bottleneck was found, in a sentence."""
    if not result.links:
        return "No step of the ramp was measured, so nothing can be said."
    fullest = result.links[0]
    near = f"A link counts as the bottleneck when it is the fullest and at least {judge.NEAR:.0%} full at the limit."
    if result.bottleneck == "load":
        return f"{near} Here the load generator had no time left while the machine had: it was the limit itself."
    if result.bottleneck == "others":
        return f"{near} Here the processors were full, but for the most part with other programs' work."
    if result.bottleneck == "none":
        return f"{near} Here the fullest was {fullest.name.lower()} with {fullest.used:.0%}."
    return f"{near} Here that is: {fullest.name.lower()}, {fullest.used:.0%}."


def beside(result: Result) -> str | None:
    """A warning when other programs were at work, for then the figures are smaller than the deployment's own."""
    found = [point.usage.rest_cores for point in result.timeline]
    average = sum(found) / len(found) if found else 0.0
    if average < BESIDE_CORES:
        return None
    of = f"{average:.1f} of {result.timeline[0].usage.cores} processors"
    return f"Other programs used {of} meanwhile: on a quiet machine it holds more."


def at_least(result: Result) -> str:
    """What precedes a capacity that is not known from above."""
    return "" if any(reached for _, reached in result.ramp) else "at least "


def charts(result: Result) -> list[Chart]:
    points, bands, end_s = result.timeline, _bands(result.timeline), _end_s(result.timeline)
    if not points:
        return []
    return [
        chart(
            "Orders per second", "planned, and as they were accepted",
            [
                Series("planned", "plan", _over_time(points, lambda p: p.planned_per_s)),
                Series("came", "came", _over_time(points, lambda p: p.offered_per_s)),
                Series("accepted", "good", _over_time(points, lambda p: p.accepted_per_s), filled=True),
            ],
            bands, end_s, bound=result.asked.forecast_per_s,
        ),
        chart(
            "Time to the answer", "milliseconds, each step of the scale ten times the last; dashed: the bound for p99",
            [
                Series("p99", "bad", _over_time(points, lambda p: p.p99_ms)),
                Series("p50", "good", _over_time(points, lambda p: p.p50_ms)),
            ],
            bands, end_s, unit=" ms", log=True, bound=result.asked.p99_ms,
        ),
    ]  # fmt: skip


def small_charts(result: Result) -> list[Chart]:
    points, bands, end_s = result.timeline, _bands(result.timeline), _end_s(result.timeline)
    if not points:
        return []

    def of(name: str, tone: str, field: str, factor: float = 1.0) -> Series:
        return Series(name, tone, _over_time(points, lambda p: getattr(p.usage, field) * factor))

    processors = stacked(
        [
            of("web processes", "good", "web_cores"), of("PostgreSQL", "came", "postgres_cores"),
            of("worker", "bad", "worker_cores"), of("load generator", "plan", "load_cores"),
            *([of("sandbox gateway", "wait", "gateway_cores")] if result.asked.through_gateway else []),
            of("the rest", "rest", "rest_cores"),
        ]
    )  # fmt: skip
    refused = Series("refused", "bad", _over_time(points, lambda p: p.refused + p.failed))
    in_line = Series("in line", "came", _over_time(points, lambda p: p.in_line))
    batches = [Series("orders", "good", _over_time(points, lambda p: p.usage.batch or None))]
    server = _over_time(points, lambda p: 100 * p.usage.connections / max(p.usage.max_connections, 1))
    return [
        chart("Processors at work", f"of {points[0].usage.cores}", processors, bands, end_s, top=points[0].usage.cores),
        chart(
            "PostgreSQL's backends", "at work, and of them waiting",
            [of("at work", "good", "active"), of("for a lock", "bad", "on_lock"), of("for the log", "came", "on_log")],
            bands, end_s,
        ),
        chart("Transaction log", "written, MB/s", [of("MB/s", "good", "wal_mb_per_s")], bands, end_s),
        chart("Commits", "per second", [of("commits/s", "good", "commits_per_s")], bands, end_s),
        chart("Orders in a batch", "how many were placed at once", batches, bands, end_s),
        chart(
            "Connections", "percent at work: a web process's fullest pool, and of all the server takes",
            [of("fullest pool", "good", "in_use", 100), Series("server", "came", server)],
            bands, end_s, unit=" %", top=100,
        ),
        chart("Event loop", "the longest somebody waited for it, ms", [of("ms", "good", "late_ms")], bands, end_s),
        chart("Events not yet handled", "by the worker", [of("events", "good", "behind")], bands, end_s),
        chart("Refused or failed", "a second", [refused], bands, end_s),
        chart("Waiting room", "who stood in line", [in_line], bands, end_s),
    ]  # fmt: skip


def _over_time(points: list[Point], value: Callable[[Point], float | None]) -> list[tuple[float, float | None]]:
    """A line, interrupted between the ramp and the peak."""
    found: list[tuple[float, float | None]] = []
    for number, point in enumerate(points):
        if number and point.phase == "peak" != points[number - 1].phase:
            found.append((point.since_s, None))
        found.append((point.since_s, value(point)))
    return found


def _bands(points: list[Point]) -> list[tuple[str, float, float]]:
    """(phase, begin, end) in seconds."""
    found: list[tuple[str, float, float]] = []
    for point in points:
        if found and found[-1][0] == point.phase:
            found[-1] = (point.phase, found[-1][1], point.since_s)
        else:
            found.append((point.phase, max(point.since_s - 1, 0.0), point.since_s))
    return found


def _end_s(points: list[Point]) -> float:
    return points[-1].since_s if points else 1.0


def _usage_at_limit(result: Result) -> Usage | None:
    full = next((found for found, reached in result.ramp if reached), result.held)
    return full.usage if full else None
