"""A history of orders that the auditor cannot tell from one that was lived: a year of purchases, most of them
completed, some canceled, expired or refunded, the latest still on their way; with money, stock, papers, and such keys
as are not forgotten yet.

It is written by statements over whole ranges of orders, on as many connections as there are cores, without the
triggers of foreign keys; what accounts and stock rows come to is summed up on the way and written once, at the end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime

import asyncpg

from bench.market import CELL, CURRENCY, MARKET
from entrepot.kit import idempotency

CHUNK, WORKERS_MAX = 50_000, 4
SESSION = {"session_replication_role": "replica", "synchronous_commit": "off", "work_mem": "128MB", "jit": "off"}
YEAR_S = 360 * 86_400

_PREPARE = f"""
    create schema grown;
    create table grown.buyer as
    select row_number() over (order by u.id) - 1 as no, u.id, a.id as wallet
      from accounts.user u
      join ledger.account a on a.cell = u.cell and a.code = 'wallet' and a.owner = u.id
     where u.role = 'buyer';
    create table grown.offer as
    select row_number() over (order by o.id) - 1 as no, o.id, o.seller_id, o.variant_id, o.stock_id, o.location_id,
           o.unit_price_minor as price, a.id as earner
      from catalog.offer o
      join ledger.account a on a.cell = o.cell and a.code = 'seller' and a.owner = o.seller_id;
    create unique index on grown.buyer (no);
    create unique index on grown.offer (no);
    create table grown.house as
    select code, id from ledger.account where owner = '{"0" * 8}-0000-0000-0000-{"0" * 12}';
    create unlogged table grown.money (account_id bigint, debits numeric, credits numeric);
    create unlogged table grown.goods (stock_id bigint, on_hand numeric, held numeric, allocated numeric);
    -- An id of version 7: its time in milliseconds, then bits that are the same for the same text.
    create function grown.id(p_at timestamptz, p_text text) returns uuid language sql immutable as $$
        select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8'
                || substr(h, 4, 15))::uuid from md5(p_text) h
    $$;
    analyze grown.buyer, grown.offer
"""

# What happened to the orders $1 to $2 - 1 of $3: order n was placed at n/$3 of the year that ended two hours before $4.
# One line each; every tenth has a discount that the operator pays for.
_MADE = f"""
    create temporary table made on commit drop as
    select m.*, m.gross + m.shipping - m.discount as paid, (m.gross + m.shipping - m.discount) * 150 / 10000 as fee,
           m.status in ('shipped', 'delivered', 'completed', 'refunded') as sent,
           m.at > $4 - interval '{idempotency.KEPT.days} days' as key_kept,
           case m.status when 'expired' then m.at + interval '20 minutes' when 'canceled' then m.at + interval '1 hour'
                         when 'refunded' then m.at + interval '5 days' when 'completed' then m.at + interval '13 days'
                         end as ended_at,
           case m.status when 'shipped' then m.at + interval '31 days' when 'delivered' then m.at + interval '13 days'
                         end as due_at
      from (select n, t.at, grown.id(t.at, n || ' group') as group_id, grown.id(t.at, n || ' order') as order_id,
                   b.id as buyer_id, b.wallet, o.id as offer_id, o.seller_id, o.earner, o.variant_id, o.stock_id,
                   o.location_id, o.price, q.quantity, o.price * q.quantity as gross, 600::bigint as shipping,
                   case when n % 10 = 0 then o.price * q.quantity / 10 else 0 end as discount,
                   (o.price * q.quantity + 5) / 10 as commission,
                   case when n % 50 = 17 then 'canceled' when n % 100 = 33 then 'expired'
                        when t.at > $4 - interval '1 day' then 'paid'
                        when t.at > $4 - interval '3 days' then 'shipped'
                        when t.at > $4 - interval '13 days' then 'delivered'
                        when n % 100 = 66 then 'refunded' else 'completed' end as status
              from generate_series($1::bigint, $2::bigint - 1) n
             cross join lateral (select $4::timestamptz - interval '2 hours'
                                        - make_interval(secs => {YEAR_S}::float8 * ($3::bigint - n) / $3)) as t (at)
             cross join lateral (select 1 + n % 3) as q (quantity)
              join grown.buyer b on b.no = n * 104729 % (select count(*) from grown.buyer)
              join grown.offer o on o.no = n * 7919 % (select count(*) from grown.offer)
             order by n) m
"""

_PLACED = (
    f"""
    insert into orders.order_group (cell, id, buyer_id, market, currency, paid_minor, status, placed_at)
    select {CELL}, group_id, buyer_id, '{MARKET}', '{CURRENCY}', paid,
           case status when 'expired' then status else 'placed' end, at
      from made
    """,
    f"""
    insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, refunded_minor, status,
                                  created_at, captured_at)
    select {CELL}, group_id, group_id, buyer_id, case status when 'expired' then 'sandbox' else 'wallet' end,
           '{CURRENCY}', paid, case when status in ('canceled', 'refunded') then paid else 0 end,
           case status when 'expired' then 'failed' else 'captured' end, at, case when status <> 'expired' then at end
      from made
    """,
    f"""
    insert into kit.idempotency_key (cell, caller, route, key, body_hash, ref, status, at)
    select {CELL}, buyer_id, 'place', 'grown-' || n, sha256(group_id::text::bytea), group_id, 201, at
      from made where key_kept order by buyer_id
    """,
    f"""
    insert into kit.event (cell, kind, key, at, data)
    select {CELL}, 'group_paid', group_id, at,
           jsonb_build_object('buyer_id', buyer_id, 'orders', jsonb_build_array(order_id))
      from made where status <> 'expired'
    """,
    f"""
    insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market, currency,
                              status, items_minor, shipping_minor, seller_discount_minor, operator_discount_minor,
                              paid_minor, commission_minor, payment_fee_minor, placed_at, shipped_at, delivered_at,
                              ended_at, release_due_at)
    select {CELL}, order_id, {CELL}, group_id, buyer_id, seller_id, false, location_id, '{MARKET}', '{CURRENCY}',
           status, gross, shipping, 0, discount, paid, commission, fee, at,
           case when sent then at + interval '1 day' end,
           case when sent and status <> 'shipped' then at + interval '3 days' end, ended_at, due_at
      from made
    """,
    f"""
    insert into orders.order_line (cell, order_id, line_no, offer_id, variant_id, stock_id, quantity, unit_price_minor,
                                   price_per, rounding_minor, gross_minor, discount_minor, shipping_minor,
                                   commission_bp, commission_minor)
    select {CELL}, order_id, 1, offer_id, variant_id, stock_id, quantity, price, 1, 0, gross, discount, shipping, 1000,
           commission
      from made
    """,
    f"""
    insert into orders.discount_line (cell, order_id, line_no, kind, funding_party, amount_minor)
    select {CELL}, order_id, 1, 'promotion:grown', 'operator', discount from made where discount > 0
    """,
)

_LIVED = (
    f"""
    insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)
    select {CELL}, order_id, seller_id, location_id,
           case when sent then 'shipped' when status = 'paid' then 'open' else 'canceled' end, at
      from made where status <> 'expired'
    """,
    f"""
    insert into logistics.shipment (cell, id, fulfillment_order_id, carrier, tracking_number, status, shipped_at,
                                    delivered_at)
    select {CELL}, grown.id(at, n || ' shipment'), order_id, 'grown', 'G' || lpad(n::text, 10, '0'),
           case status when 'shipped' then 'in_transit' else 'delivered' end, at + interval '1 day',
           case when status <> 'shipped' then at + interval '3 days' end
      from made where sent
    """,
    f"""
    insert into logistics.tracking_event (cell, shipment_id, status, at)
    select {CELL}, grown.id(at, n || ' shipment'), 'delivered', at + interval '3 days'
      from made where sent and status <> 'shipped'
    """,
    f"""
    insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, reason, created_at)
    select {CELL}, grown.id(ended_at, n || ' refund'), group_id, order_id, order_id, paid, 'done', status, ended_at
      from made where status in ('canceled', 'refunded')
    """,
    f"""
    with moved as (
        insert into inventory.movement (cell, stock_id, kind, on_hand_delta, held_delta, allocated_delta, cause_id, at)
        select {CELL}, stock_id, k.kind, k.on_hand * quantity, k.held * quantity, k.allocated * quantity, order_id,
               case when k.last then ended_at when k.kind = 'ship' then at + interval '1 day' else at end
          from made
          join (values ('hold', 0, 1, 0, false), ('expire', 0, -1, 0, true), ('allocate', 0, 0, 1, false),
                       ('give_back', 0, 0, -1, true), ('ship', -1, 0, -1, false))
                 as k (kind, on_hand, held, allocated, last)
            on case status when 'expired' then k.kind in ('hold', 'expire')
                           when 'canceled' then k.kind in ('allocate', 'give_back')
                           else k.kind = 'allocate' or k.kind = 'ship' and sent end
        returning stock_id, on_hand_delta, held_delta, allocated_delta
    )
    insert into grown.goods
    select stock_id, sum(on_hand_delta), sum(held_delta), sum(allocated_delta) from moved group by stock_id
    """,
    # As orders.escrow_many, release_many and cancel write them.
    f"""
    with house as materialized (
        select (select id from grown.house where code = 'escrow') as escrow,
               (select id from grown.house where code = 'promotions') as promotions,
               (select id from grown.house where code = 'commission') as commission,
               (select id from grown.house where code = 'payment_fee') as payment_fee
    ), moved as (
        insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
        select {CELL}, m.order_id, t.code, t.debit, t.credit, t.amount, t.at
          from made m
         cross join house h
         cross join lateral (values
               ('pay', m.status <> 'expired', m.wallet, h.escrow, m.paid, m.at),
               ('fund', m.status <> 'expired', h.promotions, h.escrow, m.discount, m.at),
               ('release', m.status = 'completed', h.escrow, m.earner, m.paid + m.discount, m.ended_at),
               ('commission', m.status = 'completed', m.earner, h.commission, m.commission, m.ended_at),
               ('payment_fee', m.status = 'completed', m.earner, h.payment_fee, m.fee, m.ended_at),
               ('refund', m.status in ('canceled', 'refunded'), h.escrow, m.wallet, m.paid, m.ended_at),
               ('unfund', m.status in ('canceled', 'refunded'), h.escrow, h.promotions, m.discount, m.ended_at)
             ) as t (code, done, debit, credit, amount, at)
         where t.done and t.amount > 0
        returning debit, credit, amount
    )
    insert into grown.money
    select account_id, sum(debits), sum(credits)
      from (select debit, amount, 0 from moved union all select credit, 0, amount from moved)
           as e (account_id, debits, credits)
     group by account_id
    """,
)

_SUM_UP = (
    f"""
    update inventory.stock s
       set on_hand = s.on_hand + g.on_hand, held = s.held + g.held, allocated = s.allocated + g.allocated
      from (select stock_id, sum(on_hand) as on_hand, sum(held) as held, sum(allocated) as allocated
              from grown.goods group by stock_id) g
     where s.cell = {CELL} and s.id = g.stock_id
    """,
    """
    create table grown.total as
    select account_id, sum(debits) as debits, sum(credits) as credits from grown.money group by account_id
    """,
    f"""
    update ledger.balance b set debits = b.debits + t.debits, credits = b.credits + t.credits
      from grown.total t
     where b.cell = {CELL} and b.account_id = t.account_id and b.stripe = 0
    """,
    f"""
    insert into ledger.balance (cell, account_id, stripe, limited, debits, credits)
    select {CELL}, a.id, 16, false, t.debits, t.credits
      from grown.total t
      join ledger.account a on a.cell = {CELL} and a.id = t.account_id and a.striped
    """,
    "drop schema grown cascade",
)


async def grow(url: str, orders: int, now: datetime, tell: Callable[[str], None]) -> None:
    """Writes `orders` orders into the marketplace at `url`, as bench.market.open_market makes it, whose year ended a
    moment before `now`. The server is to be one that does not wait for the disk."""
    workers = min(os.cpu_count() or 1, WORKERS_MAX)
    connections = [await asyncpg.connect(url, server_settings=SESSION) for _ in range(workers)]
    try:
        await connections[0].execute(_PREPARE)
        starts = iter(range(0, orders, CHUNK))
        done = 0

        async def work(connection: asyncpg.Connection) -> None:
            nonlocal done
            for first in starts:
                last = min(first + CHUNK, orders)
                async with connection.transaction():
                    await connection.fetch(_MADE, first, last, orders, now)
                    await connection.execute("analyze made")
                    for statement in (*_PLACED, *_LIVED):
                        await connection.execute(statement)
                done += last - first
                tell(f"{done:,} of {orders:,} orders")

        await asyncio.gather(*map(work, connections))
        async with connections[0].transaction():
            for statement in _SUM_UP:
                await connections[0].execute(statement)
    finally:
        for connection in connections:
            await connection.close()
