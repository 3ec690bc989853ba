"""Fees' SQL."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from entrepot.fees.types import Billing, Entity, Rule
from entrepot.kit.sql import sql


class FactsRow(msgspec.Struct, frozen=True):
    seller_id: UUID
    volume_minor: int
    tax_kind: str | None
    tax_bp: int | None


class AtRow(msgspec.Struct, frozen=True):
    """Whether anybody charges fees in the currency, and a rule; None where there is none."""

    charged: bool
    rule: dict[str, object] | None


class Above(msgspec.Struct, frozen=True):
    """A category, and itself with all that it lies in."""

    id: int
    above: list[int]


_RULE = """
    select id, kind, position, name, market, seller_id, category_id, volume_from_minor, valid_from, valid_to,
           over_minor, rates_bp, fixed_minor, min_minor, max_minor, source
      from fees.rule
"""
# One row at least, so that it is asked once whether anything of fees is set up at all.
AT = sql(
    """
    select x.charged, to_jsonb(r)
      from (select exists (select from fees.entity where currency = :currency and valid_from <= :now)) as x (charged)
      left join fees.rule r
        on (r.market is null or r.market = :market) and r.valid_from <= :now
           and (r.valid_to is null or r.valid_to > :now)
     order by r.kind, r.position, r.id
    """,
    AtRow,
)
LISTED = sql(
    _RULE + " where valid_to is null or valid_to > :now order by kind, position, id limit :limit",
    Rule,
)
LOCK_RULE = sql(_RULE + " where id = :id for no key update", Rule)
# Whoever adds a rule waits for whoever adds another: neither would see the other one shadow it.
HOLD_RULES = sql("select pg_advisory_xact_lock(hashtext('fees.rule'))::text", str)
ADD_RULE = sql(
    """
    insert into fees.rule (kind, position, name, market, seller_id, category_id, volume_from_minor, valid_from,
                           valid_to, over_minor, rates_bp, fixed_minor, min_minor, max_minor, source)
    values (:kind, :position, :name, :market, :seller_id, :category_id, :volume_from_minor, :valid_from,
            :valid_to, :over_minor, :rates_bp, :fixed_minor, :min_minor, :max_minor, :source)
    returning id
    """,
    int,
)
END_RULE = sql("update fees.rule set valid_to = :valid_to where id = :id")
ABOVE = sql("select id, above from catalog.category where id = any (:ids::bigint[])", Above)

# A seller who has not said where it is pays as if it were where the operator is. In another country of a union (the
# EU) a business accounts for the tax itself; who is none pays that of the operator's country.
FACTS = sql(
    """
    select s.id, coalesce(v.sold_minor, 0), x.kind, case x.kind when 'standard' then t.bp else x.none end
      from unnest(:sellers::uuid[]) as s (id)
      left join lateral (select sold_minor from fees.volume
                          where seller_id = s.id and currency = :currency and month < :month
                          order by month desc limit 1) v on true
      left join lateral (select country from fees.entity
                          where currency = :currency and valid_from <= :now order by valid_from desc limit 1) e on true
      left join lateral (select country, tax_id from fees.billing
                          where seller_id = s.id and valid_from <= :now order by valid_from desc limit 1) b on true
      left join lateral (select (max((l.facts ->> 'rate')::numeric) * 100)::int as bp
                           from trade.law l
                          where l.country = e.country and l.kind = 'tax' and l.valid_from <= :day
                            and (l.valid_to is null or l.valid_to > :day)) t on true
      left join lateral (
            select case when coalesce(b.country, e.country) = e.country then 'standard'
                        when not exists (select from trade.law h join trade.law y on y.facts = h.facts
                                          where h.country = e.country and y.country = b.country
                                            and h.kind = 'union' and y.kind = 'union' and h.valid_from <= :day
                                            and y.valid_from <= :day and (h.valid_to is null or h.valid_to > :day)
                                            and (y.valid_to is null or y.valid_to > :day)) then 'outside'
                        when b.tax_id <> '' then 'reverse_charge'
                        else 'standard' end as kind, 0 as none
             where t.bp is not null) x on true
    """,
    FactsRow,
)

LAST_ENTITY = sql(
    """
    select currency, valid_from, code, name, address, country, tax_id from fees.entity
     where currency = :currency and valid_from <= :now order by valid_from desc limit 1
    """,
    Entity,
)
ENTITIES = sql(
    """
    select currency, valid_from, code, name, address, country, tax_id from fees.entity
     order by currency, valid_from desc limit :limit
    """,
    Entity,
)
ADD_ENTITY = sql(
    """
    insert into fees.entity (currency, valid_from, code, name, address, country, tax_id)
    select :currency, :valid_from, :code, :name, :address, :country, :tax_id
     where not exists (select from fees.entity where currency = :currency and valid_from >= :valid_from)
    on conflict do nothing
    returning code
    """,
    str,
)
BILLING = sql(
    """
    select seller_id, valid_from, name, address, country, tax_id from fees.billing
     where seller_id = :seller_id and valid_from <= :now order by valid_from desc limit 1
    """,
    Billing,
)
BILLINGS = sql(
    """
    select distinct on (seller_id) seller_id, valid_from, name, address, country, tax_id from fees.billing
     where seller_id = any (:sellers::uuid[]) and valid_from <= :now order by seller_id, valid_from desc
    """,
    Billing,
)
SET_BILLING = sql("""
    insert into fees.billing (seller_id, valid_from, name, address, country, tax_id)
    values (:seller_id, :valid_from, :name, :address, :country, :tax_id)
    on conflict (seller_id, valid_from) do update
       set name = excluded.name, address = excluded.address, country = excluded.country, tax_id = excluded.tax_id
""")

COUNT = sql(
    """
    insert into fees.counted (cell, month)
    select :cell, :month where not exists (select from fees.counted where cell = :cell and month = :month)
    on conflict do nothing
    returning month
    """,
    date,
)
# Who sold nothing after a month with sales has a row that says so.
ADD_VOLUMES = sql("""
    insert into fees.volume (seller_id, currency, month, sold_minor)
    select s.id, s.currency, :month::date, greatest(0, s.sold)
      from (select a.owner as id, a.currency,
                   (select coalesce(sum(case t.code when 'recall' then -t.amount else t.amount end), 0)::bigint
                      from (select code, amount from ledger.transfer
                             where cell = :cell and credit = a.id and at >= :start and at < :stop
                               and code in ('release', 'part_release')
                            union all
                            select code, amount from ledger.transfer
                             where cell = :cell and debit = a.id and at >= :start and at < :stop
                               and code = 'recall') t) as sold
              from ledger.account a
             where a.cell = :cell and a.code = 'seller') s
     where s.sold > 0 or exists (select from fees.volume v
                                  where v.seller_id = s.id and v.currency = s.currency and v.sold_minor > 0
                                    and v.month = (select max(w.month) from fees.volume w
                                                    where w.seller_id = s.id and w.currency = s.currency))
    on conflict do nothing
""")
