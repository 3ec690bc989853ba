"""The report of the sandbox provider: CSV, a line for each payment, refund, dispute and settlement. No I/O here.

kind,id,reference,currency,amount_minor,fee_minor,settlement,at
report,2026-03-02,2026-03-02/2026-03-02,,,,,2026-03-03T00:00:00Z
payment,sp_1,pmt_...,EUR,1000,35,st_1,2026-03-02T09:00:00Z
settlement,st_1,,EUR,965,0,,2026-03-03T00:00:00Z
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from entrepot.kit.clock import require_calendar
from entrepot.kit.money import MAX_MINOR
from entrepot.reconciliation.types import FILE_MAX_BYTES, FileNotRead, Report, ReportLine

PROVIDER = "sandbox"
HEADER = ["kind", "id", "reference", "currency", "amount_minor", "fee_minor", "settlement", "at"]
Name = Annotated[str, Meta(max_length=200)]


class _Line(msgspec.Struct, frozen=True):
    kind: Literal["payment", "refund", "dispute", "dispute_back", "settlement"]
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    reference: Name
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    amount_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)]
    fee_minor: Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]
    settlement: Name
    at: Annotated[datetime, Meta(tz=True)]

    def __post_init__(self) -> None:
        require_calendar(self.at)


def read_report(content: bytes) -> Report:
    """A report. Raises FileNotRead, saying in which line something is wrong."""
    if len(content) > FILE_MAX_BYTES:
        raise FileNotRead(f"it has more than {FILE_MAX_BYTES:,} bytes")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileNotRead(f"it is no CSV in UTF-8: {error}") from None
    if len(rows) < 2 or rows[0] != HEADER or len(rows[1]) != len(HEADER) or rows[1][0] != "report":
        raise FileNotRead("it does not begin as a report does")
    name, days = rows[1][1], rows[1][2].split("/")
    try:
        first, last = (date.fromisoformat(day) for day in days)
    except ValueError:
        raise FileNotRead(f"line 2: no days: {rows[1][2][:40]}") from None
    if not name or len(name) > 200 or "\0" in name or last < first:
        raise FileNotRead("line 2: no name, or days that end before they begin")
    lines = [_line(row, number) for number, row in enumerate(rows[2:], 3)]
    if any(not first <= line.at.date() <= last for line in lines):
        raise FileNotRead("it has lines of other days than it says")
    return Report(PROVIDER, name, first, last, lines)


def _line(row: list[str], number: int) -> ReportLine:
    try:
        fields: dict[str, Any] = dict(zip(HEADER, row, strict=True))
        if any("\0" in field for field in row):
            raise ValueError("a NUL")
        line = msgspec.convert(fields, _Line, strict=False)
        if line.kind != "dispute_back" and (line.fee_minor < 0 or line.amount_minor == 0):
            raise ValueError("only what a bank gives back brings a fee back")
    except (ValueError, msgspec.ValidationError) as error:
        raise FileNotRead(f"line {number}: {error}") from None
    return ReportLine(**msgspec.structs.asdict(line) | {"at": line.at.astimezone(UTC)})
