"""The incremental audit: what has changed since the last look, and whether it is as it should be.

    books = await open_books(tx, cell)         # remembers every balance and every row of stock, as they are now
    findings = await look(tx, books)           # again and again; costs as much as what has happened since

What has happened is read by indexes that the rooms have anyway, and told apart exactly: a row is new when the
transaction that wrote it is not in the snapshot of the last look.

    events               their orders and groups are checked whole, each by the rules of the full audit; so are those
                         of new transfers and movements, of which nobody told
    movements            by id; a row of stock is what was remembered of it plus these
    transfers            of the house's accounts by time (every transfer but a payment has the house on one side),
                         payments by their order; a balance is what was remembered plus these

A change that nobody told of is seen when its row is swept: `sweep` rows of each kind are looked at each time, in turn.
What is not seen here is what was written into old rows behind everybody's back, and promises that time alone breaks:
the full audit finds those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import add
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from entrepot.kit.db import ReadTx
from entrepot.kit.sql import sql
from entrepot.world.auditor import money, quotas, stock
from entrepot.world.auditor.check import Finding, arguments, touched
from entrepot.world.auditor.checks import CHECKS

SESSION = {
    "application_name": "entrepot audit",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",  # some thirty plans in one statement: made once
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
}
SAMPLE = 20
"""Findings named per look and kind."""
SWEEP = 1_000
OPEN_MOVEMENTS = 100_000
"""So many ids before the last one a movement may have that is not committed when the books are opened."""
LATENESS = timedelta(minutes=2)
"""So much earlier than its commit a transaction may have begun, for the times in its rows are those of its beginning.
One that took longer makes us suspect a balance, which is then derived from all its transfers, and found right."""

# Movements have no index by their cause, nor uses by their quota. Where there are (the simulation makes them), orders
# and sales elsewhere are compared with their movements, and quotas that are used with all their uses.
BY_INDEXES = [stock.ORDER_MOVEMENTS, stock.SOLD_ELSEWHERE, quotas.QUOTA]
_AT_ONCE = [
    check
    for check in CHECKS
    if check.keys and not check.of_history and check not in BY_INDEXES and "overdue" not in check.whole.tally.params
]
OF_ORDERS = [check for check in _AT_ONCE if check.keys <= {"order", "group"} and check.by]
OF_CAUSES = [check for check in _AT_ONCE if not check.keys & {"order", "group", "quota"}]

# What of the touched has rows in these tables, found by such a key. Most orders have no parts, plans or declarations,
# and to begin a statement that finds none takes as long as one that does: those checks are not asked.
_ROWS_OF = {
    "x.order_id = any (:orders)": (
        "orders.part", "orders.part_line", "chargebacks.share", "orders.exchange", "orders.hold", "disputes.dispute",
        "reviews.review", "customs.declaration",
    ),
    "x.id = any (:groups)": ("credit.plan",),
    "x.plan_id = any (:groups)": ("credit.collection", "credit.installment"),
    "x.group_id = any (:groups)": ("accounts.guest_link",),
    "x.cause_id = any (:groups)": ("pricing.quota_use",),
    "x.cause_id = any (:causes)": ("ledger.hold", "orders.tax_back", "payments.refund"),
    "x.id = any (:causes)": (
        "payments.refund", "payments.write_off", "payments.payout", "customs.broker_line", "fees.charge",
        "invoices.invoice", "metering.bill", "chargebacks.case", "chargebacks.late", "channels.sale",
    ),
    "cardinality(:orders) > 0": ("bonded.book",),
}  # fmt: skip
_EACH = (
    [
        f"(select '{table}'::text from {table} x where x.cell = :cell and {found} limit 1)"  # noqa: S608 - our own names
        for found, tables in _ROWS_OF.items()
        for table in tables
    ]
    + [
        f"""(select '{table}' from kit.cell k
            join orders.order o on o.cell = k.cell and o.group_cell = :cell and o.group_id = any (:groups)
            join {table} x on x.cell = o.cell and x.order_id = o.id limit 1)"""  # noqa: S608
        for table in ("orders.border", "orders.discount_line")
    ]
    + [
        """(select 'pricing.slot' from kit.cell k
          join orders.order o on o.cell = k.cell and o.group_cell = :cell and o.group_id = any (:groups)
         where o.slot_id is not null limit 1)""",
        """(select 'accounts.guest' from payments.payment p
          join accounts.guest x on x.cell = p.cell and x.user_id = p.buyer_id
         where p.cell = :cell and p.group_id = any (:groups) limit 1)""",
    ]
)
_CODE = "select distinct t.code from ledger.transfer t where t.cell = :cell and t.cause_id = any (:causes)"
THERE = sql(" union all ".join([*_EACH, _CODE]), str)
_KNOWN = {table for tables in _ROWS_OF.values() for table in tables} | {"orders.border", "orders.discount_line"}
_KNOWN |= {"accounts.guest", "pricing.quota", "pricing.slot"}  # of which one is touched by its use
_KNOWN |= {code for check in _AT_ONCE for code in check.codes}

_RULES = [*OF_ORDERS, quotas.SLOT_PLACES, *OF_CAUSES]
RULES = touched(_RULES, _KNOWN)
RULES_BY_INDEXES = touched([*_RULES, *BY_INDEXES], _KNOWN)
BALANCES = touched([money.BALANCE], ())[0].query
STOCKS = touched([stock.STOCK], ())[0].query

SNAPSHOT = sql("select pg_current_snapshot()::text", str)


class Start(msgspec.Struct, frozen=True):
    now: str
    top: int
    moved_last: int
    has_indexes: bool


START = sql(
    """
    select pg_current_snapshot()::text, pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
           (select coalesce(max(id), 0) from inventory.movement where cell = :cell),
           3 = (select count(*) from pg_indexes
                 where tablename = 'movement' and indexdef like '%(cell, cause_id)'
                    or tablename = 'quota_use' and indexdef like '%(cell, quota_id)'
                    or tablename = 'transfer' and indexdef like '%(cell, at)')
    """,
    Start,
)

# Whether the row `r` is new to us. Of the transaction that wrote a row the table knows the low 32 bits; it is the last
# one with these before the next to be given.
_IS_NEW = """
    not pg_visible_in_snapshot(
        (s.top - ((s.top - r.xmin::text::bigint) & 4294967295))::text::xid8, s.seen)
"""

# New transfers. They have no index by their time but that of the house's accounts, which are on one side of all but
# payments; those are found by their orders. The simulation makes one of all.
_BY_THE_HOUSE = " union ".join(
    f"""select r.cause_id, r.code, r.debit, r.credit, r.amount
          from s
         cross join ledger.account h
          join ledger.transfer r on r.cell = h.cell and r.{side} = h.id and r.at >= b.since
                                and r.code not in ('pay', 'fund') and {_IS_NEW}
         where h.cell = b.cell and h.striped
    """  # noqa: S608 - a constant
    for side in ("debit", "credit")
)
_BY_THEIR_ORDERS = f"""
        union
        select r.cause_id, r.code, r.debit, r.credit, r.amount
          from s
         cross join changed_order o
          join ledger.transfer r on r.cell = b.cell and r.cause_id = o.id and r.code in ('pay', 'fund') and {_IS_NEW}
"""  # noqa: S608
_BY_THEIR_TIME = f"""
        select r.cause_id, r.code, r.debit, r.credit, r.amount
          from s join ledger.transfer r on r.cell = b.cell and r.at >= b.since and {_IS_NEW}
"""  # noqa: S608


class Changes(msgspec.Struct, frozen=True):
    """What is new in a cell: the keys, and sums in parallel arrays. `now` is the snapshot that says so; below `safe` of
    its transactions none is running any more, and `moved_last` is the highest id of a movement."""

    now: str
    top: int
    safe: int
    moved_last: int
    groups: list[UUID]
    orders: list[UUID]
    causes: list[UUID]
    goods: list[UUID]
    accounts: list[int]
    debits: list[int]
    credits: list[int]
    stocks: list[int]
    on_hand: list[int]
    held: list[int]
    allocated: list[int]
    cost: list[int]


_CHANGES = f"""
    select x.*
      from unnest(:cells::smallint[], :snapshots::text[], :moved_after::bigint[], :since::timestamptz[])
           with ordinality as b (cell, snapshot, moved_after, since, number)
     cross join lateral (
    with s as materialized (
        select b.snapshot::pg_snapshot as seen, pg_snapshot_xmax(pg_current_snapshot())::text::bigint as top
    ), told as materialized (
        select e.kind, e.key, e.data ->> 'group_id' as group_id
          from kit.event e
         where e.cell = b.cell and e.xid >= pg_snapshot_xmin(b.snapshot::pg_snapshot)
           and not pg_visible_in_snapshot(e.xid, b.snapshot::pg_snapshot)
    ), moved as materialized (
        select r.* from s join inventory.movement r on r.cell = b.cell and r.id > b.moved_after and {_IS_NEW}
    ), transferred as materialized (
        <found>
    ), changed_group as materialized (
        select t.key as id from told t where t.kind like 'group\\_%'
        union
        select t.group_id::uuid from told t where t.group_id is not null
        union
        select o.group_id
          from (select t.key from told t where t.kind like any (array['order\\_%', 'shipment\\_%', 'refund\\_%'])
                union
                select m.cause_id from moved m
                union
                select r.cause_id from transferred r) k
          join orders.order o on o.cell = b.cell and o.id = k.key
        union
        select o.group_id
          from transferred r
          join orders.away_order w on w.cell = b.cell and w.id = r.cause_id
          join orders.order o on o.cell = w.order_cell and o.id = w.id
    ), changed_order as materialized (
        select o.id from changed_group g join orders.order o on o.cell = b.cell and o.group_id = g.id
        union all
        select o.id
          from changed_group g
          join orders.order_group h on h.cell = b.cell and h.id = g.id
         cross join lateral unnest(h.other_cells) as c (cell)
          join orders.order o on o.cell = c.cell and o.group_id = h.id
    ), posted as materialized (
        select * from transferred
        <found later>
    ), sums as materialized (
        select e.account_id, sum(e.debit)::bigint as debits, sum(e.credit)::bigint as credits
          from (select debit, amount, 0 from posted union all select credit, 0, amount from posted)
               as e (account_id, debit, credit)
         group by e.account_id
    ), stock_sums as materialized (
        select m.stock_id, sum(m.on_hand_delta)::bigint as on_hand, sum(m.held_delta)::bigint as held,
               sum(m.allocated_delta)::bigint as allocated, sum(m.cost_delta)::bigint as cost
          from moved m group by m.stock_id
    )
    select pg_current_snapshot()::text as now, (select top from s) as top,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint as safe,
           (select coalesce(max(id), b.moved_after) from moved) as moved_last,
           array(select id from changed_group) as groups, array(select id from changed_order) as orders,
           array(select cause_id from posted union select cause_id from moved) as causes,
           array(select cause_id from posted where code in ('purchase', 'cogs', 'cogs_back', 'shrinkage')
                 union
                 select cause_id from moved
                  where kind in ('receive', 'ship', 'return', 'adjust', 'set_aside')) as goods,
           a.*, t.*
      from (select coalesce(array_agg(account_id), '{{}}') as accounts, coalesce(array_agg(debits), '{{}}') as debits,
                   coalesce(array_agg(credits), '{{}}') as credits from sums) a,
           (select coalesce(array_agg(stock_id), '{{}}') as stocks, coalesce(array_agg(on_hand), '{{}}') as on_hand,
                   coalesce(array_agg(held), '{{}}') as held, coalesce(array_agg(allocated), '{{}}') as allocated,
                   coalesce(array_agg(cost), '{{}}') as cost from stock_sums) t
    ) x
     order by b.number
"""  # noqa: S608 - the text is a constant of this package
CHANGES = sql(_CHANGES.replace("<found>", _BY_THE_HOUSE).replace("<found later>", _BY_THEIR_ORDERS), Changes)
CHANGES_BY_INDEX = sql(_CHANGES.replace("<found>", _BY_THEIR_TIME).replace("<found later>", ""), Changes)


class Kept(msgspec.Struct, frozen=True):
    """A balance (debits, credits, held, 0) or a row of stock (on_hand, held, allocated, cost)."""

    is_stock: bool
    swept: bool
    id: int
    a: int
    b: int
    c: int
    d: int


ROWS = sql(
    """
    with a as materialized (
        select x.id, bool_or(x.swept) as swept
          from (select unnest(:accounts::bigint[]) as id, false as swept
                union all
                (select r.id, true from ledger.account r
                  where r.cell = :cell and r.id > :account_after order by r.id limit :sweep::bigint)) x
         group by x.id
    ), t as materialized (
        select x.id, bool_or(x.swept) as swept
          from (select unnest(:stocks::bigint[]) as id, false as swept
                union all
                (select r.id, true from inventory.stock r
                  where r.cell = :cell and r.id > :stock_after order by r.id limit :sweep::bigint)) x
         group by x.id
    )
    select false, a.swept, a.id, coalesce(b.debits, 0), coalesce(b.credits, 0), coalesce(b.held, 0), 0::bigint
      from a
      left join lateral (select sum(b.debits)::bigint as debits, sum(b.credits)::bigint as credits,
                                sum(b.held)::bigint as held
                           from ledger.balance b where b.cell = :cell and b.account_id = a.id) b on true
    union all
    select true, t.swept, t.id, coalesce(s.on_hand, 0), coalesce(s.held, 0), coalesce(s.allocated, 0),
           coalesce(s.cost_minor, 0)
      from t
      left join inventory.stock s on s.cell = :cell and s.id = t.id
    """,
    Kept,
)


async def connect(url: str) -> asyncpg.Connection:
    """A connection for looks only: what is touched is little, and found by its key. Statements are long, and kept."""
    options: dict[str, Any] = {"max_cacheable_statement_size": 0, "max_cached_statement_lifetime": 0, "timeout": 10}
    conn: asyncpg.Connection = await asyncpg.connect(url, server_settings=SESSION, **options)
    return conn


Sums = tuple[int, int, int, int]
NOTHING: Sums = (0, 0, 0, 0)


@dataclass
class Books:
    """What is remembered of a cell between two looks: some 300 bytes for each account and row of stock."""

    cell: int
    snapshot: str
    since: datetime
    has_indexes: bool
    balances: dict[int, Sums] = field(default_factory=dict)
    stocks: dict[int, Sums] = field(default_factory=dict)
    account_after: int = 0  # how far the sweep has got
    stock_after: int = 0
    moved_after: int = 0  # no movement up to this id can be new any more,
    moved_next: int = 0  # nor up to this one, once no transaction runs
    moved_top: int = 0  # below this


async def open_books(tx: ReadTx, cell: int = 0) -> Books:
    """Remembers a cell as it is, right or wrong; `tx` reads one snapshot."""
    start = await tx.one(START, cell=cell)
    books = Books(cell, start.now, tx.now, start.has_indexes, moved_top=start.top, moved_next=start.moved_last)
    books.moved_after = max(0, start.moved_last - OPEN_MOVEMENTS)
    for row in await _rows(tx, books, [], [], None):
        _kept(books, row)[row.id] = (row.a, row.b, row.c, row.d)
    return books


async def is_unchanged(tx: ReadTx, books: Books) -> bool:
    """Whether nothing was committed since the last look, and there is nothing to see."""
    return await tx.one(SNAPSHOT) == books.snapshot


async def look(tx: ReadTx, books: Books, sweep: int = SWEEP) -> list[Finding]:
    """What is wrong with what has changed since the last look; `tx` reads one snapshot."""
    (new,) = await changes(tx, [books])
    return await judge(tx, books, new, sweep)


async def changes(tx: ReadTx, books: Sequence[Books], lateness: timedelta = LATENESS) -> list[Changes]:
    """What has changed in each of these cells since it was last judged."""
    query = CHANGES_BY_INDEX if all(b.has_indexes for b in books) else CHANGES
    return await tx.all(
        query, cells=[b.cell for b in books], snapshots=[b.snapshot for b in books],
        moved_after=[b.moved_after for b in books], since=[b.since - lateness for b in books],
    )  # fmt: skip


async def judge(tx: ReadTx, books: Books, new: Changes, sweep: int) -> list[Finding]:
    """What is wrong with that, and with the next `sweep` balances and rows of stock; `tx` reads what `changes` read."""
    findings: list[Finding] = []
    if new.groups or new.causes:
        findings += await _touched(tx, books, new)
    if sweep or new.accounts or new.stocks:
        findings += await _sums_tie(tx, books, new, sweep)
    books.snapshot, books.since = new.now, tx.now
    # Whoever had drawn a lower id then was running then. (A writer of movements has locked its stock before it draws.)
    if new.safe >= books.moved_top:
        books.moved_after, books.moved_next, books.moved_top = books.moved_next, new.moved_last, new.top
    return findings


async def _touched(tx: ReadTx, books: Books, new: Changes) -> list[Finding]:
    given = {
        "cell": books.cell, "orders": new.orders, "groups": new.groups, "causes": new.causes, "goods": new.goods,
        "accounts": new.accounts, "stocks": new.stocks, "moved_after": books.moved_after, "sample": SAMPLE,
    }  # fmt: skip
    there = set(await tx.all(THERE, **arguments(THERE, given)))
    findings: list[Finding] = []
    for rules in RULES_BY_INDEXES if books.has_indexes else RULES:
        if given[rules.kind] and (not rules.of or rules.of & there):
            findings += await tx.all(rules.query, **arguments(rules.query, given))
    return findings


async def _sums_tie(tx: ReadTx, books: Books, new: Changes, sweep: int) -> list[Finding]:
    """Balances and rows of stock are what they were plus what is new. One that is not is derived from all there is, and
    so is one of which another amount is held: holds come and go without an index of their time, and seldom."""
    posted = {row[0]: (*row[1:], 0, 0) for row in zip(new.accounts, new.debits, new.credits, strict=True)}
    moved = {row[0]: row[1:] for row in zip(new.stocks, new.on_hand, new.held, new.allocated, new.cost, strict=True)}
    accounts: list[int] = []
    stocks: list[int] = []
    rows = await _rows(tx, books, new.accounts, new.stocks, sweep)
    for row in rows:
        kept, change, suspects = (books.stocks, moved, stocks) if row.is_stock else (books.balances, posted, accounts)
        found = (row.a, row.b, row.c, row.d)
        if found != tuple(map(add, kept.get(row.id, NOTHING), change.get(row.id, NOTHING))):
            suspects.append(row.id)
        kept[row.id] = found
    if sweep:
        books.account_after, books.stock_after = _swept(rows, False, sweep), _swept(rows, True, sweep)
    findings: list[Finding] = []
    if accounts:
        findings += await tx.all(BALANCES, cell=books.cell, accounts=accounts, sample=SAMPLE)
    if stocks:
        findings += await tx.all(STOCKS, cell=books.cell, stocks=stocks, sample=SAMPLE)
    return findings


async def _rows(tx: ReadTx, books: Books, accounts: list[int], stocks: list[int], sweep: int | None) -> list[Kept]:
    """These accounts and rows of stock and the next `sweep` of each kind, or all."""
    return await tx.all(
        ROWS, cell=books.cell, accounts=accounts, stocks=stocks, account_after=books.account_after,
        stock_after=books.stock_after, sweep=sweep,
    )  # fmt: skip


def _kept(books: Books, row: Kept) -> dict[int, Sums]:
    return books.stocks if row.is_stock else books.balances


def _swept(rows: list[Kept], is_stock: bool, sweep: int) -> int:
    """The last id of the sweep; 0, to begin again, when there were no more."""
    swept = [row.id for row in rows if row.swept and row.is_stock is is_stock]
    return max(swept) if len(swept) == sweep else 0
