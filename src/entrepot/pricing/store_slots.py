"""Time slots' SQL. The places of a slot are a quota in each cell, which together grant its capacity."""

from __future__ import annotations

import msgspec

from entrepot.kit.sql import sql
from entrepot.pricing.types import Slot, Window


class Places(msgspec.Struct, frozen=True):
    """What a cell has of a slot's places; `free` is none while it is closed."""

    quota_id: int
    granted: int
    used: int
    free: int


class Used(msgspec.Struct, frozen=True):
    """A slot's places in all cells."""

    slot: int
    used: int


class Ahead(msgspec.Struct, frozen=True):
    """A slot that is not over, by the name of its quota."""

    name: str
    capacity: int
    closed: bool


_WINDOW = """
    select s.id, s.starts_at, s.ends_at, s.starts_at at time zone m.time_zone, s.ends_at at time zone m.time_zone,
           m.time_zone"""
_FROM = " from pricing.slot s join sellers.market m on m.code = s.market"
_SLOT = (
    _WINDOW
    + ", s.market, s.service, s.closes_at, s.closes_at at time zone m.time_zone, s.capacity, s.closed_at"
    + _FROM
)
WINDOWS = sql(_WINDOW + _FROM + " where s.id = any (:ids::bigint[])", Window)
SLOT = sql(_SLOT + " where s.id = :id", Slot)
SLOTS = sql(
    _SLOT
    + """
     where s.market = :market and (:service::text is null or s.service = :service) and s.ends_at > :since
     order by s.starts_at, s.id limit :limit
    """,
    Slot,
)
OPEN_SLOTS = sql(
    _SLOT
    + """
     where s.market = :market and s.service = :service and s.closes_at > :now and s.closed_at is null
       and (s.starts_at, s.id) > (:after, :after_id)
     order by s.starts_at, s.id limit :limit
    """,
    Slot,
)
USED = sql(
    """
    select substr(q.name, 6)::bigint, sum(q.used)::bigint from pricing.quota q
     where q.cell = any (array(select c.cell from kit.cell c)) and q.name = any (:names::text[]) and q.name <> ''
     group by q.name
    """,
    Used,
)
AHEAD = sql(
    "select 'slot:' || id, capacity, closed_at is not null from pricing.slot where ends_at > :now order by id", Ahead
)

# Who adds to the same service waits here.
LOCK_SERVICE = sql(
    "select code from pricing.shipping_service where market = :market and code = :service for no key update", str
)
# From now on who buys by the service chooses a slot.
SET_SLOTTED = sql(
    "update pricing.shipping_service set slotted = true where market = :market and code = :service and not slotted"
)
# A window that a day does not have, for its clock is put forward in it, is left out; so is one that is closed already.
ADD_SLOTS = sql(
    """
    insert into pricing.slot (market, service, starts_at, ends_at, closes_at, capacity)
    select :market, :service, w.starts_at, w.ends_at, w.starts_at - make_interval(mins => :cutoff_min), :capacity
      from (select (d.day + :starts::time) at time zone m.time_zone as starts_at,
                   (d.day + :ends::time) at time zone m.time_zone as ends_at
              from sellers.market m
             cross join unnest(:days::date[]) as d (day)
             where m.code = :market) w
     where w.starts_at < w.ends_at and w.starts_at - make_interval(mins => :cutoff_min) > :now
     order by w.starts_at
    on conflict do nothing
    returning id
    """,
    int,
)
OTHERWISE = sql(
    """
    select s.id from pricing.slot s
      join sellers.market m on m.code = s.market
     cross join unnest(:days::date[]) as d (day)
     where s.market = :market and s.service = :service
       and s.starts_at = (d.day + :starts::time) at time zone m.time_zone
       and s.ends_at = (d.day + :ends::time) at time zone m.time_zone
       and (s.capacity <> :capacity or s.closes_at <> s.starts_at - make_interval(mins => :cutoff_min))
     order by s.id limit 1
    """,
    int,
)
LOCK_SLOT = sql("select id from pricing.slot where id = :id for no key update", int)
SET_SLOT = sql("""
    update pricing.slot set capacity = :capacity, closed_at = case when :closed then coalesce(closed_at, :now) end
     where id = :id
""")

_PLACES = """
    select q.id, q.granted, q.used, case when q.closed then 0 else q.granted - q.used end from pricing.quota q
     where q.cell = :cell and q.name = :name and q.name <> '' and q.owner = '00000000-0000-0000-0000-000000000000'
"""
PLACES = sql(_PLACES, Places)
LOCK_PLACES = sql(_PLACES + " for no key update", Places)
SET_PLACES = sql("update pricing.quota set granted = :granted where cell = :cell and id = :id")
SET_CLOSED = sql("""
    update pricing.quota set closed = :closed
     where cell = :cell and name = any (:names::text[]) and name <> '' and closed <> :closed
""")
RETURN_PLACE = sql(
    """
    select pricing.return_quota(:cell, :group_id, q.id, 1) from pricing.quota q
     where q.cell = :cell and q.name = :name and q.name <> '' and q.owner = '00000000-0000-0000-0000-000000000000'
    """
)
