"""`entrepot rehearse`: its arguments made into a plan, and its answer told and kept."""

from __future__ import annotations

import argparse
import asyncio
import csv
import math
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from entrepot import platform
from entrepot.kit.clock import RealClock
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from entrepot.settings import Settings
from entrepot.world.rehearse import plan, report, store
from entrepot.world.rehearse.found import Asked, Result
from entrepot.world.rehearse.plan import PlanError
from entrepot.world.rehearse.run import rehearse
from entrepot.world.rehearse.target import target

TOP_PER_S = 500.0
START_PER_S = 8.0
RECORDED_MINUTES = 240
MINUTES_MAX = 7 * 1440
PAYMENTS_READ = 10_000
STEP_S = (1, 60)
TERMINATED = 128 + signal.SIGTERM


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Rehearses, writes the report and prints the answer; 1 for no go, 143 when it is told to end. Raises PlanError."""
    try:
        return asyncio.run(_run(settings, arguments))
    except asyncio.CancelledError:
        return TERMINATED


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    file = arguments.report or Path(f"rehearsal-{RealClock().now():%Y%m%d-%H%M%S}.html")
    _require_room_for(file)
    asked = await _asked(settings, arguments)
    result = await rehearse(settings, asked, _tell)
    file.write_text(report.as_html(result), encoding="utf-8")
    await _keep(settings, result)
    print(report.as_json(result) if arguments.json else "\n".join(report.as_lines(result, str(file))))
    return 1 if result.verdict.word == "no_go" else 0


def _tell(text: str) -> None:
    print(f"entrepot: {text}", file=sys.stderr, flush=True)


def _require_room_for(file: Path) -> None:
    """Before the work, not after it. Raises PlanError."""
    there = file if file.exists() else file.parent
    if file.is_dir() or not os.access(there, os.W_OK):
        raise PlanError(f"the report cannot be written to {file}: choose another with --report")


async def _asked(settings: Settings, given: argparse.Namespace) -> Asked:
    for name, value in (("--forecast", given.forecast), ("--speed", given.speed), ("--p99", given.p99),
                        ("--up-to", given.up_to)):  # fmt: skip
        if value is not None and not 0 < value < 1e6:
            raise PlanError(f"{name} must be above 0 and below a million, not {value:g}")
    _within("--step", given.step, STEP_S)
    if given.gateway is not None:
        _within("--gateway", given.gateway, (0, 100))
    if not 1 <= given.headroom <= 10:
        raise PlanError(f"--headroom must be from 1 to 10, not {given.headroom:g}")
    shape, recorded = await _shape(settings, given)
    top = given.up_to or (2 * given.forecast * given.headroom if given.forecast else TOP_PER_S)
    start = min(given.forecast / 4 if given.forecast else START_PER_S, top)
    asked = Asked(
        target(settings.host, settings.port), plan.mix(given.mix), plan.ramp(start, top, given.step),
        shape, given.shape, given.speed or float(len(shape)), recorded, given.forecast, given.headroom, given.p99,
        given.keep, await _through_gateway(settings, given),
    )  # fmt: skip
    # What would be refused later is refused before anything is made.
    plan.orders(asked.ramp)
    plan.orders(plan.peak(shape, given.forecast or top, asked.speed))
    return asked


async def _through_gateway(settings: Settings, given: argparse.Namespace) -> float:
    """The share of orders that are paid through a gateway: as asked, or as the real ones were lately."""
    if given.gateway is not None:
        return float(given.gateway) / 100
    db = await Database.open(settings.database_url, size=1)
    try:
        async with db.read() as tx:
            return await tx.one(store.THROUGH_GATEWAY, limit=PAYMENTS_READ)
    finally:
        await db.close()


async def _shape(settings: Settings, given: argparse.Namespace) -> tuple[list[float], float | None]:
    """The shape of the peak, and of one that was recorded its highest rate. Raises PlanError."""
    if given.shape == "double11":
        return plan.double11(), None
    if given.shape == "recorded":
        return plan.shape_of(await _recorded(settings, given))
    return plan.shape_of(_from_file(Path(given.shape)))


async def _recorded(settings: Settings, given: argparse.Namespace) -> list[float]:
    """The orders of each minute."""
    minutes = given.minutes or RECORDED_MINUTES
    _within("--minutes", minutes, (1, MINUTES_MAX))
    length = timedelta(minutes=minutes)
    begin = _time(given.begin, length) if given.begin else RealClock().now() - length
    db = await Database.open(settings.database_url, size=1)
    try:
        async with db.read() as tx:
            found = await tx.all(store.BY_MINUTE, begin=begin, until=begin + length)
    finally:
        await db.close()
    by_number = {row.number: row.orders for row in found}
    return [by_number.get(number, 0) for number in range(minutes)]


def _from_file(file: Path) -> list[float]:
    """The last column of a CSV file: the orders of a minute, a row each, below a header or without one."""
    try:
        rows = [row for row in csv.reader(file.read_text(encoding="utf-8-sig").splitlines()) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlanError(f"--shape is double11, recorded or a CSV file, and {file} is none: {error}") from None
    if rows and not _is_count(rows[0][-1]):
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if not _is_count(row[-1]):
            raise PlanError(
                f"{file}: {row[-1]!r} in row {number} is no number of orders: the last column is the minute's"
            )
    if len(rows) > MINUTES_MAX:
        raise PlanError(f"{file}: {len(rows):,} minutes are more than {MINUTES_MAX:,}")
    return [float(row[-1]) for row in rows]


def _is_count(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False


def _time(text: str, length: timedelta) -> datetime:
    """A time, of UTC unless it says otherwise, from which so much can be counted."""
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        _ = at + length
    except (ValueError, OverflowError):
        raise PlanError(f"--from is a time such as 2026-11-10T22:00, not {text!r}") from None
    return at


def _within(name: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise PlanError(f"{name} must be from {bounds[0]} to {bounds[1]}, not {value}")


async def _keep(settings: Settings, result: Result) -> None:
    """One row for the operator, from which campaigns take their rates."""
    forecast = result.asked.forecast_per_s
    db = await Database.open(settings.database_url, size=1)
    try:
        async with db.write() as tx:
            await platform.note_rehearsal(
                tx,
                platform.Rehearsal(
                    new_id(tx.now), result.at, int(result.capacity_per_s), result.admit_per_s,
                    None if forecast is None else math.ceil(forecast),
                    result.verdict.word, result.bottleneck,
                ),
            )  # fmt: skip
    finally:
        await db.close()
