"""A small world whose books are right, for the tests of the auditor.

It has an order of every status. An order is two lines: 2 at 500 (operator discount 70) and 3 at 33 per 2 (49.5, so 49,
and 1 of rounding; seller discount 5), shipping 50. Paid: 1050 + 50 - 5 - 70 = 1025, and 1095 lie in escrow. Those of
the delivered order are one bundle, 2 and 3 in it, for 1050 = 1000 + 50.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from tests.world.planted_trust import GROUND as TRUSTED
from tests.world.planted_webhooks import GROUND as TOLD
from tests.world.small_bank import BANK

NOW = datetime(2020, 3, 1, 12, tzinfo=UTC)
PLACED = NOW - timedelta(days=9)
SHIPPED = NOW - timedelta(days=7)
DELIVERED = NOW - timedelta(days=4)
ENDED = NOW - timedelta(days=1)

# Builders that keep the books. `unpost` and `repost` change a transfer as if it had always been so.
BUILDERS = """
create function uid(name text) returns uuid language sql as 'select md5(name)::uuid';
create function acc(name text) returns bigint language sql as
    'select id from ledger.account where cell = 0 and code = name';
create function post(cause uuid, name text, source text, target text, minor bigint) returns void language sql as $$
    insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
    select 0, cause, name, acc(source), acc(target), minor, '2020-02-20 12:00Z';
    insert into ledger.balance (cell, account_id, stripe, limited)
    select 0, id, 1 + minor % 2, false from ledger.account where id in (acc(source), acc(target)) and striped
    on conflict do nothing;
    update ledger.balance b
       set debits = b.debits + case when a.id = acc(source) then minor else 0 end,
           credits = b.credits + case when a.id = acc(target) then minor else 0 end
      from ledger.account a
     where a.id in (acc(source), acc(target)) and b.account_id = a.id
       and b.stripe = case when a.striped then 1 + minor % 2 else 0 end;
$$;
create function unpost(cause uuid, name text) returns void language sql as $$
    with gone as (delete from ledger.transfer where cell = 0 and cause_id = cause and code = name returning *)
    update ledger.balance b
       set debits = b.debits - case when b.account_id = g.debit then g.amount else 0 end,
           credits = b.credits - case when b.account_id = g.credit then g.amount else 0 end
      from gone g, ledger.account a
     where b.account_id in (g.debit, g.credit) and a.id = b.account_id
       and b.stripe = case when a.striped then 1 + g.amount % 2 else 0 end;
$$;
create function repost(cause uuid, name text, source text, target text, minor bigint) returns void language sql as
    'select unpost(cause, name); select post(cause, name, source, target, minor)';
create function move(named text, stock bigint, quantity bigint, cause uuid, cost bigint default 0)
returns void language sql as $$
    with k (kind, on_hand, held, allocated) as (
        values ('receive', 1, 0, 0), ('hold', 0, 1, 0), ('allocate', 0, 0, 1), ('confirm', 0, -1, 1),
               ('give_back', 0, 0, -1), ('expire', 0, -1, 0), ('ship', -1, 0, -1), ('return', 1, 0, 0),
               ('adjust', 1, 0, 0), ('set_aside', 1, 0, 0)
    ), made as (
        insert into inventory.movement (cell, stock_id, kind, on_hand_delta, held_delta, allocated_delta,
                                        cost_delta, cause_id, at)
        select 0, stock, kind, on_hand * quantity, held * quantity, allocated * quantity, cost, cause,
               '2020-02-20 12:00Z'
          from k where kind = named
        returning *
    )
    update inventory.stock s
       set on_hand = s.on_hand + m.on_hand_delta, held = s.held + m.held_delta,
           allocated = s.allocated + m.allocated_delta, cost_minor = s.cost_minor + m.cost_delta
      from made m where s.id = m.stock_id;
$$;
"""

# Two units of the second line of the completed order were disputed after its release: 36 of 55, with 3 of 5 commission,
# came back from the seller; 12 went back to the buyer with 1 of commission. One of the first line of the delivered
# order is in dispute: 485 of 970, 35 of 70, 50 of 100, 9 of 19.
DISPUTES = """
insert into orders.part values
    (0, uid('gone'), uid('completed'), 1, 'returned', 'buyer', '', true, 36, 0, 3, 0, 0, 0, 12, 0, 1, 0, 0, 0,
     '2020-02-29 13:00Z', '2020-02-29 14:00Z'),
    (0, uid('frozen'), uid('delivered'), 1, 'disputed', 'buyer', '', false, 485, 35, 50, 9, 0, 48, null, null, null,
     null, null, null, '2020-02-29Z', null);
insert into orders.part_line
values (0, uid('gone'), uid('completed'), 2, 2, 36, 0, 3, 0, 0, 0, 2),
       (0, uid('frozen'), uid('delivered'), 1, 1, 485, 35, 50, 9, 0, 48, null);
select move('return', 2, 2, uid('gone'));
insert into disputes.dispute
select 0, uid(name), uid(of), uid('buyer'), uid('seller'), 'us', 'USD', 'not_received', status, claimed, null, granted,
       '2020-02-29Z', due_at, case status when 'closed' then '2020-02-29 14:00Z'::timestamptz end
  from (values ('gone', 'completed', 'closed', 36, 12, null),
               ('frozen', 'delivered', 'opened', 485, null, '2020-03-03Z'::timestamptz))
       as d (name, of, status, claimed, granted, due_at);
insert into disputes.replacement values (0, uid('gone'), 1, 1, 1, 1, 0, 'freed');
insert into payments.write_off values (0, uid('loss'), uid('seller'), 'USD', 7, 'Gone.', uid('own'), '2020-02-29Z');
select post(uid('loss'), 'write_off', 'bad_debt', 'seller', 7);
select post(uid('gone'), 'recall', 'seller', 'escrow', 36),
       post(uid('gone'), 'commission_back', 'commission', 'seller', 3),
       post(uid('gone'), 'refund', 'escrow', 'funder', 12), post(uid('gone'), 'part_release', 'escrow', 'seller', 24),
       post(uid('gone'), 'part_commission', 'seller', 'commission', 2);
update payments.payment set refunded_minor = 12 where id = uid('done');
insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, reason, created_at)
values (0, uid('r4'), uid('done'), uid('completed'), uid('gone'), 12, 'done', 'disputed', '2020-02-29Z');
"""

# The bundle of the delivered order is by a rule, and the paid order has tax on its fees. The seller has a shop since 10
# February: opening 100 and 19 of tax, 30 and 6 for the month, a deposit of 500 of which 50 are gone. February is
# invoiced, and 10 of the opening are credited by hand.
FEES = """
insert into fees.rule (kind, position, name, market, valid_from, over_minor, rates_bp, source)
values ('commission', 1, 'Bundles', 'us', '2020-02-01Z', '{0,1000}', '{1000,1111}', 'tests');
update orders.order_line set fee_rule_id = 1 where order_id = uid('delivered');
update orders.order set fee_tax_minor = 24, fee_tax_bp = 1900, fee_tax_kind = 'standard' where id = uid('paid');
insert into fees.shop values
    (0, uid('shop'), uid('seller'), 'us', 'USD', 450, '2020-02-10Z', null, '2020-03-01');
insert into fees.charge
select 0, uid(c.kind), uid('shop'), uid('seller'), c.kind, c.month::date, 'USD', c.net, c.tax, c.bp,
       case when c.bp is not null then 'standard' end, '', c.of, null, '2020-02-20Z'
  from (values ('opening_fee', null, 100, 19, 1900, ''), ('monthly_fee', '2020-02-01', 30, 6, 1900, ''),
               ('deposit', null, 500, 0, null, ''), ('deposit_deduction', null, 50, 0, null, 'C-7'))
       as c (kind, month, net, tax, bp, of);
select post(uid('opening_fee'), 'opening_fee', 'seller', 'shop_fees', 100),
       post(uid('opening_fee'), 'opening_fee_tax', 'seller', 'fee_tax', 19),
       post(uid('monthly_fee'), 'monthly_fee', 'seller', 'shop_fees', 30),
       post(uid('monthly_fee'), 'monthly_fee_tax', 'seller', 'fee_tax', 6),
       post(uid('deposit'), 'deposit', 'seller', 'deposit', 500),
       post(uid('deposit_deduction'), 'deposit_deduction', 'deposit', 'penalty', 50);
insert into invoices.series values ('ACME', 'invoice', 2020, 1), ('ACME', 'credit_note', 2020, 2);
insert into invoices.issued values (0, 'USD', '2020-02-01', '2020-03-01 01:00Z');
insert into invoices.invoice
select 0, uid(i.name), i.kind, 'ACME', 2020, i.serial, uid('seller'), 'USD', '2020-02-01', i.net, i.tax, '{}', '{}',
       uid(i.corrects), '', uid(i.corrects), '2020-03-01 01:00Z'
  from (values ('invoice', 'invoice', 1, 266, 27, null), ('note', 'credit_note', 1, 3, 0, null),
               ('credit', 'credit_note', 2, 10, 2, 'invoice')) as i (name, kind, serial, net, tax, corrects);
insert into invoices.line
select 0, uid(l.name), l.no, l.kind, '', 0, l.net, '2020-02-01', l.of_line
  from (values ('invoice', 1, 'commission', 107, null), ('invoice', 2, 'payment_fee', 20, null),
               ('invoice', 3, 'opening_fee', 100, null), ('invoice', 4, 'monthly_fee', 30, null),
               ('invoice', 5, 'usage_fee', 0, null), ('invoice', 6, 'usage_fee', 7, null),
               ('invoice', 7, 'usage_fee', 2, null),
               ('note', 1, 'commission', 3, null), ('credit', 1, 'opening_fee', 10, 3))
       as l (name, no, kind, net, of_line);
insert into invoices.tax
values (0, uid('invoice'), '', 0, 127, 0), (0, uid('invoice'), 'standard', 1900, 139, 27),
       (0, uid('note'), '', 0, 3, 0),       (0, uid('credit'), 'standard', 1900, 10, 2);
select post(uid('credit'), 'fee_credit', 'shop_fees', 'seller', 10),
       post(uid('credit'), 'fee_credit_tax', 'fee_tax', 'seller', 2);
"""

# Of 300 calls in January 100 were free, 200 cost 0.035 each; the largest storage was 4, for 0.5 each. February is open.
METERED = """
insert into metering.meter values ('calls', 'Calls', 'calls', 'sum', 'region', '2020-01-01Z'),
                                  ('storage', 'Storage', 'GB', 'max', '', '2020-01-01Z');
insert into metering.rate values ('calls', 'USD', '', '2020-01-01', '{0,100}', '{0,35000}', 'tests'),
                                 ('storage', 'USD', '', '2020-01-01', '{0}', '{500000}', 'tests');
insert into metering.account values (0, uid('seller'), '2020-02-01');
insert into metering.event
select 0, uid('seller'), e.id, e.meter, '', 'us', 'USD', e.quantity, e.at::timestamptz, '{}', e.at::timestamptz,
       date_trunc('month', e.at::timestamptz at time zone 'UTC')
  from (values ('a', 'calls', 250, '2020-01-10Z'), ('b', 'calls', 50, '2020-01-20Z'),
               ('c', 'storage', 4, '2020-01-20Z'), ('d', 'storage', 3, '2020-01-21Z'),
               ('e', 'calls', 9, '2020-02-10Z')) as e (id, meter, quantity, at);
insert into metering.bill
values (0, uid('use'), uid('seller'), '2020-01-01', 'USD', 9, 2, 1900, 'standard', '2020-02-20 12:00Z');
insert into metering.line
select 0, uid('use'), l.no, l.meter, '', '2020-01-01', '', '2020-01-01', l.over, l.quantity, l.rate, l.net
  from (values (1, 'calls', 0, 100, 0, 0), (2, 'calls', 100, 200, 35000, 7), (3, 'storage', 0, 4, 500000, 2))
       as l (no, meter, over, quantity, rate, net);
select post(uid('use'), 'usage_fee', 'seller', 'cloud_fees', 9),
       post(uid('use'), 'usage_fee_tax', 'seller', 'fee_tax', 2);
"""

# Accounts: code, owner, limited, striped. Stock 1 and 2 are the seller's, 3 and 4 the operator's own.
GROUND = """
insert into ledger.account (cell, code, owner, currency, limited, striped, created_at)
select 0, code, case owner when 'house' then '00000000-0000-0000-0000-000000000000' else uid(owner) end, 'USD',
       limited, striped, '2020-02-01Z'
  from (values ('wallet', 'buyer', true, false), ('seller', 'seller', false, false), ('gateway', 'house', false, true),
               ('cash', 'house', false, true), ('escrow', 'house', false, true), ('promotions', 'house', false, true),
               ('commission', 'house', false, true), ('payment_fee', 'house', false, true),
               ('own_revenue', 'house', false, true), ('payout', 'house', false, true),
               ('own_stock', 'house', false, true), ('supplier', 'house', false, true),
               ('tax_ioss', 'house', false, true), ('tax_oss', 'house', false, true),
               ('advanced_tax', 'house', false, true), ('broker', 'house', false, true),
               ('duty_difference', 'house', false, true),
               ('cost_of_goods', 'house', false, true),
               ('shop_fees', 'house', false, true),
               ('cloud_fees', 'house', false, true), ('fee_tax', 'house', false, true),
               ('deposit', 'house', false, true), ('penalty', 'house', false, true),
               ('bad_debt', 'house', false, true), ('between_cells', 'house', false, true),
               ('duties', 'house', false, true), ('exchange', 'house', false, true),
               ('funder', 'house', false, true), ('plan_fee', 'house', false, true),
               ('chargebacks', 'house', false, true), ('chargeback_loss', 'house', false, true),
               ('chargeback_fee', 'house', false, true),
               ('late_fee', 'house', false, true), ('funder_loss', 'house', false, true))
            as a (code, owner, limited, striped);
insert into ledger.balance (cell, account_id, stripe, limited)
select 0, id, 0, limited from ledger.account where not striped;
select post(uid('top-up'), 'top_up', 'cash', 'wallet', 100000);
insert into inventory.stock (cell, id, seller_id, variant_id, location_id, currency)
values (0, 1, uid('seller'), 1, 1, null), (0, 2, uid('seller'), 2, 1, null), (0, 3, uid('own'), 1, 1, 'USD'),
       (0, 4, uid('own'), 2, 1, 'USD');
select move('receive', stock, 100, uid('receipt'), case when stock > 2 then 2000 else 0 end)
  from generate_series(1, 4) stock;
select post(uid('receipt'), 'purchase', 'own_stock', 'supplier', 4000);
insert into inventory.adjustment (cell, id, stock_id, on_hand_delta, reason, user_id, at)
values (0, uid('missing'), 4, -1, 'lost', uid('own'), '2020-02-20 12:00Z');
select move('adjust', 4, -1, uid('missing'), -20);
select post(uid('missing'), 'shrinkage', 'cost_of_goods', 'own_stock', 20);
insert into inventory.stock (cell, id, seller_id, variant_id, location_id, aside_id, currency)
values (0, 5, uid('own'), 1, 1, uid('rush'), 'USD');
select move('set_aside', 3, -10, uid('rush'), -200), move('set_aside', 5, 10, uid('rush'), 200);

insert into channels.channel values (0, uid('out there'), uid('seller'), 'Out there', 1, '2020-02-20Z');
insert into channels.sale (cell, id, channel_id, number, variants, quantities, status, at)
values (0, uid('elsewhere'), uid('out there'), '1', '{1}', '{2}', 'taken', '2020-02-20Z');
insert into channels.taken values (0, uid('elsewhere'), 1, 2);
select move('allocate', 1, 2, uid('elsewhere'));
"""

# One order; the parameters are its name, group, status, payment method, whether it is the operator's own, and the
# four times (shipped, delivered, ended, release due).
ORDER = """
insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market,
                          currency, status, items_minor, shipping_minor, seller_discount_minor, operator_discount_minor,
                          paid_minor, commission_minor, payment_fee_minor, placed_at, shipped_at, delivered_at,
                          ended_at, release_due_at)
values (0, uid('{name}'), 0, uid('{group}'), uid('buyer'), uid('{owner}'), {own}, 1, 'us', 'USD', '{status}',
        1050, 50, 5, 70, 1025, {commission} + {commission} / 20, {fee}, '{placed}', {shipped}, {delivered}, {ended},
        {due});
insert into orders.order_line (cell, order_id, line_no, offer_id, variant_id, stock_id, quantity, unit_price_minor,
                               price_per, rounding_minor, gross_minor, discount_minor, shipping_minor, commission_bp,
                               commission_minor)
values (0, uid('{name}'), 1, 1, 1, {stock}, 2, 500, 1, 0, 1000, 70, 40, {rate}, {commission}),
       (0, uid('{name}'), 2, 2, 2, {stock} + 1, 3, 33, 2, 1, 50, 5, 10, {rate}, {commission} / 20);
insert into orders.discount_line (cell, order_id, line_no, kind, funding_party, amount_minor)
values (0, uid('{name}'), 1, 'loyalty', 'operator', 70), (0, uid('{name}'), 2, 'coupon', 'seller', 5);
"""

# The bundle is offer 9, of 2 of offer 1 and 3 of offer 2.
BUNDLE = """
insert into sellers.market values ('us', 'United States', 'USD', 'en');
insert into sellers.seller values (uid('seller'), 0, 'seller', 'Seller', 'third_party', 'active', null, '2020-02-01Z');
insert into catalog.category (slug, name, above) values ('things', 'Things', '{1}');
insert into catalog.product (id, slug, title, category_id, created_at) select 1, 'p', 'P', id, '2020-02-01Z'
  from catalog.category;
insert into catalog.variant (id, product_id, sku) values (1, 1, 'a'), (2, 1, 'b'), (9, 1, 'a and b');
insert into catalog.offer (cell, id, seller_id, product_id, variant_id, market, location_id, stock_id, unit_price_minor,
                           price_per, unit, updated_at)
select 0, v.id, uid('seller'), 1, v.id, 'us', 1, nullif(v.id, 9), 500, 1, 'each', '2020-02-01Z' from catalog.variant v;
insert into catalog.component values (0, 9, 1, 2), (0, 9, 2, 3);
insert into campaigns.campaign values (0, uid('rush'), 'us', 'Rush', '2020-02-20Z', '2099-02-20Z');
insert into campaigns.offer values (0, uid('rush'), 50, 1, 5, 10, 2);
update orders.order_line
   set bundle_no = 1, offer_id = 9, unit_price_minor = gross_minor, price_per = quantity, rounding_minor = 0
 where order_id = uid('delivered');
insert into orders.quote
select (jsonb_populate_record(
            null::orders.quote,
            jsonb_object_agg(a.attname, case a.attndims when 0 then '0' else '{}' end)
            || jsonb_build_object(
                'id', uid('delivered'), 'buyer_id', uid('buyer'), 'cart_id', null, 'address_id', null,
                'created_at', '2020-02-20Z', 'expires_at', '2020-02-21Z', 'line_bundles', array[1, 1],
                'bundle_prices', array[1050]))).*
  from pg_attribute a
 where a.attrelid = 'orders.quote'::regclass and a.attnum > 0;
"""

# The shipped order crossed a border, and 40 were paid for that with it; the paid one is held.
BORDER = """
insert into orders.border (cell, order_id, quote_id, from_country, to_country, currency, incoterm, duty_minor,
                           tax_minor, fee_minor, line_nos, line_charges, why, trace)
values (0, uid('shipped'), uid('basket'), 'CN', 'US', 'USD', 'DDP', 30, 6, 4, '{1,2}', '{34,2}', '{}', '{"steps": []}');
insert into orders.border (cell, order_id, quote_id, from_country, to_country, currency, incoterm, duty_minor,
                           tax_minor, fee_minor, line_nos, line_charges, why, trace, mode, scheme, line_taxes,
                           line_bases, line_rates_bp, withheld_minor)
values (0, uid('delivered'), uid('delivered'), 'DE', 'DE', 'USD', 'DAP', 0, 0, 0, '{1,2}', '{0,0}', '{}',
        '{"steps": []}', 'Inside', 'OSS', '{97,5}', '{873,50}', '{1111,1000}', 102);
update orders.order set withheld_minor = 102 where id = uid('delivered');
select post(uid('delivered'), 'tax', 'advanced_tax', 'tax_oss', 102);
insert into orders.hold values (0, uid('paid'), 'list', '1', 'Ada', '2020-02-29 12:00Z');
update orders.order set duties_minor = 40 where id = uid('shipped');
update orders.order_group set paid_minor = paid_minor + 40 where id = uid('basket');
update payments.payment set amount_minor = amount_minor + 40 where id = uid('basket');
select repost(uid('shipped'), 'pay', 'wallet', 'escrow', 1065), post(uid('shipped'), 'duties', 'escrow', 'duties', 40);
"""

# The canceled order was to cross one, too: 5 of tax were collected and went back, as did what it took of a quota.
TAXED = """
insert into orders.border (cell, order_id, quote_id, from_country, to_country, currency, incoterm, duty_minor,
                           tax_minor, fee_minor, line_nos, line_charges, why, trace, mode, scheme, line_taxes,
                           line_bases, line_rates_bp, quota_id, line_quotas)
select 0, uid('canceled'), uid('canceled'), 'CN', 'DE', 'USD', 'DAP', 3, 5, 0, '{1,2}', '{5,3}', '{}',
       '{"steps": []}', 'H7', 'IOSS', '{5,0}', '{50,0}', '{1000,1000}', 9, '{4,0}';
insert into pricing.quota (cell, id, name, granted, used) overriding system value
values (0, 9, 'customs:CN:retail:2020', 10, 0);
insert into pricing.quota_use values (0, uid('canceled'), 9, 4, '2020-02-20Z', '2020-02-29Z');
insert into orders.tax_back values (0, uid('canceled'), 1000, uid('canceled'), 50, 5, '2020-02-29Z');
insert into customs.tax_return
values (uid('return'), 'IOSS', 'IM1', '2020-02-01', '2020-02-29', '2020-03-31', '{"lines": [], "parts": []}',
        '2020-03-01Z', uid('own'));
update orders.order set duties_minor = 5 where id = uid('canceled');
update orders.order_group set paid_minor = paid_minor + 5 where id = uid('canceled');
update payments.payment set amount_minor = amount_minor + 5, refunded_minor = refunded_minor + 5
 where id = uid('canceled');
update payments.refund set amount_minor = amount_minor + 5 where id = uid('r1');
select repost(uid('canceled'), 'pay', 'wallet', 'escrow', 1030), post(uid('canceled'), 'tax', 'escrow', 'tax_ioss', 5),
       post(uid('canceled'), 'tax_back', 'tax_ioss', 'escrow', 5),
       repost(uid('canceled'), 'refund', 'escrow', 'wallet', 1030);
"""

# Nine shirts of 180 g lie in bond; the paid order's declaration is open.
BONDED = """
insert into bonded.book values (0, 77, 'T1', 'Ningbo', '2020-02-20Z', uid('own'));
insert into bonded.item (cell, id, location_id, seller_id, record_no, hs_code, country_of_origin, description, unit,
                         unit_value_minor, currency, quantity_milli, received_milli, added_at)
overriding system value
values (0, 1, 77, uid('seller'), 'A1', '610910', 'CN', 'Shirts', 'kg', 10, 'USD', 1620, 1620, '2020-02-20Z');
insert into bonded.good values (0, 77, uid('seller'), 1, 1, 180);
insert into inventory.stock (cell, id, seller_id, variant_id, location_id) overriding system value
values (0, 77, uid('seller'), 1, 77);
select move('receive', 77, 9, uid('inbound'));
insert into bonded.entry values (0, uid('inbound'), 1, 'receive', 1620, '2020-02-20Z');
insert into customs.broker_invoice (id, broker, number, currency, issued_on, recorded_at, recorded_by)
values (uid('billed'), 'post', '1', 'USD', '2020-02-20', '2020-02-20Z', uid('own'));
insert into customs.broker_line (cell, id, invoice_id, no, told, asked_minor, status, reason)
values (0, uid('broker line'), uid('billed'), 1, 'lost', 3, 'settled', 'unknown');
select post(uid('broker line'), 'duties_difference', 'duty_difference', 'broker', 3);
insert into customs.declaration (cell, order_id, no, id, status, made_at)
values (0, uid('paid'), 1, uid('asked'), 'open', '2020-02-20Z');
"""

# The done group was bought on installments: 2050 in three, with 20 of fee in each. The first one was paid late, with 7
# for that. Of the 12 that went back 10 are owed no more, and 2 were given back, with 1 of fee.
LENT = """
insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, refunded_minor, status,
                              created_at, captured_at)
values (0, uid('rate'), uid('done'), uid('buyer'), 'wallet', 'USD', 711, 3, 'captured', '2020-02-28Z', '2020-02-28Z');
insert into credit.line values (0, uid('buyer'), 'USD', 5000, 1356);
insert into credit.plan (cell, id, buyer_id, market, currency, months, bearer, principal_minor, fee_minor, grace_s,
                         retry_s, late_fee_minor, late_fee_max_bp, default_after_s, back_principal_minor,
                         back_fee_minor, status, opened_at, due_at)
values (0, uid('done'), uid('buyer'), 'us', 'USD', 3, 'buyer', 2050, 60, 0, 1, 7, 10000, 10, 2, 1, 'open',
        '2020-02-21Z', '2020-03-21Z');
insert into credit.installment (cell, plan_id, no, due_at, principal_minor, fee_minor, cut_principal_minor, status)
values (0, uid('done'), 1, '2020-02-21Z', 684, 20, 0, 'open'), (0, uid('done'), 2, '2020-03-21Z', 683, 20, 0, 'open'),
       (0, uid('done'), 3, '2020-04-21Z', 673, 20, 10, 'open');
update credit.installment
   set status = 'paid', payment_id = uid('rate'), paid_at = '2020-02-28Z', late_at = '2020-02-22Z', late_fee_minor = 7,
       late_payment_id = uid('rate')
 where no = 1;
insert into credit.collection values (0, uid('rate'), uid('done'), false, '2020-02-28Z', '2020-02-28Z');
insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, reason, created_at)
values (0, uid('r5'), uid('rate'), uid('completed'), uid('r5'), 3, 'done', 'installments', '2020-02-29Z');
select post(uid('rate'), 'principal', 'wallet', 'funder', 684), post(uid('rate'), 'fee', 'wallet', 'plan_fee', 20),
       post(uid('rate'), 'late_fee', 'wallet', 'late_fee', 7), post(uid('r5'), 'plan_back', 'funder', 'wallet', 3),
       post(uid('gone'), 'plan_fee_back', 'plan_fee', 'funder', 1);
"""

MOVE_LINES = "select move($1, $2, 2, $4, $5), move($1, $3, 3, $4, $5)"
GROUP = """
insert into orders.order_group (cell, id, buyer_id, market, currency, paid_minor, status, pay_by, placed_at)
values (0, $1, $2, 'us', 'USD', $3, $4, $5, $6)
"""
PAYMENT = """
insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, created_at,
                              captured_at)
values (0, $1, $1, $2, $3, 'USD', $4, $5, $6, $7)
"""
FULFILLMENT_ORDER = """
insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)
values (0, $1, $2, 1, $3, $4)
"""
SHIPMENT = """
insert into logistics.shipment (cell, id, fulfillment_order_id, carrier, tracking_number, status, shipped_at,
                                delivered_at)
values (0, $1, $2, 'post', $3, $4, $5, $6)
"""

# What happened to the stock of an order of a status, and to its fulfillment order.
MOVES = {
    "awaiting_payment": ["hold"],
    "expired": ["hold", "expire"],
    "paid": ["allocate"],
    "canceled": ["allocate", "give_back"],
    "shipped": ["hold", "confirm", "ship"],
    "delivered": ["hold", "confirm", "ship"],
    "completed": ["allocate", "ship"],
    "refunded": ["hold", "confirm", "ship"],
}
FULFILLMENT = {"paid": "open", "canceled": "canceled"}
NEVER_PAID = ("awaiting_payment", "expired")

# Group: payment method, and its orders by name and status.
GROUPS = {
    "awaiting": ("sandbox", {"awaiting": "awaiting_payment"}),
    "expired": ("sandbox", {"expired": "expired"}),
    "basket": ("wallet", {"paid": "paid", "shipped": "shipped"}),
    "delivered": ("sandbox", {"delivered": "delivered"}),
    "done": ("installments", {"completed": "completed", "own": "completed"}),
    "canceled": ("wallet", {"canceled": "canceled"}),
    "refunded": ("sandbox", {"refunded": "refunded"}),
}

# One order that a seller of cell 1 sold to the buyer: wallet 500 -> between_cells 500 here, between_cells 500 -> escrow
# 500 there.
ABROAD = """
insert into kit.cell values (1);
insert into orders.order_group (cell, id, buyer_id, market, currency, paid_minor, status, placed_at, other_cells)
values (0, uid('trip'), uid('buyer'), 'us', 'USD', 500, 'placed', '2020-02-21Z', '{1}');
insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, created_at,
                              captured_at)
values (0, uid('trip'), uid('trip'), uid('buyer'), 'wallet', 'USD', 500, 'captured', '2020-02-21Z', '2020-02-21Z');
insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market, currency,
                          status, items_minor, shipping_minor, seller_discount_minor, operator_discount_minor,
                          paid_minor, commission_minor, payment_fee_minor, placed_at)
values (1, uid('abroad'), 0, uid('trip'), uid('buyer'), uid('far'), false, 1, 'us', 'USD', 'paid', 500, 0, 0, 0, 500, 0,
        0, '2020-02-21Z');
insert into orders.away_order values (0, uid('abroad'), 1);
insert into orders.order_line (cell, order_id, line_no, offer_id, variant_id, stock_id, quantity, unit_price_minor,
                               price_per, rounding_minor, gross_minor, discount_minor, shipping_minor, commission_bp,
                               commission_minor)
values (1, uid('abroad'), 1, 9, 1, 9, 1, 500, 1, 0, 500, 0, 0, 0, 0);
insert into inventory.stock (cell, id, seller_id, variant_id, location_id, on_hand, allocated)
values (1, 9, uid('far'), 1, 1, 1, 1);
insert into inventory.movement (cell, stock_id, kind, on_hand_delta, allocated_delta, cause_id, at)
values (1, 9, 'receive', 1, 0, uid('far'), '2020-02-20Z'), (1, 9, 'allocate', 0, 1, uid('abroad'), '2020-02-21Z');
insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)
values (1, uid('abroad'), uid('far'), 1, 'open', '2020-02-21Z');
select post(uid('abroad'), 'pay', 'wallet', 'between_cells', 500);
insert into ledger.account (cell, code, currency, limited, striped, created_at)
values (1, 'between_cells', 'USD', false, true, '2020-02-01Z'), (1, 'escrow', 'USD', false, true, '2020-02-01Z');
insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
select 1, uid('abroad'), 'pay', d.id, c.id, 500, '2020-02-21Z'
  from ledger.account d, ledger.account c
 where d.cell = 1 and d.code = 'between_cells' and c.cell = 1 and c.code = 'escrow';
insert into ledger.balance (cell, account_id, stripe, limited, debits, credits)
select 1, id, 1, false, case code when 'escrow' then 0 else 500 end, case code when 'escrow' then 500 else 0 end
  from ledger.account where cell = 1;
"""


def uid(name: str) -> UUID:
    """The id that the SQL function of the same name gives."""
    return UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


async def build_order(conn: asyncpg.Connection, group: str, name: str, status: str, method: str) -> None:
    own = name == "own"
    sent = status in ("shipped", "delivered", "completed", "refunded")
    times = {
        "placed": str(PLACED),
        "shipped": f"'{SHIPPED}'" if sent else "null",
        "delivered": f"'{DELIVERED}'" if status in ("delivered", "completed") else "null",
        "ended": f"'{ENDED}'" if status in ("completed", "canceled", "expired", "refunded") else "null",
        "due": f"'{NOW + timedelta(days=3)}'" if status in ("shipped", "delivered") else "null",
    }
    stock = 3 if own else 1
    figures = {
        "own": own,
        "commission": 0 if own else 100,
        "fee": 0 if own else 20,
        "rate": 0 if own else 1_000,
        "stock": stock,
    }
    owner = "own" if own else "seller"
    await conn.execute(ORDER.format(name=name, group=group, status=status, owner=owner, **figures, **times))
    for kind in MOVES[status]:
        cost = -30 if own and kind == "ship" else 0
        await conn.execute(MOVE_LINES, kind, stock, stock + 1, uid(name), cost)
    if status not in NEVER_PAID:
        filled = FULFILLMENT.get(status, "shipped")
        await conn.execute(FULFILLMENT_ORDER, uid(name), uid(owner), filled, PLACED)
        await build_money(conn, name, status, {"wallet": "wallet", "installments": "funder"}.get(method, "gateway"))
    if sent:
        arrived = DELIVERED if status in ("delivered", "completed") else None
        stage = "delivered" if arrived else "in_transit"
        await conn.execute(SHIPMENT, uid(f"shipment of {name}"), uid(name), name, stage, SHIPPED, arrived)


async def build_money(conn: asyncpg.Connection, name: str, status: str, payer: str) -> None:
    posts = [("pay", payer, "escrow", 1025), ("fund", "promotions", "escrow", 70)]
    if name == "own":
        posts += [("release", "escrow", "own_revenue", 1095), ("cogs", "cost_of_goods", "own_stock", 60)]
    elif status == "completed":
        posts += [("release", "escrow", "seller", 1095), ("commission", "seller", "commission", 105)]
        posts += [("payment_fee", "seller", "payment_fee", 20)]
    elif status in ("canceled", "refunded"):
        posts += [("refund", "escrow", payer, 1025), ("unfund", "escrow", "promotions", 70)]
    for code, source, target, amount in posts:
        await conn.execute("select post($1, $2, $3, $4, $5)", uid(name), code, source, target, amount)


# Three orders, one of them sold in cell 1, come in one time slot: their buyer's cell has four of its five places.
SLOTTED = """
insert into pricing.shipping_service (market, code, name, base_minor, item_minor, transit_s, position, slotted)
values ('us', 'bike', 'Bike', 0, 0, 1, 1, true);
insert into pricing.slot (id, market, service, starts_at, ends_at, closes_at, capacity) overriding system value
values (1, 'us', 'bike', '2020-03-05 10:00Z', '2020-03-05 12:00Z', '2020-03-01Z', 5);
insert into pricing.quota (cell, id, name, granted, used) overriding system value
values (0, 20, 'slot:1', 4, 3), (1, 20, 'slot:1', 1, 0);
insert into pricing.quota_use values (0, uid('basket'), 20, 2, '2020-02-20Z'), (0, uid('trip'), 20, 1, '2020-02-21Z');
update orders.order set slot_id = 1 where id in (uid('paid'), uid('shipped'), uid('abroad'));
"""


async def build(conn: asyncpg.Connection) -> None:
    await conn.execute(BUILDERS + GROUND + ABROAD)
    for group, (method, orders) in GROUPS.items():
        status = next(iter(orders.values()))
        paid = 1025 * len(orders)
        caught = status not in NEVER_PAID
        state = {"awaiting_payment": "awaiting_payment", "expired": "expired"}.get(status, "placed")
        pay_by = NOW + timedelta(minutes=20) if method == "sandbox" else None
        await conn.execute(GROUP, uid(group), uid("buyer"), paid, state, pay_by, PLACED)
        captured = ("captured", PLACED, PLACED) if caught else ("failed", PLACED, None)
        await conn.execute(PAYMENT, uid(group), uid("buyer"), method, paid, *captured)
        for name, each in orders.items():
            await build_order(conn, group, name, each, method)
    await conn.execute(BUNDLE + BORDER + DISPUTES + BANK + FEES + METERED + TRUSTED + TOLD)
    await conn.execute("""
        update payments.payment set refunded_minor = 1025 where id in (uid('canceled'), uid('refunded'));
        insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, covered_minor, status,
                                     reason, created_at)
        select 0, r.id, r.order_id, r.order_id, r.order_id, 1025, r.covered, r.status, r.reason, '2020-02-28Z'
          from (values (uid('r1'), uid('canceled'), 0, 'done', 'canceled'),
                       (uid('r2'), uid('refunded'), 25, 'credited', 'damaged'))
               as r (id, order_id, covered, status, reason);
        select post(uid('r2'), 'refund_credit', 'gateway', 'wallet', 1000),
               post(uid('r2'), 'refund_covered', 'gateway', 'chargeback_loss', 25);
        insert into pricing.quota (cell, name, granted, used) values (0, 'promotion:TEN', 2, 1);
        insert into pricing.quota_use (cell, cause_id, quota_id, amount, at, given_back_at)
        select 0, uid('basket'), id, 1, '2020-02-20Z'::timestamptz, null::timestamptz from pricing.quota
        union all select 0, uid('expired'), id, 1, '2020-02-20Z', '2020-02-21Z' from pricing.quota;
        insert into pricing.promotion values
            ('TEN', 'us', null, 10, 0, 'seller', '2020-02-01Z', '2020-03-01Z', 2, null, 100);
        update orders.discount_line set kind = 'promotion:TEN'
         where kind = 'coupon' and order_id in (uid('paid'), uid('shipped'));
        insert into pricing.quota (cell, name, granted, used) values (0, 'promotion:TEN:budget', 100, 10);
        insert into pricing.quota_use (cell, cause_id, quota_id, amount, at)
        select 0, uid('basket'), id, 10, '2020-02-20Z' from pricing.quota where name = 'promotion:TEN:budget';
        insert into payments.bank_account (cell, id, owner, currency, sealed, ending, at, added_by)
        select 0, uid('account'), uid('seller'), 'USD', '', '3000', '2020-02-01Z', uid('seller');
        insert into payments.bank_file (cell, id, day, currency, account_id, payouts, total_minor, at)
        values (0, uid('file'), '2020-02-20', 'USD', uid('house account'), 1, 800, '2020-02-20Z');
        insert into reconciliation.statement (id, currency, ending, name, first_day, last_day, opening_minor,
                                              closing_minor, entries, digest, imported_at, imported_by)
        values (uid('statement'), 'USD', '3000', '1', '2020-02-20', '2020-02-21', 900, 200, 2, '', '2020-02-21Z',
                uid('seller'));
        insert into reconciliation.entry (statement_id, number, day, currency, amount_minor, reference, is_return)
        values (uid('statement'), 1, '2020-02-20', 'USD', -800, 'x', false),
               (uid('statement'), 2, '2020-02-21', 'USD', 100, 'y', false);
        insert into payments.payout (cell, id, seller_id, currency, amount_minor, status, due_at, created_at, file_id,
                                     account_id)
        values (0, uid('payout'), uid('seller'), 'USD', 600, 'settled', null, '2020-02-20Z', null, null),
               (0, uid('asked'), uid('seller'), 'USD', 7, 'sent', '2020-03-04Z', '2020-02-28Z', null, null),
               (0, uid('dropped'), uid('seller'), 'USD', 800, 'returned', null, '2020-02-20Z', uid('file'),
                uid('account')),
               (0, uid('back'), uid('seller'), 'USD', 5, 'returned', null, '2020-02-20Z', null, null);
        select post(uid('shipped'), 'exchange', 'seller', 'exchange', 7);
        select post(uid('shipped'), 'exchange_back', 'exchange', 'seller', 7);
        insert into orders.exchange
        values (0, uid('shipped'), uid('shipped'), 'USD', 'EUR', '2020-02-20', 1.1, 1, 'tests', 200, 0);
        select post(uid('payout'), 'payout', 'seller', 'payout', 600);
        select post(uid('back'), 'payout', 'seller', 'payout', 5);
        select post(uid('back'), 'payout_return', 'payout', 'seller', 5);
        insert into ledger.hold (cell, cause_id, code, debit, credit, amount, at, status, ended_at)
        values (0, uid('payout'), 'payout', acc('seller'), acc('payout'), 1000, '2020-02-20Z', 'settled',
                '2020-02-28Z'),
               (0, uid('back'), 'payout', acc('seller'), acc('payout'), 5, '2020-02-20Z', 'settled', '2020-02-28Z'),
               (0, uid('asked'), 'payout', acc('seller'), acc('payout'), 7, '2020-02-20Z', 'held', null),
               (0, uid('dropped'), 'payout', acc('seller'), acc('payout'), 800, '2020-02-20Z', 'voided', '2020-02-21Z');
        update ledger.balance set held = 7 where account_id = acc('seller');
        insert into ledger.closed_day (cell, day, transfers, closed_at) values (0, '2020-02-01', 0, '2020-02-02Z');
    """)
    await conn.execute(TAXED + LENT + BONDED + SLOTTED)
