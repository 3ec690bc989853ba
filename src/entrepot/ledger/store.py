"""The ledger's SQL."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Verdict(msgspec.Struct, frozen=True):
    ord: int
    verdict: str


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
    """
    select ord, verdict
      from ledger.apply_many(:cell, :now, :kinds, :causes, :codes, :debits, :credits, :amounts, :dues, :links)
     order by ord
    """,
    Verdict,
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
