"""The SQL of borders."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.kit.sql import sql
from entrepot.trade.types import EuroRate, Item, Rate


class SourceRow(msgspec.Struct, frozen=True):
    name: str
    title: str
    digest: str
    imported_at: datetime
    read: int
    unread: dict[str, tuple[int, list[str]]]


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


class EuroSource(msgspec.Struct, frozen=True):
    """A source has rates of a currency from one day to another."""

    title: str
    currency: str
    first: date
    last: date


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
    sql("delete from trade.word where source = :source"),
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
    Rate,
)
# The last rate of each currency up to a day; banks rest on at most four days in a row.
EURO_RATES = sql(
    """
    select distinct on (e.currency) e.currency, e.day, e.rate
      from trade.euro_rate e
     where e.currency = any (:currencies::text[]) and e.day <= :at and e.day > :at::date - :rest::int
     order by e.currency, e.day desc, e.source
    """,
    EuroRateRow,
)
ADD_EURO_RATES = sql("""
    insert into trade.euro_rate (currency, day, rate, source)
    select r.currency, r.day, r.rate, :source
      from unnest(:currencies::text[], :days::date[], :rates::numeric[]) as r (currency, day, rate)
    on conflict (currency, day, source) do update set rate = excluded.rate where euro_rate.rate <> excluded.rate
""")
EURO_RATES_UP_TO = sql(
    """
    select e.currency, e.day, e.rate, s.title as source
      from trade.euro_rate e
      join trade.source s on s.name = e.source
     where e.currency = any (:currencies::text[]) and e.day <= :at and e.day > :at::date - :rest::int
     order by e.currency, e.day desc, e.source
    """,
    EuroRate,
)
EURO_SOURCES = sql(
    """
    select s.title, e.currency, min(e.day) as first, max(e.day) as last
      from trade.euro_rate e
      join trade.source s on s.name = e.source
     group by s.title, e.currency
     order by s.title, e.currency
    """,
    EuroSource,
)
TARIFFS = sql("select distinct tariff from trade.duty_rate where source <> :sample", str)
FORGET_SAMPLE = sql("delete from trade.duty_rate where source = :sample and tariff = any (:tariffs::text[])")


class Known(msgspec.Struct, frozen=True):
    """What is known of a code of six digits: whether the HS is there at all, has it on this day, or a tariff has it."""

    hs_there: bool
    in_hs: bool
    in_tariff: bool


class Found(msgspec.Struct, frozen=True):
    """A code that a text may mean. The texts are those of its heading and its own, where there are any."""

    code: str
    score: int
    heading: str | None
    text: str | None


class Lacking(msgspec.Struct, frozen=True):
    """What a variant lacks at customs: `customs`, nobody has said what it is, or `hs_code`, its code is not of today's
    nomenclature."""

    variant_id: int
    sku: str
    title: str
    field: str


ITEMS = sql(
    """
    select variant_id, hs_code, tariff_codes, country_of_origin, customs_description, weight_g, volume_ml
      from trade.item
     where variant_id = any (:variant_ids::bigint[])
    """,
    Item,
)
# What one seller or the operator has said of a variant no other seller changes: it is that of all who offer it.
SET_ITEM = sql(
    """
    insert into trade.item (variant_id, hs_code, tariff_codes, country_of_origin, customs_description, weight_g,
                            volume_ml, said_by, updated_at)
    values (:variant_id, :hs_code, :tariff_codes, :country_of_origin, :customs_description, :weight_g, :volume_ml,
            :said_by, :now)
    on conflict (variant_id) do update
       set hs_code = excluded.hs_code, tariff_codes = excluded.tariff_codes,
           country_of_origin = excluded.country_of_origin, customs_description = excluded.customs_description,
           weight_g = excluded.weight_g, volume_ml = excluded.volume_ml, said_by = excluded.said_by,
           updated_at = excluded.updated_at
     where :said_by::uuid is null or item.said_by = :said_by
    returning variant_id
    """,
    int,
)
KNOWN = sql(
    """
    select exists (select from trade.code where nomenclature = 'HS'),
           exists (select from trade.code
                    where nomenclature = 'HS' and code = :code and valid_from <= :at
                      and (valid_to is null or valid_to > :at)),
           exists (select from trade.duty_rate where tariff in ('EU', 'GB', 'US') and heading = :code)
    """,
    Known,
)
KNOWN_TARIFF_CODE = sql(
    """
    select exists (select from trade.duty_rate
                    where tariff = :tariff and heading = substr(:code, 1, 6) and code = :code and valid_from <= :at
                      and (valid_to is null or valid_to > :at))
        or exists (select from trade.code
                    where nomenclature = :tariff and code = :code and valid_from <= :at
                      and (valid_to is null or valid_to > :at))
    """,
    bool,
)
OFFERED_BY = sql(
    """
    select 1 from catalog.offer where cell = :cell and seller_id = :seller_id and variant_id = :variant_id limit 1
    """,
    int,
)
VARIANT = sql("select 1 from catalog.variant where id = :variant_id", int)
_LACKING = """
    select v.id, v.sku, case v.title when '' then p.title else p.title || ', ' || v.title end,
           case when i.variant_id is null then 'customs' else 'hs_code' end
      from asked a
      join catalog.variant v on v.id = a.variant_id
      join catalog.product p on p.id = v.product_id
      left join trade.item i on i.variant_id = v.id
     where i.variant_id is null
        or exists (select from trade.code where nomenclature = 'HS')
           and not exists (select from trade.code c
                            where c.nomenclature = 'HS' and c.code = i.hs_code and c.valid_from <= :at
                              and (c.valid_to is null or c.valid_to > :at))
     order by v.id
"""
_OFFERED = """
    with asked as (
        select distinct o.variant_id from catalog.offer o
         where o.cell = :cell and o.seller_id = :seller_id and o.stock_id is not null and o.variant_id > :after
    )
"""
LACKING = sql(_OFFERED + _LACKING + " limit :limit", Lacking)
LACKING_OF = sql("with asked as (select unnest(:variant_ids::bigint[]) as variant_id)" + _LACKING, Lacking)
# A word weighs what it weighs most in any of the languages: many words are of several.
PROPOSE = sql(
    """
    with best as (
        select w.word, c.code, max(c.weight) as weight
          from trade.word w
         cross join unnest(w.codes, w.weights) as c (code, weight)
         where w.word = any (:words::text[]) and (:language::text is null or w.language = :language)
         group by w.word, c.code
    ), scored as (
        select lpad(code::text, 6, '0') as code, sum(weight)::int8 as score
          from best group by code order by 2 desc, 1 limit :limit
    )
    select s.code, s.score,
           (select t.text from trade.code_text t
             where t.nomenclature = 'EU' and t.code = substr(s.code, 1, 4) and t.language = :shown),
           (select t.text from trade.code_text t
             where t.nomenclature = 'EU' and t.code in (s.code, s.code || '00') and t.language = :shown
             order by t.code limit 1)
      from scored s
     order by s.score desc, s.code
    """,
    Found,
)
LANGUAGES = sql("select language from trade.code_text where nomenclature = 'EU' and code = '01' order by 1", str)
