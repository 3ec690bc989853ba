"""The SQL of offers whose price follows that of an offer in another market."""

from __future__ import annotations

from datetime import date

import msgspec

from entrepot.kit.sql import sql


class Follower(msgspec.Struct, frozen=True):
    """An offer that is to be looked at: its price was made of `of_minor`; the offer that it follows asks
    `source_minor` now."""

    offer_id: int
    market: str
    currency: str
    unit_price_minor: int
    of_minor: int
    source_minor: int
    source_currency: str
    rate_day: date | None


class ConvertedRow(msgspec.Struct, frozen=True):
    offer_id: int
    of_minor: int
    of_currency: str
    rate_day: date


ADD_FOLLOWING = sql("""
    insert into catalog.following (cell, offer_id, follows, of_minor, of_currency, rate_day, looked_on)
    values (:cell, :offer_id, :follows, :of_minor, :of_currency, :rate_day, :looked_on)
""")
FOLLOWS = sql("select follows from catalog.following where cell = :cell and offer_id = :offer_id", int)
IS_WAITING = sql(
    """
    select exists (select from catalog.following f
                     join catalog.offer o on o.cell = f.cell and o.id = f.offer_id
                    where f.cell = :cell and f.offer_id = :offer_id and f.rate_day is null
                      and o.seller_id = :seller_id)
    """,
    bool,
)
# Two workers take different ones.
TO_LOOK_AT = sql(
    """
    select f.offer_id, o.market, m.currency, o.unit_price_minor, f.of_minor, s.unit_price_minor, f.of_currency,
           f.rate_day
      from catalog.following f
      join catalog.offer o on o.cell = f.cell and o.id = f.offer_id
      join catalog.offer s on s.cell = f.cell and s.id = f.follows
      join sellers.market m on m.code = o.market
     where f.cell = :cell and f.looked_on < :today
     order by f.offer_id
     limit :limit
       for no key update of f, o skip locked
    """,
    Follower,
)
# A price that a rate has changed leaves the quotes with the one before as they are; one that the seller has changed
# does not.
FOLLOW = sql("""
    with told as (
        select *
          from unnest(:offers::bigint[], :prices::bigint[], :days::date[], :of::bigint[])
               as t (offer_id, price, day, of_minor)
    ), noted as (
        update catalog.following f
           set looked_on = :today, rate_day = t.day, of_minor = t.of_minor,
               was_paused = case when f.rate_day is null then f.was_paused else o.status = 'paused' end,
               before_minor = case when f.of_minor = t.of_minor then o.unit_price_minor end
          from told t
          join catalog.offer o on o.cell = :cell and o.id = t.offer_id
         where f.cell = :cell and f.offer_id = t.offer_id
        returning f.offer_id
    )
    update catalog.offer o
       set unit_price_minor = t.price, updated_at = :now,
           status = case when t.day is null and o.status = 'active' then 'paused'
                         when t.day is not null and t.waited and not t.was_paused then 'active' else o.status end
      from (select t.*, w.rate_day is null as waited, w.was_paused
              from told t join catalog.following w on w.cell = :cell and w.offer_id = t.offer_id) t
     where o.cell = :cell and o.id = t.offer_id
""")
# What was followed asks another price now, or follows nothing any more because it has a price of its own.
PRICED = sql("""
    with own as (
        delete from catalog.following where cell = :cell and offer_id = any (:offer_ids::bigint[])
    )
    update catalog.following set looked_on = '-infinity', before_minor = null
     where cell = :cell and follows = any (:offer_ids::bigint[])
""")
LOOK_AGAIN = sql("update catalog.following set looked_on = '-infinity' where cell = :cell and looked_on >= :today")
CONVERTED = sql(
    """
    select offer_id, of_minor, of_currency, rate_day
      from catalog.following
     where cell = :cell and offer_id = any (:offer_ids::bigint[]) and rate_day is not null
    """,
    ConvertedRow,
)
