"""What is asked for becomes steps of load, to the last arrival."""

from __future__ import annotations

from random import Random

import pytest

from entrepot.world.rehearse import plan
from entrepot.world.rehearse.plan import Arrivals, Mix, PlanError, Step


def test_a_mix_says_how_many_come_with_an_order() -> None:
    assert plan.mix(None).arrivals_per_order == 100 / 18
    some = plan.mix("listing=6, purchase=1,place=3")
    assert some.weights == {"listing": 6, "detail": 0, "cart": 0, "purchase": 1, "place": 3, "campaign": 0}
    assert (some.arrivals_per_order, some.placed_per_order) == (2.5, 0.75)
    assert plan.mix("cart=4,place=1,campaign=3").placed_per_order == 0.25


@pytest.mark.parametrize("text", ["", "listing", "guest=1,place=1", "place=-1", "place=1.5", "place=1001", "place=²"])
def test_a_mix_that_is_none(text: str) -> None:
    with pytest.raises(PlanError, match="--mix is KIND=WEIGHT"):
        plan.mix(text)


def test_a_mix_without_orders_is_refused() -> None:
    with pytest.raises(PlanError, match="without an order there is no peak"):
        plan.mix("listing=5,place=0")


def test_the_shape_of_a_midnight() -> None:
    shape = plan.double11()
    assert len(shape) == 150
    assert shape[:30] == [0.05] * 30
    assert shape[45] == pytest.approx(0.2)
    assert (shape[59] < 0.35, shape[60:75]) == (True, [1.0] * 15)
    assert (shape[75], shape[87]) == (1.0, 0.55)
    assert shape[75:] == sorted(shape[75:], reverse=True)


def test_recorded_minutes_are_a_shape_and_a_rate() -> None:
    assert plan.shape_of([0, 30, 120, 60]) == ([0.0, 0.25, 1.0, 0.5], 2.0)
    with pytest.raises(PlanError, match="--shape has no orders"):
        plan.shape_of([0, 0])


def test_a_replay_takes_as_long_as_its_speed_says() -> None:
    steps = plan.peak([0.5, 1.0], 40.0, speed=30)
    assert steps == [Step("peak", 20.0, 2.0), Step("peak", 40.0, 2.0)]
    # A day in a minute: what was a minute's peak is a second's.
    day = [1.0 if minute == 755 else 0.1 for minute in range(1_440)]
    steps = plan.peak(day, 40.0, speed=1_440)
    assert len(steps) == 60
    assert plan.seconds(steps) == pytest.approx(60.0)
    assert [n for n, step in enumerate(steps) if step.orders_per_s == 40.0] == [755 // 24]
    with pytest.raises(PlanError, match=r"--speed 1 the replay takes 900 s: choose 2 or more"):
        plan.peak([1.0] * 15, 40.0, speed=1)


def test_a_ramp_grows_by_a_quarter_up_to_its_top() -> None:
    steps = plan.ramp(64.0, 130.0, 5)
    assert [step.orders_per_s for step in steps] == [64.0, 64.0, 80.0, 100.0, 125.0, 130.0]
    assert [step.phase for step in steps] == ["warm"] + ["ramp"] * 5
    assert plan.seconds(steps) == 3 + 5 * 5
    assert [step.orders_per_s for step in plan.ramp(9.0, 9.0, 5)] == [9.0, 9.0]
    with pytest.raises(PlanError, match="the ramp would take 1,863 s, and 1,800 is the most: lower --step"):
        plan.ramp(1.0, 1.25**29.5, 60)


def test_so_many_orders_are_made_ready() -> None:
    assert plan.orders([Step("ramp", 10.0, 5), Step("ramp", 20.0, 5)]) == 175
    with pytest.raises(PlanError, match="250,000 is the most"):
        plan.orders([Step("ramp", 10_000.0, 60)])


class _Even(Random):
    """A lot that always draws the mean."""

    def expovariate(self, lambd: float = 1.0) -> float:
        return 1 / lambd


def test_arrivals_follow_the_steps() -> None:
    arrivals = Arrivals([Step("ramp", 1.0, 2), Step("ramp", 0.0, 1), Step("ramp", 2.0, 1)], 2.0, _Even())
    assert [round(at, 6) for at in arrivals.until(0.6)] == [0.5]
    assert [round(at, 6) for at in arrivals.until(1.0)] == [1.0]
    assert arrivals.step == 0
    assert [round(at, 6) for at in arrivals.until(2.9)] == [1.5, 2.0]
    assert (arrivals.step, arrivals.over) == (1, False)
    assert [round(at, 6) for at in arrivals.until(60.0)] == [3.25, 3.5, 3.75, 4.0]
    assert (arrivals.step, arrivals.over) == (3, True)
    assert list(arrivals.until(90.0)) == []


def test_arrivals_by_lot_are_as_many_as_planned_and_the_same_again() -> None:
    steps, per_order = plan.ramp(20.0, 80.0, 10), Mix(plan.DEFAULT_MIX).arrivals_per_order
    expected = sum(step.orders_per_s * step.seconds for step in steps) * per_order
    drawn = [list(Arrivals(steps, per_order, Random(seed)).until(1e9)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(abs(len(one) - expected) < 4 * expected**0.5 for one in drawn)
    assert all(one == sorted(one) and one[0] > 0 and one[-1] <= plan.seconds(steps) for one in drawn)
