"""The two clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.kit.clock import RealClock, VirtualClock, monotonic

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_virtual_clock_stands_until_it_is_moved_and_never_goes_back() -> None:
    clock = VirtualClock(START)
    assert (clock.now(), clock.now()) == (START, START)
    assert clock.advance(timedelta(days=1)) == START + timedelta(days=1) == clock.now()
    assert clock.move_to(clock.now()) == START + timedelta(days=1)
    with pytest.raises(ValueError, match="does not go back"):
        clock.move_to(START)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-timedelta(microseconds=1))
    assert clock.now() == START + timedelta(days=1)


def test_the_real_clock_is_aware_and_goes_on() -> None:
    first, second = RealClock().now(), RealClock().now()
    assert first.tzinfo is UTC
    assert first <= second
    assert monotonic() <= monotonic()
