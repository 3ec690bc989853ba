"""Metering's SQL. There is none that changes or deletes an event, a price or a bill."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.metering.types import Bill, Event, Line, Meter, Rate, Total, Used


class Home(msgspec.Struct, frozen=True):
    """A seller that can be billed, and its cell."""

    seller_id: UUID
    cell: int


class Account(msgspec.Struct, frozen=True):
    seller_id: UUID
    open_month: date


class Name(msgspec.Struct, frozen=True):
    """What an event is known by."""

    seller_id: UUID
    event_id: str


class Billed(msgspec.Struct, frozen=True):
    """How much of a meter, used in a month, earlier bills have."""

    seller_id: UUID
    currency: str
    meter: str
    filter: str
    use_month: date
    quantity: int


ADD_METER = sql(
    """
    insert into metering.meter (code, name, unit, combine, filter_by, added_at)
    values (:code, :name, :unit, :combine, :filter_by, :added_at)
    on conflict do nothing
    returning code
    """,
    str,
)
METERS = sql("select code, name, unit, combine, filter_by, added_at from metering.meter order by code", Meter)
ADD_RATE = sql(
    """
    insert into metering.rate (meter, currency, filter, valid_from, over, rates_micro, source)
    select :meter, :currency, :filter, :valid_from, :over, :rates_micro, :source
     where not exists (select from metering.rate
                        where meter = :meter and currency = :currency and filter = :filter
                          and valid_from >= :valid_from)
    on conflict do nothing
    returning valid_from
    """,
    date,
)
RATES = sql(
    """
    select meter, currency, filter, valid_from, over, rates_micro, source
      from metering.rate order by meter, currency, filter, valid_from
    """,
    Rate,
)

HOMES = sql(
    "select id, cell from sellers.seller where id = any (:ids::uuid[]) and kind = 'third_party' order by cell, id", Home
)
OPEN_ACCOUNTS = sql("""
    insert into metering.account (cell, seller_id, open_month)
    select :cell, s.id, :month from unnest(:sellers::uuid[]) as s (id)
     order by s.id
    on conflict do nothing
""")
SHARE_ACCOUNTS = sql(
    """
    select seller_id, open_month from metering.account
     where cell = :cell and seller_id = any (:sellers::uuid[])
     order by seller_id for share
    """,
    Account,
)
# The rows come in the order of their names: two batches with the same events wait for each other, and no more.
ADD_EVENTS = sql(
    """
    insert into metering.event (cell, seller_id, event_id, meter, filter, market, currency, quantity, at, properties,
                                received_at, month)
    select :cell, e.seller_id, e.event_id, e.meter, e.filter, e.market, e.currency, e.quantity, e.at,
           e.properties, :now, e.month
      from unnest(:sellers::uuid[], :ids::text[], :meters::text[], :filters::text[], :markets::text[],
                  :currencies::text[], :quantities::bigint[], :times::timestamptz[], :properties::jsonb[],
                  :months::date[])
           as e (seller_id, event_id, meter, filter, market, currency, quantity, at, properties, month)
     order by e.seller_id, e.event_id
    on conflict do nothing
    returning seller_id, event_id
    """,
    Name,
)
_EVENT = """
    select e.seller_id, e.event_id, e.meter, e.filter, e.market, e.quantity, e.at, e.properties, e.received_at, e.month
      from metering.event e
"""
NAMED = sql(
    _EVENT
    + """
      join unnest(:sellers::uuid[], :ids::text[]) as n (seller_id, event_id)
        on n.seller_id = e.seller_id and n.event_id = e.event_id
     where e.cell = :cell
    """,
    Event,
)
EVENTS = sql(
    _EVENT
    + """
     where e.cell = :cell and e.seller_id = :seller_id and e.month = :month and e.event_id > :after
     order by e.event_id limit :limit
    """,
    Event,
)

DUE = sql(
    """
    select seller_id, open_month from metering.account
     where cell = :cell and open_month < :month and seller_id <> all (:passed::uuid[])
     order by seller_id limit :limit for no key update
    """,
    Account,
)
MOVE_ON = sql("""
    update metering.account a set open_month = n.month
      from unnest(:sellers::uuid[], :months::date[]) as n (seller_id, month)
     where a.cell = :cell and a.seller_id = n.seller_id
""")
USED = sql(
    """
    select e.seller_id, e.currency, e.meter, e.filter, (e.at at time zone 'UTC')::date, sum(e.quantity)::bigint,
           count(*), max(e.quantity)
      from unnest(:sellers::uuid[], :months::date[]) as a (seller_id, month)
      join metering.event e on e.cell = :cell and e.seller_id = a.seller_id and e.month = a.month
     group by 1, 2, 3, 4, 5
     order by 1, 2, 3, 4, 5
    """,
    Used,
)
BILLED = sql(
    """
    select b.seller_id, b.currency, l.meter, l.filter, l.use_month, sum(l.quantity)::bigint
      from metering.bill b
      join metering.line l on l.cell = b.cell and l.bill_id = b.id
     where b.cell = :cell and b.seller_id = any (:sellers::uuid[]) and l.use_month = any (:months::date[])
     group by 1, 2, 3, 4, 5
    """,
    Billed,
)
ADD_BILLS = sql("""
    insert into metering.bill (cell, id, seller_id, month, currency, net_minor, tax_minor, tax_bp, tax_kind, at)
    select :cell, b.*, :now
      from unnest(:ids::uuid[], :sellers::uuid[], :months::date[], :currencies::text[], :nets::bigint[],
                  :taxes::bigint[], :bps::int[], :tax_kinds::text[]) as b
""")
ADD_LINES = sql("""
    insert into metering.line (cell, bill_id, no, meter, filter, use_month, rate_filter, valid_from, over, quantity,
                               rate_micro, net_minor)
    select :cell, l.*
      from unnest(:bills::uuid[], :nos::smallint[], :meters::text[], :filters::text[], :months::date[],
                  :rate_filters::text[], :valid_from::date[], :over::bigint[], :quantities::bigint[],
                  :rates::bigint[], :nets::bigint[]) as l
""")
BILLS = sql(
    """
    select id, seller_id, month, currency, net_minor, tax_minor, tax_bp, tax_kind, at
      from metering.bill where cell = :cell and seller_id = :seller_id and month = :month order by currency
    """,
    Bill,
)
LINES = sql(
    """
    select meter, filter, use_month, rate_filter, valid_from, over, quantity, rate_micro, net_minor
      from metering.line where cell = :cell and bill_id = :bill_id order by no
    """,
    Line,
)
# The largest of a meter is a seller's own: what all used is the sum of these.
TOTALS = sql(
    """
    select u.meter, u.filter, u.currency, count(*), sum(u.events)::bigint, sum(u.quantity)::bigint,
           coalesce(sum(l.net), 0)::bigint
      from (select e.seller_id, e.meter, e.filter, e.currency, count(*) as events,
                   case min(m.combine) when 'sum' then sum(e.quantity) when 'count' then count(*)
                                       else max(e.quantity) end as quantity
              from metering.event e
              join metering.meter m on m.code = e.meter
             where e.cell = :cell and e.month = :month
             group by 1, 2, 3, 4) u
      left join (select b.seller_id, b.currency, y.meter, y.filter, sum(y.net_minor) as net
                   from metering.bill b
                   join metering.line y on y.cell = b.cell and y.bill_id = b.id
                  where b.cell = :cell and b.month = :month
                  group by 1, 2, 3, 4) l
        on l.seller_id = u.seller_id and l.currency = u.currency and l.meter = u.meter and l.filter = u.filter
     group by 1, 2, 3
     order by 1, 2, 3
    """,
    Total,
)
