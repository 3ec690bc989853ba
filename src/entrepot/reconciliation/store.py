"""The SQL of reconciliation. None of its tables is of a cell."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.reconciliation.types import Entry, Open, ProviderFee, ReportLine


class Covered(msgspec.Struct, frozen=True):
    """The first and the last day that somebody has told of: the provider (currency ''), or the bank in a currency."""

    currency: str
    first_day: date
    last_day: date


class ImportView(msgspec.Struct, frozen=True):
    """A statement or a report, the days that it is of, and how many entries or lines it has."""

    kind: str
    name: str
    first_day: date
    last_day: date
    rows: int
    imported_at: datetime


class Ended(msgspec.Struct, frozen=True):
    kind: str
    subject: str


class Found(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    subject: str


# Imports take turns: what one has told, the next one matches.
LOCK = sql("select pg_advisory_xact_lock(hashtextextended('reconciliation', 0)) is null", bool)
STATEMENT_DIGEST = sql(
    "select digest from reconciliation.statement where currency = :currency and ending = :ending and name = :name",
    bytes,
)
ADD_STATEMENT = sql("""
    insert into reconciliation.statement (id, currency, ending, name, first_day, last_day, opening_minor, closing_minor,
                                          entries, digest, imported_at, imported_by)
    values (:id, :currency, :ending, :name, :first_day, :last_day, :opening_minor, :closing_minor, :entries, :digest,
            :now, :by)
""")
ADD_ENTRIES = sql("""
    insert into reconciliation.entry (statement_id, number, day, currency, amount_minor, reference, is_return)
    select :statement_id, e.number, e.day, :currency, e.amount_minor, e.reference, e.is_return
      from unnest(:days::date[], :amounts::bigint[], :references::text[], :returns::boolean[])
           with ordinality as e (day, amount_minor, reference, is_return, number)
""")
REPORT_DIGEST = sql("select digest from reconciliation.report where provider = :provider and name = :name", bytes)
ADD_REPORT = sql("""
    insert into reconciliation.report (id, provider, name, first_day, last_day, lines, digest, imported_at, imported_by)
    values (:id, :provider, :name, :first_day, :last_day, :lines, :digest, :now, :by)
""")
ADD_LINES = sql("""
    insert into reconciliation.report_line (report_id, number, kind, id, reference, currency, amount_minor, fee_minor,
                                            settlement, at)
    select :report_id, l.number, l.kind, l.id, l.reference, l.currency, l.amount_minor, l.fee_minor, l.settlement, l.at
      from unnest(:kinds::text[], :ids::text[], :references::text[], :currencies::text[], :amounts::bigint[],
                  :fees::bigint[], :settlements::text[], :ats::timestamptz[])
           with ordinality as l (kind, id, reference, currency, amount_minor, fee_minor, settlement, at, number)
""")
ENTRIES = sql(
    """
    select e.currency || ' ' || s.ending || ' ' || s.name || '/' || e.number, e.day, e.currency, e.amount_minor,
           e.reference, e.is_return
      from reconciliation.entry e
      join reconciliation.statement s on s.id = e.statement_id
     where e.day between :first and :last
    """,
    Entry,
)
LINES = sql(
    """
    select kind, id, reference, currency, amount_minor, fee_minor, settlement, at from reconciliation.report_line
     where at >= :start and at < :stop
    """,
    ReportLine,
)
COVERED = sql(
    """
    select '', min(first_day), max(last_day) from reconciliation.report having count(*) > 0
    union all
    select currency, min(first_day), max(last_day) from reconciliation.statement group by currency
    """,
    Covered,
)
FEES = sql(
    """
    select provider, currency, valid_from, fee_bp, fixed_minor, source from reconciliation.provider_fee
     order by valid_from desc, currency limit :limit
    """,
    ProviderFee,
)
LAST_FEE_FROM = sql(
    """
    select valid_from from reconciliation.provider_fee
     where provider = :provider and currency = :currency order by valid_from desc limit 1
    """,
    datetime,
)
ADD_FEE = sql("""
    insert into reconciliation.provider_fee (provider, currency, valid_from, fee_bp, fixed_minor, source)
    values (:provider, :currency, :valid_from, :fee_bp, :fixed_minor, :source)
""")
# Found again, what a person has resolved stays so; what was no longer there is open again.
RAISE = sql(
    """
    insert into reconciliation.discrepancy as d (id, kind, subject, day, currency, expected_minor, found_minor,
                                                 found_at)
    select f.id, f.kind, f.subject, f.day, f.currency, f.expected, f.found, :now
      from unnest(:ids::uuid[], :kinds::text[], :subjects::text[], :days::date[], :currencies::text[],
                  :expected::bigint[], :found::bigint[])
           as f (id, kind, subject, day, currency, expected, found)
    on conflict (kind, subject)
    do update set status = 'open', ended_at = null, found_minor = excluded.found_minor, found_at = excluded.found_at
     where d.status = 'cleared'
    returning d.id, d.kind, d.subject
    """,
    Found,
)
CLEAR = sql("""
    update reconciliation.discrepancy d set status = 'cleared', ended_at = :now
     where d.status = 'open' and d.day between :first and :last
       and not exists (select from unnest(:kinds::text[], :subjects::text[]) as f (kind, subject)
                        where f.kind = d.kind and f.subject = d.subject)
""")
OPEN = sql("select count(*) from reconciliation.discrepancy where status = 'open'", int)
_DISCREPANCY = """
    select id, kind, subject, day, currency, expected_minor, found_minor, status, found_at, ended_at, ended_by, note
      from reconciliation.discrepancy
"""
DISCREPANCIES = sql(f"{_DISCREPANCY} where status = :status and id > :after order by id limit :limit", Open)
DISCREPANCY = sql(f"{_DISCREPANCY} where id = :id", Open)
RESOLVE = sql(
    """
    update reconciliation.discrepancy set status = 'resolved', ended_at = :now, ended_by = :by, note = :note
     where id = :id and status = 'open'
    returning kind, subject
    """,
    Ended,
)
IMPORTS = sql(
    """
    select kind, name, first_day, last_day, rows, imported_at
      from (select id, 'statement' as kind, currency || ' ' || ending || ': ' || name as name, first_day, last_day,
                   entries as rows, imported_at
              from reconciliation.statement
            union all
            select id, 'report', provider || ': ' || name, first_day, last_day, lines, imported_at
              from reconciliation.report) i
     order by id desc limit :limit
    """,
    ImportView,
)
