"""The sellers' SQL."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.sellers.types import Market, Seller, Terms


class Name(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class Sealed(msgspec.Struct, frozen=True):
    seller_id: UUID
    sealed: bytes


class CalendarRow(msgspec.Struct, frozen=True):
    weekend: list[int]
    off: list[date]


class Choosy(msgspec.Struct, frozen=True):
    """A market that offers some ways of paying only."""

    market: str
    payments: list[str]


ADD_MARKET = sql(
    """
    insert into sellers.market (code, name, currency, language, country, prices_with_tax, payments, time_zone)
    values (:code, :name, :currency, :language, :country, :prices_with_tax, :payments, :time_zone)
    on conflict do nothing
    returning code
    """,
    str,
)
SET_PAYMENTS = sql(
    "update sellers.market set payments = :payments where code = :code and payments <> :payments::text[]"
)
LOCK_MARKET = sql("select code from sellers.market where code = :code for no key update", str)
MARKET = sql(
    """
    select code, name, currency, language, country, prices_with_tax, payments, time_zone
      from sellers.market where code = :code
    """,
    Market,
)
MARKETS = sql(
    """
    select code, name, currency, language, country, prices_with_tax, payments, time_zone
      from sellers.market order by code limit :limit
    """,
    Market,
)
CHOOSY = sql("select code, payments from sellers.market where payments <> '{}'", Choosy)
CURRENCIES = sql("select distinct currency from sellers.market order by currency", str)

LAST_TERMS_FROM = sql(
    "select valid_from from sellers.market_terms where market = :market order by valid_from desc limit 1", datetime
)
END_TERMS = sql("""
    update sellers.market_terms set valid_to = :valid_from
     where market = :market and valid_from < :valid_from and (valid_to is null or valid_to > :valid_from)
""")
ADD_TERMS = sql("""
    insert into sellers.market_terms (market, valid_from, commission_bp, payment_fee_bp, quote_ttl_s, payment_ttl_s,
                                      confirm_after_s, untracked_after_s, source, dispute_within_s, answer_within_s,
                                      appeal_within_s, return_within_s, send_back_within_s)
    values (:market, :valid_from, :commission_bp, :payment_fee_bp, :quote_ttl_s, :payment_ttl_s, :confirm_after_s,
            :untracked_after_s, :source, :dispute_within_s, :answer_within_s, :appeal_within_s,
            :return_within_s, :send_back_within_s)
""")
TERMS_AT = sql(
    """
    select market, valid_from, commission_bp, payment_fee_bp, quote_ttl_s, payment_ttl_s, confirm_after_s,
           untracked_after_s, source, dispute_within_s, answer_within_s, appeal_within_s, return_within_s,
           send_back_within_s
      from sellers.market_terms
     where market = :market and valid_from <= :now and (valid_to is null or valid_to > :now)
    """,
    Terms,
)

OPEN = sql(
    """
    insert into sellers.seller (id, cell, slug, name, kind, status, commission_bp, created_at)
    select s.id, :cell, s.slug, s.name, s.kind, 'active', s.commission_bp, :now
      from unnest(:ids::uuid[], :slugs::text[], :names::text[], :kinds::text[], :commission_bps::int[])
           as s (id, slug, name, kind, commission_bp)
     order by s.id
    on conflict (id) do nothing
    returning id
    """,
    UUID,
)
SELLER = sql(
    """
    select id, cell, slug, name, kind, status, commission_bp, created_at, settles_in
      from sellers.seller
     where id = :id
    """,
    Seller,
)
NAMES = sql("select id, name from sellers.seller where id = any (:ids::uuid[])", Name)
IDS = sql("select id from sellers.seller where cell = :cell order by id", UUID)
PAGE = sql(
    """
    select id, cell, slug, name, kind, status, commission_bp, created_at, settles_in
      from sellers.seller
     where id > :after
     order by id
     limit :limit
    """,
    Seller,
)
MOVE = sql(
    """
    update sellers.seller set status = :to where id = :id and status = :from_
    returning id, cell, slug, name, kind, status, commission_bp, created_at, settles_in
    """,
    Seller,
)
SETTLE_IN = sql(
    """
    update sellers.seller set settles_in = :currency where id = :id and kind = 'third_party'
    returning id, cell, slug, name, kind, status, commission_bp, created_at, settles_in
    """,
    Seller,
)
SUSPENDED = sql("insert into sellers.suspended (cell, seller_id) values (:cell, :id)")
REINSTATED = sql("delete from sellers.suspended where cell = :cell and seller_id = :id")

SAY_IDENTITY = sql("""
    insert into sellers.identity (seller_id, id, at, sealed, said_by) values (:seller_id, :id, :now, :sealed, :by)
""")
# The last that was said before a time, else the first that was said later.
IDENTITIES = sql(
    """
    select distinct on (seller_id) seller_id, sealed from sellers.identity
     where seller_id = any (:sellers::uuid[])
     order by seller_id, at >= :at, abs(extract(epoch from at - :at)), id desc
    """,
    Sealed,
)

SET_CALENDAR = sql("""
    insert into sellers.calendar (market, weekend, source) values (:market, :weekend, :source)
    on conflict (market) do update set weekend = excluded.weekend, source = excluded.source
""")
CLEAR_DAYS_OFF = sql("""
    delete from sellers.day_off where market = :market and extract(year from day)::int = any (:years::int[])
""")
ADD_DAYS_OFF = sql("""
    insert into sellers.day_off (market, day, name)
    select :market, d.day, d.name from unnest(:days::date[], :names::text[]) as d (day, name)
""")
CALENDARS = sql(
    """
    select c.weekend,
           array(select d.day from sellers.day_off d
                  where d.market = c.market and d.day between :first::date and :last::date order by d.day)
      from sellers.calendar c
      join sellers.market m on m.code = c.market
     where c.market = :market::text or m.currency = :currency::text
    """,
    CalendarRow,
)
