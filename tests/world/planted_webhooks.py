"""What is planted into webhooks; and what there is of them: the seller is told of its orders, the house of all."""

GROUND = """
insert into webhooks.endpoint (id, owner_id, url, types, secret, next_at, created_at, since)
values (uid('hook'), uid('seller'), 'https://seller.example/', '{order.shipped}', '', '2020-02-01Z', '2020-02-01Z',
        '2020-02-01Z'),
       (uid('house'), '00000000-0000-0000-0000-000000000000', 'https://house.example/', '{order.paid}', '',
        '2020-02-01Z', '2020-02-01Z', '2020-02-01Z');
insert into kit.event (cell, kind, key, at, data)
values (0, 'order_shipped', uid('completed'), '2020-02-23Z', '{}'),
       (0, 'group_paid', uid('group'), '2020-02-22Z', jsonb_build_object('orders', array[uid('completed')]));
insert into webhooks.delivery (cell, endpoint_id, id, type, subject_id, body, at, due_at)
select 0, d.hook, uid(d.type), d.type, uid('completed'),
       jsonb_build_object('data', jsonb_build_object('order', jsonb_build_object(
           'id', 'ord_' || replace(uid('completed')::text, '-', '')))), d.at, d.at
  from (values (uid('hook'), 'order.shipped', '2020-02-23Z'::timestamptz),
               (uid('house'), 'order.paid', '2020-02-22Z')) as d (hook, type, at);
"""
WEBHOOKS = {
    "webhook that was never noted": (
        "delete from webhooks.delivery where type = 'order.shipped'",
        ["webhook_noted: webhooks.endpoint [hook] order.shipped"],
    ),
    "purchase that the house was not told of": (
        "delete from webhooks.delivery where type = 'order.paid'",
        ["webhook_noted: webhooks.endpoint [house] order.paid"],
    ),
    "chargeback and bill that the house was not told of": (
        """
        update webhooks.endpoint set types = '{chargeback.taken,chargeback.decided,usage.billed}'
         where id = uid('house');
        insert into kit.event (cell, kind, key, at, data)
        select 0, kind, uid('seller'), '2020-02-24Z',
               jsonb_build_object('seller_id', uid('seller'), 'bill_id', uid('bill'))
          from unnest('{order_charged_back,order_charge_decided,usage_billed}'::text[]) as k (kind)
        """,
        [
            "webhook_noted: webhooks.endpoint [house] chargeback.decided",
            "webhook_noted: webhooks.endpoint [house] chargeback.taken",
            "webhook_noted: webhooks.endpoint [house] usage.billed",
        ],
    ),
    "webhook to another seller": (
        "update webhooks.endpoint set owner_id = uid('another') where id = uid('hook')",
        ["webhook_own: webhooks.delivery [order.shipped]"],
    ),
    "webhook with another's order": (
        "update webhooks.delivery set body = '{}' where type = 'order.paid'",
        ["webhook_own: webhooks.delivery [order.paid]"],
    ),
}
