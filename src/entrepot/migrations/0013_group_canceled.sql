-- A buyer may take a purchase back while its payment is awaited: it is canceled, not expired.
alter table orders.order_group drop constraint order_group_status_check;
alter table orders.order_group add constraint order_group_status_check
    check (status in ('awaiting_payment', 'placed', 'expired', 'canceled'));
