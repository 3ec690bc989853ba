"""Campaigns: what was set aside for them, who bought of it, and that it goes back when they are over."""

from entrepot.world.auditor.check import check

CAMPAIGN = check(
    "campaign",
    "An offer of a campaign has had its units set aside; each unit that was bought of it has used its buyer's limit; "
    "and of a campaign that is over nothing is left there.",
    """
    select 'campaigns.offer ' || o.offer_id as item,
           row(o.units, coalesce(m.bought, 0), coalesce(m.buyers, 0), 0::bigint) as expected,
           row(coalesce(m.aside, 0), coalesce(u.used, 0), coalesce(u.buyers, 0),
               case when c.ends_at < :overdue and m.at < :overdue then s.on_hand - s.held - s.allocated
                    else 0 end) as found,
           '(set aside, bought, buyers, left after the end)' as detail
      from campaigns.offer o
      join campaigns.campaign c on c.cell = o.cell and c.id = o.campaign_id
      join inventory.stock s on s.cell = o.cell and s.id = o.stock_id
      left join (select x.offer_id, max(m.at) as at,
                        sum(m.on_hand_delta) filter (where m.kind = 'set_aside' and m.on_hand_delta > 0)::bigint
                            as aside,
                        sum(m.held_delta + m.allocated_delta) filter (where r.id is not null)::bigint as bought,
                        count(distinct r.buyer_id) as buyers
                   from campaigns.offer x
                   join inventory.movement m on m.cell = x.cell and m.stock_id = x.stock_id
                   left join orders.order r
                     on r.cell = m.cell and r.id = m.cause_id and m.kind in ('hold', 'allocate')
                  where x.cell = :cell
                  group by x.offer_id) m on m.offer_id = o.offer_id
      left join (select q.name, sum(u.amount)::bigint as used, count(distinct q.owner) as buyers
                   from pricing.quota q
                   join pricing.quota_use u on u.cell = q.cell and u.quota_id = q.id
                  where q.cell = any (array(select k.cell from kit.cell k)) and q.name <> ''
                    and q.name like 'campaign:%'
                  group by q.name) u
        on u.name = 'campaign:' || replace(o.campaign_id::text, '-', '') || ':' || o.offer_id
     where o.cell = :cell
    """,
    of=("campaigns.offer",),
)

CHECKS = (CAMPAIGN,)
