"""What must hold between the tables at any time: each query finds the rows that break it."""

from __future__ import annotations

from typing import Any

WRONG = {
    "money from nowhere": """
        select a.cell, a.currency, sum(b.credits - b.debits) from ledger.balance b
          join ledger.account a on a.cell = b.cell and a.id = b.account_id
         group by a.cell, a.currency having sum(b.credits - b.debits) <> 0""",
    "a balance that is not the sum of its transfers": """
        select b.account_id, b.debits, b.credits, t.debits, t.credits
          from (select cell, account_id, sum(debits) as debits, sum(credits) as credits from ledger.balance
                 group by 1, 2) b
          full join (select cell, account_id, sum(debits) as debits, sum(credits) as credits
                       from (select cell, debit as account_id, amount as debits, 0 as credits from ledger.transfer
                             union all select cell, credit, 0, amount from ledger.transfer) e group by 1, 2) t
         using (cell, account_id)
         where (b.debits, b.credits) is distinct from (coalesce(t.debits, 0), coalesce(t.credits, 0))""",
    "cells that owe each other something": """
        select a.currency, sum(b.credits - b.debits) from ledger.balance b
          join ledger.account a on a.cell = b.cell and a.id = b.account_id
         where a.code = 'between_cells' group by a.currency having sum(b.credits - b.debits) <> 0""",
    "a cell whose books are not even": """
        select cell, sum(credits - debits) from ledger.balance group by cell having sum(credits - debits) <> 0""",
    "a limited account below zero": "select * from ledger.balance where limited and credits < debits + held",
    "what is held is not what its holds hold": """
        select account_id, b.held, h.held
          from (select account_id, sum(held) as held from ledger.balance group by 1) b
          full join (select debit as account_id, sum(amount) as held from ledger.hold
                      where status = 'held' group by 1) h
         using (account_id)
         where b.held is distinct from coalesce(h.held, 0)""",
    "stock that is not the sum of its movements": """
        select s.id, s.on_hand, s.held, s.allocated, s.cost_minor
          from inventory.stock s left join inventory.movement m on m.cell = s.cell and m.stock_id = s.id
         group by s.cell, s.id, s.on_hand, s.held, s.allocated, s.cost_minor
        having (s.on_hand, s.held, s.allocated, s.cost_minor) is distinct from
               (coalesce(sum(m.on_hand_delta), 0), coalesce(sum(m.held_delta), 0), coalesce(sum(m.allocated_delta), 0),
                coalesce(sum(m.cost_delta), 0))""",
    "a quota that is not the sum of its uses": """
        select q.name, q.owner, q.used from pricing.quota q
          left join pricing.quota_use u on u.cell = q.cell and u.quota_id = q.id and u.given_back_at is null
         group by q.cell, q.name, q.owner, q.used having q.used <> coalesce(sum(u.amount - u.returned), 0)""",
    "a use that should have been given back, or should not": """
        select u.cause_id from pricing.quota_use u
         where (u.given_back_at is not null) is distinct from
               (select bool_and(o.status in ('canceled', 'expired')) from orders.order o
                 where o.group_id = u.cause_id)""",
    "a key without its order group, or the other way round": """
        select k.key, g.id from (select * from kit.idempotency_key where route = 'place') k
          full join orders.order_group g on g.cell = k.cell and g.id = k.ref and g.buyer_id = k.caller
         where k.key is null or g.id is null""",
    "a group without its payment, or the other way round": """
        select g.id, p.id from orders.order_group g
          full join (select * from payments.payment where id = group_id) p on p.cell = g.cell and p.id = g.id
         where (g.buyer_id, g.currency, g.paid_minor) is distinct from (p.buyer_id, p.currency, p.amount_minor)""",
    "a group that is not the sum of its orders": """
        select g.id from orders.order_group g left join orders.order o on o.group_cell = g.cell and o.group_id = g.id
         group by g.cell, g.id, g.paid_minor having g.paid_minor is distinct from sum(o.paid_minor)""",
    "an escrow that does not hold what is owed": """
        select e.currency, e.held, o.owed
          from (select a.cell, a.currency, sum(b.credits - b.debits) as held from ledger.account a
                  join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                 where a.code = 'escrow' group by 1, 2) e
          full join (select o.cell, o.currency, sum(o.owed) as owed
                       from (select cell, currency, paid_minor + operator_discount_minor from orders.order
                              where status in ('paid', 'shipped', 'delivered')
                             union all
                             select o.cell, o.currency, -(p.paid_minor + p.operator_discount_minor)
                               from orders.part p join orders.order o on o.cell = p.cell and o.id = p.order_id
                              where o.status in ('paid', 'shipped', 'delivered') and p.of_part is null
                             union all
                             select o.cell, o.currency, p.paid_minor + p.operator_discount_minor
                               from orders.part p join orders.order o on o.cell = p.cell and o.id = p.order_id
                              where p.ended_at is null) o (cell, currency, owed)
                      group by 1, 2) o using (cell, currency)
         where coalesce(e.held, 0) <> coalesce(o.owed, 0)""",
    "stock that is not what orders were promised": """
        select s.id, s.held, s.allocated from inventory.stock s
          left join (select l.cell, l.stock_id, sum(l.quantity) filter (where o.status = 'awaiting_payment') as held,
                            sum(l.quantity - coalesce(c.units, 0)) filter (where o.status = 'paid') as allocated
                       from orders.order_line l join orders.order o on o.cell = l.cell and o.id = l.order_id
                       left join (select x.cell, x.order_id, x.line_no, sum(x.quantity) as units from orders.part_line x
                                    join orders.part p on p.cell = x.cell and p.id = x.part_id and p.kind = 'canceled'
                                   group by 1, 2, 3) c
                         on c.cell = l.cell and c.order_id = l.order_id and c.line_no = l.line_no
                      group by l.cell, l.stock_id) p on p.cell = s.cell and p.stock_id = s.id
         where (s.held, s.allocated) <> (coalesce(p.held, 0), coalesce(p.allocated, 0))""",
}  # fmt: skip


async def wrong(conn: Any, *names: str) -> dict[str, list[Any]]:
    """What is wrong, by name, with the rows that show it; nothing when the books tie. All checks unless named."""
    found = {name: await conn.fetch(WRONG[name]) for name in names or WRONG}
    return {name: [tuple(row) for row in rows] for name, rows in found.items() if rows}


MONEY = tuple(WRONG)[:6]
STOCK = tuple(WRONG)[6:7]
