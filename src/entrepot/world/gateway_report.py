"""What the sandbox gateway reports of some days: CSV, a line for each payment, refund and settlement. It shares no code
with whoever reads it."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time

from entrepot.reconciliation import ReportLine
from entrepot.world.gateway_book import Dispute, Payment, Refund

HEADER = ("kind", "id", "reference", "currency", "amount_minor", "fee_minor", "settlement", "at")
FEE_BP, FEE_FIXED_MINOR = 140, 25
"""What the gateway keeps of a payment."""


def fee(amount_minor: int) -> int:
    """Rounded half up."""
    return (amount_minor * FEE_BP + 5_000) // 10_000 + FEE_FIXED_MINOR


def report(name: str, first: date, last: date, lines: Iterable[ReportLine]) -> bytes:
    """The report of the days from `first` to `last`, both included."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(HEADER)
    rows.writerow(["report", name, f"{first}/{last}", "", "", "", "", f"{last}T23:59:59Z"])
    for line in lines:
        rows.writerow(
            [line.kind, line.id, line.reference, line.currency, line.amount_minor, line.fee_minor, line.settlement,
             f"{line.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"]
        )  # fmt: skip
    return written.getvalue().encode()


def lines_of(
    payments: Iterable[Payment], refunds: Iterable[Refund], disputes: Iterable[Dispute] = ()
) -> list[ReportLine]:
    """What was captured, given back and taken by cardholders' banks, each with the settlement of its day."""
    lines = []
    for payment in payments:
        if payment.status == "captured":
            at, order = datetime.fromtimestamp(payment.decided_at, UTC), payment.order
            lines.append(line("payment", payment.id, order.reference, order.currency, order.amount_minor, at))
    for refund in refunds:
        at, back = datetime.fromtimestamp(refund.created_at, UTC), refund.order
        lines.append(line("refund", refund.id, back.reference, refund.currency, back.amount_minor, at))
    for dispute in disputes:
        at, by = datetime.fromtimestamp(dispute.created_at, UTC), dispute.id
        if dispute.withdrawn_minor:
            fee_minor = dispute.order.fee_minor
            lines.append(line("dispute", dispute.id, by, dispute.currency, dispute.withdrawn_minor, at, fee_minor))
        if dispute.returned_minor or dispute.fee_minor < dispute.order.fee_minor * bool(dispute.withdrawn_minor):
            at, fee_back = datetime.fromtimestamp(dispute.decided_at, UTC), dispute.order.fee_minor - dispute.fee_minor
            one = line("dispute_back", f"{by}_back", by, dispute.currency, dispute.returned_minor, at, -fee_back)
            lines.append(one)
    return lines


def line(
    kind: str, id_: str, reference: str, currency: str, amount_minor: int, at: datetime, fee_minor: int = 0
) -> ReportLine:
    kept = fee(amount_minor) if kind == "payment" else fee_minor
    settlement = f"st_{at:%Y%m%d}_{currency}"
    return ReportLine(kind, id_, reference, currency, amount_minor, kept, settlement, at)


def settlements(lines: Sequence[ReportLine]) -> list[ReportLine]:
    """What the gateway pays for these, at the end of the day; nothing when more went back than came in."""
    sums: dict[tuple[str, str, date], int] = defaultdict(int)
    for one in lines:
        sign = 1 if one.kind in ("payment", "dispute_back") else -1
        sums[one.settlement, one.currency, one.at.date()] += sign * one.amount_minor - one.fee_minor
    return [
        ReportLine("settlement", name, "", currency, net, 0, "", datetime.combine(day, time(23), UTC))
        for (name, currency, day), net in sorted(sums.items()) if net > 0
    ]  # fmt: skip
