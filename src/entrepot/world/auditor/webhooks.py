"""What is told to other people's servers: all that they asked for, and nothing of anybody else's."""

from entrepot.world.auditor.check import check

# Deliveries are kept for thirty days; what is young may be on its way.
NOTED = check(
    "webhook_noted",
    "What happened to orders, payouts, disputes and chargebacks, and each bill of use, has a message for each endpoint "
    "of the seller, or of the house, that was on and had asked for it.",
    """
    select 'webhooks.endpoint ' || e.id || ' ' || w.type as item, true as expected,
           d.id is not null as found, 'has a message of ' || w.subject as detail
      from kit.event v
     cross join lateral (
           select 'order.' || substr(v.kind, 7) as type, o.id as subject, o.seller_id as seller
             from orders.order o
            where o.cell = :cell
              and o.id = any (case when starts_with(v.kind, 'group_')
                                   then array(select jsonb_array_elements_text(v.data -> 'orders')::uuid)
                                   when starts_with(v.kind, 'order_') then array[v.key] else '{}'::uuid[] end)
            union all
           select 'payout.' || substr(v.kind, 8), (v.data ->> 'payout_id')::uuid, v.key
            where starts_with(v.kind, 'payout_')
            union all
           select 'dispute.' || substr(v.kind, 9), v.key, (v.data ->> 'seller_id')::uuid
            where starts_with(v.kind, 'dispute_')
            union all
           select 'usage.billed', (v.data ->> 'bill_id')::uuid, v.key where v.kind = 'usage_billed'
            union all
           select case v.kind when 'order_charged_back' then 'chargeback.taken' else 'chargeback.decided' end,
                  v.key, (v.data ->> 'seller_id')::uuid
            where v.kind in ('order_charged_back', 'order_charge_decided')) w
      join webhooks.endpoint e on e.status = 'on' and w.type = any (e.types) and v.at > e.since
                              and e.owner_id in (w.seller, '00000000-0000-0000-0000-000000000000')
      left join webhooks.delivery d on d.cell = :cell and d.endpoint_id = e.id and d.type = w.type
                                   and d.subject_id = w.subject and d.at = v.at
     where v.cell = :cell and v.at <= :overdue and v.at > :overdue::timestamptz - interval '20 days'
    """,
    of=("webhooks.endpoint",),
)

OWN = check(
    "webhook_own",
    "A message of an order is for its seller or for the house, and has the order in it.",
    """
    select 'webhooks.delivery ' || d.id as item, row(true, 'ord_' || replace(o.id::text, '-', '')) as expected,
           row(e.owner_id in (o.seller_id, '00000000-0000-0000-0000-000000000000'),
               d.body::jsonb #>> '{data,order,id}') as found, '(its own, the order)' as detail
      from webhooks.delivery d
      join webhooks.endpoint e on e.id = d.endpoint_id
      join orders.order o on o.cell = :cell and o.id = d.subject_id
     where d.cell = :cell and starts_with(d.type, 'order.')
    """,
    of=("webhooks.delivery",),
)

CHECKS = (NOTED, OWN)
