"""The SQL of channels."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.channels.types import Level
from entrepot.kit.sql import sql


class ChannelRow(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    buffer: int
    opened_at: datetime
    closed_at: datetime | None
    oversold: int


class Shelf(msgspec.Struct, frozen=True):
    """A row of stock that a channel's sale may be taken from."""

    variant_id: int
    stock_id: int


class Variant(msgspec.Struct, frozen=True):
    sku: str
    variant_id: int


class SaleRow(msgspec.Struct, frozen=True):
    id: UUID
    number: str
    variants: list[int]
    quantities: list[int]
    left_over: list[int] | None
    status: str
    at: datetime
    ended_at: datetime | None


class TakenRow(msgspec.Struct, frozen=True):
    stock_id: int
    quantity: int


_CHANNEL = """
    select c.id, c.name, c.buffer, c.opened_at, c.closed_at,
           (select count(*) from channels.sale s
             where s.cell = c.cell and s.channel_id = c.id and s.status = 'oversold') as oversold
      from channels.channel c
     where c.cell = :cell and c.seller_id = :seller_id
"""
CHANNELS = sql(f"{_CHANNEL} order by c.closed_at is not null, c.name", ChannelRow)
CHANNEL = sql(f"{_CHANNEL} and c.id = :channel_id", ChannelRow)
# Of two who open a seller's last channel, the second waits here.
LOCK_SELLER = sql("select pg_advisory_xact_lock(hashtextextended('channels ' || :seller_id::uuid, 0)) is null", bool)
ADD = sql(
    """
    insert into channels.channel (cell, id, seller_id, name, buffer, opened_at)
    values (:cell, :id, :seller_id, :name, :buffer, :now)
    on conflict (cell, seller_id, name) do nothing
    returning id
    """,
    UUID,
)
CHANGE = sql("""
    update channels.channel
       set buffer = :buffer, closed_at = case when :closed::boolean then coalesce(closed_at, :now) end
     where cell = :cell and id = :channel_id
""")
SET_BUFFER = sql("""
    insert into channels.buffer (cell, channel_id, variant_id, units)
    values (:cell, :channel_id, :variant_id, :units)
    on conflict (cell, channel_id, variant_id) do update set units = excluded.units
""")
FORGET_BUFFER = sql("""
    delete from channels.buffer where cell = :cell and channel_id = :channel_id and variant_id = :variant_id
""")

# The operator's own goods carry their purchase cost in the currency in which they are sold here; those in bond leave by
# a declaration; those set aside are sold by what they are set aside for.
_SELLS = """
       and s.aside_id = '00000000-0000-0000-0000-000000000000' and s.currency is null
       and not exists (select from logistics.location l where l.cell = s.cell and l.id = s.location_id and l.bonded)
"""
# The inner limit is met along the key (cell, seller_id, variant_id, ...), so that a page costs what is on it.
LEVELS = sql(
    f"""
    select x.variant_id, v.sku, greatest(x.available - coalesce(b.units, :buffer), 0)::bigint, x.available,
           coalesce(b.units, :buffer)::bigint, x.version
      from (select s.variant_id, sum(s.on_hand - s.held - s.allocated)::bigint as available,
                   sum(s.version)::bigint as version
              from inventory.stock s
             where s.cell = :cell and s.seller_id = :seller_id and s.variant_id > :after
               {_SELLS}
             group by s.variant_id
             order by s.variant_id
             limit :limit) x
      join catalog.variant v on v.id = x.variant_id
      left join channels.buffer b on b.cell = :cell and b.channel_id = :channel_id and b.variant_id = x.variant_id
     order by x.variant_id
    """,  # noqa: S608 - constants
    Level,
)
VARIANTS = sql("select sku, id from catalog.variant where sku = any (:skus::text[])", Variant)
SKUS = sql("select sku, id from catalog.variant where id = any (:variants::bigint[])", Variant)
SHELVES = sql(
    f"""
    select s.variant_id, s.id
      from inventory.stock s
     where s.cell = :cell and s.seller_id = :seller_id and s.variant_id = any (:variants::bigint[])
       {_SELLS}
     order by s.id
    """,  # noqa: S608 - constants
    Shelf,
)

# Of two that tell of one number, the second waits here.
ADD_SALE = sql(
    """
    insert into channels.sale (cell, id, channel_id, number, variants, quantities, left_over, status, at)
    values (:cell, :id, :channel_id, :number, :variants, :quantities, '{}', 'oversold', :now)
    on conflict (cell, channel_id, number) do nothing
    returning id
    """,
    UUID,
)
_SALE = """
    select id, number, variants, quantities, left_over, status, at, ended_at
      from channels.sale
     where cell = :cell and channel_id = :channel_id
"""
LOCK_NUMBER = sql(f"{_SALE} and number = :number for no key update", SaleRow)
LOCK_SALE = sql(f"{_SALE} and id = :sale_id for no key update", SaleRow)
SALE = sql(f"{_SALE} and id = :sale_id", SaleRow)
SALES = sql(f"{_SALE} and (:before::uuid is null or id < :before) order by id desc limit :limit", SaleRow)
OVERSOLD = sql(f"{_SALE} and status = 'oversold' order by id desc limit :limit", SaleRow)
MOVE_ON = sql("""
    update channels.sale
       set status = :status, left_over = :left_over::bigint[], ended_at = :ended_at::timestamptz
     where cell = :cell and id = :sale_id
""")
TAKE = sql("""
    insert into channels.taken (cell, sale_id, stock_id, quantity)
    select :cell, :sale_id, t.stock_id, sum(t.quantity)
      from unnest(:stocks::bigint[], :quantities::bigint[]) as t (stock_id, quantity)
     group by t.stock_id
""")
TAKEN = sql(
    """
    select stock_id, quantity from channels.taken where cell = :cell and sale_id = :sale_id order by stock_id
    """,
    TakenRow,
)
