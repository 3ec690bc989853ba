"""All SQL of credit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.credit.types import Installment, Plan, PlanTerms, Terms
from entrepot.kit.sql import sql


class LineRow(msgspec.Struct, frozen=True):
    limit_minor: int
    exposure_minor: int


class PaidRow(msgspec.Struct, frozen=True):
    on_time: int
    late: int
    overdue: int
    defaults: int


class CollectionRow(msgspec.Struct, frozen=True):
    payment_id: UUID
    plan_id: UUID
    whole: bool
    asked_at: datetime


class OwedRow(msgspec.Struct, frozen=True):
    """A buyer who owes something, in a currency; `overdue_minor` of it in installments that are past their day."""

    buyer_id: UUID
    currency: str
    limit_minor: int
    exposure_minor: int
    overdue_minor: int
    plans: int


class BookRow(msgspec.Struct, frozen=True):
    """What is owed in a currency, by how many buyers, and what they might owe."""

    currency: str
    buyers: int
    exposure_minor: int
    limit_minor: int


ADD_PLAN_TERMS = sql(
    """
    insert into credit.plan_terms (market, months, valid_from, offered, fee_bp, bearer, minimum_minor, source)
    select :market, :months, :valid_from, :offered, :fee_bp, :bearer, :minimum_minor, :source
     where not exists (select from credit.plan_terms
                        where market = :market and months = :months and valid_from >= :valid_from)
    on conflict do nothing
    returning valid_from
    """,
    datetime,
)
ADD_TERMS = sql(
    """
    insert into credit.terms (market, valid_from, grace_s, retry_s, late_fee_minor, late_fee_max_bp, default_after_s,
                              scores, limits_minor, source)
    select :market, :valid_from, :grace_s, :retry_s, :late_fee_minor, :late_fee_max_bp, :default_after_s, :scores,
           :limits_minor, :source
     where not exists (select from credit.terms where market = :market and valid_from >= :valid_from)
    on conflict do nothing
    returning valid_from
    """,
    datetime,
)
PLAN_TERMS_AT = sql(
    """
    select distinct on (months) market, months, valid_from, offered, fee_bp, bearer, minimum_minor, source
      from credit.plan_terms where market = :market and valid_from <= :now
     order by months, valid_from desc
    """,
    PlanTerms,
)
TERMS_AT = sql(
    """
    select market, valid_from, grace_s, retry_s, late_fee_minor, late_fee_max_bp, default_after_s, scores, limits_minor,
           source
      from credit.terms where market = :market and valid_from <= :now order by valid_from desc limit 1
    """,
    Terms,
)

# Inserted as nothing before it is locked, so that the first purchase locks like the thousandth.
OPEN_LINE = sql("""
    insert into credit.line (cell, buyer_id, currency, limit_minor, exposure_minor)
    values (:cell, :buyer_id, :currency, 0, 0) on conflict do nothing
""")
LOCK_LINE = sql(
    """
    select limit_minor, exposure_minor from credit.line
     where cell = :cell and buyer_id = :buyer_id and currency = :currency
       for no key update
    """,
    LineRow,
)
LINE = sql(
    """
    select limit_minor, exposure_minor from credit.line
     where cell = :cell and buyer_id = :buyer_id and currency = :currency
    """,
    LineRow,
)
TAKE = sql("""
    update credit.line set limit_minor = :limit_minor, exposure_minor = exposure_minor + :amount_minor
     where cell = :cell and buyer_id = :buyer_id and currency = :currency
""")
LOCK_LINES_OF = sql(
    """
    select l.buyer_id from credit.line l
     where l.cell = :cell and (l.buyer_id, l.currency) in
           (select p.buyer_id, p.currency from credit.plan p where p.cell = :cell and p.id = any (:plans::uuid[]))
     order by l.buyer_id, l.currency
       for no key update
    """,
    UUID,
)
GIVE = sql("""
    update credit.line set exposure_minor = exposure_minor - :amount_minor
     where cell = :cell and buyer_id = :buyer_id and currency = :currency
""")
HISTORY = sql(
    """
    select (count(distinct i.payment_id) filter (where i.status = 'paid' and i.late_at is null))::int,
           (count(*) filter (where i.status = 'paid' and i.late_at is not null))::int,
           (count(*) filter (where i.status = 'open' and i.late_at is not null))::int,
           (count(distinct p.id) filter (where p.defaulted_at is not null))::int
      from credit.plan p
      join credit.installment i on i.cell = p.cell and i.plan_id = p.id
     where p.cell = :cell and p.buyer_id = :buyer_id
    """,
    PaidRow,
)

ADD_PLAN = sql("""
    insert into credit.plan (cell, id, buyer_id, market, currency, months, bearer, principal_minor, fee_minor, grace_s,
                             retry_s, late_fee_minor, late_fee_max_bp, default_after_s, status, opened_at, due_at)
    values (:cell, :id, :buyer_id, :market, :currency, :months, :bearer, :principal_minor, :fee_minor, :grace_s,
            :retry_s, :late_fee_minor, :late_fee_max_bp, :default_after_s, 'open', :now, :due_at)
""")
ADD_INSTALLMENTS = sql("""
    insert into credit.installment (cell, plan_id, no, due_at, principal_minor, fee_minor, status)
    select :cell, :plan_id, i.no, i.due_at, i.principal, i.fee, 'open'
      from unnest(:nos::smallint[], :due_ats::timestamptz[], :principals::bigint[], :fees::bigint[])
           as i (no, due_at, principal, fee)
""")
_PLAN = """
    select id, buyer_id, market, currency, months, bearer, principal_minor, fee_minor, grace_s, retry_s, late_fee_minor,
           late_fee_max_bp, default_after_s, back_principal_minor, back_fee_minor, status, opened_at
      from credit.plan
"""
LOCK_PLANS = sql(
    _PLAN + " where cell = :cell and id = any (:ids::uuid[]) order by id for no key update", Plan
)  # fmt: skip
PLAN = sql(_PLAN + " where cell = :cell and id = :id and buyer_id = :buyer_id", Plan)
PLANS_OF = sql(
    _PLAN + " where cell = :cell and buyer_id = :buyer_id and id < :before order by id desc limit :limit", Plan
)
LOCK_DUE = sql(
    _PLAN
    + """
     where cell = :cell and due_at <= :now and id <> all (:passed::uuid[])
     order by due_at, id limit :limit for no key update skip locked
    """,
    Plan,
)
INSTALLMENTS = sql(
    """
    select plan_id, no, due_at, principal_minor, fee_minor, cut_principal_minor, cut_fee_minor, status, payment_id,
           paid_at, late_at, late_fee_minor, late_payment_id
      from credit.installment where cell = :cell and plan_id = any (:plans::uuid[]) order by plan_id, no
    """,
    Installment,
)
CHANGE_INSTALLMENTS = sql("""
    update credit.installment i
       set principal_minor = c.principal, fee_minor = c.fee, cut_principal_minor = c.cut_principal,
           cut_fee_minor = c.cut_fee, status = c.status, payment_id = c.payment_id, paid_at = c.paid_at,
           late_at = c.late_at, late_fee_minor = c.late_fee, late_payment_id = c.late_payment_id
      from unnest(:nos::smallint[], :principals::bigint[], :fees::bigint[], :cut_principals::bigint[],
                  :cut_fees::bigint[], :statuses::text[], :payments::uuid[], :paid_ats::timestamptz[],
                  :late_ats::timestamptz[], :late_fees::bigint[], :late_payments::uuid[])
           as c (no, principal, fee, cut_principal, cut_fee, status, payment_id, paid_at, late_at, late_fee,
                 late_payment_id)
     where i.cell = :cell and i.plan_id = :plan_id and i.no = c.no
""")
CHANGE_PLAN = sql("""
    update credit.plan
       set back_principal_minor = :back_principal_minor, back_fee_minor = :back_fee_minor, status = :status,
           due_at = :due_at,
           ended_at = case when :status::text in ('paid', 'canceled') then coalesce(ended_at, :now::timestamptz) end,
           defaulted_at = case when :status::text = 'defaulted' then coalesce(defaulted_at, :now) else defaulted_at end
     where cell = :cell and id = :id
""")

END_COLLECTIONS = sql(
    """
    update credit.collection set ended_at = :now
     where cell = :cell and plan_id = :plan_id and ended_at is null
    returning payment_id
    """,
    UUID,
)
ADD_COLLECTION = sql("""
    insert into credit.collection (cell, payment_id, plan_id, whole, asked_at, ended_at)
    values (:cell, :payment_id, :plan_id, :whole, :now, :ended_at)
""")
COLLECTION = sql(
    """
    select payment_id, plan_id, whole, asked_at from credit.collection
     where cell = :cell and payment_id = :payment_id
    """,
    CollectionRow,
)
COLLECTIONS_OF = sql(
    """
    select payment_id, plan_id, whole, asked_at from credit.collection
     where cell = :cell and plan_id = any (:plans::uuid[]) order by payment_id
    """,
    CollectionRow,
)
OPEN_COLLECTIONS = sql(
    """
    select payment_id, plan_id, whole, asked_at from credit.collection
     where cell = :cell and plan_id = any (:plans::uuid[]) and ended_at is null
    """,
    CollectionRow,
)

# What the operator sees of all cells.
OWED = sql(
    """
    select l.buyer_id, l.currency, l.limit_minor, l.exposure_minor, coalesce(o.overdue, 0),
           coalesce(o.plans, 0)::int
      from credit.line l
      left join lateral (select sum(i.principal_minor + i.fee_minor) filter (where i.due_at <= :now)::bigint as overdue,
                                count(distinct p.id) as plans
                           from credit.plan p
                           join credit.installment i on i.cell = p.cell and i.plan_id = p.id and i.status = 'open'
                          where p.cell = l.cell and p.buyer_id = l.buyer_id and p.currency = l.currency
                            and p.status = 'open') o on true
     where l.cell = any (array(select c.cell from kit.cell c)) and l.exposure_minor > 0
     order by coalesce(o.overdue, 0) desc, l.exposure_minor desc, l.buyer_id
     limit :limit
    """,
    OwedRow,
)
BOOK = sql(
    """
    select currency, count(*) filter (where exposure_minor > 0)::int, sum(exposure_minor)::bigint,
           sum(limit_minor)::bigint
      from credit.line where cell = any (array(select c.cell from kit.cell c)) group by currency order by currency
    """,
    BookRow,
)
