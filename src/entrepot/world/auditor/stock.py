"""Stock: rows are what the movements say, and the movements are what the orders need."""

from entrepot.world.auditor.check import check

STOCK = check(
    "stock",
    "A stock row is the sum of its movements.",
    """
    select 'inventory.stock ' || coalesce(s.id, m.stock_id) as item,
           row(coalesce(m.on_hand, 0), coalesce(m.held, 0), coalesce(m.allocated, 0), coalesce(m.cost, 0)) as expected,
           row(s.on_hand, s.held, s.allocated, s.cost_minor) as found,
           '(on_hand, held, allocated, cost)' as detail
      from (select * from inventory.stock where cell = :cell {stock:id}) s
      full join (select stock_id, sum(on_hand_delta)::bigint as on_hand, sum(held_delta)::bigint as held,
                        sum(allocated_delta)::bigint as allocated, sum(cost_delta)::bigint as cost
                   from inventory.movement where cell = :cell {stock:stock_id} group by stock_id) m on m.stock_id = s.id
    """,
    of_history=True,
)

STOCK_LIMIT = check(
    "stock_limit",
    "Nothing in a stock row is negative, and no more is held and allocated than is on hand.",
    """
    select 'inventory.stock ' || id as item,
           row(greatest(on_hand, held + allocated, 0), greatest(held, 0), greatest(allocated, 0),
               greatest(cost_minor, 0)) as expected,
           row(on_hand, held, allocated, cost_minor) as found,
           '(on_hand, held, allocated, cost), the least possible' as detail
      from inventory.stock
     where cell = :cell {stock:id}
    """,
    by="stock",
)

STOCK_PROMISED = check(
    "stock_promised",
    "Held is what orders awaiting payment ask for, and returns that want something else; allocated what paid orders "
    "ask for that are not shipped yet, less what of them was canceled, and what other channels sold that is not sent.",
    """
    select 'inventory.stock ' || coalesce(s.id, l.stock_id) as item,
           row(coalesce(l.held, 0), coalesce(l.allocated, 0)) as expected, row(s.held, s.allocated) as found,
           '(held, allocated)' as detail
      from (select * from inventory.stock where cell = :cell) s
      full join (select x.stock_id, sum(x.held)::bigint as held, sum(x.allocated)::bigint as allocated
                   from (
                 select l.stock_id, sum(l.quantity) filter (where o.status = 'awaiting_payment') as held,
                        sum(l.quantity - c.units) filter (where o.status = 'paid') as allocated
                   from orders.order o
                   join orders.order_line l on l.cell = o.cell and l.order_id = o.id
                  cross join lateral (select coalesce(sum(x.quantity), 0) as units
                                        from orders.part_line x
                                        join orders.part p on p.cell = x.cell and p.id = x.part_id
                                       where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no
                                         and p.kind = 'canceled') c
                  where o.cell = :cell and o.status in ('awaiting_payment', 'paid')
                  group by l.stock_id
                 union all
                 select r.stock_id, r.quantity, 0 from disputes.replacement r
                  where r.cell = :cell and r.status = 'held'
                 union all
                 select t.stock_id, 0, t.quantity
                   from channels.taken t
                   join channels.sale s on s.cell = t.cell and s.id = t.sale_id
                  where t.cell = :cell and s.status = 'taken') x
                  group by x.stock_id) l on l.stock_id = s.id
    """,
)

MOVEMENT = check(
    "movement",
    "A movement changes what its kind is for, by one quantity, in its direction; only a correction and setting aside "
    "have either.",
    """
    select 'inventory.movement ' || m.id as item,
           row(case when m.kind in ('adjust', 'set_aside') then sign(m.on_hand_delta)::int else k.on_hand end
               * m.quantity,
               k.held * m.quantity, k.allocated * m.quantity, m.quantity > 0) as expected,
           row(m.on_hand_delta, m.held_delta, m.allocated_delta, true) as found,
           m.kind || ' (on_hand, held, allocated, moves something)' as detail
      from (select *, greatest(abs(on_hand_delta), abs(held_delta), abs(allocated_delta)) as quantity
              from inventory.movement where cell = :cell {movement:id}) m
      left join (values ('receive', 1, 0, 0), ('hold', 0, 1, 0), ('allocate', 0, 0, 1), ('confirm', 0, -1, 1),
                        ('give_back', 0, 0, -1), ('expire', 0, -1, 0), ('ship', -1, 0, -1), ('return', 1, 0, 0),
                        ('adjust', 1, 0, 0), ('set_aside', 1, 0, 0))
             as k (kind, on_hand, held, allocated) on k.kind = m.kind
    """,
    by="movement",
)

# Goods may come back after a refund, or not at all; never more than were sent.
ORDER_MOVEMENTS = check(
    "order_movements",
    "Per order and stock row, but for what of it was canceled: held while it awaits payment, allocated while it is "
    "paid, gone once it is shipped, and untouched when it never was.",
    """
    select 'orders.order ' || order_id || ' stock ' || stock_id as item,
           row(case when l.sent then -l.quantity else 0 end,
               case when l.status = 'awaiting_payment' then l.quantity else 0 end,
               case when l.status = 'paid' then l.quantity else 0 end, true) as expected,
           row(coalesce(m.sent, 0), coalesce(m.held, 0), coalesce(m.allocated, 0), l.order_id is not null) as found,
           coalesce(l.status, 'no such order line') || ' (on_hand, held, allocated, has such a line)' as detail
      from (select l.order_id, l.stock_id, sum(l.quantity - c.units)::bigint as quantity, min(o.status) as status,
                   bool_or(o.status in ('shipped', 'delivered', 'completed')
                           or o.status = 'refunded' and o.shipped_at is not null) as sent
              from orders.order_line l
              join orders.order o on o.cell = l.cell and o.id = l.order_id
             cross join lateral (select coalesce(sum(x.quantity), 0) as units
                                        from orders.part_line x
                                        join orders.part p on p.cell = x.cell and p.id = x.part_id
                                       where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no
                                         and p.kind = 'canceled') c
             where l.cell = :cell {order:l.order_id}
             group by l.order_id, l.stock_id) l
      full join (select cause_id as order_id, stock_id,
                        sum(on_hand_delta)::bigint as sent,
                        sum(held_delta)::bigint as held, sum(allocated_delta)::bigint as allocated
                   from inventory.movement
                  where cell = :cell and kind not in ('receive', 'return', 'adjust', 'set_aside') {order:cause_id}
                    and not exists (select from disputes.replacement r where r.cell = :cell and r.id = cause_id)
                    and not exists (select from channels.sale s where s.cell = :cell and s.id = cause_id)
                  group by cause_id, stock_id) m using (order_id, stock_id)
    """,
)

SOLD_ELSEWHERE = check(
    "sold_elsewhere",
    "What another channel sold is allocated until it is sent or given back; all of it was taken, or nothing.",
    """
    select 'channels.sale ' || s.id as item,
           row(case s.status when 'sent' then -s.units else 0 end, case s.status when 'taken' then s.units else 0 end,
               0::bigint, true) as expected,
           row(coalesce(m.sent, 0), coalesce(m.allocated, 0), coalesce(m.held, 0),
               case when s.status in ('taken', 'sent') then s.units = s.wanted
                    when s.status = 'oversold' then s.units = 0 else s.units in (0, s.wanted) end) as found,
           s.status || ' (on_hand, allocated, held, whole)' as detail
      from (select s.cell, s.id, s.status, (select sum(q) from unnest(s.quantities) q)::bigint as wanted,
                   coalesce((select sum(t.quantity) from channels.taken t
                              where t.cell = s.cell and t.sale_id = s.id), 0)::bigint as units
              from channels.sale s where s.cell = :cell {cause:s.id}) s
      left join (select cause_id, sum(on_hand_delta)::bigint as sent, sum(held_delta)::bigint as held,
                        sum(allocated_delta)::bigint as allocated
                   from inventory.movement
                  where cell = :cell and kind in ('allocate', 'give_back', 'ship') {cause:cause_id}
                  group by cause_id) m on m.cause_id = s.id
    """,
    of=("channels.sale",),
)

REPLACED = check(
    "replaced",
    "What is wanted instead of the money of a return is held while the goods travel, then gone or free again.",
    """
    select 'disputes.replacement ' || r.id as item,
           row(case r.status when 'sent' then -r.quantity else 0 end,
               case r.status when 'held' then r.quantity else 0 end, 0::bigint, r.status = 'held') as expected,
           row(coalesce(m.sent, 0), coalesce(m.held, 0), coalesce(m.allocated, 0),
               d.status in ('returning', 'sent_back')) as found,
           '(on_hand, held, allocated, goods travel)' as detail
      from disputes.replacement r
      join disputes.dispute d on d.cell = r.cell and d.id = r.id
      left join (select cause_id, stock_id, sum(on_hand_delta)::bigint as sent, sum(held_delta)::bigint as held,
                        sum(allocated_delta)::bigint as allocated
                   from inventory.movement where cell = :cell and kind in ('hold', 'confirm', 'expire', 'ship')
                  group by cause_id, stock_id) m on m.cause_id = r.id and m.stock_id = r.stock_id
     where r.cell = :cell {order:d.order_id}
    """,
    of=("disputes.replacement",),
)

RETURNED = check(
    "returned",
    "What came back of a part has the one movement of its units in each row of stock, and no such movement is alone; "
    "only what is returned comes back.",
    """
    select 'orders.part ' || coalesce(p.part_id, m.cause_id) || ' stock ' || coalesce(p.stock_id, m.stock_id) as item,
           row(p.units, true) as expected, row(m.units, coalesce(p.kind, 'returned') = 'returned') as found,
           '(units, returned)' as detail
      from (select x.part_id, l.stock_id, min(p.kind) as kind, sum(x.restocked)::bigint as units
              from orders.part_line x
              join orders.part p on p.cell = x.cell and p.id = x.part_id
              join orders.order_line l on l.cell = x.cell and l.order_id = x.order_id and l.line_no = x.line_no
             where x.cell = :cell and x.restocked > 0 {goods:x.part_id}
             group by x.part_id, l.stock_id) p
      full join (select cause_id, stock_id, sum(on_hand_delta)::bigint as units
                   from inventory.movement
                  where cell = :cell and kind = 'return' {movement:id} {goods:cause_id}
                  group by cause_id, stock_id) m on m.cause_id = p.part_id and m.stock_id = p.stock_id
    """,
)

ADJUSTMENT = check(
    "adjustment",
    "A correction of a count has the one movement of its units in its row of stock, and no such movement is alone.",
    """
    select 'inventory.adjustment ' || coalesce(a.id, m.cause_id) as item,
           row(a.stock_id, a.on_hand_delta) as expected, row(m.stock_id, m.on_hand_delta) as found,
           '(stock, on_hand)' as detail
      from (select * from inventory.adjustment where cell = :cell {goods:id}) a
      full join (select cause_id, stock_id, on_hand_delta
                   from inventory.movement where cell = :cell and kind = 'adjust' {movement:id} {goods:cause_id}) m
        on m.cause_id = a.id
    """,
)

SET_ASIDE = check(
    "set_aside",
    "What is set aside, or put back, leaves one row of the same goods and comes to another, with its cost.",
    """
    select 'inventory.movement ' || m.cause_id as item, row(0::numeric, 0::numeric) as expected,
           row(sum(m.on_hand_delta), sum(m.cost_delta)) as found, '(on_hand, cost) of ' || s.variant_id as detail
      from inventory.movement m
      join inventory.stock s on s.cell = m.cell and s.id = m.stock_id
     where m.cell = :cell and m.kind = 'set_aside' {movement:m.id} {goods:m.cause_id}
     group by m.cause_id, s.seller_id, s.variant_id, s.location_id
    """,
)

CHECKS = (
    STOCK,
    STOCK_LIMIT,
    STOCK_PROMISED,
    MOVEMENT,
    ORDER_MOVEMENTS,
    SOLD_ELSEWHERE,
    REPLACED,
    RETURNED,
    ADJUSTMENT,
    SET_ASIDE,
)
