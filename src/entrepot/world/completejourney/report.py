"""The report: what the source holds beside what the database says of it, pair by pair, to the cent.

The two sides share nothing but names: the source's is counted from its raw floats (totals.py, and money by
expected.py), the database's from order lines and ledger transfers, in SQL. Only what happened before the end of the
replay counts, so that the report stays true when people go on to use the marketplace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec

from entrepot.kit.db import ReadTx
from entrepot.kit.sql import sql
from entrepot.world.completejourney.expected import Expected, expect
from entrepot.world.completejourney.identity import CELL, midnight
from entrepot.world.completejourney.replay import AFTERMATH
from entrepot.world.completejourney.source import Source
from entrepot.world.completejourney.totals import RuleTotals, SoldTotals, Totals

ALL = "All"


class Sold(msgspec.Struct, frozen=True):
    """What a department, or all of them, sold. Units are pieces or thousandths, money is minor units."""

    department: str
    baskets: int
    orders: int
    lines: int
    units: int
    gross_minor: int
    retail_disc_minor: int
    coupon_match_minor: int
    coupon_minor: int
    paid_minor: int
    rounding_lines: int
    rounding_minor: int


class Pair(msgspec.Struct, frozen=True):
    """One figure from both sides, in minor units unless its name says otherwise."""

    name: str
    source: int
    ledger: int


class Rule(msgspec.Struct, frozen=True):
    """Lines of the source that one rule excludes, and what they carry."""

    number: int
    name: str
    lines: int
    units: int
    coupon_minor: int


class Report(msgspec.Struct, frozen=True):
    """`departments` has (source, ledger) of each department, the last of all; `money` what the ledger knows, beside
    what follows from the source; `days` the same day by day, a pair for each code of transfers; `excluded` and
    `coupon_excess_minor` reconcile the source with what was sold."""

    until: date
    source_lines: int
    source_baskets: int
    empty_baskets: int
    sales_minor: int
    departments: list[tuple[Sold, Sold]]
    money: list[Pair]
    days: list[tuple[date, Pair]]
    excluded: list[Rule]
    coupon_excess_minor: int

    def differences(self) -> list[Pair]:
        """The pairs that do not tie."""
        days = (Pair(f"{day} {pair.name}", pair.source, pair.ledger) for day, pair in self.days)
        return [pair for pair in [*_pairs(self.departments), *self.money, *days] if pair.source != pair.ledger]


class _Moved(msgspec.Struct, frozen=True):
    day: date
    code: str
    minor: int


class _Left(msgspec.Struct, frozen=True):
    code: str
    minor: int


FLOWS = {
    "top_up": "topped up by buyers",
    "pay": "paid for baskets into escrow, by buyers and the funder",
    "fund": "operator's discounts into escrow",
    "refund": "given back of what was paid",
    "unfund": "operator's discounts taken back",
    "release": "released to sellers",
    "commission": "commission",
    "payment_fee": "payment fees",
    "recall": "called back from sellers",
    "commission_back": "commission given up",
    "payment_fee_back": "payment fees given up",
    "part_release": "released of what was disputed or sent back",
    "part_commission": "commission of it",
    "part_payment_fee": "payment fees of it",
    "payout": "paid out to sellers",
    "principal": "installments paid to the funder",
    "fee": "fees of installments",
    "plan_back": "installments given back",
    "plan_fee_back": "fees of installments given back",
}
"""What a code of transfers says."""
LEFT = {"escrow": "left in escrow", "wallet": "left in wallets", "seller": "left in sellers' accounts, their debts"}
"""What is in accounts of a code in the end."""


# A category below another belongs to the department above it. Discounts are looked up line by line, in the order of the
# lines' own key: a join of all would depend on statistics that a young table does not have.
_SOLD = sql(
    """
    select coalesce(k.department, :all), count(distinct o.group_id)::int, count(distinct o.id)::int, count(*)::int,
           sum(l.quantity)::bigint, sum(l.gross_minor)::bigint, coalesce(sum(d.retail_disc), 0)::bigint,
           coalesce(sum(d.coupon_match), 0)::bigint, coalesce(sum(d.coupon), 0)::bigint,
           sum(l.gross_minor - l.discount_minor + l.shipping_minor)::bigint,
           (count(*) filter (where l.rounding_minor > 0))::int, sum(l.rounding_minor)::bigint
      from orders.order o
      join orders.order_line l on l.cell = o.cell and l.order_id = o.id
      join catalog.variant v on v.id = l.variant_id
      join catalog.product p on p.id = v.product_id
      join catalog.category c on c.id = p.category_id
      left join catalog.category top on top.id = c.parent_id
     cross join lateral (select coalesce(top.name, c.name) as department) k
     cross join lateral (
               select sum(x.amount_minor) filter (where x.kind = 'retail_disc') as retail_disc,
                      sum(x.amount_minor) filter (where x.kind = 'coupon_match') as coupon_match,
                      sum(x.amount_minor) filter (where x.kind = 'coupon') as coupon
                 from orders.discount_line x
                where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no) d
     where o.cell = :cell and o.placed_at < :end
     group by grouping sets ((k.department), ())
    """,
    Sold,
)
_MOVED = sql(
    """
    select (at at time zone 'UTC')::date, code, sum(amount)::bigint
      from ledger.transfer where cell = :cell and at < :end group by 1, 2
    """,
    _Moved,
)
_LEFT = sql(
    """
    select a.code, sum(m.minor)::bigint
      from (select credit as account, sum(amount) as minor
              from ledger.transfer where cell = :cell and at < :end group by credit
            union all
            select debit, -sum(amount) from ledger.transfer where cell = :cell and at < :end group by debit) m
      join ledger.account a on a.cell = :cell and a.id = m.account
     where a.code in ('escrow', 'wallet', 'seller')
     group by a.code
    """,
    _Left,
)
_STOCK = sql(
    """
    select coalesce(sum(on_hand_delta), 0)::bigint from inventory.movement
     where cell = :cell and at < :end and (kind = 'receive' or not :received)
    """,
    int,
)


async def make_report(tx: ReadTx, source: Source, until: date, counted: Totals) -> Report:
    """`counted` is the source's side of the window before `until`."""
    end = midnight(until + AFTERMATH)
    ours = {sold.department: sold for sold in await tx.all(_SOLD, cell=CELL, end=end, all=ALL)}
    theirs = {t.department: _of_source(t.department, t) for t in counted.departments}
    theirs[ALL] = _of_source(ALL, counted.sold)
    names = [*sorted((set(ours) | set(theirs)) - {ALL}), ALL]
    expected = await asyncio.to_thread(expect, source, until)
    days = await _days(tx, expected, end)
    return Report(
        until, counted.lines, counted.baskets, counted.empty_baskets, counted.sales_minor,
        [(theirs.get(name, _nothing(name)), ours.get(name, _nothing(name))) for name in names],
        await _money(tx, expected, end, counted.sold, days), days, [_rule(r) for r in counted.rules if not r.rule.sold],
        counted.sold.coupon_excess_minor,
    )  # fmt: skip


async def _days(tx: ReadTx, expected: Expected, end: datetime) -> list[tuple[date, Pair]]:
    """What moved, by day and code: all that one of the two sides knows."""
    moved = {(row.day, row.code): row.minor for row in await tx.all(_MOVED, cell=CELL, end=end)}
    return [
        (day, Pair(code, expected.sums.get((day, code), 0), moved.get((day, code), 0)))
        for day, code in sorted(expected.sums.keys() | moved.keys())
    ]


async def _money(
    tx: ReadTx, expected: Expected, end: datetime, sold: SoldTotals, days: list[tuple[date, Pair]]
) -> list[Pair]:
    """Every flow of money of the replay, and what is left where it should not stay."""
    pairs = []
    for code in sorted({pair.name for _, pair in days}, key=lambda code: ([*FLOWS, code].index(code), code)):
        some = [pair for _, pair in days if pair.name == code]
        pairs.append(Pair(FLOWS.get(code, code), sum(p.source for p in some), sum(p.ledger for p in some)))
    left = {row.code: row.minor for row in await tx.all(_LEFT, cell=CELL, end=end)}
    pairs += [Pair(name, expected.left[code], left.get(code, 0)) for code, name in LEFT.items()]
    received = await tx.one(_STOCK, cell=CELL, end=end, received=True)
    pairs.append(Pair("units of opening stock", sold.units, received))
    there = await tx.one(_STOCK, cell=CELL, end=end, received=False)
    pairs.append(Pair("units of stock left, canceled or sent back", expected.stock_left, there))
    return pairs


def _of_source(name: str, t: SoldTotals) -> Sold:
    return Sold(
        name, t.baskets, t.orders, t.lines, t.units, t.gross_minor, t.retail_disc_minor, t.coupon_match_minor,
        t.coupon_minor, t.buyer_pays_minor, t.rounding_lines, t.rounding_minor,
    )  # fmt: skip


def _nothing(name: str) -> Sold:
    return Sold(name, *[0] * 11)


def _rule(r: RuleTotals) -> Rule:
    return Rule(r.rule.number, r.rule.name, r.lines, r.units, r.coupon_minor)


def _pairs(departments: list[tuple[Sold, Sold]]) -> Iterator[Pair]:
    for theirs, ours in departments:
        for field in Sold.__struct_fields__[1:]:
            yield Pair(f"{theirs.department}: {field}", getattr(theirs, field), getattr(ours, field))


# On paper.

_COLUMNS = (
    ("baskets", "baskets", 8), ("orders", "orders", 8), ("lines", "lines", 10), ("units", "units", 12),
    ("gross_minor", "gross", 13), ("retail_disc_minor", "retail disc.", 14), ("coupon_match_minor", "match", 9),
    ("coupon_minor", "coupons", 10), ("paid_minor", "paid", 13), ("rounding_lines", "rounded", 8),
    ("rounding_minor", "rounding", 9),
)  # fmt: skip
_NAME = 32
_MONEY_NAME = 58


def lines_of(report: Report) -> Iterator[str]:
    """The report as text. A department has one line when both sides say the same, else one of each."""
    yield f"The Complete Journey before {report.until}, source against ledger (USD; units as pieces or thousandths)"
    yield ""
    yield f"{'department':<{_NAME}}" + "".join(f"{title:>{width}}" for _, title, width in _COLUMNS)
    for theirs, ours in report.departments:
        if theirs == ours:
            yield f"{ours.department:<{_NAME}}{_cells(ours)}"
        else:
            yield f"{theirs.department + ', source':<{_NAME}}{_cells(theirs)}"
            yield f"{theirs.department + ', ledger':<{_NAME}}{_cells(ours)}  DIFFERS"
    yield ""
    yield f"{'money':<{_MONEY_NAME}}{'from the source':>16}{'ledger':>16}"
    for pair in report.money:
        show = _whole if pair.name.startswith("units") else _dollars
        mark = "" if pair.source == pair.ledger else "  DIFFERS"
        yield f"{pair.name:<{_MONEY_NAME}}{show(pair.source):>16}{show(pair.ledger):>16}{mark}"
    differ = sum(pair.source != pair.ledger for _, pair in report.days)
    yield f"day by day: {len(report.days):,} sums of a day and a kind of transfer, {differ:,} differ"
    yield ""
    yield from _reconciled(report)


def _reconciled(report: Report) -> Iterator[str]:
    """How the source's own figures lead to those that were sold."""
    sold = report.departments[-1][0]
    yield (
        f"source: {report.source_lines:,} lines in {report.source_baskets:,} baskets, "
        f"{_dollars(report.sales_minor)} of sales"
    )
    yield f"  = {_dollars(sold.paid_minor)} paid + {_dollars(sold.coupon_minor)} of coupons redeemed"
    for rule in report.excluded:
        carried = f", {_dollars(rule.coupon_minor)} of coupons" if rule.coupon_minor else ""
        yield f"  excluded by rule {rule.number} ({rule.name}): {rule.lines:,} lines{carried}"
    yield f"  baskets of which no line is left: {report.empty_baskets:,}"
    yield f"  coupons above what a line cost, not redeemed: {_dollars(report.coupon_excess_minor)}"


def _cells(sold: Sold) -> str:
    return "".join(
        f"{(_dollars if field.endswith('_minor') else _whole)(getattr(sold, field)):>{width}}"
        for field, _, width in _COLUMNS
    )


def _whole(number: int) -> str:
    return f"{number:,}"


def _dollars(minor: int) -> str:
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole:,}.{cents:02d}"


def as_json(report: Report) -> dict[str, Any]:
    """The report for machines, with the names of the pairs that differ."""
    return {
        "until": report.until,
        "source": {
            "lines": report.source_lines, "baskets": report.source_baskets, "empty_baskets": report.empty_baskets,
            "sales_minor": report.sales_minor, "coupon_excess_minor": report.coupon_excess_minor,
        },
        "departments": [{"source": theirs, "ledger": ours} for theirs, ours in report.departments],
        "money": report.money,
        "days": len(report.days),
        "excluded": report.excluded,
        "differences": report.differences(),
    }  # fmt: skip
