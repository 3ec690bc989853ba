-- orders.place_many: the hot verb. Stock, orders, money and event of a whole batch in one call of one cell.
--
-- Verdicts, in the order they are tried (each leaves no trace but `placed`):
--   key_conflict        the idempotency key was used with another body
--   placed              (also: the key, or the quote under this key, was placed before: `replayed`)
--   quote_not_found     no such quote of this buyer
--   quote_placed        the quote was placed under another key
--   quote_expired
--   offer_unavailable   detail {offer_id}
--   price_changed       detail {offer_id, unit_price_minor}
--   sold_out            detail {offer_id, available}: the first line that does not fit beside those before it, and how
--                       many of its offer would; of a bundle, as many as the scarcest of its components allows
--   limit_reached       detail {limit, available}: the name of a quota, as of a promotion
--   slot_full           detail {slot, free}: the same of a time slot
--   insufficient_funds  detail {available_minor}
-- and, before quote_expired, for those who call it:
--   spans               the quote is of several cells: orders/spanning.py places it, in a transaction of its own
--
-- Rows that a batch names are looked up one by one, by their primary key: `offset 0` keeps that order. With the
-- statistics of a young table the planner would rather read all quotes, or all wallets, for each element of the batch.
--
-- Locks, in this order: keys (caller, key), order groups (id), stock (id), quotas (id), wallets (id). Commands are judged
-- in the order given, each against what its predecessors left; a refused one consumes nothing.
--
-- Stock, quotas and wallets are what batches wait for each other about, so they are locked as late as can be: when
-- nothing seems to be short, the rows of the orders are written first, and taken back should the locked figures say
-- otherwise.

-- The lines of quotes, unnested; `n` counts the quotes as they are given. Elements are taken by their subscripts: the
-- planner leaves out those that a caller does not use, and twelve arrays unnested side by side cost a fifth of placing.
create function orders.quote_lines(p_cell smallint, p_quotes uuid[])
returns table (n int, quote_id uuid, line_no smallint, bundle_no smallint, order_id uuid, offer_id bigint,
               variant_id bigint, stock_id bigint, quantity bigint, unit_price_minor bigint, price_per int,
               rounding_minor bigint, gross_minor bigint, discount_minor bigint, shipping_minor bigint,
               commission_bp int, commission_minor bigint)
language plpgsql stable
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select a.n::int, q.id, i::smallint, coalesce(q.line_bundles[i], 0::smallint), q.order_ids[q.line_orders[i]],
           q.line_offers[i], q.line_variants[i], q.line_stocks[i], q.line_quantities[i], q.line_prices[i],
           q.line_prices_per[i], q.line_roundings[i], q.line_grosses[i],
           case when cardinality(q.discount_lines) = 0 then 0 else
               (select coalesce(sum(d.amount), 0)::bigint
                  from unnest(q.discount_lines, q.discount_amounts) as d (line, amount)
                 where d.line = i) end,
           q.line_shippings[i], q.line_commission_bps[i], q.line_commissions[i]
      from unnest(p_quotes) with ordinality as a (id, n)
     cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q
     cross join lateral generate_series(1, cardinality(q.line_offers)) i;
end $$;

-- The functions below take quotes in the order of their ids, each once: the index then finds them in one sweep, and
-- what goes with the n-th (how it is paid) is found by bisection.

-- Claims quotes: each becomes the order group of the same id, once. Who claims one that another transaction has just
-- claimed waits for it. Returns those that are ours now; the others were placed.
create function orders.claim_groups(p_cell smallint, p_now timestamptz, p_quotes uuid[], p_methods text[])
returns setof uuid language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    insert into orders.order_group (cell, id, buyer_id, market, currency, address_id, paid_minor, status, pay_by,
                                    placed_at, other_cells)
    select p_cell, q.id, q.buyer_id, q.market, q.currency, q.address_id, q.paid_minor,
           case m.method when 'wallet' then 'placed' else 'awaiting_payment' end,
           case m.method when 'wallet' then null else p_now + make_interval(secs => q.pay_by_s) end, p_now,
           q.other_cells
      from orders.quote q
     cross join lateral (select p_methods[width_bucket(q.id, p_quotes)] as method) m
     where q.cell = p_cell and q.id = any (p_quotes)
     order by q.id
    on conflict do nothing
    returning id;
end $$;

-- Writes all that claimed quotes come to in this cell and nobody waits for: payments (in the buyers' cell), orders,
-- lines, discounts, events.
create function orders.write_orders(p_cell smallint, p_now timestamptz, p_quotes uuid[], p_methods text[])
returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    perform payments.record_many(p_cell, p_now, array_agg(q.id), array_agg(q.buyer_id),
                                 array_agg(p_methods[width_bucket(q.id, p_quotes)]), array_agg(q.currency),
                                 array_agg(q.paid_minor))
       from orders.quote q
      where q.cell = p_cell and q.id = any (p_quotes) and q.group_cell is null;

    insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market, currency,
                              status, items_minor, shipping_minor, seller_discount_minor, operator_discount_minor,
                              paid_minor, commission_minor, payment_fee_minor, duties_minor, withheld_minor,
                              fee_tax_minor, fee_tax_bp, fee_tax_kind, fee_rule_id, placed_at, slot_id)
    select p_cell, q.order_ids[i], coalesce(q.group_cell, p_cell), q.id, q.buyer_id, q.order_sellers[i],
           q.order_owns[i], q.order_locations[i], q.market, q.currency,
           case p_methods[width_bucket(q.id, p_quotes)] when 'wallet' then 'paid' else 'awaiting_payment' end,
           q.order_items[i], q.order_shipping[i], q.order_seller_discounts[i], q.order_operator_discounts[i],
           q.order_items[i] + q.order_shipping[i] - q.order_seller_discounts[i] - q.order_operator_discounts[i],
           q.order_commissions[i], q.order_payment_fees[i], coalesce(q.order_duties[i], 0),
           coalesce(q.order_withheld[i], 0), coalesce(q.order_fee_taxes[i], 0), q.order_fee_tax_bps[i],
           q.order_fee_tax_kinds[i], q.order_fee_rules[i], p_now, q.slot_id
      from orders.quote q
     cross join lateral generate_series(1, cardinality(q.order_ids)) i
     where q.cell = p_cell and q.id = any (p_quotes);

    insert into orders.order_line (cell, order_id, line_no, bundle_no, offer_id, variant_id, stock_id, quantity,
                                   unit_price_minor, price_per, rounding_minor, gross_minor, discount_minor,
                                   shipping_minor, commission_bp, commission_minor, fee_rule_id)
    select p_cell, q.order_ids[q.line_orders[i]], i, coalesce(q.line_bundles[i], 0::smallint), q.line_offers[i],
           q.line_variants[i], q.line_stocks[i], q.line_quantities[i], q.line_prices[i], q.line_prices_per[i],
           q.line_roundings[i], q.line_grosses[i],
           case when cardinality(q.discount_lines) = 0 then 0 else
               (select coalesce(sum(d.amount), 0)::bigint
                  from unnest(q.discount_lines, q.discount_amounts) as d (line, amount)
                 where d.line = i) end,
           q.line_shippings[i], q.line_commission_bps[i], q.line_commissions[i], q.line_fee_rules[i]
      from orders.quote q
     cross join lateral generate_series(1, cardinality(q.line_offers)) i
     where q.cell = p_cell and q.id = any (p_quotes);

    insert into orders.discount_line (cell, order_id, line_no, kind, funding_party, amount_minor)
    select p_cell, q.order_ids[q.line_orders[d.line]], d.line, d.kind, d.party, d.amount
      from orders.quote q
     cross join lateral unnest(q.discount_lines, q.discount_kinds, q.discount_parties, q.discount_amounts)
           as d (line, kind, party, amount)
     where q.cell = p_cell and q.id = any (p_quotes) and cardinality(q.discount_lines) > 0;

    perform kit.emit_many(p_cell, p_now, array_agg(case p_methods[width_bucket(q.id, p_quotes)]
                                                   when 'wallet' then 'group_paid' else 'group_awaiting_payment' end),
                          array_agg(q.id),
                          array_agg(jsonb_build_object('buyer_id', q.buyer_id, 'orders', q.order_ids)))
       from orders.quote q
      where q.cell = p_cell and q.id = any (p_quotes);
end $$;

-- Moves the stock, quotas and money of written orders; the caller holds the locks on them. `p_wallets` are the accounts
-- that pay, null where a gateway does: then stock is held until the payment deadline, and the money comes later.
-- `p_spans` says that some of the quotes have parts in other cells.
create function orders.take_many(
    p_cell smallint, p_now timestamptz, p_quotes uuid[], p_wallets bigint[], p_spans boolean default false
) returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    perform inventory.move_many(p_cell, p_now, case when l.wallet then 'allocate' else 'hold' end,
                                array_agg(l.stock_id), array_agg(l.quantity), array_agg(l.order_id))
       from (select p_wallets[width_bucket(q.id, p_quotes)] is not null as wallet, q.line_stocks[i] as stock_id,
                    q.line_quantities[i] as quantity, q.order_ids[q.line_orders[i]] as order_id
               from orders.quote q
              cross join lateral generate_series(1, cardinality(q.line_offers)) i
              where q.cell = p_cell and q.id = any (p_quotes)) l
      group by l.wallet;

    perform pricing.use_quotas(p_cell, p_now, array_agg(u.quota_id), array_agg(u.amount), array_agg(q.id))
       from orders.quote q
      cross join lateral unnest(q.quota_ids, q.quota_amounts) as u (quota_id, amount)
      where q.cell = p_cell and q.id = any (p_quotes) and q.quota_ids <> '{}'
     having count(*) > 0;

    perform orders.escrow_many(p_cell, p_now, array_agg(a.quote order by a.quote),
                               array_agg(a.wallet order by a.quote), p_spans)
       from unnest(p_quotes, p_wallets) as a (quote, wallet)
      where a.wallet is not null
     having count(*) > 0;
end $$;

-- buyer 100 -> escrow 100, the operator's promotions 7 -> escrow 7, per order. `p_payers` are accounts; without them
-- the house's `gateway` pays (what the gateway owes us). What is paid for the border goes on from there: of 120 with 20
-- of it, buyer 120 -> escrow 120, escrow 20 -> duties 20; and of that 15 of tax that the platform collects by a scheme,
-- escrow 5 -> duties 5, escrow 15 -> tax_ioss 15. A tax that is in the prices and that we owe is advanced until it is
-- kept from the seller: advanced_tax 15 -> tax_oss 15. What is sold elsewhere passes between the cells:
-- buyer 100 -> between_cells 100 in the buyer's, between_cells 100 -> escrow 100 in the seller's, by the same name.
create function orders.escrow_many(
    p_cell smallint, p_now timestamptz, p_groups uuid[], p_payers bigint[], p_spans boolean
) returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
declare
    causes  uuid[];
    codes   text[];
    debits  bigint[];
    credits bigint[];
    amounts bigint[];
begin
    with house as materialized (
        select a.code, a.currency, a.id
          from ledger.account a
         where a.cell = p_cell and a.code in ('escrow', 'promotions', 'gateway', 'between_cells', 'duties',
                                                   'advanced_tax')
           and a.owner = '00000000-0000-0000-0000-000000000000'
    ), asked as (
        select q.order_ids[i] as order_id, q.order_operator_discounts[i] as funded, q.currency, e.id as escrow,
               coalesce(q.order_duties[i], 0) as duties, coalesce(q.order_withheld[i], 0) as withheld,
               q.order_items[i] + q.order_shipping[i] - q.order_seller_discounts[i] - q.order_operator_discounts[i]
                   + coalesce(q.order_duties[i], 0) as paid,
               case when q.group_cell is null then p_payers[width_bucket(q.id, p_groups)]
                    else (select h.id from house h where h.code = 'between_cells' and h.currency = q.currency)
               end as payer
          from orders.quote q
         cross join lateral generate_series(1, cardinality(q.order_ids)) i
          join house e on e.code = 'escrow' and e.currency = q.currency
         where q.cell = p_cell and q.id = any (p_groups)
    )
    select array_agg(t.cause), array_agg(t.code), array_agg(t.debit), array_agg(t.credit), array_agg(t.amount)
      into causes, codes, debits, credits, amounts
      from (select a.order_id, 'pay', coalesce(a.payer, (select h.id from house h
                                                          where h.code = 'gateway' and h.currency = a.currency)),
                   a.escrow, a.paid
              from asked a
             where a.paid > 0
            union all
            select a.order_id, 'fund', h.id, a.escrow, a.funded
              from asked a
              join house h on h.code = 'promotions' and h.currency = a.currency
             where a.funded > 0
            union all
            select a.order_id, x.code, a.escrow, x.account, x.amount
              from asked a
             cross join lateral (
                   select b.scheme, case when b.scheme <> '' then b.tax_minor else 0 end as tax
                     from orders.border b
                    where b.cell = p_cell and b.order_id = a.order_id offset 0) b
             cross join lateral (
                   select 'duties', h.id, a.duties - b.tax
                     from house h where h.code = 'duties' and h.currency = a.currency
                    union all
                   select 'tax', c.id, b.tax
                     from ledger.account c
                    where c.cell = p_cell and c.code = 'tax_' || lower(b.scheme) and c.currency = a.currency
                      and c.owner = '00000000-0000-0000-0000-000000000000'
                   ) x (code, account, amount)
             where a.duties > 0 and x.amount > 0
            union all
            select a.order_id, 'tax', h.id, c.id, a.withheld
              from asked a
             cross join lateral (select b.scheme from orders.border b
                                  where b.cell = p_cell and b.order_id = a.order_id offset 0) b
              join house h on h.code = 'advanced_tax' and h.currency = a.currency
              join ledger.account c
                on c.cell = p_cell and c.code = 'tax_' || lower(b.scheme) and c.currency = a.currency
                   and c.owner = '00000000-0000-0000-0000-000000000000'
             where a.withheld > 0
            union all
            select w.id, 'pay', coalesce(p_payers[width_bucket(q.id, p_groups)],
                                         (select h.id from house h
                                           where h.code = 'gateway' and h.currency = q.currency)),
                   (select h.id from house h where h.code = 'between_cells' and h.currency = q.currency), w.paid
              from orders.quote q
             cross join lateral unnest(q.away_orders, q.away_paid) as w (id, paid)
             where p_spans and q.cell = p_cell and q.id = any (p_groups) and w.paid > 0
           ) as t (cause, code, debit, credit, amount);
    if causes is not null then
        perform ledger.write_many(p_cell, p_now, causes, codes, debits, credits, amounts);
    end if;
end $$;

-- Locks stock, quotas and wallets, each in id order; the arrays of what they have are parallel to those of what was
-- asked.
create function orders.lock_all(
    p_cell smallint, p_stocks bigint[], p_quotas bigint[], p_wallets bigint[],
    out s_left bigint[], out q_left bigint[], out q_names text[], out w_left bigint[]
) language plpgsql
set search_path = pg_catalog as $$
begin
    select array_agg(s.available order by s.stock_id) into s_left from inventory.lock_many(p_cell, p_stocks) s;
    select array_agg(q.available order by q.quota_id), array_agg(q.name order by q.quota_id)
      into q_left, q_names
      from pricing.lock_quotas(p_cell, p_quotas) q;
    select array_agg(b.balance order by b.account_id) into w_left from ledger.lock_many(p_cell, p_wallets) b;
    assert cardinality(s_left) is not distinct from cardinality(p_stocks), 'stock that an offer names is there';
    assert cardinality(q_left) is not distinct from cardinality(p_quotas), 'a quota that a quote names is there';
    assert cardinality(w_left) is not distinct from cardinality(p_wallets), 'a wallet has a balance';
end $$;

create function orders.place_many(
    p_cell smallint, p_now timestamptz, p_callers uuid[], p_keys text[], p_hashes bytea[], p_quotes uuid[],
    p_methods text[]
) returns table (ord int, verdict text, replayed boolean, group_id uuid, detail jsonb) language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    n         int := cardinality(p_quotes);
    v         text[] := array_fill(null::text, array[cardinality(p_quotes)]);
    again     boolean[] := array_fill(false, array[cardinality(p_quotes)]);
    details   jsonb[] := array_fill(null::jsonb, array[cardinality(p_quotes)]);
    k_new     int;       -- keys that nobody had used
    k_known   int;       -- commands whose key was used
    k_callers uuid[];
    k_keys    text[];
    paid      bigint[];  -- by command
    wallets   bigint[];
    s_ids     bigint[];  -- stock rows in id order: what is asked of each, and what it has
    s_asked   bigint[];
    s_left    bigint[];
    q_ids     bigint[];  -- quotas, likewise
    q_asked   bigint[];
    q_left    bigint[];
    q_names   text[];
    w_ids     bigint[];  -- wallets, likewise
    w_asked   bigint[];
    w_left    bigint[];
    l_n       int[];     -- lines of judged commands, in command order
    l_pos     int[];
    l_bundle  int[];
    l_offer   bigint[];
    l_per     bigint[];  -- units in one of what the offer sells
    l_qty     bigint[];
    l_before  bigint[];  -- what earlier lines of the command want of the same stock
    m_n       int[];     -- what judged commands want of quotas, in command order
    m_pos     int[];
    m_amount  bigint[];
    wrongs    jsonb;     -- commands whose offers are not as quoted: what is wrong, by command
    claimed   uuid[];    -- quotes that nobody had placed
    ok_quotes uuid[];    -- what is accepted
    ok_methods text[];
    ok_wallets bigint[];
    twins     boolean;   -- a key or a quote is named twice
    enough    boolean;
    twin      int[];     -- the placed command that took this one's key or quote
    i         int;
    first_l   int := 1;
    last_l    int;
    first_m   int := 1;
    last_m    int;
    w         int;
    available bigint;
begin
    if n = 0 then return; end if;

    -- 1. Keys. Whoever comes second with a key waits here for the first.
    with fresh as (
        insert into kit.idempotency_key (cell, caller, route, key, body_hash, ref, status, at)
        select distinct on (a.caller, a.key) p_cell, a.caller, 'place', a.key, a.hash, a.quote, 201, p_now
          from unnest(p_callers, p_keys, p_hashes, p_quotes) with ordinality as a (caller, key, hash, quote, ord)
         order by a.caller, a.key, a.ord
        on conflict do nothing
        returning caller, key
    )
    select count(*), array_agg(f.caller), array_agg(f.key) into k_new, k_callers, k_keys from fresh f;
    if k_new < n then
        for i, w in
            select a.ord, case when k.body_hash = a.hash then 1 else 0 end
              from unnest(p_callers, p_keys, p_hashes) with ordinality as a (caller, key, hash, ord)
              join kit.idempotency_key k
                on k.cell = p_cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
             where not exists (select from unnest(k_callers, k_keys) as f (caller, key)
                                where f.caller = a.caller and f.key = a.key)
        loop
            v[i] := case w when 1 then 'placed' else 'key_conflict' end;
            again[i] := w = 1;
        end loop;
    end if;
    k_known := n - cardinality(array_positions(v, null));

    -- 2. Quotes: whose, expired; offers as they are now; what is asked of each stock and wallet.
    with asked as materialized (
        select a.ord::int as n, a.caller, a.key, a.quote, q.paid_minor, q.line_offers, q.line_stocks,
               q.line_quantities, q.line_prices, q.line_bundles, q.bundle_prices, q.quota_ids, q.quota_amounts,
               case a.method when 'wallet' then coalesce(w.id, 0) end as wallet,
               coalesce(a.verdict, case when q.id is null or q.buyer_id <> a.caller or q.group_cell is not null
                                        then 'quote_not_found'
                                        when q.other_cells is not null then 'spans'
                                        when q.expires_at <= p_now then 'quote_expired' end) as verdict
          from unnest(p_callers, p_keys, p_quotes, p_methods, v)
               with ordinality as a (caller, key, quote, method, verdict, ord)
          left join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.quote offset 0) q on true
          left join lateral (select r.id from ledger.account r
                              where r.cell = p_cell and r.code = 'wallet' and r.owner = a.caller
                                and r.currency = q.currency offset 0) w on true
    ), line as materialized (
        select a.n, i, a.line_offers[i] as offer_id, a.line_stocks[i] as stock_id, a.line_quantities[i] as quantity,
               f.unit_price_minor, coalesce(f.buyable, false) as buyable,
               f.buyable is not true or f.unit_price_minor
                   <> coalesce(a.bundle_prices[a.line_bundles[i]], a.line_prices[i]) as wrong
          from asked a
         cross join lateral generate_series(1, cardinality(a.line_offers)) i
          left join catalog.offer_fact f on f.cell = p_cell and f.offer_id = a.line_offers[i]
         where a.verdict is null
    ), wrong as (
        select distinct on (l.n) l.n, l.offer_id, l.unit_price_minor, l.buyable
          from line l
         where l.wrong
           and not (l.buyable  -- what a rate of exchange has changed was locked
                    and catalog.price_holds(p_cell, l.offer_id,
                                            (select coalesce(a.bundle_prices[a.line_bundles[l.i]], a.line_prices[l.i])
                                               from asked a where a.n = l.n)))
         order by l.n, l.buyable, l.i
    ), good as (
        select l.* from line l where not exists (select from wrong w where w.n = l.n)
    ), stock as (
        select g.stock_id, sum(g.quantity)::bigint as asked from good g group by g.stock_id
    ), quota as (
        select u.quota_id, sum(u.amount)::bigint as asked
          from asked a
         cross join lateral unnest(a.quota_ids, a.quota_amounts) as u (quota_id, amount)
         where a.quota_ids <> '{}' and a.verdict is null and not exists (select from wrong w where w.n = a.n)
         group by u.quota_id
    ), wallet as (
        select a.wallet, sum(a.paid_minor)::bigint as asked
          from asked a
         where a.wallet > 0 and a.verdict is null and not exists (select from wrong w where w.n = a.n)
         group by a.wallet
    )
    select (select array_agg(a.verdict order by a.n) from asked a),
           (select array_agg(a.paid_minor order by a.n) from asked a),
           (select array_agg(a.wallet order by a.n) from asked a),
           (select k_new + k_known < cardinality(p_quotes) or count(distinct a.quote) < count(*)
              from asked a where a.verdict is null),
           (select array_agg(s.stock_id order by s.stock_id) from stock s),
           (select array_agg(s.asked order by s.stock_id) from stock s),
           (select array_agg(q.quota_id order by q.quota_id) from quota q),
           (select array_agg(q.asked order by q.quota_id) from quota q),
           (select array_agg(w.wallet order by w.wallet) from wallet w),
           (select array_agg(w.asked order by w.wallet) from wallet w),
           (select jsonb_object_agg(w.n, case when w.buyable
               then jsonb_build_object('offer_id', w.offer_id, 'unit_price_minor', w.unit_price_minor)
               else jsonb_build_object('offer_id', w.offer_id) end) from wrong w)
      into v, paid, wallets, twins, s_ids, s_asked, q_ids, q_asked, w_ids, w_asked, wrongs;
    if wrongs is not null then
        for i in 1 .. n loop
            continue when not wrongs ? i::text;
            details[i] := wrongs -> i::text;
            v[i] := case when details[i] ? 'unit_price_minor' then 'price_changed' else 'offer_unavailable' end;
        end loop;
    end if;

    -- 3. Claim what may be placed. What cannot be claimed is placed already, and what is wrong may be.
    select array_agg(a.quote order by a.quote), array_agg(a.method order by a.quote)
      into ok_quotes, ok_methods
      from (select distinct on (a.quote) a.quote, a.method
              from unnest(p_quotes, p_methods, v) with ordinality as a (quote, method, verdict, ord)
             where a.verdict is null
             order by a.quote, a.ord) a;
    claimed := array(select orders.claim_groups(p_cell, p_now, ok_quotes, ok_methods));
    if cardinality(claimed) < n then
        for i in
            select a.ord
              from unnest(p_quotes, v) with ordinality as a (quote, verdict, ord)
             cross join lateral (select from orders.order_group r where r.cell = p_cell and r.id = a.quote offset 0) g
             where (a.verdict is null or a.verdict in ('quote_expired', 'offer_unavailable', 'price_changed'))
               and a.quote <> all (claimed)
        loop
            v[i] := 'quote_placed';
            details[i] := null;
        end loop;
        assert not exists (select from unnest(p_quotes, v) as a (quote, verdict)
                            where a.verdict is null and a.quote <> all (claimed)), 'what is judged is claimed';
    end if;

    -- 4. Nobody asks twice and, at a glance, nothing is short: write first, lock and look again then.
    enough := not twins
        and not exists (select from unnest(wallets, paid, v) as a (wallet, paid, verdict)
                         where a.wallet = 0 and a.paid > 0 and a.verdict is null)
        and not exists (select from inventory.availability s
                         where s.cell = p_cell and s.stock_id = any (s_ids)
                           and s.available < s_asked[width_bucket(s.stock_id, s_ids)])
        and not exists (select from pricing.quota_left q
                         where q.cell = p_cell and q.quota_id = any (q_ids)
                           and q.available < q_asked[width_bucket(q.quota_id, q_ids)])
        and not exists (select from ledger.row_balance b
                         where b.cell = p_cell and b.account_id = any (w_ids)
                           and b.balance < w_asked[width_bucket(b.account_id, w_ids)]);
    if enough then
        begin
            select array_agg(a.quote order by a.quote), array_agg(a.method order by a.quote),
                   array_agg(a.wallet order by a.quote)
              into ok_quotes, ok_methods, ok_wallets
              from unnest(p_quotes, p_methods, wallets, v) as a (quote, method, wallet, verdict)
             where a.verdict is null;
            if ok_quotes is not null then
                perform orders.write_orders(p_cell, p_now, ok_quotes, ok_methods);
                select l.s_left, l.q_left, l.w_left
                  into s_left, q_left, w_left
                  from orders.lock_all(p_cell, s_ids, q_ids, w_ids) l;
                if exists (select from unnest(s_asked || q_asked || w_asked, s_left || q_left || w_left)
                                       as a (asked, available)
                            where a.asked > a.available) then
                    raise exception 'short after all' using errcode = 'EP001';
                end if;
                perform orders.take_many(p_cell, p_now, ok_quotes, ok_wallets);
            end if;
        exception when sqlstate 'EP001' then
            enough := false;
        end;
    end if;

    -- 5. Otherwise lock, and judge one after another.
    if not enough then
        select l.s_left, l.q_left, l.q_names, l.w_left
          into s_left, q_left, q_names, w_left
          from orders.lock_all(p_cell, s_ids, q_ids, w_ids) l;
        select array_agg(l.n order by l.n, l.line_no), array_agg(l.pos order by l.n, l.line_no),
               array_agg(l.bundle_no order by l.n, l.line_no), array_agg(l.offer_id order by l.n, l.line_no),
               array_agg(l.per order by l.n, l.line_no), array_agg(l.quantity order by l.n, l.line_no),
               array_agg(l.upto - l.quantity order by l.n, l.line_no)
          into l_n, l_pos, l_bundle, l_offer, l_per, l_qty, l_before
          from (select q.n, q.line_no, width_bucket(q.stock_id, s_ids) as pos, q.bundle_no::int, q.offer_id,
                       case q.bundle_no when 0 then 1 else q.price_per end::bigint as per, q.quantity,
                       sum(q.quantity) over (partition by q.n, q.stock_id order by q.line_no)::bigint as upto
                  from orders.quote_lines(p_cell, p_quotes) q
                 where v[q.n] is null) l;
        if q_ids is not null then
            select array_agg(a.n order by a.n, a.pos), array_agg(a.pos order by a.n, a.pos),
                   array_agg(a.amount order by a.n, a.pos)
              into m_n, m_pos, m_amount
              from (select c.n::int, width_bucket(u.quota_id, q_ids) as pos, u.amount
                      from unnest(p_quotes, v) with ordinality as c (quote, verdict, n)
                      join orders.quote q on q.cell = p_cell and q.id = c.quote
                     cross join lateral unnest(q.quota_ids, q.quota_amounts) as u (quota_id, amount)
                     where c.verdict is null) a;
        end if;
        twin := array_fill(null::int, array[n]);
        <<command>>
        for i in 1 .. n loop
            while l_n[first_l] < i loop first_l := first_l + 1; end loop;
            last_l := first_l - 1;
            while l_n[last_l + 1] = i loop last_l := last_l + 1; end loop;
            while m_n[first_m] < i loop first_m := first_m + 1; end loop;
            last_m := first_m - 1;
            while m_n[last_m + 1] = i loop last_m := last_m + 1; end loop;
            w := twin[i];
            if w is not null and p_keys[i] = p_keys[w] and p_callers[i] = p_callers[w] then
                -- The same key: the same command, told twice, or another that borrows its key.
                again[i] := p_hashes[i] = p_hashes[w];
                v[i] := case when again[i] then 'placed' else 'key_conflict' end;
                details[i] := null;
            end if;
            continue when v[i] is not null;
            if w is not null then
                v[i] := 'quote_placed';
                continue;
            end if;
            for j in first_l .. last_l loop
                continue when l_qty[j] <= s_left[l_pos[j]] - l_before[j];
                available := (s_left[l_pos[j]] - l_before[j]) / l_per[j];
                for k in j + 1 .. last_l loop
                    exit when l_bundle[j] = 0 or l_bundle[k] <> l_bundle[j];
                    available := least(available, (s_left[l_pos[k]] - l_before[k]) / l_per[k]);
                end loop;
                v[i] := 'sold_out';
                details[i] := jsonb_build_object('offer_id', l_offer[j], 'available', available);
                continue command;
            end loop;
            for j in first_m .. last_m loop
                if m_amount[j] > q_left[m_pos[j]] then
                    if starts_with(q_names[m_pos[j]], 'slot:') then
                        v[i] := 'slot_full';
                        details[i] := jsonb_build_object('slot', substr(q_names[m_pos[j]], 6)::bigint,
                                                         'free', q_left[m_pos[j]]);
                    else
                        v[i] := 'limit_reached';
                        details[i] := jsonb_build_object('limit', q_names[m_pos[j]], 'available', q_left[m_pos[j]]);
                    end if;
                    continue command;
                end if;
            end loop;
            if wallets[i] is not null then
                w := array_position(w_ids, wallets[i]);
                if paid[i] > coalesce(w_left[w], 0) then
                    v[i] := 'insufficient_funds';
                    details[i] := jsonb_build_object('available_minor', coalesce(w_left[w], 0));
                    continue;
                end if;
                if w is not null then w_left[w] := w_left[w] - paid[i]; end if;
            end if;
            for j in first_l .. last_l loop
                s_left[l_pos[j]] := s_left[l_pos[j]] - l_qty[j];
            end loop;
            for j in first_m .. last_m loop
                q_left[m_pos[j]] := q_left[m_pos[j]] - m_amount[j];
            end loop;
            v[i] := 'ok';
            continue when not twins;
            for j in i + 1 .. n loop
                if p_keys[j] = p_keys[i] and p_callers[j] = p_callers[i]
                        or twin[j] is null and p_quotes[j] = p_quotes[i] then
                    twin[j] := i;
                end if;
            end loop;
        end loop;

        -- What was refused gives up its claim; of twins, the one that is placed says how it is paid.
        delete from orders.order_group g
         where g.cell = p_cell and g.id = any (claimed)
           and not exists (select from unnest(p_quotes, p_methods, v) as a (quote, method, verdict)
                            where a.quote = g.id and a.verdict = 'ok'
                              and (a.method = 'wallet') = (g.status = 'placed'));
        select array_agg(a.quote order by a.quote), array_agg(a.method order by a.quote),
                   array_agg(a.wallet order by a.quote)
          into ok_quotes, ok_methods, ok_wallets
          from unnest(p_quotes, p_methods, wallets, v) as a (quote, method, wallet, verdict)
         where a.verdict = 'ok';
        if ok_quotes is not null then
            perform orders.claim_groups(p_cell, p_now, ok_quotes, ok_methods);
            perform orders.write_orders(p_cell, p_now, ok_quotes, ok_methods);
            perform orders.take_many(p_cell, p_now, ok_quotes, ok_wallets);
        end if;
    end if;

    -- 6. A refused command leaves no key, so that it is judged anew; the key of twins names the one that was placed.
    if exists (select from unnest(v) x where x not in ('ok', 'placed', 'key_conflict')) then
        delete from kit.idempotency_key k
         using unnest(p_callers, p_keys, v) as a (caller, key, verdict)
         where k.cell = p_cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
           and a.verdict not in ('ok', 'placed', 'key_conflict')
           and not exists (select from unnest(p_callers, p_keys, v) as o (caller, key, verdict)
                            where o.caller = a.caller and o.key = a.key
                              and coalesce(o.verdict, 'ok') in ('ok', 'placed'));
    end if;
    if twins then
        update kit.idempotency_key k
           set body_hash = a.hash, ref = a.quote
          from unnest(p_callers, p_keys, p_hashes, p_quotes, v) as a (caller, key, hash, quote, verdict)
         where k.cell = p_cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
           and a.verdict = 'ok' and k.body_hash <> a.hash;
    end if;
    return query
        select i, coalesce(nullif(v[i], 'ok'), 'placed'), again[i],
               case when coalesce(v[i], 'ok') in ('ok', 'placed') then p_quotes[i] end, details[i]
          from generate_series(1, n) i;
end $$;

-- Gives back what canceled orders' groups have used of quotas: of a group, when none of its orders is left. Two orders
-- of one group may be canceled at once: who comes second waits for the quota and then sees the first. Returns groups of
-- other cells, too, of which none is left here: the caller asks those cells.
create function orders.give_back_quotas(p_cell smallint, p_now timestamptz, p_groups uuid[])
returns table (group_id uuid, other_cells smallint[]) language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
declare
    used uuid[] := array(select pricing.lock_quotas_of(p_cell, p_groups));
    gone uuid[];
begin
    if used = '{}' then return; end if;
    gone := array(select g.id from orders.order_group g
                   where g.cell = p_cell and g.id = any (used)
                     and not exists (select from orders.order o
                                      where o.cell = p_cell and o.group_id = g.id
                                        and o.status not in ('canceled', 'expired')));
    perform pricing.give_back_quotas(p_cell, p_now, array(select g.id from orders.order_group g
                                                           where g.cell = p_cell and g.id = any (gone)
                                                             and g.other_cells is null));
    return query
        select g.id, g.other_cells from orders.order_group g
         where g.cell = p_cell and g.id = any (gone) and g.other_cells is not null;
end $$;
