"""Goods in bond: the account book is what lies on the shelves, and nothing left bond that customs had not let out."""

from entrepot.world.auditor.check import check

BONDED_BOOK = check(
    "bonded_book",
    "An item of an account book is the sum of its entries, and what lies on its shelves but for what is let out and "
    "not sent yet; of it as much is promised as customs is asked for. Nothing lies in bond that is of no item.",
    """
    select 'bonded.item ' || i.id as item,
           concat_ws(' ', coalesce(e.quantity, 0), coalesce(g.quantity, 0) - coalesce(w.quantity, 0),
                     coalesce(a.quantity, 0), coalesce(e.received, 0), coalesce(e.released, 0)) as expected,
           concat_ws(' ', i.quantity_milli, i.quantity_milli, i.asked_milli, i.received_milli,
                     i.released_milli) as found,
           'entries, shelves, asked, received, released: thousandths of ' || i.unit as detail
      from bonded.item i
      left join (select item_id, sum(quantity_milli) as quantity,
                        sum(case when kind in ('receive', 'return', 'found') then quantity_milli end) as received,
                        -sum(case when kind in ('release', 'revoke') then quantity_milli end) as released
                   from bonded.entry where cell = :cell
                  group by item_id) e on e.item_id = i.id
      left join (select g.item_id, sum(s.on_hand * g.per_unit_milli) as quantity
                   from bonded.good g
                   join inventory.stock s on s.cell = g.cell and s.location_id = g.location_id
                                         and s.seller_id = g.seller_id and s.variant_id = g.variant_id
                  where g.cell = :cell
                  group by g.item_id) g on g.item_id = i.id
      left join (select l.item_id, sum(l.quantity_milli) as quantity
                   from bonded.release r
                   join bonded.release_line l on l.cell = r.cell and l.release_id = r.id
                   join orders.order o on o.cell = r.cell and o.id = r.order_id and o.shipped_at is null
                  where r.cell = :cell and r.status = 'released'
                  group by l.item_id) w on w.item_id = i.id
      left join (select l.item_id, sum(l.quantity_milli) as quantity
                   from bonded.release r
                   join bonded.release_line l on l.cell = r.cell and l.release_id = r.id
                  where r.cell = :cell and r.status = 'asked'
                  group by l.item_id) a on a.item_id = i.id
     where i.cell = :cell
     union all
    select 'inventory.stock ' || s.id, '0', s.on_hand::text, 'units in bond of no item'
      from bonded.book k
      join inventory.stock s on s.cell = k.cell and s.location_id = k.location_id and s.on_hand > 0
      left join bonded.good g on g.cell = s.cell and g.location_id = s.location_id and g.seller_id = s.seller_id
                             and g.variant_id = s.variant_id
     where k.cell = :cell and g.item_id is null
    """,
    of=("bonded.book", "bonded.item"),
)

BONDED_ENTRY = check(
    "bonded_entry",
    "An entry of an account book is a movement of its goods, or what customs let out and took back, each once.",
    """
    select 'bonded.entry ' || coalesce(e.cause_id, x.cause_id) || ' ' || coalesce(e.item_id, x.item_id) as item,
           coalesce(x.quantity, 0) as expected, coalesce(e.quantity, 0) as found, 'thousandths' as detail
      from (select cause_id, item_id, sum(quantity_milli)::bigint as quantity
              from bonded.entry where cell = :cell
             group by cause_id, item_id) e
      full join (select m.cause_id, g.item_id, sum(m.on_hand_delta * g.per_unit_milli)::bigint as quantity
                   from inventory.movement m
                   join inventory.stock s on s.cell = m.cell and s.id = m.stock_id
                   join bonded.good g on g.cell = s.cell and g.location_id = s.location_id
                                     and g.seller_id = s.seller_id and g.variant_id = s.variant_id
                  where m.cell = :cell and m.kind in ('receive', 'return', 'adjust')
                  group by m.cause_id, g.item_id
                 union all
                 select r.id, l.item_id, case r.status when 'released' then -l.quantity_milli else 0 end
                   from bonded.release r
                   join bonded.release_line l on l.cell = r.cell and l.release_id = r.id
                  where r.cell = :cell) x on x.cause_id = e.cause_id and x.item_id = e.item_id
    """,
    of=("bonded.entry", "bonded.good", "bonded.release_line"),
)

DECLARATION = check(
    "declaration",
    "What an order's declaration says is what the book has let out for it, and goods that were sent out of bond were "
    "let out, just so much.",
    """
    select 'orders.order ' || k.order_id as item,
           concat_ws(' ', case d.status when 'asked' then 'asked' when 'released' then 'released'
                                        when 'revoking' then coalesce(r.status, 'asked or released') else 'nothing' end,
                     coalesce(s.milli, r.milli, 0)) as expected,
           concat_ws(' ', coalesce(r.status, 'nothing'),
                     case when s.milli is null then coalesce(r.milli, 0)
                          when r.status = 'released' then r.milli else 0 end) as found,
           'the release of ' || coalesce(d.status, 'nothing') as detail
      from (select y.order_id from customs.declaration y where y.cell = :cell {order:y.order_id}
            union
            select y.order_id from bonded.release y where y.cell = :cell {order:y.order_id}
            union
            select o.id from orders.order o join bonded.book b on b.cell = o.cell and b.location_id = o.location_id
             where o.cell = :cell and o.shipped_at is not null {order:o.id}) k
      left join (select y.order_id, y.status from customs.declaration y
                  where y.cell = :cell {order:y.order_id}
                    and not exists (select from customs.declaration z
                                     where z.cell = y.cell and z.order_id = y.order_id and z.no > y.no)) d
        on d.order_id = k.order_id
      left join (select r.order_id, r.status, sum(l.quantity_milli)::bigint as milli
                   from bonded.release r
                   join bonded.release_line l on l.cell = r.cell and l.release_id = r.id
                  where r.cell = :cell and r.ended_at is null {order:r.order_id}
                  group by r.order_id, r.status) r on r.order_id = k.order_id
      left join (select l.order_id, sum((l.quantity - c.units) * g.per_unit_milli)::bigint as milli
                   from orders.order o
                   join orders.order_line l on l.cell = o.cell and l.order_id = o.id
                  cross join lateral (select coalesce(sum(x.quantity), 0) as units
                                        from orders.part_line x
                                        join orders.part p on p.cell = x.cell and p.id = x.part_id
                                       where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no
                                         and p.kind = 'canceled') c
                   join inventory.stock s on s.cell = l.cell and s.id = l.stock_id
                   join bonded.good g on g.cell = s.cell and g.location_id = s.location_id
                                     and g.seller_id = s.seller_id and g.variant_id = s.variant_id
                  where o.cell = :cell and o.shipped_at is not null {order:o.id}
                  group by l.order_id) s on s.order_id = k.order_id
    """,
    by="order",
    of=("customs.declaration", "bonded.book"),
)

CHECKS = (BONDED_BOOK, BONDED_ENTRY, DECLARATION)
