"""SQL of rehearsals: what is asked of the real database, of the rehearsal's, and of PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import msgspec

from entrepot.kit.sql import sql


class Sizes(msgspec.Struct, frozen=True):
    """How much the real marketplace holds."""

    sellers: int
    offers: int
    buyers: int
    groups: int


class Minute(msgspec.Struct, frozen=True):
    """How many orders were placed in a minute of a window."""

    number: int
    orders: int


class Sample(msgspec.Struct, frozen=True):
    """What a web process said of itself; `cpu_s`, `batches` and `commands` are totals so far."""

    pid: int
    at: datetime
    cpu_s: float
    late_ms: float
    in_use: float
    batches: int
    commands: int


class Glance(msgspec.Struct, frozen=True):
    """PostgreSQL at one moment. Backends of this database: at work, and of those that wait for a lock, for the log to
    reach the disk, or for anything else. `connections` are the server's. `commits`, `wal_bytes`: totals so far.
    `behind` is how many events the slowest consumer has not read."""

    active: int
    on_lock: int
    on_log: int
    on_other: int
    connections: int
    commits: int
    wal_bytes: int
    behind: int


class Payments(msgspec.Struct, frozen=True):
    """What was paid through the gateway: orders that asked for it, those that were paid in the end, and how long that
    took from the order on for half of them and for 99 of 100."""

    asked: int
    paid: int
    p50_s: float | None
    p99_s: float | None


SIZES = sql(
    """
    select (select count(*) from sellers.seller)::int, (select count(*) from catalog.offer)::int,
           (select count(*) from accounts.user where role = 'buyer')::int,
           (select count(*) from orders.order_group)::int
    """,
    Sizes,
)
# By minute of a window. The event log is forgotten after a while, orders are not; no index has their time, so this
# reads them through, once.
BY_MINUTE = sql(
    """
    select floor(extract(epoch from g.placed_at - :begin) / 60)::int, count(*)::int
      from orders.order_group g
     where g.placed_at >= :begin and g.placed_at < :until
     group by 1
    """,
    Minute,
)
SAMPLES = sql(
    """
    select pid, at, cpu_s, late_ms, in_use, batches, commands from world.rehearsal_sample where at > :after order by at
    """,
    Sample,
)
GLANCE = sql(
    """
    with backend as (
        select wait_event_type as kind, wait_event as name
          from pg_stat_activity
         where datname = current_database() and state = 'active' and pid <> pg_backend_pid()
    ), waiting as (
        select count(*)::int as active,
               (count(*) filter (where kind = 'Lock'))::int as on_lock,
               (count(*) filter (where name in ('WALSync', 'WalSync', 'WALWrite', 'WalWrite', 'WALInitSync')))::int
                   as on_log,
               (count(*) filter (where kind is not null))::int as on_any
          from backend
    )
    select w.active, w.on_lock, w.on_log, w.on_any - w.on_lock - w.on_log,
           (select count(*) from pg_stat_activity where backend_type = 'client backend')::int,
           (select xact_commit from pg_stat_database where datname = current_database()),
           pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
           coalesce((select e.id from kit.event e where e.cell = 0 order by e.xid desc, e.id desc limit 1)
                    - (select min(c.id) from kit.cursor c where c.cell = 0), 0)::int
      from waiting w
    """,
    Glance,
)
SOLD_BY = sql("select offer_id from campaigns.offer where cell = :cell and campaign_id = :id", int)
# Of the latest payments of the first cell, how many were not by wallet.
THROUGH_GATEWAY = sql(
    """
    select coalesce(avg((p.method in ('sandbox', 'stripe'))::int), 0)::float8
      from (select method from payments.payment where cell = 0 order by id desc limit :limit) p
    """,
    float,
)
PAYMENTS = sql(
    """
    select count(*)::int, count(captured_at)::int,
           percentile_disc(0.5) within group (order by extract(epoch from captured_at - created_at)::float8),
           percentile_disc(0.99) within group (order by extract(epoch from captured_at - created_at)::float8)
      from payments.payment
     where cell = 0 and method = 'sandbox'
    """,
    Payments,
)
# The gateway is asked for them, or they are under way there.
UNPAID = sql(
    """
    select count(*)::int
      from payments.payment
     where cell = 0 and method = 'sandbox' and status in ('created', 'pending')
    """,
    int,
)
MAX_CONNECTIONS = sql("select current_setting('max_connections')::int", int)
# The rehearsal's orders and buyers that are in the real tables: there must be none.
STRAYED = sql(
    """
    select ((select count(*) from orders.order_group where cell = 0 and id = any (:groups))
            + (select count(*) from accounts.user where cell = 0 and id = any (:buyers)))::int
    """,
    int,
)
