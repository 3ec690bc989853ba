"""Quotas: what promotions may still be used for is what was granted less what was used and not given back; time slots
have no more orders than places."""

from entrepot.world.auditor.check import check

_OF = ("pricing.quota", "pricing.quota_use", "orders.discount_line")

QUOTA = check(
    "quota",
    "A quota is the sum of its uses that were not given back, and within what was granted.",
    """
    select 'pricing.quota ' || q.id as item, row(coalesce(sum(u.amount - u.returned), 0)::bigint, true) as expected,
           row(q.used, q.used between 0 and q.granted) as found, q.name || ' (used, within its limit)' as detail
      from pricing.quota q
      left join pricing.quota_use u on u.cell = q.cell and u.quota_id = q.id and u.given_back_at is null
     where q.cell = :cell {quota:q.id}
     group by q.id, q.used, q.granted, q.name
    """,
    of=_OF,
)

QUOTA_USE = check(
    "quota_use",
    "A use is given back when no order of its group is left, and only then.",
    """
    select 'pricing.quota_use ' || u.cause_id || ' ' || u.quota_id as item, row(g.gone) as expected,
           row(u.given_back_at is not null) as found, '(given back)' as detail
      from pricing.quota_use u
      left join (select o.group_id, bool_and(o.status in ('canceled', 'expired')) as gone
                   from kit.cell k
                   join orders.order o on o.cell = k.cell
                  where o.group_cell = :cell {group:o.group_id}
                  group by o.group_id) g on g.group_id = u.cause_id
     where u.cell = :cell {group:u.cause_id}
    """,
    by="group",
    of=_OF,
)

QUOTA_AMOUNT = check(
    "quota_amount",
    "A purchase uses a promotion once, and of its budget what the promotion took off the purchase.",
    """
    select 'pricing.quota_use ' || u.cause_id || ' ' || u.quota_id as item,
           case when q.name like '%:budget' then coalesce(d.amount, 0) else 1 end as expected, u.amount as found,
           q.name || ' (amount)' as detail
      from pricing.quota_use u
      join pricing.quota q on q.cell = u.cell and q.id = u.quota_id
      left join (select o.group_id, l.kind, sum(l.amount_minor)::bigint as amount
                   from kit.cell k
                   join orders.order o on o.cell = k.cell
                   join orders.discount_line l on l.cell = o.cell and l.order_id = o.id
                  where o.group_cell = :cell and l.kind like 'promotion:%' {group:o.group_id}
                  group by o.group_id, l.kind) d
        on d.group_id = u.cause_id and q.name = d.kind || ':budget'
     where u.cell = :cell and q.name like 'promotion:%' {group:u.cause_id}
    """,
    by="group",
    of=_OF,
)

PROMOTION_USED = check(
    "promotion_used",
    "A purchase that a limited promotion took something off has used each of its limits, the buyer's own.",
    """
    select 'orders.order_group ' || d.group_id as item,
           row(p.max_uses is not null, p.max_per_buyer is not null, p.budget_minor is not null) as expected,
           row(coalesce(bool_or(q.name = d.kind), false),
               coalesce(bool_or(q.name = d.kind || ':buyer' and q.owner = d.buyer_id), false),
               coalesce(bool_or(q.name = d.kind || ':budget'), false)) as found,
           d.kind || ' (has used it, for the buyer, of the budget)' as detail
      from (select distinct o.group_id, o.buyer_id, l.kind
              from kit.cell k
              join orders.order o on o.cell = k.cell
              join orders.discount_line l on l.cell = o.cell and l.order_id = o.id and l.kind like 'promotion:%'
             where o.group_cell = :cell {group:o.group_id}) d
      join pricing.promotion p on p.code = substr(d.kind, 11)
      left join pricing.quota_use u on u.cell = :cell and u.cause_id = d.group_id
      left join pricing.quota q on q.cell = u.cell and q.id = u.quota_id
     group by d.group_id, d.kind, p.code
    """,
    by="group",
    of=_OF,
)

SLOT_TAKEN = check(
    "slot_taken",
    "Each order with a time slot has taken one of its places, which it keeps until it is canceled or expires.",
    """
    select 'pricing.quota_use ' || coalesce(u.cause_id, o.group_id) || ' ' || coalesce(u.name, o.name) as item,
           row(coalesce(o.placed, 0), coalesce(o.there, 0)) as expected,
           row(coalesce(u.amount, 0), coalesce(u.kept, 0)) as found, '(places taken, kept)' as detail
      from (select u.cause_id, q.name, u.amount,
                   case when u.given_back_at is null then u.amount - u.returned else 0 end as kept
              from pricing.quota_use u
              join pricing.quota q on q.cell = u.cell and q.id = u.quota_id and q.name like 'slot:%'
             where u.cell = :cell {group:u.cause_id}) u
      full join (select o.group_id, 'slot:' || o.slot_id as name, count(*) as placed,
                        count(*) filter (where o.status not in ('canceled', 'expired')) as there
                   from kit.cell k
                   join orders.order o on o.cell = k.cell
                   join pricing.slot s on s.id = o.slot_id
                  where o.group_cell = :cell {group:o.group_id}
                  group by o.group_id, o.slot_id) o on o.group_id = u.cause_id and o.name = u.name
    """,
    by="group",
    of=("pricing.quota_use", "pricing.slot"),
)

SLOT_IN_TIME = check(
    "slot_in_time",
    "An order has a time slot of its own market, and was placed before the cut-off.",
    """
    select 'orders.order ' || o.id as item, row(o.market, true) as expected,
           row(s.market, o.placed_at < s.closes_at) as found, 'slot ' || o.slot_id || ' (market, in time)' as detail
      from kit.cell k
      join orders.order o on o.cell = k.cell
      join pricing.slot s on s.id = o.slot_id
     where o.group_cell = :cell {group:o.group_id}
    """,
    by="group",
    of=("pricing.slot",),
)

SLOT_PLACES = check(
    "slot_places",
    "The places of a time slot in all cells are its capacity, and no more orders have it.",
    """
    select 'pricing.slot ' || s.id as item, row(s.capacity, true) as expected,
           row(p.places, coalesce(o.orders, 0) <= s.capacity) as found,
           coalesce(o.orders, 0) || ' orders (places, within them)' as detail
      from pricing.quota q
      join pricing.slot s on q.name = 'slot:' || s.id
      join (select r.name, sum(r.granted)::bigint as places
              from pricing.quota r
             where r.cell = any (array(select k.cell from kit.cell k)) and r.name <> ''
               and r.name = any (array(select y.name from pricing.quota y
                                        where y.cell = :cell and y.name <> '' and y.name like 'slot:%' {quota:y.id}))
             group by r.name) p on p.name = q.name
      left join (select o.slot_id, count(*) as orders
                   from orders.order o
                  where o.cell = any (array(select k.cell from kit.cell k)) and o.status not in ('canceled', 'expired')
                    and o.slot_id = any (array(select z.id from pricing.slot z
                                                 join pricing.quota y on y.name = 'slot:' || z.id
                                                where y.cell = :cell and y.name <> '' {quota:y.id}))
                  group by o.slot_id) o on o.slot_id = s.id
     where q.cell = :cell and q.name <> '' and q.name like 'slot:%' {quota:q.id}
    """,
    of=("pricing.slot",),
)

CHECKS = (QUOTA, QUOTA_USE, QUOTA_AMOUNT, PROMOTION_USED, SLOT_TAKEN, SLOT_IN_TIME, SLOT_PLACES)
