"""`entrepot import completejourney`: import, report, audit."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, timedelta

import msgspec

from entrepot.kit.db import Database
from entrepot.kit.migrate import migrate
from entrepot.kit.problem import DatabaseAway
from entrepot.settings import Settings
from entrepot.world import auditor
from entrepot.world.completejourney.progressline import ProgressLine
from entrepot.world.completejourney.replay import ReplayError
from entrepot.world.completejourney.report import Report, as_json, lines_of, make_report
from entrepot.world.completejourney.run import BusyError, import_window
from entrepot.world.completejourney.source import (
    END_DAY,
    FIRST_DAY,
    Source,
    SourceBrokenError,
    SourceMissingError,
    open_source,
)
from entrepot.world.completejourney.steps import OtherWindowError, Step, placed_so_far
from entrepot.world.completejourney.totals import Totals, totals

REFUSALS = (BusyError, OtherWindowError, ReplayError, SourceBrokenError, SourceMissingError)
"""What can stand in the way; each text is one line for the user."""


def main(settings: Settings, days: int | None = None, json: bool = False) -> int:
    """Imports the first `days` days (None: the year) and prints the report and the audit. 1 when a pair does not tie,
    the audit finds something, or nothing could be imported."""
    if days is not None and days < 1:
        print("entrepot: --days must be 1 or more", file=sys.stderr)
        return 2
    return import_and_report(settings, window_end(days), json)


def window_end(days: int | None) -> date:
    return END_DAY if days is None else min(FIRST_DAY + timedelta(days=days), END_DAY)


def import_and_report(settings: Settings, until: date, json: bool = False) -> int:
    """The same for the window before `until`."""
    try:
        report, audit = asyncio.run(_run(settings, until))
    except REFUSALS as error:
        print(f"entrepot: {error}", file=sys.stderr)
        return 1
    except DatabaseAway:
        print("entrepot: the database went away; run the same command again to go on", file=sys.stderr)
        return 1
    if json:
        print(msgspec.json.encode(as_json(report) | {"audit": audit}).decode())
    else:
        print("\n".join(lines_of(report)))
        say_audit(audit)
    for pair in report.differences():
        print(f"does not tie: {pair.name}: source {pair.source}, ledger {pair.ledger}", file=sys.stderr)
    return 1 if report.differences() or audit.total else 0


def say_audit(audit: auditor.Report) -> None:
    """The audit in one line, and one for every difference."""
    print(f"audit: {sum(audit.checked.values()):,} comparisons, {audit.total:,} differ")
    for found in audit.findings:
        print(f"  {found.check}: {found.row}: expected {found.expected}, found {found.found} ({found.detail})")


async def _run(settings: Settings, until: date) -> tuple[Report, auditor.Report]:
    url, source = settings.database_url, open_source()
    await migrate(url)
    counted = totals(source, None, until)
    await _import(url, source, until, counted)
    db = await Database.open(url, size=2)
    try:
        async with db.read() as tx:
            report = await make_report(tx, source, until, counted)
        return report, await auditor.audit(db)
    finally:
        await db.close()


async def _import(url: str, source: Source, until: date, counted: Totals) -> None:
    """The import, told on stderr."""
    line = ProgressLine("orders", counted.sold.orders, await placed_so_far(url))

    def tell(step: Step) -> None:
        line.add(step.orders, f"{step.at:%Y-%m-%d}")

    await import_window(url, source, until, tell)
    line.end("all of them paid out")
