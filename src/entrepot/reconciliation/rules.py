"""Three-way matching: what the books, the provider and the bank say of the same money. Pure, and in no order.

    books    payment, refund      by our reference    report
    books    dispute              by the provider's   report
    report   settlement           by its name         bank, in
    books    payout in a file     by our reference    bank, out; and in again when it was returned

Each thing is judged by its own day; what is missing only when the other side has told of the days by which it should
have come. Whoever calls gives more than the days it asks about, so that both halves of each pair are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar

import msgspec

from entrepot.kit.ids import show
from entrepot.kit.money import share_bp
from entrepot.payments import Fact
from entrepot.reconciliation.types import Discrepancy, Entry, Kind, Matching, ProviderFee, ReportLine

REPORTED_WITHIN = timedelta(days=2)
"""Between our clock and the provider's there may be midnight."""
SETTLED_WITHIN = timedelta(days=8)
"""A provider pays each week, at the latest."""
BOOKED_WITHIN = timedelta(days=5)
"""A weekend and two banking holidays."""
PREFIX = {"payment": "pmt", "refund": "rfd", "payout": "pay", "dispute": "cbk", "dispute_back": "cbk"}
DISPUTES = ("dispute", "dispute_back")
"""What buyers' banks took, and gave back: known by the provider's name of it, with a fee of its own."""
TO_US = ("payment", "dispute_back")
"""What makes a settlement larger; the other kinds make it smaller."""

Days = tuple[date, date]
Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")


class Told(msgspec.Struct, frozen=True):
    """All that is laid side by side; `fees` are as agreed. `reported` are the first and the last day that the provider
    has told of, `booked` by currency those of the bank."""

    facts: Sequence[Fact]
    lines: Sequence[ReportLine]
    entries: Sequence[Entry]
    fees: Sequence[ProviderFee]
    reported: Days | None
    booked: Mapping[str, Days]


def match(told: Told, first: date, last: date) -> Matching:
    """What does not fit of the days from `first` to `last`, both included; each thing of a kind once, however often
    the others tell of it."""
    found = [one for one in (*_reported(told), *_settled(told), *_booked(told)) if first <= one.day <= last]
    days = [fact.day for fact in told.facts if fact.is_due]
    days += [line.at.date() for line in told.lines] + [entry.day for entry in told.entries]
    judged = sum(first <= day <= last for day in days)
    once = dict[tuple[str, str], Discrepancy]()
    for one in sorted(found, key=lambda one: (one.day, one.kind, one.subject, one.found_minor or 0)):
        once.setdefault((one.kind, one.subject), one)
    return Matching(judged, max(0, judged - len(found)), list(once.values()))


def fee_of(fees: Iterable[ProviderFee], line: ReportLine) -> int:
    """What the provider may keep of a payment; nothing where nothing was agreed."""
    holds = [fee for fee in fees if fee.currency == line.currency and fee.valid_from <= line.at]
    if line.kind != "payment" or not holds:
        return 0
    fee = max(holds, key=lambda fee: fee.valid_from)
    return share_bp(line.amount_minor, fee.fee_bp) + fee.fixed_minor


def _reported(told: Told) -> Iterator[Discrepancy]:
    """Payments and refunds of the books beside the provider's."""
    ordered = sorted(told.lines, key=lambda line: (line.at, line.id, line.amount_minor))
    lines = _grouped(((line.kind, line.reference), line) for line in ordered if line.kind != "settlement")
    for fact in told.facts:
        if fact.kind == "payout":
            continue
        ours = show(PREFIX[fact.kind], fact.id)
        own = lines.pop((fact.kind, fact.name or ours), [])
        if fact.kind == "dispute_back":  # what was taken is a thing of its own
            ours += "_back"
        if not own and fact.is_due and _is_told(fact.day, REPORTED_WITHIN, told.reported):
            yield Discrepancy("missing_in_report", ours, fact.day, fact.currency, fact.amount_minor, None)
        for line in own[:1]:
            fee, day = fee_of(told.fees, line) if fact.fee_minor is None else fact.fee_minor, line.at.date()
            if (line.currency, line.amount_minor) != (fact.currency, fact.amount_minor):
                yield _unlike("wrong_amount_in_report", ours, day, fact.currency, fact.amount_minor, line)
            elif line.fee_minor != fee:
                yield Discrepancy("fee_difference", ours, day, line.currency, fee, line.fee_minor)
        for line in own[1:]:
            yield Discrepancy("duplicate_in_report", line.id, line.at.date(), line.currency, 0, line.amount_minor)
    for line in (line for unknown in lines.values() for line in unknown):
        yield Discrepancy("missing_in_books", line.id, line.at.date(), line.currency, None, line.amount_minor)


def _settled(told: Told) -> Iterator[Discrepancy]:
    """The provider's payments to us beside what it says they are for. What it names no settlement for is due alone."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    days: dict[tuple[str, str], date] = {}
    for line in told.lines:
        if line.kind != "settlement":
            key = (line.settlement or line.id, line.currency)
            sign = 1 if line.kind in TO_US else -1
            sums[key] += sign * line.amount_minor - line.fee_minor
            days[key] = max(line.at.date(), days.get(key, date.min))
    paid = {(line.id, line.currency) for line in told.lines if line.kind == "settlement"}
    for line in told.lines:
        if line.kind == "settlement" and sums[line.id, line.currency] != line.amount_minor:
            due = sums[line.id, line.currency]
            yield Discrepancy("settlement_sum", line.id, line.at.date(), line.currency, due, line.amount_minor)
    for (name, currency), day in days.items():
        due = sums[name, currency]
        if due > 0 and (name, currency) not in paid and _is_told(day, SETTLED_WITHIN, told.reported):
            yield Discrepancy("settlement_sum", name, day, currency, due, None)


def _booked(told: Told) -> Iterator[Discrepancy]:
    """What the bank booked beside the settlements and payouts that it is for."""
    ordered = sorted(told.entries, key=lambda entry: (entry.day, entry.id))
    entries = _grouped(((_way(entry), entry.reference), entry) for entry in ordered)
    for line in sorted(told.lines, key=lambda line: (line.at, line.id, line.amount_minor)):
        if line.kind == "settlement":
            own = entries.pop(("in", line.id), [])
            yield from _pair(told, line.id, line.at.date(), line.currency, line.amount_minor, own)
    for fact in told.facts:
        if fact.kind != "payout":
            continue
        ours = show(PREFIX[fact.kind], fact.id)
        own, back = entries.pop(("out", fact.id.hex), []), entries.pop(("back", fact.id.hex), [])
        if own or (fact.is_due and not back):
            yield from _pair(told, ours, fact.day, fact.currency, -fact.amount_minor, own)
        if own and not back and not fact.is_due and _is_told(own[0].day, BOOKED_WITHIN, told.booked.get(fact.currency)):
            # By the books it came back, by the bank it did not: the seller was or will be paid twice.
            yield Discrepancy("missing_at_bank", ours, own[0].day, fact.currency, fact.amount_minor, None)
        for entry in back[:1]:
            if (entry.currency, entry.amount_minor) == (fact.currency, fact.amount_minor):
                yield Discrepancy("payout_returned", ours, entry.day, entry.currency, None, entry.amount_minor)
            else:  # less the banks' charges, say: nothing was given back to the seller
                yield _unlike("wrong_amount_at_bank", ours, entry.day, fact.currency, fact.amount_minor, entry)
        for entry in back[1:]:
            yield Discrepancy("duplicate_at_bank", entry.id, entry.day, entry.currency, 0, entry.amount_minor)
    for entry in (entry for unknown in entries.values() for entry in unknown):
        yield Discrepancy("unknown_at_bank", entry.id, entry.day, entry.currency, None, entry.amount_minor)


def _pair(
    told: Told, subject: str, day: date, currency: str, amount_minor: int, own: Sequence[Entry]
) -> Iterator[Discrepancy]:
    """The entries `own` beside the one of `amount_minor` that there should be."""
    if not own and _is_told(day, BOOKED_WITHIN, told.booked.get(currency)):
        yield Discrepancy("missing_at_bank", subject, day, currency, amount_minor, None)
    for entry in own[:1]:
        if (entry.currency, entry.amount_minor) != (currency, amount_minor):
            yield _unlike("wrong_amount_at_bank", subject, entry.day, currency, amount_minor, entry)
    for entry in own[1:]:
        yield Discrepancy("duplicate_at_bank", entry.id, entry.day, entry.currency, 0, entry.amount_minor)


def _unlike(
    kind: Kind, subject: str, day: date, currency: str, amount_minor: int, found: ReportLine | Entry
) -> Discrepancy:
    """What was told is not the amount expected. Beside another currency that amount would say nothing."""
    if found.currency != currency:
        return Discrepancy("wrong_currency", subject, day, found.currency, None, found.amount_minor)
    return Discrepancy(kind, subject, day, currency, amount_minor, found.amount_minor)


def _way(entry: Entry) -> str:
    if entry.amount_minor < 0:
        return "out"
    return "back" if entry.is_return else "in"


def _is_told(day: date, within: timedelta, days: Days | None) -> bool:
    """Whether somebody who has told of `days` should have told of what happened on `day`."""
    return days is not None and days[0] <= day <= days[1] - within


def _grouped(pairs: Iterable[tuple[Key, Thing]]) -> dict[Key, list[Thing]]:
    groups: dict[Key, list[Thing]] = defaultdict(list)
    for key, thing in pairs:
        groups[key].append(thing)
    return groups
