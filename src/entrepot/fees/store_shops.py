"""Shops' SQL: their terms, what they are charged, their deposits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from entrepot.fees.types import Charge, Shop, ShopTerms
from entrepot.kit.sql import sql

ADD_TERMS = sql(
    """
    insert into fees.shop_terms (market, seller_id, valid_from, opening_fee_minor, monthly_fee_minor,
                                 waived_from_minor, deposit_minor, deposit_kept_s, source)
    select :market, :seller_id, :valid_from, :opening_fee_minor, :monthly_fee_minor, :waived_from_minor,
           :deposit_minor, :deposit_kept_s, :source
     where not exists (select from fees.shop_terms
                        where market = :market and seller_id = :seller_id and valid_from >= :valid_from)
    on conflict do nothing
    returning valid_from
    """,
    datetime,
)
_TERMS = """
    select market, seller_id, valid_from, opening_fee_minor, monthly_fee_minor, waived_from_minor, deposit_minor,
           deposit_kept_s, source
      from fees.shop_terms
"""
TERMS = sql(_TERMS + " order by market, seller_id, valid_from desc limit :limit", ShopTerms)
TERMS_AT = sql(
    _TERMS
    + """
     where market = :market and seller_id in (:seller_id, '00000000-0000-0000-0000-000000000000')
       and valid_from <= :now
     order by seller_id desc, valid_from desc limit 1
    """,
    ShopTerms,
)

# Of each market the terms for all, and for those of the sellers that have their own.
TERMS_OF = sql(
    """
    select distinct on (market, seller_id) market, seller_id, valid_from, opening_fee_minor, monthly_fee_minor,
           waived_from_minor, deposit_minor, deposit_kept_s, source
      from fees.shop_terms
     where market = any (:markets::text[])
       and (seller_id = '00000000-0000-0000-0000-000000000000' or seller_id = any (:sellers::uuid[]))
       and valid_from <= :now
     order by market, seller_id, valid_from desc
    """,
    ShopTerms,
)

OPEN_SHOP = sql(
    """
    insert into fees.shop (cell, id, seller_id, market, currency, deposit_minor, opened_at, due_on)
    values (:cell, :id, :seller_id, :market, :currency, 0, :now, :due_on)
    on conflict (cell, seller_id, market) where closed_at is null do nothing
    returning id
    """,
    UUID,
)
SHOPS = sql(
    """
    select id, seller_id, market, currency, deposit_minor, opened_at, closed_at, due_on
      from fees.shop where cell = :cell and seller_id = :seller_id order by id
    """,
    Shop,
)
LOCK_SHOP = sql(
    """
    select id, seller_id, market, currency, deposit_minor, opened_at, closed_at, due_on
      from fees.shop where cell = :cell and seller_id = :seller_id and id = :id for no key update
    """,
    Shop,
)
DUE = sql(
    """
    select id, seller_id, market, currency, deposit_minor, opened_at, closed_at, due_on
      from fees.shop s
     where s.cell = :cell and s.due_on <= :day
       and (s.closed_at is not null
            or exists (select from fees.counted c where c.cell = :cell and c.month >= s.due_on - interval '1 month'))
     order by s.id limit :limit for no key update of s skip locked
    """,
    Shop,
)
MOVE_DUE = sql("""
    update fees.shop s set due_on = d.due_on
      from unnest(:ids::uuid[], :days::date[]) as d (id, due_on)
     where s.cell = :cell and s.id = d.id
""")
CLOSE_SHOP = sql("update fees.shop set closed_at = :now, due_on = :due_on where cell = :cell and id = :id")
SET_DEPOSIT = sql("update fees.shop set deposit_minor = :deposit_minor where cell = :cell and id = :id")

ADD_CHARGES = sql("""
    insert into fees.charge (cell, id, shop_id, seller_id, kind, month, currency, net_minor, tax_minor, tax_bp,
                             tax_kind, reason, case_ref, user_id, at)
    select :cell, c.id, c.shop_id, c.seller_id, c.kind, c.month, c.currency, c.net_minor, c.tax_minor, c.tax_bp,
           c.tax_kind, c.reason, c.case_ref, c.user_id, :now
      from unnest(:ids::uuid[], :shops::uuid[], :sellers::uuid[], :kinds::text[], :months::date[],
                  :currencies::text[], :nets::bigint[], :taxes::bigint[], :bps::int[], :tax_kinds::text[],
                  :reasons::text[], :cases::text[], :users::uuid[])
           as c (id, shop_id, seller_id, kind, month, currency, net_minor, tax_minor, tax_bp, tax_kind, reason,
                 case_ref, user_id)
     order by c.id
""")
CHARGES = sql(
    """
    select id, shop_id, seller_id, kind, month, currency, net_minor, tax_minor, tax_bp, tax_kind, reason, case_ref,
           user_id, at
      from fees.charge where cell = :cell and seller_id = :seller_id and id < :before order by id desc limit :limit
    """,
    Charge,
)
