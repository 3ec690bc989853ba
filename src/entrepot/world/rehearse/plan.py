"""What a rehearsal is asked for: who comes (the mix), when (the shape of the peak), how many (steps of load). Pure.

Rates are orders a second. An order does not come alone: the mix says how many look, and fill carts and leave, for each
one who buys.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random

import msgspec

KINDS = ("listing", "detail", "cart", "purchase", "place", "campaign")
"""A page of 24 products; a product's page; a cart that is filled and left; a whole purchase, from an empty cart to
paid; an order placed from a cart that was quoted before; and a campaign's page, its waiting room, and one bought of the
product that all its visitors want."""
ORDERING = ("purchase", "place", "campaign")
PAYING = "payment"
"""Who has ordered and pays through a gateway looks whether it is paid; they come by themselves."""
DEFAULT_MIX = {"listing": 40, "detail": 30, "cart": 12, "purchase": 6, "place": 8, "campaign": 4}

GROWTH = 1.25
"""From one step of the ramp to the next: the answer is that exact."""
STEPS_MAX = 60
WARM_S = 3.0
PEAK_MAX_S = 600.0
RAMP_MAX_S = 1_800.0
"""With the peak and all that is made before, a rehearsal ends before its tag does (run.TAG_TTL)."""
ORDERS_MAX = 250_000
"""Of one rehearsal. Each leaves some 4 kB in the rehearsal's database, and what is placed was quoted before."""
MINUTE_S = 60.0
MARGIN = 1.1
"""Arrivals are drawn by lot, so that a few more may come than are planned."""

DOUBLE11_MINUTES = 150
MIDNIGHT = 60
SPIKE_MINUTES = 15


class PlanError(Exception):
    """What was asked for cannot be rehearsed; the message is one line that says why and what can."""


class Step(msgspec.Struct, frozen=True):
    """So many orders a second for so long. `phase`: warm (not judged), ramp (each step is judged) or peak."""

    phase: str
    orders_per_s: float
    seconds: float


class Mix(msgspec.Struct, frozen=True):
    """Weights of the KINDS."""

    weights: dict[str, int]

    @property
    def arrivals_per_order(self) -> float:
        return sum(self.weights.values()) / sum(self.weights[kind] for kind in ORDERING)

    @property
    def placed_per_order(self) -> float:
        """The share of orders whose quotes must be there before."""
        return self.weights["place"] / sum(self.weights[kind] for kind in ORDERING)


def mix(text: str | None) -> Mix:
    """`listing=40,place=10` and so on; a kind that is not named does not come. Raises PlanError."""
    if text is None:
        return Mix(DEFAULT_MIX)
    weights = dict.fromkeys(KINDS, 0)
    for part in text.split(","):
        kind, _, weight = part.strip().partition("=")
        if kind not in weights or not (weight.isascii() and weight.isdigit() and int(weight) <= 1_000):
            raise PlanError(f"--mix is KIND=WEIGHT,... of {', '.join(KINDS)} with whole weights to 1000, not {part!r}")
        weights[kind] = int(weight)
    if not any(weights[kind] for kind in ORDERING):
        raise PlanError("--mix must have some `purchase`, `place` or `campaign`: without an order there is no peak")
    return Mix(weights)


def double11() -> list[float]:
    """The shape of a shopping festival's midnight, a value a minute from 23:00 to 01:30, the highest 1: quiet, a ramp
    while carts are filled, everybody at 00:00, a quarter of an hour of it, and a tail that halves every 12 minutes."""
    quiet, before = 0.05, 0.35
    values = []
    for minute in range(DOUBLE11_MINUTES):
        if minute < MIDNIGHT // 2:
            values.append(quiet)
        elif minute < MIDNIGHT:
            values.append(quiet + (before - quiet) * (minute - MIDNIGHT // 2) / (MIDNIGHT // 2))
        elif minute < MIDNIGHT + SPIKE_MINUTES:
            values.append(1.0)
        else:
            since = minute - MIDNIGHT - SPIKE_MINUTES
            values.append(0.1 + 0.9 * 0.5 ** (since / 12))
    return values


def shape_of(orders: Sequence[float]) -> tuple[list[float], float]:
    """Recorded orders by minute as a shape, and the orders a second of its highest minute. Raises PlanError."""
    if not any(orders):
        raise PlanError("--shape has no orders: choose another file, or another time with --from and --minutes")
    highest = max(orders)
    return [count / highest for count in orders], highest / MINUTE_S


def peak(shape: Sequence[float], orders_per_s: float, speed: float) -> list[Step]:
    """The shape, replayed `speed` times as fast as it was, its highest minute at `orders_per_s`. Minutes that are
    shorter than a second are played together, at the rate of the highest of them: a peak of one minute stays one.
    Raises PlanError."""
    seconds = len(shape) * MINUTE_S / speed
    if seconds > PEAK_MAX_S:
        least = math.ceil(len(shape) * MINUTE_S / PEAK_MAX_S)
        raise PlanError(f"at --speed {speed:g} the replay takes {seconds:,.0f} s: choose {least} or more")
    together = max(1, math.ceil(speed / MINUTE_S))
    parts = [shape[n : n + together] for n in range(0, len(shape), together)]
    return [Step("peak", max(part) * orders_per_s, len(part) * MINUTE_S / speed) for part in parts]


def ramp(start: float, top: float, step_s: float) -> list[Step]:
    """From `start` orders a second by GROWTH up to `top`, which is the last step. Raises PlanError."""
    steps = [Step("warm", start, WARM_S)]
    rate = start
    while rate < top and len(steps) < STEPS_MAX:
        steps.append(Step("ramp", rate, step_s))
        rate *= GROWTH
    steps.append(Step("ramp", top, step_s))
    if seconds(steps) > RAMP_MAX_S:
        raise PlanError(f"the ramp would take {seconds(steps):,.0f} s, and {RAMP_MAX_S:,.0f} is the most: lower --step")
    return steps


def seconds(steps: Sequence[Step]) -> float:
    return sum(step.seconds for step in steps)


def orders(steps: Sequence[Step]) -> int:
    """How many orders come at most, with a margin for chance. Raises PlanError when it is more than ORDERS_MAX."""
    count = math.ceil(sum(step.orders_per_s * step.seconds for step in steps) * MARGIN) + 10
    if count > ORDERS_MAX:
        raise PlanError(f"that would be {count:,} orders and {ORDERS_MAX:,} is the most: lower --up-to or --step")
    return count


class Arrivals:
    """When somebody comes: a Poisson process whose rate follows the steps. `step` is the number of the one under way;
    behind the last there is none."""

    def __init__(self, steps: Sequence[Step], per_order: float, rng: Random) -> None:
        self._steps = steps
        self._per_order = per_order
        self._rng = rng
        self._at = 0.0
        self._step_ends = steps[0].seconds
        self._need = rng.expovariate(1)  # arrivals to be expected until the next one: exponential, whatever the rate
        self.step = 0

    @property
    def over(self) -> bool:
        return self.step == len(self._steps)

    def until(self, since_s: float) -> Iterator[float]:
        """The arrivals since the last call up to `since_s`, in seconds since the beginning."""
        while self._at < since_s and self.step < len(self._steps):
            rate = self._steps[self.step].orders_per_s * self._per_order
            end = min(since_s, self._step_ends)
            expected = rate * (end - self._at)
            if expected >= self._need and rate:
                self._at += self._need / rate
                self._need = self._rng.expovariate(1)
                yield self._at
                continue
            self._need -= expected
            self._at = end
            if end == self._step_ends:
                self.step += 1
                self._step_ends += self._steps[self.step].seconds if self.step < len(self._steps) else 0.0
