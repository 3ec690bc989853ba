"""What an import leaves behind, without the ids that are drawn by chance: payouts', shipments' and movements' own."""

from typing import Any

import asyncpg

STATE = {
    "groups": "select * from orders.order_group",
    "orders": "select * from orders.order",
    "lines": "select l.*, 0 as stock_id from orders.order_line l",
    "discounts": "select * from orders.discount_line",
    "keys": "select caller, route, key, ref, at from kit.idempotency_key",
    "transfers": """
        select o.id, t.code, t.amount, t.at
          from ledger.transfer t left join orders.order o on o.cell = t.cell and o.id = t.cause_id
         where t.code <> 'payout'
    """,
    "payouts": "select seller_id, amount_minor, created_at from payments.payout",
    "payments": "select group_id, method, status, amount_minor, refunded_minor, created_at from payments.payment",
    "parts": """
        select order_id, no, kind, party, paid_minor, back_minor, frozen_at, ended_at from orders.part
    """,
    "disputes": "select order_id, kind, status, claimed_minor, granted_minor, closed_at from disputes.dispute",
    "plans": "select * from credit.plan",
    "balances": """
        select a.code, a.owner, sum(b.credits), sum(b.debits) from ledger.account a
          join ledger.balance b on b.cell = a.cell and b.account_id = a.id group by a.code, a.owner
    """,
    "stock": "select seller_id, variant_id, location_id, on_hand, held, allocated from inventory.stock",
    "movements": "select kind, on_hand_delta, held_delta, allocated_delta, at from inventory.movement",
    "offers": "select id, seller_id, unit_price_minor, status, updated_at from catalog.offer",
    "products": "select * from catalog.product",
    "shipments": """
        select fulfillment_order_id, tracking_number, status, shipped_at, delivered_at from logistics.shipment
    """,
    "scans": "select status, at, count(*) from logistics.tracking_event group by status, at",
    "events": "select kind, case when kind not like 'dispute%' then key end, at from kit.event",
    "users": "select * from accounts.user",
    "progress": "select * from world.progress",
}


async def state(url: str) -> dict[str, Any]:
    """Per thing, how many and a digest of all."""
    connection = await asyncpg.connect(url)
    try:
        return {
            name: tuple(
                await connection.fetchrow(
                    f"select count(*), md5(string_agg(t::text, ',' order by t::text)) from ({query}) t"
                )
            )
            for name, query in STATE.items()
        }
    finally:
        await connection.close()
