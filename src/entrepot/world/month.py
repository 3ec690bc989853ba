"""A month of money as the provider and the bank tell of it, from what the books say, with mistakes planted into it.

    told = month(facts, seed=7, planted=MISTAKES)

`told.lines` and `told.entries` are what a report and the statements say; `told.planted` is what a matching must find
(kind, subject), no more and no less. Without mistakes that is nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from msgspec.structs import replace

from entrepot.kit.ids import show
from entrepot.payments import Fact
from entrepot.reconciliation import Entry, ReportLine
from entrepot.world.gateway_report import line, settlements

OTHER = {"EUR": "USD", "USD": "EUR"}


@dataclass
class Month:
    """`free` are the facts that no mistake was planted into yet."""

    chance: Random
    free: list[Fact]
    lines: list[ReportLine] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    planted: set[tuple[str, str]] = field(default_factory=set)
    strangers: dict[tuple[date, str], str] = field(default_factory=dict)  # entries by day and reference

    def take(self, *kinds: str) -> Fact:
        """A fact of one of these kinds, for one mistake."""
        fact = self.chance.choice([fact for fact in self.free if fact.kind in kinds])
        self.free.remove(fact)
        return fact

    def line_of(self, fact: Fact) -> int:
        shown = _shown(fact)
        return next(i for i, one in enumerate(self.lines) if one.reference == shown)

    def entry_of(self, fact: Fact) -> int:
        return next(i for i, one in enumerate(self.entries) if one.reference == fact.id.hex)

    def settlement(self) -> ReportLine:
        """One that no mistake was planted into yet; what it pays is used for none any more."""
        names = {one.id for one in self.lines if one.kind == "settlement"}
        free = {_shown(fact) for fact in self.free}
        for one in self.lines:
            if one.kind != "settlement" and one.reference not in free:
                names.discard(one.settlement)
        chosen = self.chance.choice([one for one in self.lines if one.id in names])
        gone = {one.reference for one in self.lines if one.settlement == chosen.id}
        self.free = [fact for fact in self.free if _shown(fact) not in gone]
        return chosen


def month(facts: Iterable[Fact], seed: int, planted: Sequence[str] = (), statement: str = "1") -> Month:
    """What is told of these facts, each by its day; the bank books a day later, in one `statement` per currency."""
    ordered = sorted(facts, key=lambda fact: (fact.day, fact.id))
    made = Month(Random(f"told {seed}"), list(ordered))  # noqa: S311 - a world must be repeatable
    made.lines = [
        line(fact.kind, f"s_{fact.id.hex}", _shown(fact), fact.currency, fact.amount_minor, _at(fact.day))
        for fact in ordered if fact.kind != "payout"
    ]  # fmt: skip
    for name in IN_LINES:
        if name in planted:
            IN_LINES[name](made)
    made.lines += settlements(made.lines)
    if "settlement_sum" in planted:
        _settle_too_little(made)
    made.entries = [
        Entry("", one.at.date() + timedelta(days=1), one.currency, one.amount_minor, one.id, is_return=False)
        for one in made.lines if one.kind == "settlement"
    ] + [
        Entry("", fact.day + timedelta(days=1), fact.currency, -fact.amount_minor, fact.id.hex, is_return=False)
        for fact in ordered if fact.kind == "payout"
    ]  # fmt: skip
    for name in IN_ENTRIES:
        if name in planted:
            IN_ENTRIES[name](made)
    made.entries.sort(key=lambda entry: entry.day)
    _number(made, statement)
    return made


def _number(made: Month, statement: str) -> None:
    """Entries are known by their place in the statement."""
    counts = Counter[str]()
    for i, entry in enumerate(made.entries):
        counts[entry.currency] += 1
        made.entries[i] = replace(entry, id=f"{entry.currency} {statement}/{counts[entry.currency]}")
        if (entry.day, entry.reference) in made.strangers:
            made.planted.add((made.strangers[entry.day, entry.reference], made.entries[i].id))


def _forget_line(made: Month) -> None:
    fact = made.take("payment", "refund")
    del made.lines[made.line_of(fact)]
    made.planted.add(("missing_in_report", _shown(fact)))


def _invent_line(made: Month) -> None:
    fact = made.take("payment")
    one = made.lines[made.line_of(fact)]
    stranger = show("pmt", UUID(int=made.chance.getrandbits(128)))
    made.lines.append(replace(one, id="s_stranger", reference=stranger))
    made.planted.add(("missing_in_books", "s_stranger"))


def _repeat_line(made: Month) -> None:
    one = made.lines[made.line_of(made.take("payment", "refund"))]
    made.lines.append(replace(one, id=f"{one.id}_again"))
    made.planted.add(("duplicate_in_report", f"{one.id}_again"))


def _change_line(made: Month) -> None:
    fact = made.take("payment", "refund")
    i = made.line_of(fact)
    made.lines[i] = replace(made.lines[i], amount_minor=made.lines[i].amount_minor + made.chance.choice((1, 9, 100)))
    made.planted.add(("wrong_amount_in_report", _shown(fact)))


def _change_currency(made: Month) -> None:
    fact = made.take("payment")
    i = made.line_of(fact)
    other = OTHER[fact.currency]
    made.lines[i] = line("payment", made.lines[i].id, _shown(fact), other, fact.amount_minor, made.lines[i].at)
    made.planted.add(("wrong_currency", _shown(fact)))


def _charge_more(made: Month) -> None:
    fact = made.take("payment")
    i = made.line_of(fact)
    made.lines[i] = replace(made.lines[i], fee_minor=made.lines[i].fee_minor + made.chance.choice((-1, 1, 9)))
    made.planted.add(("fee_difference", _shown(fact)))


def _settle_too_little(made: Month) -> None:
    chosen = made.settlement()
    i = made.lines.index(chosen)
    made.lines[i] = replace(chosen, amount_minor=chosen.amount_minor - 1)
    made.planted.add(("settlement_sum", chosen.id))


def _forget_entry(made: Month) -> None:
    fact = made.take("payout")
    del made.entries[made.entry_of(fact)]
    made.planted.add(("missing_at_bank", _shown(fact)))


def _invent_entry(made: Month) -> None:
    day = made.chance.choice(made.entries).day
    currency = made.entries[0].currency
    made.entries.append(Entry("", day, currency, 1_234, "Interest", is_return=False))
    made.strangers[day, "Interest"] = "unknown_at_bank"


def _repeat_entry(made: Month) -> None:
    entry = made.entries[made.entry_of(made.take("payout"))]
    again = replace(entry, day=entry.day + timedelta(days=1))
    made.entries.append(again)
    made.strangers[again.day, again.reference] = "duplicate_at_bank"


def _pay_less(made: Month) -> None:
    chosen = made.settlement()
    i = next(i for i, entry in enumerate(made.entries) if entry.reference == chosen.id)
    made.entries[i] = replace(made.entries[i], amount_minor=made.entries[i].amount_minor - 100)
    made.planted.add(("wrong_amount_at_bank", chosen.id))


def _return_payout(made: Month) -> None:
    fact = made.take("payout")
    entry = made.entries[made.entry_of(fact)]
    day = entry.day + timedelta(days=made.chance.choice((1, 2)))
    made.entries.append(replace(entry, day=day, amount_minor=fact.amount_minor, is_return=True))
    made.planted.add(("payout_returned", _shown(fact)))


Mistake = Callable[[Month], None]
IN_LINES: dict[str, Mistake] = {
    "missing_in_report": _forget_line,
    "missing_in_books": _invent_line,
    "duplicate_in_report": _repeat_line,
    "wrong_amount_in_report": _change_line,
    "wrong_currency": _change_currency,
    "fee_difference": _charge_more,
}
"""Before the settlements are reckoned."""
IN_ENTRIES: dict[str, Mistake] = {
    "missing_at_bank": _forget_entry,
    "unknown_at_bank": _invent_entry,
    "duplicate_at_bank": _repeat_entry,
    "wrong_amount_at_bank": _pay_less,
    "payout_returned": _return_payout,
}
MISTAKES = (*IN_LINES, "settlement_sum", *IN_ENTRIES)


def books(seed: int, first: date, days: int = 28, payments_per_day: int = 4, currency: str = "EUR") -> list[Fact]:
    """Facts of their own: payments every day, a refund now and then, payouts to some sellers each week."""
    chance = Random(f"books {seed}")  # noqa: S311 - a world must be repeatable
    facts = []

    def add(kind: str, amount_minor: int, day: date) -> None:
        facts.append(Fact(kind, UUID(int=chance.getrandbits(128)), currency, amount_minor, day, is_due=True))

    for number in range(days):
        day = first + timedelta(days=number)
        amounts = [chance.randrange(500, 50_000) for _ in range(payments_per_day)]
        for amount in amounts:
            add("payment", amount, day)
        if chance.random() < 0.5:
            add("refund", chance.randrange(1, amounts[0] // 2), day)
        if number % 7 == 0:
            for _ in range(4):
                add("payout", chance.randrange(100, 90_000), day)
    return facts


def _shown(fact: Fact) -> str:
    return show({"payment": "pmt", "refund": "rfd", "payout": "pay"}[fact.kind], fact.id)


def _at(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
