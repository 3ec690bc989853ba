"""What was measured becomes a capacity, a bottleneck and a verdict, by rules that are exact."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.world.rehearse import judge
from entrepot.world.rehearse.latency import bucket, merged, quantile_ms, value_ms
from entrepot.world.rehearse.plan import Step
from tests.rehearse.figures import QUIET, answers, second, used

STEP = Step("ramp", 20.0, 2.0)


def found(*seconds: Any, usage: Any = QUIET, step: Step = STEP) -> judge.Span:
    return judge.span(step, list(seconds) or [second(1), second(2)], usage)


def test_latencies_keep_two_percent() -> None:
    assert all(abs(value_ms(bucket(s)) / (s * 1000) - 1) < 0.0101 for s in (0.0002, 0.0123, 0.5, 7.0))
    both = merged([answers(0.01, 98), answers(0.01, 1), answers(2.0, 1)])
    assert sum(both.values()) == 100
    assert quantile_ms(both, 0.99) == value_ms(bucket(0.01))
    assert quantile_ms(both, 1.0) == value_ms(bucket(2.0))
    assert quantile_ms({}, 0.99) is None


def test_a_span_adds_up_its_seconds() -> None:
    span = found(second(1), second(2, arrivals=300, orders=10, refused=30, failed=3, unsent=1, waiting=250))
    assert (span.offered_per_s, span.accepted_per_s, span.requests_per_s, span.arrivals_per_s) == (20.0, 15.0, 100, 200)
    assert (span.refused, span.failed, span.waiting) == (0.075, 0.01, 250)
    assert (span.p50_ms, span.p99_ms) == (value_ms(bucket(0.01)), value_ms(bucket(0.01)))


@pytest.mark.parametrize(
    ("change", "usage", "reached"),
    [
        ({}, {}, []),
        ({"failed": 1}, {}, ["failed"]),
        ({"unsent": 1}, {}, ["failed"]),
        ({"refused": 1}, {}, ["refused"]),
        ({"latencies": {"place": answers(0.31, 100)}}, {}, ["latency"]),
        ({"latencies": {}}, {}, []),
        ({"waiting": 101}, {}, ["behind"]),
        ({}, {"machine": 0.97, "web_cores": 1.6, "postgres_cores": 1.0}, ["machine"]),
        ({}, {"machine": 0.97, "web_cores": 0.5}, []),  # others' work
        ({}, {"in_use": 0.98}, ["pool"]),
        ({}, {"active": 4.0, "on_lock": 2.0}, ["locks"]),
        ({}, {"active": 1.0, "on_lock": 0.9}, []),
        ({"refused": 9, "failed": 9, "waiting": 500}, {"in_use": 1.0}, ["failed", "refused", "behind", "pool"]),
    ],
)
def test_limits(change: dict[str, Any], usage: dict[str, Any], reached: list[str]) -> None:
    assert judge.limits(found(second(1, **change), usage=used(**usage)), 300.0) == reached


def test_capacity_is_the_last_step_before_the_first_limit() -> None:
    steps = [found(second(1, orders=orders)) for orders in (10, 20, 30, 40)]
    assert judge.capacity([(steps[0], []), (steps[1], []), (steps[2], ["latency"]), (steps[3], [])]) == steps[1]
    assert judge.capacity([(steps[0], ["failed"])]) is None
    assert judge.capacity([]) is None
    assert [judge.held_per_s(one) for one in (*steps[:3], None)] == [10.0, 20.0, 20.0, 0.0]


def test_the_busiest_part_of_a_replay() -> None:
    steps = [Step("peak", rate, 0.5) for rate in (1.0, 1.0, 10.0, 10.0, 4.9, 4.9)]
    seconds = [second(1), second(2), second(3), second(9, step=-1)]
    assert [judge.planned(steps, one) for one in seconds] == [1.0, 10.0, 4.9, 0.0]
    assert judge.busiest(steps, seconds) == [seconds[1]]
    assert judge.busiest(steps, seconds[:1]) == []  # it was cut short
    narrow = [Step("peak", rate, 0.25) for rate in (1.0, 1.0, 1.0, 8.0, 1.0, 1.0, 1.0, 1.0)]
    assert judge.busiest(narrow, seconds[:2]) == seconds[:1]  # however short its peak is


@pytest.mark.parametrize(
    ("usage", "code"),
    [
        ({}, "none"),
        ({"machine": 0.9, "web_cores": 2.0, "postgres_cores": 1.0}, "machine"),
        ({"machine": 0.9}, "others"),
        ({"web_busiest": 0.95}, "web"),
        ({"web_busiest": 0.95, "machine": 0.96, "web_cores": 1.9, "postgres_cores": 1.0}, "machine"),
        ({"postgres_cores": 3.6}, "postgres"),
        ({"in_use": 0.9}, "pool"),
        ({"connections": 85.0}, "connections"),
        ({"active": 6.0, "on_lock": 2.7}, "locks"),
        ({"active": 6.0, "on_log": 2.9, "log_busy": 0.9}, "log"),
        ({"active": 6.0, "on_log": 2.9, "log_busy": 0.3}, "none"),
        ({"worker_cores": 1.0}, "none"),  # nobody waits for it
        ({"load_cores": 0.99, "in_use": 0.9}, "load"),
    ],
)
def test_the_bottleneck(usage: dict[str, Any], code: str) -> None:
    assert judge.bottleneck(used(**usage)) == code
    assert code in judge.NAMES.keys() & judge.REMEDIES.keys()


def test_links_say_where_they_would_be_full() -> None:
    links = judge.links(used(web_busiest=0.9), 50.0, used(web_busiest=0.5, postgres_cores=0.05))
    assert [link.code for link in links][:2] == ["web", "machine"]
    at = {link.code: link.full_at_per_s for link in links}
    # 0.8 + 0.05 + 0.1 + 0.3 of 4 processors were the deployment's and the load's.
    assert at == {
        "web": 100.0, "machine": pytest.approx(50 / (1.25 / 4)), "postgres": None, "worker": 500.0,
        "pool": None, "connections": None, "locks": None, "log": None,
    }  # fmt: skip


def test_go_or_no_go() -> None:
    peak = found(second(1, orders=31))
    assert judge.verdict(None, 1.3, 40.0, peak, []).word == "measured"
    go = judge.verdict(30.0, 1.3, 39.0, peak, [])
    assert (go.word, go.reasons) == (
        "go",
        [
            "The deployment holds 39 orders/s; the forecast of 30 with a headroom of 1.3 needs 39: enough.",
            "The replay of the peak was served: 31 orders/s in its busiest part, 99 of 100 answers within 10 ms.",
        ],
    )
    assert judge.verdict(30.0, 1.3, 38.9, peak, []).word == "no_go"
    assert judge.verdict(30.0, 1.3, 90.0, None, []).reasons[1] == "The replay of the peak was cut short."
    refused = judge.verdict(30.0, 1.3, 90.0, peak, ["refused", "latency"])
    assert (refused.word, len(refused.reasons)) == ("no_go", 2)
    assert refused.reasons[1].startswith("In the replay of the peak, more than 0.1% of the visitors were refused")


@pytest.mark.parametrize(("capacity", "rate"), [(100.0, 80), (9.99, 7), (1.2, 0), (0.0, 0)])
def test_admission_is_a_share_rounded_down(capacity: float, rate: int) -> None:
    assert judge.admit_per_s(capacity) == rate
