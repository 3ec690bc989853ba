"""What was measured, judged: when a limit is reached, what the load had reached by then, what was the bottleneck, and
whether the forecast can come. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from entrepot.world.rehearse.latency import merged, quantile_ms
from entrepot.world.rehearse.load import Second
from entrepot.world.rehearse.plan import Step
from entrepot.world.rehearse.watch import Usage

REFUSED_MAX = 0.001
FAILED_MAX = 0.001
FULL = 0.97
"""A link that is at work for so much of the time has nothing left."""
OURS = 0.6
"""Where the deployment and the load generator do less of the processors' work, that these are full says nothing."""
HARDLY = 0.02
"""A link that was used less says nothing about where it would be full."""
NEAR = 0.8
"""Below this a link held nothing up."""
LOCKED_FULL = 0.5
"""Locks, and the log, are full when half of the backends at work wait for them."""
WAITING_S = 1.0
"""The server is behind when more are waiting than come in so many seconds."""
ADMIT_PERCENT = 80
TOP_SHARE = 0.5
"""The peak of a replay is where at least so much of its highest rate is planned."""

LIMITS = {
    "failed": f"more than {FAILED_MAX:.1%} of the visitors failed",
    "refused": f"more than {REFUSED_MAX:.1%} of the visitors were refused (503 or 429)",
    "latency": "the 99th percentile of the time to an answer was over the bound",
    "behind": "more visitors were waiting than come in a second",
    "machine": f"the processors of the machine were {FULL:.0%} full",
    "pool": f"{FULL:.0%} of a web process's connections to PostgreSQL were at work",
    "locks": f"{LOCKED_FULL:.0%} of PostgreSQL's backends at work waited for locks",
}
"""In the order in which one is named as the first."""


class Span(msgspec.Struct, frozen=True):
    """A step, or the peak of a replay, as it went. Rates are per second; `offered` are the orders that wanted to be
    placed, `accepted` those that were. Latencies in ms, None without answers."""

    phase: str
    planned_per_s: float
    seconds: float
    offered_per_s: float
    accepted_per_s: float
    requests_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    refused: float  # share of the arrivals
    failed: float
    waiting: int  # at its end
    arrivals_per_s: float
    usage: Usage


class Link(msgspec.Struct, frozen=True):
    """One link of the chain at the highest load that held. `used`: 1 is full; `full_at_per_s`: the orders a second at
    which it would be, if its use grows as the load does; None where it was hardly used."""

    code: str
    name: str
    detail: str
    used: float
    full_at_per_s: float | None


class Verdict(msgspec.Struct, frozen=True):
    """`word`: go, no_go or, without a forecast, measured."""

    word: str
    reasons: list[str]


def span(step: Step, seconds: Sequence[Second], usage: Usage) -> Span:
    """What the load generator's seconds of one step come to; at least one."""
    took = float(len(seconds))
    arrivals = sum(second.arrivals for second in seconds) or 1
    counts = merged(kind for second in seconds for kind in second.latencies.values())
    return Span(
        step.phase,
        step.orders_per_s,
        took,
        sum(second.ordering for second in seconds) / took,
        sum(second.orders for second in seconds) / took,
        sum(counts.values()) / took,
        quantile_ms(counts, 0.5),
        quantile_ms(counts, 0.99),
        sum(second.refused for second in seconds) / arrivals,
        sum(second.failed + second.unsent for second in seconds) / arrivals,
        seconds[-1].waiting,
        arrivals / took,
        usage,
    )


def limits(found: Span, p99_max_ms: float) -> list[str]:
    """Codes of the LIMITS that were reached, the one to name first."""
    usage = found.usage
    reached = {
        "failed": found.failed > FAILED_MAX,
        "refused": found.refused > REFUSED_MAX,
        "latency": found.p99_ms is not None and found.p99_ms > p99_max_ms,
        "behind": found.waiting > found.arrivals_per_s * WAITING_S,
        "machine": usage.machine >= FULL and usage.ours >= OURS,
        "pool": usage.in_use >= FULL,
        "locks": usage.on_lock >= 1 and usage.on_lock >= LOCKED_FULL * usage.active,
    }
    return [code for code in LIMITS if reached[code]]


def capacity(steps: Sequence[tuple[Span, list[str]]]) -> Span | None:
    """The last step of the ramp before the first one that reached a limit; None when the first one did."""
    held = None
    for found, reached in steps:
        if found.phase != "ramp":
            continue
        if reached:
            break
        held = found
    return held


def held_per_s(held: Span | None) -> float:
    """Orders a second: what was accepted, but at most what was planned, for by chance a few more may have come."""
    return min(held.accepted_per_s, held.planned_per_s) if held else 0.0


def planned(steps: Sequence[Step], second: Second) -> float:
    """The rate that was planned for a second, on average."""
    return _planned(steps, second.since_s)


def _planned(steps: Sequence[Step], until_s: float) -> float:
    total = at = 0.0
    for step in steps:
        shared_s = min(until_s, at + step.seconds) - max(until_s - 1, at)
        total += step.orders_per_s * max(shared_s, 0.0)
        at += step.seconds
    return total


def busiest(steps: Sequence[Step], seconds: Sequence[Second]) -> list[Second]:
    """The seconds of a replay in which at least TOP_SHARE of what is planned for its highest one was planned."""
    took_s = math.ceil(sum(step.seconds for step in steps))
    least = TOP_SHARE * max(_planned(steps, float(until_s)) for until_s in range(1, took_s + 1))
    return [second for second in seconds if second.step >= 0 and planned(steps, second) >= least]


def links(at_limit: Usage, accepted_per_s: float, at_held: Usage) -> list[Link]:
    """Every link of the chain at the limit, the fullest first; where each would be full, from what it used at the
    highest load that held, `accepted_per_s`."""
    used, grown = shares(at_limit), _grown(at_held)

    def full_at(code: str) -> float | None:
        return accepted_per_s / grown[code] if grown.get(code, 0.0) > HARDLY else None

    found = [Link(code, NAMES[code], _detail(code, at_limit), used[code], full_at(code)) for code in used]
    return sorted(found, key=lambda link: -link.used)


def shares(usage: Usage) -> dict[str, float]:
    """How full each link is: 1 has nothing left."""
    found = {
        "machine": usage.machine,
        "web": usage.web_busiest,
        "postgres": usage.postgres_cores / usage.cores,
        "worker": usage.worker_cores,
        "pool": usage.in_use,
        "connections": usage.connections / max(usage.max_connections, 1),
        "locks": usage.on_lock / (LOCKED_FULL * max(usage.active, 2.0)),
        # One flush serves all that wait for it, so a log in use is not yet a log that holds others up.
        "log": min(usage.log_busy, usage.on_log / (LOCKED_FULL * max(usage.active, 2.0))),
    }
    return {code: min(share, 1.0) for code, share in found.items()}


def _grown(usage: Usage) -> dict[str, float]:
    """Of the links whose use grows as the load does, the share that this load used."""
    ours = usage.machine * usage.ours
    return {
        "machine": ours, "web": usage.web_busiest, "postgres": usage.postgres_cores / usage.cores,
        "worker": usage.worker_cores,
    }  # fmt: skip


def _detail(code: str, usage: Usage) -> str:
    return {
        "machine": f"of {usage.cores} processors: web processes {usage.web_cores:.2f}, PostgreSQL "
        f"{usage.postgres_cores:.2f}, worker {usage.worker_cores:.2f}, the load generator {usage.load_cores:.2f}, "
        + (f"the sandbox gateway {usage.gateway_cores:.2f}, " if usage.gateway_cores else "")
        + f"the rest {usage.rest_cores:.2f}",
        "web": f"{usage.web_processes} processes, a thread for requests each; this is the busiest one's, which let "
        f"somebody wait {usage.late_ms:,.0f} ms at worst; {usage.batch:.1f} orders to a batch",
        "postgres": f"{usage.postgres_cores:.2f} of {usage.cores} processors",
        "worker": f"follows up what happened; nobody waits for it. {usage.behind:,} events were not yet handled",
        "pool": "connections at work, in the fullest pool of a web process",
        "connections": f"{usage.connections:.0f} of {usage.max_connections}",
        "locks": f"{usage.on_lock:.1f} of {usage.active:.1f} backends at work wait for one; full is half of them",
        "log": f"{usage.on_log:.1f} of {usage.active:.1f} backends wait for it; {usage.wal_mb_per_s:.1f} MB/s, "
        f"{usage.commits_per_s:,.0f} commits/s",
    }[code]


NAMES = {
    "machine": "Processors of the machine",
    "web": "Web processes",
    "postgres": "PostgreSQL's processors",
    "worker": "Worker",
    "pool": "Connection pools",
    "connections": "Server connections",
    "locks": "Row locks",
    "log": "Transaction log (fsync)",
    "load": "Load generator",
    "others": "Other programs on this machine",
    "none": "No link was full",
}
REMEDIES = {
    "machine": "More processors, or PostgreSQL and web processes on machines of their own.",
    "web": "More web processes (ENTREPOT_WORKERS), as long as the machine has processors for them.",
    "postgres": "More processors for PostgreSQL, or cells.",
    "pool": "More web processes, each with pools of its own.",
    "connections": "A higher max_connections, or a pooler between.",
    "locks": "Spread what is sold over more rows of stock; look for long transactions that hold locks.",
    "log": "A faster disk for the transaction log.",
    "load": "The server may hold more: rehearse with the load generator on processors of its own.",
    "others": "Rehearse when nothing else runs here: these figures are what was left beside it.",
    "none": "Ramp further (--up-to), or look at the latency of single kinds of requests.",
}


def bottleneck(usage: Usage) -> str:
    """The code of the link that was full when the limit was reached: of the fullest, if it was NEAR full. When the load
    generator itself had no time left, nothing can be said of the server."""
    if usage.load_cores >= FULL and usage.machine < FULL:
        return "load"
    used = {code: share for code, share in shares(usage).items() if code != "worker"}  # nobody waits for it
    fullest = max(used, key=lambda code: used[code])
    if fullest == "machine" and usage.ours < OURS:
        return "others"
    return fullest if used[fullest] >= NEAR else "none"


def admit_per_s(capacity_per_s: float) -> int:
    """Buyers a second that a waiting room may let in: ADMIT_PERCENT of what was measured, so that what was not
    rehearsed has room."""
    return math.floor(capacity_per_s * ADMIT_PERCENT / 100)


def verdict(
    forecast_per_s: float | None, headroom: float, capacity_per_s: float, at_peak: Span | None, reached: Sequence[str]
) -> Verdict:
    """`reached` are the limits reached at the peak of the replay."""
    if forecast_per_s is None:
        return Verdict("measured", ["No forecast was given (--forecast), so there is nothing to hold it against."])
    needed = forecast_per_s * headroom
    enough = capacity_per_s >= needed
    wanted = f"the forecast of {forecast_per_s:,.0f} with a headroom of {headroom:g} needs {needed:,.0f}"
    is_enough = "enough" if enough else "not enough"
    reasons = [f"The deployment holds {capacity_per_s:,.0f} orders/s; {wanted}: {is_enough}."]
    if at_peak is None:
        reasons.append("The replay of the peak was cut short.")
    elif reached:
        reasons.append(f"In the replay of the peak, {'; '.join(LIMITS[code] for code in reached)}.")
    else:
        reasons.append(
            f"The replay of the peak was served: {at_peak.accepted_per_s:,.0f} orders/s in its busiest part, "
            f"99 of 100 answers within {at_peak.p99_ms or 0:,.0f} ms."
        )
    held = at_peak is not None and not reached
    return Verdict("go" if enough and held else "no_go", reasons)
