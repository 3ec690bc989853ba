"""Quotas: what promotions may still be used for is what was granted less what was used and not given back."""

from entrepot.world.auditor.check import check

QUOTA = check(
    "quota",
    "A quota is the sum of its uses that were not given back, and within what was granted.",
    """
    select 'pricing.quota ' || q.id as item, row(coalesce(sum(u.amount), 0)::bigint, true) as expected,
           row(q.used, q.used between 0 and q.granted) as found, q.name || ' (used, within its limit)' as detail
      from pricing.quota q
      left join pricing.quota_use u on u.cell = q.cell and u.quota_id = q.id and u.given_back_at is null
     where q.cell = :cell {quota:q.id}
     group by q.id, q.used, q.granted, q.name
    """,
)

QUOTA_USE = check(
    "quota_use",
    "A use is given back when no order of its group is left, and only then.",
    """
    select 'pricing.quota_use ' || u.cause_id || ' ' || u.quota_id as item, row(g.gone) as expected,
           row(u.given_back_at is not null) as found, '(given back)' as detail
      from pricing.quota_use u
      left join lateral (select bool_and(o.status in ('canceled', 'expired')) as gone
                           from orders.order_group g
                          cross join lateral unnest(g.cell || g.other_cells) as c (cell)
                           join orders.order o on o.cell = c.cell and o.group_id = g.id
                          where g.cell = u.cell and g.id = u.cause_id) g on true
     where u.cell = :cell {group:u.cause_id}
    """,
    by="group",
)

CHECKS = (QUOTA, QUOTA_USE)
