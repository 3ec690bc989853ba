"""The SQL of borders."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.kit.sql import sql


class SourceRow(msgspec.Struct, frozen=True):
    name: str
    title: str
    digest: str
    imported_at: datetime
    read: int
    unread: dict[str, tuple[int, list[str]]]


class RateRow(msgspec.Struct, frozen=True):
    tariff: str
    code: str
    program: str
    expression: str
    source: str
    line: int
    valid_from: date


class LawRow(msgspec.Struct, frozen=True):
    country: str
    kind: str
    valid_from: date
    facts: dict[str, Any]
    citation: str


class EuroRateRow(msgspec.Struct, frozen=True):
    currency: str
    day: date
    rate: Decimal


SOURCE = sql("select name, title, digest, imported_at, read, unread from trade.source where name = :name", SourceRow)
SOURCES = sql("select name, title, digest, imported_at, read, unread from trade.source order by name", SourceRow)
# Two that take in at once: the second waits, and finds that it is there.
LOCK = sql("select pg_advisory_xact_lock(hashtext('trade.source'))")
SET_SOURCE = sql("""
    insert into trade.source (name, title, digest, imported_at, read, unread)
    values (:name, :title, :digest, :now, :read, :unread)
    on conflict (name) do update
       set title = excluded.title, digest = excluded.digest, imported_at = excluded.imported_at, read = excluded.read,
           unread = excluded.unread
""")
FORGET = [
    sql("delete from trade.code where source = :source"),
    sql("delete from trade.code_text where source = :source"),
    sql("delete from trade.duty_rate where source = :source"),
    sql("delete from trade.law where source = :source"),
    sql("delete from trade.euro_rate where source = :source"),
]
# COPY is binary, and jsonb goes as text.
ADD_LAW = sql("""
    insert into trade.law (country, kind, valid_from, valid_to, facts, citation, source)
    select l.country, l.kind, l.begin, l.end_, l.facts, l.citation, :source
      from unnest(:countries::text[], :kinds::text[], :begins::date[], :ends::date[], :facts::jsonb[],
                  :citations::text[]) as l (country, kind, begin, end_, facts, citation)
""")

LAW = sql(
    """
    select l.country, l.kind, l.valid_from, l.facts, l.citation
      from trade.law l
     where l.country = any (:countries::text[]) and l.valid_from <= :at and (l.valid_to is null or l.valid_to > :at)
     order by l.country, l.kind, l.valid_from, l.citation
    """,
    LawRow,
)
# All lines of the headings (six digits) that are asked: which of them is meant is for the rules.
RATES = sql(
    """
    select r.tariff, r.code, r.program, r.expression, r.source, r.line, r.valid_from
      from trade.duty_rate r
     where r.tariff = any (:tariffs::text[]) and r.heading = any (:headings::text[])
       and r.program = any (:programs::text[])
       and r.valid_from <= :at and (r.valid_to is null or r.valid_to > :at)
     order by r.tariff, r.code, r.program, r.valid_from
    """,
    RateRow,
)
# The last rate of each currency up to a day; banks rest on at most four days in a row.
EURO_RATES = sql(
    """
    select distinct on (e.currency) e.currency, e.day, e.rate
      from trade.euro_rate e
     where e.currency = any (:currencies::text[]) and e.day <= :at and e.day > :oldest
     order by e.currency, e.day desc
    """,
    EuroRateRow,
)
TARIFFS = sql("select distinct tariff from trade.duty_rate where source <> :sample", str)
FORGET_SAMPLE = sql("delete from trade.duty_rate where source = :sample and tariff = any (:tariffs::text[])")
