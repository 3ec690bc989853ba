"""The SQL of statements."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from entrepot.kit.sql import sql
from entrepot.statements.types import Zone


class Begin(msgspec.Struct, frozen=True):
    """When a month begins, and by which clock."""

    first: date
    zone: str
    at: datetime


BEGINS = sql(
    """
    select m.first, coalesce(z.zone, 'UTC'), m.first::timestamp at time zone coalesce(z.zone, 'UTC')
      from unnest(:firsts::date[]) as m (first)
      left join lateral (select s.zone from statements.zone s
                          where s.currency = :currency and s.valid_from <= m.first
                          order by s.valid_from desc limit 1) z on true
     order by m.first
    """,
    Begin,
)
ZONES = sql(
    """
    select currency, valid_from, zone, source from statements.zone order by currency, valid_from desc limit :limit
    """,
    Zone,
)
LAST_ZONE_FROM = sql(
    "select valid_from from statements.zone where currency = :currency order by valid_from desc limit 1", date
)
IS_ZONE = sql("select exists (select from pg_catalog.pg_timezone_names where name = :zone)", bool)
ADD_ZONE = sql(
    """
    insert into statements.zone (currency, valid_from, zone, source) values (:currency, :valid_from, :zone, :source)
    on conflict do nothing
    returning valid_from
    """,
    date,
)
