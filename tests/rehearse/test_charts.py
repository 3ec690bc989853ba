"""Charts in percent of their plot."""

from __future__ import annotations

import pytest

from entrepot.world.rehearse.charts import Series, chart, even_ticks, log_ticks, stacked


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0.0, [0, 1]),
        (1.0, [0, 0.25, 0.5, 0.75, 1.0]),
        (2.0, [0, 0.5, 1.0, 1.5, 2.0]),
        (7.0, [0, 2, 4, 6, 8]),
        (130.0, [0, 50, 100, 150]),
        (999.0, [0, 250, 500, 750, 1000]),
    ],
)
def test_even_ticks(largest: float, ticks: list[float]) -> None:
    assert even_ticks(largest) == ticks


def test_ticks_of_a_logarithmic_scale() -> None:
    assert log_ticks([3.0, 0.0, 240.0]) == [1.0, 10.0, 100.0, 1000.0]
    assert log_ticks([]) == [1.0, 10.0]


def test_a_line_is_interrupted_where_nothing_is_known() -> None:
    points = [(0.0, 0.0), (5.0, 10.0), (6.0, None), (10.0, 5.0)]
    made = chart("t", "n", [Series("a", "good", points, filled=True)], [("ramp", 0.0, 5.0)], 10.0, bound=20.0)
    (line,) = made.lines
    assert line.path == "M0.00 100.00 50.00 50.00M100.00 75.00"
    assert line.area.startswith("M0.00 100 0.00 100.00 50.00 50.00 50.00 100ZM100.00 100 ")
    assert made.y_ticks == [("0", 0.0), ("5", 25.0), ("10", 50.0), ("15", 75.0), ("20", 100.0)]
    assert made.x_ticks == [("0 s", 0.0), ("5 s", 50.0), ("10 s", 100.0)]
    assert (made.bands, made.bound) == ([("ramp", 0.0, 50.0)], 100.0)


def test_a_logarithmic_line() -> None:
    made = chart("t", "n", [Series("a", "good", [(0.0, 10.0), (10.0, 1000.0)])], [], 10.0, log=True, unit=" ms")
    assert made.lines[0].path == "M0.00 100.00 100.00 0.00"
    assert made.y_ticks == [("10 ms", 0.0), ("100 ms", pytest.approx(50.0)), ("1 s", 100.0)]


def test_stacked_series_lie_on_one_another() -> None:
    low, high = Series("low", "good", [(0.0, 1.0), (1.0, 2.0)]), Series("high", "bad", [(0.0, 3.0), (1.0, None)])
    assert [(one.name, one.points) for one in stacked([low, high])] == [
        ("high", [(0.0, 4.0), (1.0, None)]), ("low", [(0.0, 1.0), (1.0, 2.0)]),
    ]  # fmt: skip
