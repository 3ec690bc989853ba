"""Runs the checks on one snapshot, and the command `entrepot audit`.

An audit reads everything. Should that become too long, it can go on from where the last one ended: transfers and
movements are never changed, so a stored audit (its snapshot, and the sums per account and stock row at that snapshot)
plus the rows of later transactions gives the same sums, and orders that had ended by then need no second look.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec

from entrepot.kit.clock import monotonic
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.sql import sql
from entrepot.settings import Settings
from entrepot.world.auditor.check import Finding, Form, Tally, arguments
from entrepot.world.auditor.checks import CHECKS

GRACE = timedelta(hours=1)  # a timer or an event may be this late before a promise counts as broken
SAMPLE = 20  # findings named per check
FULL_SAMPLE = 10_000

# A hash table that outgrows its memory goes to disk, so an audit takes a small multiple of it however large the books
# are. It keeps to one core and leaves the others to the sales; with all of two it was a fifth faster.
SESSION = {
    "application_name": "entrepot audit",
    "work_mem": "64MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}

CELLS = sql(
    """
    select cell from ledger.account
    union select cell from accounts.user
    union select cell from inventory.stock
    order by cell
    """,
    int,
)

# A check of what nobody has done here yet is not even asked: in a small database planning it takes longest.
WITH_ROWS = sql(
    " union all ".join(
        f"(select '{table}'::text from {table} limit 1)"  # noqa: S608 - a name from our own checks
        for table in sorted({table for check in CHECKS for table in check.of})
    ),
    str,
)


class Report(msgspec.Struct, frozen=True):
    """One cell's audit. `checked` and `wrong` count rows per check; `findings` holds at most `sample` of each."""

    cell: int
    checked: dict[str, int]
    wrong: dict[str, int]
    findings: list[Finding]

    @property
    def total(self) -> int:
        """All differences, whether named in `findings` or not."""
        return sum(self.wrong.values())


Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


async def audit(db: Database, cell: int = 0, sample: int = SAMPLE, progress: Progress = _silent) -> Report:
    """Audits a cell on a connection of its own; `progress` hears the name of each check as it begins. Raises what
    asyncpg raises when the server is away."""
    # A snapshot without an id of its own: event consumers do not wait for it.
    connection = await asyncpg.connect(db.url, server_settings=SESSION)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await examine(ReadTx(connection, db.clock.now()), cell, sample, progress)
    finally:
        await connection.close()


async def examine(tx: ReadTx, cell: int = 0, sample: int = SAMPLE, progress: Progress = _silent) -> Report:
    """The checks in a transaction that is open already."""
    given = {"cell": cell, "overdue": tx.now - GRACE, "sample": sample}
    report = Report(cell, {}, {}, [])
    there = set(await tx.all(WITH_ROWS))
    for check in CHECKS:
        progress(check.name)
        tally, findings = Tally(0, 0), list[Finding]()
        if not check.of or check.codes or there.intersection(check.of):
            tally, findings = await compare(tx, check.name, check.whole, given)
        report.checked[check.name] = tally.checked
        report.wrong[check.name] = tally.wrong
        report.findings.extend(findings)
    return report


async def compare(tx: ReadTx, name: str, form: Form, given: dict[str, Any]) -> tuple[Tally, list[Finding]]:
    """One check in one of its forms: how much it compared, and the first differences."""
    tally = await tx.one(form.tally, **arguments(form.tally, given))
    if not tally.wrong:
        return tally, []
    rows = await tx.all(form.differences, **arguments(form.differences, given))
    return tally, [Finding(name, row.row, row.expected, row.found, row.detail) for row in rows]


def main(settings: Settings, as_json: bool = False, full: bool = False) -> int:
    """`entrepot audit`: every cell, one table (or one JSON object) on stdout; 1 when anything differs. `full` names up
    to FULL_SAMPLE differences per check instead of SAMPLE."""
    started = monotonic()
    reports = asyncio.run(_audit_all(settings, FULL_SAMPLE if full else SAMPLE))
    if as_json:
        print(msgspec.json.encode({"total": sum(r.total for r in reports), "cells": reports}).decode())
    else:
        for report in reports:
            print("\n".join(_lines(report)))
        print(f"{_verdict(reports)} in {monotonic() - started:.1f} s")
    return 1 if any(report.total for report in reports) else 0


async def _audit_all(settings: Settings, sample: int) -> list[Report]:
    db = await Database.open(settings.database_url)
    try:
        async with db.read() as tx:
            cells = await tx.all(CELLS)
        return [await audit(db, cell, sample, _tell) for cell in cells or [0]]
    finally:
        _tell("")
        await db.close()


def _tell(name: str) -> None:
    """The check that runs now, on one line of a terminal that the next one overwrites."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{name}", end="", file=sys.stderr, flush=True)


def _lines(report: Report) -> list[str]:
    rules = {check.name: check.rule for check in CHECKS}
    lines = [f"cell {report.cell}", f"  {'check':<20}{'checked':>12}{'wrong':>10}"]
    lines += [f"  {name:<20}{checked:>12,}{report.wrong[name]:>10,}" for name, checked in report.checked.items()]
    for name, wrong in report.wrong.items():
        if not wrong:
            continue
        lines += ["", f"{name}: {rules[name]}"]
        named = [finding for finding in report.findings if finding.check == name]
        lines += [f"  {f.row}: expected {f.expected}, found {f.found} ({f.detail})" for f in named]
        if wrong > len(named):
            lines.append(f"  and {wrong - len(named):,} more")
    return lines


def _verdict(reports: list[Report]) -> str:
    checked = sum(sum(report.checked.values()) for report in reports)
    total = sum(report.total for report in reports)
    return f"{checked:,} comparisons, {f'{total:,} differ' if total else 'all as they should be'},"
