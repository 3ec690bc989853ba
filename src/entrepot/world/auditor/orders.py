"""Orders: their amounts, their money, their status in every room that has one, and what was promised by a time."""

from entrepot.world.auditor.check import check

# A group whose cell is audited may have orders in any cell, so these are found by `group_cell`. What is in another cell
# is joined as a subquery, here and in the other modules: PostgreSQL makes a plain join of it, and Citus, which has no
# plain joins between cells, reads it first.
GROUP_PAID = check(
    "group_paid",
    "A group has orders, and its amount is the sum of theirs and of what was paid for their borders.",
    """
    select 'orders.order_group ' || g.id as item, g.paid_minor as expected, o.paid_minor as found,
           'sum of its orders' as detail
      from orders.order_group g
      left join (select group_id, sum(paid_minor + duties_minor)::bigint as paid_minor
                   from orders.order where group_cell = :cell {group:group_id} group by group_id) o on o.group_id = g.id
     where g.cell = :cell {group:g.id}
    """,
    by="group",
)

AWAY_ORDER = check(
    "away_order",
    "An order that is sold in another cell than its buyer's is known there by its id, and its group knows the cell.",
    """
    select 'orders.away_order ' || coalesce(w.id, o.id) as item, row(o.cell, true) as expected,
           row(w.order_cell, o.cell = any (g.other_cells)) as found, '(cell, in its group)' as detail
      from (select * from orders.away_order where cell = :cell {order:id}) w
      full join (select o.cell, o.id, o.group_id
                   from kit.cell k
                   join orders.order o on o.cell = k.cell
                  where k.cell <> :cell and o.group_cell = :cell {order:o.id}) o on o.id = w.id
      left join orders.order_group g on g.cell = :cell and g.id = o.group_id
    """,
    by="order",
)

ORDER_GROUP = check(
    "order_group",
    "An order has its group, and the group's buyer, market and currency.",
    """
    select 'orders.order ' || o.id as item, row(g.id, g.buyer_id, g.market, g.currency) as expected,
           row(o.group_id, o.buyer_id, o.market, o.currency) as found,
           '(group, buyer, market, currency)' as detail
      from orders.order o
      left join (select * from orders.order_group) g on g.cell = o.group_cell and g.id = o.group_id
     where o.cell = :cell {order:o.id}
    """,
    by="order",
)

# An order canceled before it was paid for may end with its group (expired) or before it.
GROUP_STATUS = check(
    "group_status",
    "An order awaits payment, expires or goes on together with its group.",
    """
    select 'orders.order ' || o.id as item,
           case when o.status in ('awaiting_payment', 'expired') then o.status
                when o.status = 'canceled' then coalesce(g.status, 'placed')
                else 'placed' end as expected,
           g.status as found, o.status || ', status of the group' as detail
      from orders.order o
      left join (select * from orders.order_group) g on g.cell = o.group_cell and g.id = o.group_id
     where o.cell = :cell {order:o.id}
    """,
    by="order",
)

GROUP_PAYMENT = check(
    "group_payment",
    "A placed group has exactly one captured payment of its own, of its amount; any other group has none.",
    """
    select 'orders.order_group ' || g.id as item,
           case g.status when 'placed' then row(1::bigint, g.paid_minor) else row(0::bigint, 0::bigint) end as expected,
           row(coalesce(p.payments, 0), coalesce(p.amount, 0)) as found, g.status || ' (payments, amount)' as detail
      from orders.order_group g
      left join (select group_id, count(*) as payments, sum(amount_minor)::bigint as amount
                   from payments.payment where cell = :cell and id = group_id and status = 'captured' {group:id}
                  group by group_id) p
        on p.group_id = g.id
     where g.cell = :cell {group:g.id}
    """,
    by="group",
)

PAYMENT_GROUP = check(
    "payment_group",
    "A payment has its group, and the group's buyer and currency; it has a time of capture if it was ever captured.",
    """
    select 'payments.payment ' || p.id as item,
           row(g.id, g.buyer_id, g.currency, p.status in ('captured', 'returning', 'returned')) as expected,
           row(p.group_id, p.buyer_id, p.currency, p.captured_at is not null) as found,
           p.status || ' (group, buyer, currency, has captured_at)' as detail
      from payments.payment p
      left join orders.order_group g on g.cell = p.cell and g.id = p.group_id
     where p.cell = :cell {group:p.id}
    """,
    by="group",
)

PAID_FORMULA = check(
    "paid_formula",
    "What is paid for an order is items + shipping - seller discount - operator discount.",
    """
    select 'orders.order ' || id as item,
           items_minor + shipping_minor - seller_discount_minor - operator_discount_minor as expected,
           paid_minor as found, 'paid_minor' as detail
      from orders.order
     where cell = :cell {order:id}
    """,
    by="order",
)

ORDER_LINES = check(
    "order_lines",
    "Items, shipping and commission of an order are the sums of its lines, and it has lines.",
    """
    select 'orders.order ' || coalesce(o.id, l.order_id) as item, row(l.gross, l.shipping, l.commission) as expected,
           row(o.items_minor, o.shipping_minor, o.commission_minor) as found,
           '(items, shipping, commission)' as detail
      from (select * from orders.order where cell = :cell {order:id}) o
      full join (select order_id, sum(gross_minor)::bigint as gross, sum(shipping_minor)::bigint as shipping,
                        sum(commission_minor)::bigint as commission
                   from orders.order_line where cell = :cell {order:order_id}
                  group by order_id) l on l.order_id = o.id
    """,
    by="order",
)

ORDER_DISCOUNTS = check(
    "order_discounts",
    "The discounts of an order are the sums of its discount lines, by who pays for them.",
    """
    select 'orders.order ' || coalesce(o.id, d.order_id) as item,
           row(coalesce(d.by_seller, 0), coalesce(d.by_operator, 0)) as expected,
           row(o.seller_discount_minor, o.operator_discount_minor) as found, '(seller, operator)' as detail
      from (select * from orders.order where cell = :cell {order:id}) o
      full join (select order_id, (sum(amount_minor) filter (where funding_party = 'seller'))::bigint as by_seller,
                        (sum(amount_minor) filter (where funding_party = 'operator'))::bigint as by_operator
                   from orders.discount_line where cell = :cell {order:order_id} group by order_id) d
        on d.order_id = o.id
    """,
    by="order",
)

LINE_DISCOUNT = check(
    "line_discount",
    "The discount of an order line is the sum of its discount lines.",
    """
    select 'orders.order_line ' || order_id || ' ' || line_no as item, coalesce(d.amount, 0) as expected,
           l.discount_minor as found, 'discount_minor' as detail
      from (select * from orders.order_line where cell = :cell {order:order_id}) l
      full join (select order_id, line_no, sum(amount_minor)::bigint as amount
                   from orders.discount_line where cell = :cell {order:order_id}
                  group by order_id, line_no) d using (order_id, line_no)
    """,
    by="order",
)

LINE_GROSS = check(
    "line_gross",
    "A line's gross amount is its quantity at its price, rounded down, plus its rounding.",
    """
    select 'orders.order_line ' || order_id || ' ' || line_no as item,
           div(quantity::numeric * unit_price_minor, price_per) + rounding_minor as expected,
           gross_minor::numeric as found,
           quantity || ' at ' || unit_price_minor || ' per ' || price_per || ', rounding ' || rounding_minor as detail
      from orders.order_line
     where cell = :cell {order:order_id}
    """,
    by="order",
)

# What was promised stands in the quote, until that is forgotten: each cell of a purchase has a quote of its own, which
# numbers the bundles in it. What is in a bundle never changes.
ORDER_BUNDLE = check(
    "order_bundle",
    "Of a bundle all components were bought, as many of each as are in it, at prices that sum to the bundle's.",
    """
    select 'orders.order ' || l.order_id || ' bundle ' || l.bundle_no as item,
           row(c.parts, true, coalesce(q.bundle_prices[l.bundle_no], l.price)) as expected,
           row(l.parts, l.bundle_no > 0 and l.even, l.price) as found,
           '(variants and units in one, as many of each, price)' as detail
      from (select order_id, bundle_no, offer_id,
                   string_agg(variant_id || ': ' || price_per, ', ' order by variant_id) as parts,
                   count(distinct quantity / price_per) = 1 and bool_and(quantity % price_per = 0) as even,
                   sum(unit_price_minor)::bigint as price
              from orders.order_line t
             where cell = :cell {order:order_id}
               and (bundle_no > 0
                    or exists (select from catalog.component c where c.cell = t.cell and c.bundle_id = t.offer_id))
             group by order_id, bundle_no, offer_id) l
      left join orders.order o on o.cell = :cell and o.id = l.order_id
      left join orders.quote q on q.cell = o.cell and q.id = o.group_id
      left join lateral (select string_agg(f.variant_id || ': ' || c.quantity, ', ' order by f.variant_id) as parts
                           from catalog.component c
                           join catalog.offer f on f.cell = c.cell and f.id = c.offer_id
                          where c.cell = :cell and c.bundle_id = l.offer_id) c on true
    """,
    by="order",
)

ESCROW_IN = check(
    "escrow_in",
    "An order that was paid for has paid exactly its amount and its duties into escrow, and the operator exactly its "
    "discount; an order that was not, nothing.",
    """
    select 'orders.order ' || o.id as item,
           row(case when o.bought then nullif(o.paid_minor + o.duties_minor, 0) end,
               case when o.bought then nullif(o.operator_discount_minor, 0) end) as expected,
           row(pay.amount, fund.amount) as found, o.status || ' (pay, fund)' as detail
      from (select o.*, o.status not in ('awaiting_payment', 'expired')
                   and not (o.status = 'canceled' and g.status is distinct from 'placed') as bought
              from orders.order o
              left join (select * from orders.order_group) g on g.cell = o.group_cell and g.id = o.group_id
             where o.cell = :cell {order:o.id}) o
      left join ledger.transfer pay on pay.cell = :cell and pay.cause_id = o.id and pay.code = 'pay'
      left join ledger.transfer fund on fund.cell = :cell and fund.cause_id = o.id and fund.code = 'fund'
    """,
    by="order",
)

ESCROW_OUT = check(
    "escrow_out",
    "Of a completed order everything in escrow beside its parts went to the seller, of a canceled or refunded one to "
    "where it came from, with its duties when it was not sent, but for what of these a bank keeps; of any other "
    "nothing went out.",
    """
    select 'orders.order ' || o.id as item,
           row(case when o.status = 'completed'
                    then nullif(o.paid_minor + o.operator_discount_minor - coalesce(s.paid + s.discount, 0), 0) end,
               case when o.given_back
                    then nullif(o.paid_minor - coalesce(s.paid, 0)
                                + case when o.shipped_at is null
                                       then o.duties_minor - coalesce(s.duties, 0) - coalesce(b.lost, 0)
                                       else 0 end, 0) end,
               case when o.given_back then nullif(o.operator_discount_minor - coalesce(s.discount, 0), 0) end,
               case when o.given_back and o.shipped_at is null then nullif(b.lost, 0) end)
               as expected,
           row(release.amount, refund.amount, unfund.amount, lost.amount) as found,
           o.status || ' (release, refund, unfund, of its border with the bank)' as detail
      from (select o.*, o.status = 'refunded' or o.status = 'canceled' and g.status = 'placed' as given_back
              from orders.order o
              left join (select * from orders.order_group) g on g.cell = o.group_cell and g.id = o.group_id
             where o.cell = :cell {order:o.id}) o
      left join (select order_id, sum(paid_minor)::bigint as paid, sum(operator_discount_minor)::bigint as discount,
                        sum(duties_minor)::bigint as duties
                   from orders.part where cell = :cell and not recalled {order:order_id}
                  group by order_id) s on s.order_id = o.id
      left join ledger.transfer release
        on release.cell = :cell and release.cause_id = o.id and release.code = 'release'
      left join ledger.transfer refund on refund.cell = :cell and refund.cause_id = o.id and refund.code = 'refund'
      left join ledger.transfer unfund on unfund.cell = :cell and unfund.cause_id = o.id and unfund.code = 'unfund'
      left join ledger.transfer lost on lost.cell = :cell and lost.cause_id = o.id and lost.code = 'border_lost'
      left join (select order_id, charged_back_minor as lost from orders.border where cell = :cell {order:order_id}) b
        on b.order_id = o.id
    """,
    by="order",
)

DUTIES = check(
    "duties",
    "What was paid for an order's border is what it was told, if that was paid with the order (DDP), or the tax "
    "that the platform collects; it went from escrow to duties and to the scheme's account when the order was paid, "
    "and back when the order was canceled, but for what its parts took.",
    """
    select 'orders.order ' || o.id as item,
           row(case when b.incoterm = 'DDP' then b.duty_minor + b.tax_minor + b.fee_minor
                    when b.scheme <> '' then b.tax_minor else 0 end,
               case when o.bought then nullif(o.duties_minor - coalesce(b.collected, 0), 0) end,
               case when o.bought then nullif(coalesce(b.collected, 0) + o.withheld_minor, 0) end,
               case when o.bought and o.status = 'canceled' then o.duties_minor - coalesce(s.duties, 0) else 0 end
               + case when o.bought and o.status in ('canceled', 'refunded')
                      then o.withheld_minor - coalesce(s.withheld, 0) else 0 end, coalesce(b.withheld_minor, 0))
               as expected,
           row(o.duties_minor, paid.amount, tax.amount, coalesce(back.amount, 0) + coalesce(tax_back.amount, 0),
               o.withheld_minor) as found,
           o.status || ' (duties, paid, tax, given back, tax in the price)' as detail
      from (select o.*, o.status not in ('awaiting_payment', 'expired')
                   and not (o.status = 'canceled' and g.status is distinct from 'placed') as bought
              from orders.order o
              left join (select * from orders.order_group) g on g.cell = o.group_cell and g.id = o.group_id
             where o.cell = :cell {order:o.id}) o
      left join (select order_id, sum(duties_minor)::bigint as duties, sum(withheld_minor)::bigint as withheld
                   from orders.part where cell = :cell and of_part is null {order:order_id}
                  group by order_id) s on s.order_id = o.id
      left join (select *, case when scheme <> '' then tax_minor end as collected from orders.border) b
        on b.cell = :cell and b.order_id = o.id
      left join ledger.transfer paid on paid.cell = :cell and paid.cause_id = o.id and paid.code = 'duties'
      left join ledger.transfer tax on tax.cell = :cell and tax.cause_id = o.id and tax.code = 'tax'
      left join ledger.transfer tax_back
        on tax_back.cell = :cell and tax_back.cause_id = o.id and tax_back.code = 'tax_back'
      left join ledger.transfer back on back.cell = :cell and back.cause_id = o.id and back.code = 'duties_back'
    """,
    by="order",
)

SELLER_FEES = check(
    "seller_fees",
    "A completed order of a seller paid exactly its frozen commission, payment fee and tax on them beside its parts, "
    "others none.",
    """
    select 'orders.order ' || o.id as item,
           row(case when o.status = 'completed' and not o.own then nullif(o.commission_minor - s.commission, 0) end,
               case when o.status = 'completed' and not o.own then nullif(o.payment_fee_minor - s.fee, 0) end,
               case when o.status = 'completed' and not o.own then nullif(o.fee_tax_minor - s.tax, 0) end,
               case when o.status = 'completed' and not o.own then nullif(o.withheld_minor - s.withheld, 0) end)
               as expected,
           row(commission.amount, fee.amount, tax.amount, withheld.amount) as found,
           o.status || ' (commission, payment_fee, fee_tax, withheld)' as detail
      from orders.order o
     cross join lateral (select coalesce(sum(p.commission_minor), 0)::bigint as commission,
                                coalesce(sum(p.payment_fee_minor), 0)::bigint as fee,
                                coalesce(sum(p.fee_tax_minor), 0)::bigint as tax,
                                coalesce(sum(p.withheld_minor), 0)::bigint as withheld
                           from orders.part p where p.cell = :cell and p.order_id = o.id and not p.recalled) s
      left join ledger.transfer commission
        on commission.cell = :cell and commission.cause_id = o.id and commission.code = 'commission'
      left join ledger.transfer fee on fee.cell = :cell and fee.cause_id = o.id and fee.code = 'payment_fee'
      left join ledger.transfer tax on tax.cell = :cell and tax.cause_id = o.id and tax.code = 'fee_tax'
      left join ledger.transfer withheld
        on withheld.cell = :cell and withheld.cause_id = o.id and withheld.code = 'withheld'
     where o.cell = :cell {order:o.id}
    """,
    by="order",
)

# An order may complete without a scan of its delivery, and be refunded before or after it was shipped.
ORDER_TIMES = check(
    "order_times",
    "An order has the times of what its status says happened, in their order, and a release timer while one runs.",
    """
    select 'orders.order ' || id as item,
           case status when 'shipped' then row(true, false, false, true, true)
                       when 'delivered' then row(true, true, false, true, true)
                       when 'completed' then row(true, delivered_at is not null, true, false, true)
                       when 'refunded' then row(shipped_at is not null,
                                                shipped_at is not null and delivered_at is not null, true, false, true)
                       else row(false, false, status in ('canceled', 'expired'), false, true) end as expected,
           row(shipped_at is not null, delivered_at is not null, ended_at is not null, release_due_at is not null,
               coalesce(placed_at <= shipped_at, true) and coalesce(shipped_at <= delivered_at, true)
               and coalesce(greatest(placed_at, shipped_at, delivered_at) <= ended_at, true)) as found,
           status || ' (has shipped_at, delivered_at, ended_at, release_due_at; in order)' as detail
      from orders.order
     where cell = :cell {order:id}
    """,
    by="order",
)

# Rooms tell each other by events, a moment later: logistics that an order is paid, orders that a parcel was
# delivered. So what happened within the grace (after :overdue) may still be on its way, in this check and the next.
FULFILLMENT = check(
    "fulfillment",
    "The fulfillment order says what the order says: open while it is paid, shipped once it is, canceled or absent "
    "when it never will be; at the order's seller and location.",
    """
    select 'orders.order ' || coalesce(o.id, f.id) as item,
           row(o.seller_id, o.location_id,
               case when o.status in ('shipped', 'delivered', 'completed') or o.shipped_at is not null then 'shipped'
                    when o.status <> 'paid' then 'canceled'
                    when f.status = 'shipped' and s.shipped_at > :overdue then f.status
                    else 'open' end) as expected,
           row(coalesce(f.seller_id, o.seller_id), coalesce(f.location_id, o.location_id),
               case when f.id is not null then f.status
                    when o.status = 'paid' and p.captured_at > :overdue then 'open'
                    when o.status <> 'paid' and o.shipped_at is null then 'canceled' end) as found,
           coalesce(o.status, 'no such order') || ' (seller, location, status)' as detail
      from (select * from orders.order where cell = :cell {order:id}) o
      full join (select * from logistics.fulfillment_order where cell = :cell {order:id}) f on f.id = o.id
      left join logistics.shipment s on s.cell = :cell and s.fulfillment_order_id = f.id
      left join payments.payment p on p.cell = o.group_cell and p.id = o.group_id and p.status = 'captured'
    """,
    by="order",
)

# A scan may come in after the buyer has confirmed, or the timer has: an order that ended is not told any more.
SHIPMENT = check(
    "shipment",
    "A shipped order has its shipment, delivered when the order is; no other order has one.",
    """
    select 'orders.order ' || coalesce(o.id, s.fulfillment_order_id) as item,
           row(o.shipped_at is not null or o.status = 'paid' and coalesce(s.shipped_at > :overdue, false),
               o.delivered_at is not null or coalesce(s.delivered_at > :overdue, false)
               or o.ended_at is not null and coalesce(s.status = 'delivered', false),
               true) as expected,
           row(s.id is not null, coalesce(s.status = 'delivered', false) or coalesce(s.delivered_at > :overdue, false),
               coalesce((s.status = 'delivered') = (s.delivered_at is not null), true)) as found,
           coalesce(o.status, 'no such order') || ' (shipment, delivered, delivered_at agrees)' as detail
      from (select * from orders.order where cell = :cell {order:id}) o
      full join (select * from logistics.shipment
                  where cell = :cell {order:fulfillment_order_id}) s on s.fulfillment_order_id = o.id
    """,
    by="order",
)

HOLD_OVERDUE = check(
    "hold_overdue",
    "No group awaits payment, and holds stock, past its deadline.",
    """
    select 'orders.order_group ' || id as item,
           case when pay_by > :overdue then status else 'expired' end as expected, status as found,
           'pay by ' || coalesce(pay_by::text, 'no time') as detail
      from orders.order_group
     where cell = :cell and status = 'awaiting_payment' {group:id}
    """,
    by="group",
)

RELEASE_OVERDUE = check(
    "release_overdue",
    "No order's money stays in escrow past the time of its release, unless it is held.",
    """
    select 'orders.order ' || o.id as item,
           case when o.release_due_at > :overdue then o.status else 'completed' end as expected, o.status as found,
           'release due ' || o.release_due_at as detail
      from orders.order o
     where o.cell = :cell and o.release_due_at is not null {order:o.id}
       and not exists (select from orders.hold h
                        where h.cell = :cell and h.order_id = o.id
                          and (h.decision is null or h.decided_at > :overdue))
    """,
    by="order",
)

ORDER_HELD = check(
    "order_held",
    "An order that is held is not sent, nor released if it was sent before; one that was rejected was given back.",
    """
    select 'orders.order ' || o.id as item, row(false, false, h.decision = 'rejected') as expected,
           row(coalesce(o.shipped_at > h.held_at, false), h.decision = 'held' and o.status = 'completed',
               h.decision = 'rejected' and o.status in ('canceled', 'refunded')) as found,
           o.status || ' (sent, released, given back as rejected)' as detail
      from (select order_id, coalesce(decision, 'held') as decision, held_at from orders.hold
             where cell = :cell and decision is distinct from 'released' {order:order_id}) h
      join orders.order o on o.cell = :cell and o.id = h.order_id
    """,
    by="order",
    of=("orders.hold",),
)

CHECKS = (
    GROUP_PAID,
    AWAY_ORDER,
    ORDER_GROUP,
    GROUP_STATUS,
    GROUP_PAYMENT,
    PAYMENT_GROUP,
    PAID_FORMULA,
    ORDER_LINES,
    ORDER_DISCOUNTS,
    LINE_DISCOUNT,
    LINE_GROSS,
    ORDER_BUNDLE,
    ESCROW_IN,
    ESCROW_OUT,
    DUTIES,
    SELLER_FEES,
    ORDER_TIMES,
    FULFILLMENT,
    SHIPMENT,
    HOLD_OVERDUE,
    ORDER_HELD,
    RELEASE_OVERDUE,
)
