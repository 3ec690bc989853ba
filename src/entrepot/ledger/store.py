"""The ledger's SQL."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Expired(msgspec.Struct, frozen=True):
    cause_id: UUID
    code: str


class ClosedDay(msgspec.Struct, frozen=True):
    """A day (UTC) that is closed, and how many transfers are of it."""

    day: date
    transfers: int
    closed_at: datetime


class TrialLine(msgspec.Struct, frozen=True):
    """What all accounts of a code moved on a day: opening - debits + credits == closing, and of each currency the
    closings add up to nothing. Minor units."""

    currency: str
    code: str
    opening_minor: int
    debits_minor: int
    credits_minor: int
    closing_minor: int


class StatementLine(msgspec.Struct, frozen=True):
    """A transfer as one account sees it: `amount_minor` is positive for a credit; `cause_id` names its event."""

    at: datetime
    code: str
    cause_id: UUID
    amount_minor: int


class Line(msgspec.Struct, frozen=True):
    """The same, and what clocks showed where the statement is made. At one moment credits come first."""

    at: datetime
    local: datetime
    code: str
    cause_id: UUID
    amount_minor: int


class Flow(msgspec.Struct, frozen=True):
    """What an account moved by transfers of a code on a day; without a day all that came after, and nothing of no code
    where there was nothing. `balance_minor` is what it has now."""

    day: date | None
    code: str | None
    entries: int
    amount_minor: int
    balance_minor: int


class Balance(msgspec.Struct, frozen=True):
    code: str
    minor: int


class Total(msgspec.Struct, frozen=True):
    """What an account moved by transfers of a code in the `span`-th of some spans of time, from 1."""

    span: int
    code: str
    entries: int
    amount_minor: int


class Caused(msgspec.Struct, frozen=True):
    """A transfer's cause, and in the how manieth span of time it was."""

    span: int
    cause_id: UUID


class Named(msgspec.Struct, frozen=True):
    """A transfer's cause, and when it was."""

    cause_id: UUID
    at: datetime


class Gross(msgspec.Struct, frozen=True):
    """Of the causes whose first transfer was in a span of time: how many there are, and what they moved in all."""

    span: int
    causes: int
    amount_minor: int


class Moved(msgspec.Struct, frozen=True):
    """An account that was ever moved: its first transfer and what it has now."""

    account_id: int
    currency: str
    first_at: datetime
    balance_minor: int


class BelowZero(msgspec.Struct, frozen=True):
    """An account without stripes that owes something, and since when it has done so without a break."""

    owner: UUID
    currency: str
    owed_minor: int
    since: datetime


class HeldLine(msgspec.Struct, frozen=True):
    """What is held of an account since `at`, until the time comes that it was held for."""

    at: datetime
    code: str
    cause_id: UUID
    amount_minor: int
    until: datetime


OPEN_MANY = sql(
    """
    select id from ledger.open_many(:cell, :now, :codes, :owners, :currencies, :limited, :striped)
    """,
    int,
)
APPLY_MANY = sql(
    "select ledger.apply_many(:cell, :now, :kinds, :causes, :codes, :debits, :credits, :amounts, :dues, :links)", list
)
EXPIRE_MANY = sql("select cause_id, code from ledger.expire_many(:cell, :now, :limit)", Expired)
CLOSE_DAYS = sql("select ledger.close_days(:cell, :now, :through, :limit)", int)
IS_CLOSING = sql(
    "select exists (select day from ledger.closed_day where cell = any (array(select c.cell from kit.cell c)))", bool
)
DAYS = sql(
    """
    select day, sum(transfers)::bigint, max(closed_at) from ledger.closed_day
     where cell = any (:cells::smallint[]) and day < :before group by day order by day desc limit :limit
    """,
    ClosedDay,
)
CLOSED_THROUGH = sql("select max(day) from ledger.closed_day where cell = :cell", date)
IS_CLOSED = sql(
    "select exists (select day from ledger.closed_day where cell = any (:cells::smallint[]) and day = :day)", bool
)
TRIAL_BALANCE = sql(
    """
    select t.currency, t.code, sum(t.balance + t.debits - t.credits)::bigint, sum(t.debits)::bigint,
           sum(t.credits)::bigint, sum(t.balance)::bigint
      from ledger.day_total t
     where t.cell = any (:cells::smallint[]) and t.day = :day
     group by t.currency, t.code
     order by t.currency, t.code
    """,
    TrialLine,
)
# What the account had before each of its times is what it has now less all that was moved then and later: the last time
# before which it had nothing or more is when it fell below zero.
BELOW_ZERO = sql(
    """
    select a.owner, a.currency, b.debits - b.credits as owed, s.since
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id and b.stripe = 0
     cross join lateral (
           select max(e.at) filter (where b.credits - b.debits >= e.moved) as since
             from (select t.at, sum(sum(t.amount)) over (order by t.at desc) as moved
                     from (select at, amount from ledger.transfer
                            where cell = a.cell and credit = a.id and code not in ('pay', 'fund')
                           union all
                           select at, -amount from ledger.transfer
                            where cell = a.cell and debit = a.id and code not in ('pay', 'fund')) t
                    group by t.at) e) s
     where a.cell = any (:cells::smallint[]) and a.code = :code and (:owner::uuid is null or a.owner = :owner)
       and b.debits > b.credits
     order by s.since, a.owner, a.currency
     limit :limit
    """,
    BelowZero,
)
LOCK = sql("select account_id from ledger.lock_many(:cell, :accounts)", int)
# As they were at a time: those that ended later were still held.
HELD = sql(
    """
    select at, code, cause_id, amount, coalesce(due_at, ended_at) from ledger.hold
     where cell = :cell and debit = :account and code = any (:codes::text[]) and at < :stop
       and (ended_at is null or ended_at >= :stop)
     order by 5, at, cause_id
     limit :limit
    """,
    HeldLine,
)
ACCOUNT_IDS = sql(
    """
    select coalesce(l.id, 0)
      from unnest(:codes::text[], :owners::uuid[], :currencies::text[])
           with ordinality as a (code, owner, currency, ord)
      left join ledger.account l
        on l.cell = :cell and l.code = a.code and l.owner = a.owner and l.currency = a.currency
     order by a.ord
    """,
    int,
)
BALANCE = sql(
    """
    select coalesce(sum(b.credits - b.debits), 0)::bigint
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id
     where a.cell = :cell and a.code = :code and a.owner = :owner and a.currency = :currency
    """,
    int,
)
BALANCES = sql(
    """
    select a.code, sum(b.credits - b.debits)::bigint
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id
     where a.cell = :cell and a.code = any (:codes) and a.owner = :owner and a.currency = :currency
     group by a.code
    """,
    Balance,
)
# The partial indexes leave out the hot codes; the statement's accounts never see them.
BEFORE = sql(
    """
    select (coalesce((select sum(t.amount) from ledger.transfer t
                      where t.cell = :cell and t.credit = :account and t.at < :start
                        and t.code not in ('pay', 'fund')), 0)
         - coalesce((select sum(t.amount) from ledger.transfer t
                      where t.cell = :cell and t.debit = :account and t.at < :start
                        and t.code not in ('pay', 'fund')), 0))::bigint
    """,
    int,
)
LINES = sql(
    """
    select t.at, t.code, t.cause_id, t.signed
      from (select at, code, cause_id, amount as signed from ledger.transfer
             where cell = :cell and credit = :account and at >= :start and at < :stop and code not in ('pay', 'fund')
            union all
            select at, code, cause_id, -amount from ledger.transfer
             where cell = :cell and debit = :account and at >= :start and at < :stop and code not in ('pay', 'fund')) t
     order by t.at, t.cause_id, t.signed desc
     limit :limit
    """,
    StatementLine,
)
# Read back from what the account has now: a month is as dear as all that came after it, and not as all that was before.
FLOWS = sql(
    """
    select f.day, f.code, coalesce(f.entries, 0), coalesce(f.amount, 0)::bigint, b.credits - b.debits
      from ledger.balance b
      left join (
           select case when t.at < :stop then (t.at at time zone :zone::text)::date end as day,
                  case when t.at < :stop then t.code end as code, count(*) as entries, sum(t.signed) as amount
             from (select at, code, amount as signed from ledger.transfer
                    where cell = :cell and credit = :account and at >= :start and code not in ('pay', 'fund')
                   union all
                   select at, code, -amount from ledger.transfer
                    where cell = :cell and debit = :account and at >= :start and code not in ('pay', 'fund')) t
            group by 1, 2) f on true
     where b.cell = :cell and b.account_id = :account and b.stripe = 0
     order by f.day, f.code
    """,
    Flow,
)
# Of each side no more than is asked for: it comes in the order of its index, and the rest of the month is not read.
LINES_AFTER = sql(
    """
    select t.at, t.at at time zone :zone::text, t.code, t.cause_id, -t.negated
      from ((select at, code, cause_id, -amount as negated from ledger.transfer
              where cell = :cell and credit = :account and at >= :at and at < :stop and code not in ('pay', 'fund')
                and (at, cause_id, -amount, code) > (:at, :cause_id::uuid, :negated::bigint, :code::text)
              order by at, cause_id, negated, code limit :limit)
            union all
            (select at, code, cause_id, amount from ledger.transfer
              where cell = :cell and debit = :account and at >= :at and at < :stop and code not in ('pay', 'fund')
                and (at, cause_id, amount, code) > (:at, :cause_id::uuid, :negated::bigint, :code::text)
              order by at, cause_id, amount, code limit :limit)) t
     order by t.at, t.cause_id, t.negated, t.code
     limit :limit
    """,
    Line,
)
# What the account moved up to a line, that line included.
MOVED_UP_TO = sql(
    """
    select coalesce(-sum(t.negated), 0)::bigint
      from (select at, code, cause_id, -amount as negated from ledger.transfer
             where cell = :cell and credit = :account and at >= :start and at <= :at and code not in ('pay', 'fund')
            union all
            select at, code, cause_id, amount from ledger.transfer
             where cell = :cell and debit = :account and at >= :start and at <= :at and code not in ('pay', 'fund')) t
     where (t.at, t.cause_id, t.negated, t.code) <= (:at, :cause_id::uuid, :negated::bigint, :code::text)
    """,
    int,
)
MOVED_ACCOUNTS = sql(
    """
    select a.id, a.currency, f.at, b.credits - b.debits
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id and b.stripe = 0
     cross join lateral (
           select least((select min(t.at) from ledger.transfer t
                          where t.cell = :cell and t.credit = a.id and t.code not in ('pay', 'fund')),
                        (select min(t.at) from ledger.transfer t
                          where t.cell = :cell and t.debit = a.id and t.code not in ('pay', 'fund'))) as at) f
     where a.cell = :cell and a.code = :code and a.owner = :owner and f.at is not null
     order by a.currency
    """,
    Moved,
)
TOTALS = sql(
    """
    select width_bucket(t.at, :begins::timestamptz[]) as span, t.code, count(*), sum(t.signed)::bigint
      from (select at, code, amount as signed from ledger.transfer
             where cell = :cell and credit = :account and at >= :start and at < :stop and code not in ('pay', 'fund')
            union all
            select at, code, -amount from ledger.transfer
             where cell = :cell and debit = :account and at >= :start and at < :stop and code not in ('pay', 'fund')) t
     group by 1, 2
     order by 1, 2
    """,
    Total,
)
CREDITED = sql(
    """
    select width_bucket(at, :begins::timestamptz[]), cause_id from ledger.transfer
     where cell = :cell and credit = :account and at >= :start and at < :stop and code = :code
       and code not in ('pay', 'fund')
     order by at, cause_id
    """,
    Caused,
)
NAMED = sql(
    "select cause_id, at from ledger.transfer where cell = :cell and cause_id = any (:causes::uuid[]) and code = :code",
    Named,
)
# Of the causes of what was credited, and of some more, what else they moved: by the time at which that began.
GROSS = sql(
    """
    select width_bucket(g.at, :begins::timestamptz[]), count(*), sum(g.amount)::bigint
      from (select cause_id from ledger.transfer
             where cell = :cell and credit = :account and at >= :start and code = :code and code not in ('pay', 'fund')
            union
            select unnest(:more::uuid[])) c
     cross join lateral (
           select min(t.at) as at,
                  sum(case when t.code = any (:less::text[]) then -t.amount else t.amount end) as amount
             from ledger.transfer t
            where t.cell = :cell and t.cause_id = c.cause_id and t.code = any (:plus::text[] || :less::text[])) g
     where g.at >= :start and g.at < :stop
     group by 1
     order by 1
    """,
    Gross,
)
