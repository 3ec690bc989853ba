"""Statements, and the lines of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from entrepot import ledger
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import Malformed, NotFound
from entrepot.ledger import Line, Position
from entrepot.payments import cause_of, kind_of
from entrepot.statements import rules, store
from entrepot.statements.types import Desk, Issued, LineView, Month, MonthStatement, Period, Reserved, Zone

PAGE = 100
RESERVES_MAX = 100
ZONES_MAX = 500
MONTHS_MAX = 120
"""Months that one listing of statements goes back."""
INSTANT = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9a-f]{32})\.(-?[0-9]{1,18})\.([a-z][a-z0-9_]{0,59})")


async def periods(tx: ReadTx, currency: str, firsts: Sequence[date]) -> list[Period]:
    """The time from each first of a month to the next one of `firsts`, which are in order."""
    begins = await tx.all(store.BEGINS, currency=currency, firsts=firsts)
    return [
        Period(this.first, after.first - timedelta(days=1), this.zone, this.at, after.at)
        for this, after in pairwise(begins)
    ]


async def account_of(tx: ReadTx, desk: Desk) -> int:
    """The ledger's number of the account. Raises NotFound."""
    (account,) = await ledger.account_ids(tx, desk.cell, ["seller"], [desk.seller_id], [desk.currency])
    if account == 0:
        raise NotFound
    return account


async def statement(tx: ReadTx, desk: Desk, month: Month) -> MonthStatement:
    """A seller's statement of a month. Raises NotFound when it has no account in the currency."""
    account = await account_of(tx, desk)
    first = rules.first_of(month)
    (period,) = await periods(tx, desk.currency, [first, rules.following(first)])
    found = await ledger.flows(tx, desk.cell, account, period.starts_at, period.ends_at, period.zone)
    held = await ledger.held(tx, desk.cell, account, ("reserve", "part_reserve"), period.ends_at)
    groups = rules.by_group(found.flows)
    return MonthStatement(
        _number(desk, period, await ledger.closed_through(tx, desk.cell)), show("sel", desk.seller_id), desk.currency,
        month, period.zone,
        period.starts_at, period.ends_at, found.opening_minor, found.closing_minor,
        sum(group.entries for group in groups), groups,
        rules.by_day(found.flows, found.opening_minor, period.first, period.last),
        sum(one.amount_minor for one in held),
        [
            Reserved(one.at, cause_of(one.code, one.cause_id), one.amount_minor, one.until)
            for one in held[:RESERVES_MAX]
        ],
    )  # fmt: skip


def _number(desk: Desk, period: Period, closed_through: date | None) -> str | None:
    """A statement has one once the ledger's last day (UTC) of its month is closed."""
    last = (period.ends_at - INSTANT).astimezone(UTC).date()
    closed = closed_through is not None and last <= closed_through
    return rules.number_of(rules.month_of(period.first), desk.currency, desk.seller_id) if closed else None


async def months(tx: ReadTx, cell: int, seller_id: UUID) -> list[Issued]:
    """The months of which there are statements, the latest first: in each currency from the first movement on to now,
    at most MONTHS_MAX."""
    found, closed_through = [], await ledger.closed_through(tx, cell)
    for moved in await ledger.moved_accounts(tx, cell, "seller", seller_id):
        desk = Desk(cell, seller_id, moved.currency)
        latest = rules.following((tx.now + timedelta(days=1)).date(), 0)
        earliest = max((moved.first_at - timedelta(days=1)).date(), rules.following(latest, -MONTHS_MAX))
        count = (latest.year - earliest.year) * 12 + latest.month - earliest.month + 2
        firsts = [rules.following(latest, 1 - back) for back in reversed(range(count))]
        for period in reversed(await periods(tx, moved.currency, firsts)):
            if moved.first_at < period.ends_at and period.starts_at <= tx.now:
                number = _number(desk, period, closed_through)
                found.append(Issued(rules.month_of(period.first), moved.currency, number))
    return sorted(found, key=lambda one: (one.month, one.currency), reverse=True)


async def currencies(tx: ReadTx, cell: int, seller_id: UUID) -> list[str]:
    """The currencies in which anything of a seller's was ever moved."""
    return [moved.currency for moved in await ledger.moved_accounts(tx, cell, "seller", seller_id)]


async def lines(tx: ReadTx, desk: Desk, found: MonthStatement, after: str | None = None) -> list[LineView]:
    """The lines of a statement in order, PAGE of them, those behind a place. Raises NotFound, Malformed."""
    balance = found.opening_minor
    if after is not None:
        account = await account_of(tx, desk)
        balance += await ledger.moved_up_to(tx, desk.cell, account, found.starts_at, _placed(after))
    return await lines_from(tx, desk, found, after, balance, PAGE)


async def lines_from(
    tx: ReadTx, desk: Desk, found: MonthStatement, after: str | None, balance_minor: int, limit: int
) -> list[LineView]:
    """The same, so many, of whoever knows what the account had at the place."""
    account, place = await account_of(tx, desk), Position.begin(found.starts_at)
    if after is not None:
        place = max(place, _placed(after))
    shown = []
    for line in await ledger.lines_after(tx, desk.cell, account, place, found.ends_at, found.zone, limit):
        balance_minor += line.amount_minor
        shown.append(_seen(line, balance_minor))
    return shown


def _seen(line: Line, balance_minor: int) -> LineView:
    place = Position.behind(line)
    micros = (line.at - EPOCH) // INSTANT
    return LineView(
        line.at, line.local, line.code, kind_of(line.code).group, cause_of(line.code, line.cause_id),
        line.amount_minor, balance_minor, f"{micros}.{place.cause_id.hex}.{place.negated}.{place.code}",
    )  # fmt: skip


def _placed(text: str) -> Position:
    found = _PLACE.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        return Position(EPOCH + int(found[1]) * INSTANT, UUID(hex=found[2]), int(found[3]), found[4])
    except (ValueError, OverflowError):
        raise Malformed("there is no such place - at `$.after`") from None


async def zones(tx: ReadTx) -> list[Zone]:
    """By which clocks months begin, by currency, the latest first; at most ZONES_MAX."""
    return await tx.all(store.ZONES, limit=ZONES_MAX)
