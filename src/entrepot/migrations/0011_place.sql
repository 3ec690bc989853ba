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
--   sold_out            detail {offer_id, available}
--   insufficient_funds  detail {available_minor}
--
-- Rows that a batch names are looked up one by one, by their primary key: `offset 0` keeps that order. With the statistics
-- of a young table the planner would rather read all quotes, or all wallets, for each element of the batch.
--
-- Locks, in this order: keys (caller, key), stock (id), wallets (id). Commands are judged in the order given, each
-- against what its predecessors left; a refused one consumes nothing.

-- The lines of quotes, unnested; `n` counts the quotes as they are given. Elements are taken by their subscripts: the
-- planner leaves out those that a caller does not use, and twelve arrays unnested side by side cost a fifth of placing.
create function orders.quote_lines(p_cell smallint, p_quotes uuid[])
returns table (n int, quote_id uuid, line_no smallint, order_id uuid, offer_id bigint, variant_id bigint,
               stock_id bigint, quantity bigint, unit_price_minor bigint, price_per int, rounding_minor bigint,
               gross_minor bigint, discount_minor bigint, shipping_minor bigint, commission_bp int,
               commission_minor bigint)
language sql stable as $$
    select a.n::int, q.id, i::smallint, q.order_ids[q.line_orders[i]], q.line_offers[i], q.line_variants[i],
           q.line_stocks[i], q.line_quantities[i], q.line_prices[i], q.line_prices_per[i], q.line_roundings[i],
           q.line_grosses[i],
           case when cardinality(q.discount_lines) = 0 then 0 else
               (select coalesce(sum(d.amount), 0)::bigint
                  from unnest(q.discount_lines, q.discount_amounts) as d (line, amount)
                 where d.line = i) end,
           q.line_shippings[i], q.line_commission_bps[i], q.line_commissions[i]
      from unnest(p_quotes) with ordinality as a (id, n)
     cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q
     cross join lateral generate_series(1, cardinality(q.line_offers)) i
$$;

create function orders.quote_orders(p_cell smallint, p_quotes uuid[])
returns table (n int, quote_id uuid, order_no smallint, order_id uuid, seller_id uuid, own boolean,
               location_id bigint, items_minor bigint, shipping_minor bigint, seller_discount_minor bigint,
               operator_discount_minor bigint, commission_minor bigint, payment_fee_minor bigint, paid_minor bigint,
               buyer_id uuid, market text, currency text)
language sql stable as $$
    select a.n::int, q.id, i::smallint, q.order_ids[i], q.order_sellers[i], q.order_owns[i], q.order_locations[i],
           q.order_items[i], q.order_shipping[i], q.order_seller_discounts[i], q.order_operator_discounts[i],
           q.order_commissions[i], q.order_payment_fees[i],
           q.order_items[i] + q.order_shipping[i] - q.order_seller_discounts[i] - q.order_operator_discounts[i],
           q.buyer_id, q.market, q.currency
      from unnest(p_quotes) with ordinality as a (id, n)
     cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q
     cross join lateral generate_series(1, cardinality(q.order_ids)) i
$$;

-- Writes what was judged: quotes become order groups. The caller holds the locks on stock and wallets.
create function orders.write_groups(
    p_cell smallint, p_now timestamptz, p_quotes uuid[], p_methods text[]
) returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    insert into orders.order_group (cell, id, buyer_id, market, currency, address_id, paid_minor, status, pay_by,
                                    placed_at)
    select p_cell, q.id, q.buyer_id, q.market, q.currency, q.address_id, q.paid_minor,
           case a.method when 'wallet' then 'placed' else 'awaiting_payment' end,
           case a.method when 'wallet' then null else p_now + make_interval(secs => q.pay_by_s) end, p_now
      from unnest(p_quotes, p_methods) as a (id, method)
     cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q
     order by q.id;

    perform payments.record_many(p_cell, p_now, array_agg(q.id), array_agg(q.buyer_id), array_agg(a.method),
                                 array_agg(q.currency), array_agg(q.paid_minor))
       from unnest(p_quotes, p_methods) as a (id, method)
      cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q;

    insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market,
                              currency, status, items_minor, shipping_minor, seller_discount_minor, operator_discount_minor, paid_minor,
                              commission_minor, payment_fee_minor, placed_at)
    select p_cell, o.order_id, p_cell, o.quote_id, o.buyer_id, o.seller_id, o.own, o.location_id,
           o.market, o.currency, case p_methods[o.n] when 'wallet' then 'paid' else 'awaiting_payment' end,
           o.items_minor, o.shipping_minor, o.seller_discount_minor, o.operator_discount_minor, o.paid_minor,
           o.commission_minor, o.payment_fee_minor, p_now
      from orders.quote_orders(p_cell, p_quotes) o;

    insert into orders.order_line (cell, order_id, line_no, offer_id, variant_id, stock_id, quantity, unit_price_minor,
                                   price_per, rounding_minor, gross_minor, discount_minor, shipping_minor,
                                   commission_bp, commission_minor)
    select p_cell, l.order_id, l.line_no, l.offer_id, l.variant_id, l.stock_id, l.quantity, l.unit_price_minor,
           l.price_per, l.rounding_minor, l.gross_minor, l.discount_minor, l.shipping_minor, l.commission_bp,
           l.commission_minor
      from orders.quote_lines(p_cell, p_quotes) l;

    insert into orders.discount_line (cell, order_id, line_no, kind, funding_party, amount_minor)
    select p_cell, q.order_ids[q.line_orders[d.line]], d.line, d.kind, d.party, d.amount
      from unnest(p_quotes) as a (id)
     cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q
     cross join lateral unnest(q.discount_lines, q.discount_kinds, q.discount_parties, q.discount_amounts)
           as d (line, kind, party, amount);

    -- Paid from the wallet: allocated at once. Through a gateway: held until the payment deadline.
    perform inventory.move_many(p_cell, p_now, case l.wallet when true then 'allocate' else 'hold' end,
                                array_agg(l.stock_id), array_agg(l.quantity), array_agg(l.order_id))
       from (select p_methods[l.n] = 'wallet' as wallet, l.stock_id, l.quantity, l.order_id
               from orders.quote_lines(p_cell, p_quotes) l) l
      group by l.wallet;

    perform orders.escrow_many(p_cell, p_now, array_agg(a.id), 'wallet')
       from unnest(p_quotes, p_methods) as a (id, method)
      where a.method = 'wallet';

    perform kit.emit_many(p_cell, p_now, array_agg(case a.method when 'wallet' then 'group_paid'
                                                                 else 'group_awaiting_payment' end),
                          array_agg(q.id), array_agg(jsonb_build_object('buyer_id', q.buyer_id, 'orders', q.order_ids)))
       from unnest(p_quotes, p_methods) as a (id, method)
      cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q;
end $$;

-- buyer 100 -> escrow 100, the operator's promotions 7 -> escrow 7, per order. p_source is the code of the account
-- that pays: the buyer's `wallet`, or the house's `gateway` (what the gateway owes us).
create function orders.escrow_many(p_cell smallint, p_now timestamptz, p_groups uuid[], p_source text)
returns void language sql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
    with asked as (
        select o.order_id, o.paid_minor, o.operator_discount_minor, o.currency,
               case p_source when 'wallet' then o.buyer_id else '00000000-0000-0000-0000-000000000000' end as payer
          from orders.quote_orders(p_cell, p_groups) o
    ), house as (
        select a.code, a.currency, a.id
          from ledger.account a
         where a.cell = p_cell and a.code in ('escrow', 'promotions')
           and a.owner = '00000000-0000-0000-0000-000000000000'
    )
    select ledger.write_many(p_cell, p_now, array_agg(t.cause), array_agg(t.code), array_agg(t.debit),
                             array_agg(t.credit), array_agg(t.amount))
      from (select a.order_id, 'pay', p.id, e.id, a.paid_minor
              from asked a
              join house e on e.code = 'escrow' and e.currency = a.currency
             cross join lateral (select w.id from ledger.account w
                                  where w.cell = p_cell and w.code = p_source and w.owner = a.payer
                                    and w.currency = a.currency offset 0) p
             where a.paid_minor > 0
            union all
            select a.order_id, 'fund', f.id, e.id, a.operator_discount_minor
              from asked a
              join house e on e.code = 'escrow' and e.currency = a.currency
              join house f on f.code = 'promotions' and f.currency = a.currency
             where a.operator_discount_minor > 0
           ) as t (cause, code, debit, credit, amount)
    having count(*) > 0;
$$;

create function orders.place_many(
    p_cell smallint, p_now timestamptz, p_callers uuid[], p_keys text[], p_hashes bytea[], p_quotes uuid[],
    p_methods text[]
) returns table (ord int, verdict text, replayed boolean, group_id uuid, detail jsonb) language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    n        int := cardinality(p_quotes);
    v        text[];
    again    boolean[];
    details  jsonb[] := array_fill(null::jsonb, array[cardinality(p_quotes)]);
    wallet   bigint[];
    paid     bigint[];
    twin     int[];      -- the first command of the same key or quote in this batch
    s_ids    bigint[];   -- stock rows, in id order, and what is left of each
    s_left   bigint[];
    w_ids    bigint[];
    w_left   bigint[];
    l_n      int[];      -- lines of judged commands, in command order; several lines of one stock are summed
    l_pos    int[];
    l_offer  bigint[];
    l_qty    bigint[];
    wrongs   jsonb;      -- commands whose offers are not as quoted: what is wrong, by command
    short    boolean;
    i        int;
    first_l  int := 1;
    last_l   int;
    w        int;
begin
    if n = 0 then return; end if;

    -- 1. Keys. Whoever comes second with a key waits here for the first.
    with fresh as (
        insert into kit.idempotency_key (cell, caller, route, key, body_hash, ref, status, at)
        select distinct on (a.caller, a.key) p_cell, a.caller, 'place', a.key, a.hash, a.quote, 201, p_now
          from unnest(p_callers, p_keys, p_hashes, p_quotes) with ordinality as a (caller, key, hash, quote, ord)
         order by a.caller, a.key, a.ord
        on conflict do nothing
        returning caller, key, body_hash
    )
    select array_agg(case when f.key is null then 'known' when f.body_hash <> a.hash then 'key_conflict' end
                     order by a.ord)
      into v
      from unnest(p_callers, p_keys, p_hashes) with ordinality as a (caller, key, hash, ord)
      left join fresh f on f.caller = a.caller and f.key = a.key;
    again := array_fill(false, array[n]);
    if 'known' = any (v) then
        for i, w in
            select a.ord, case when k.body_hash = a.hash then 1 else 0 end
              from unnest(p_callers, p_keys, p_hashes, v) with ordinality as a (caller, key, hash, verdict, ord)
              join kit.idempotency_key k
                on k.cell = p_cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
             where a.verdict = 'known'
        loop
            v[i] := case w when 1 then 'placed' else 'key_conflict' end;
            again[i] := w = 1;
        end loop;
    end if;

    -- 2. Quotes: whose, expired.
    select array_agg(coalesce(x.verdict,
                     case when q.id is null or q.buyer_id <> x.caller then 'quote_not_found'
                          when q.expires_at <= p_now then 'quote_expired' end) order by x.ord),
           array_agg(q.paid_minor order by x.ord),
           array_agg(case x.method when 'wallet' then coalesce(b.id, 0) end order by x.ord),
           array_agg(x.twin order by x.ord)
      into v, paid, wallet, twin
      from (select a.*, least(min(a.ord) over (partition by a.quote),
                              min(a.ord) over (partition by a.caller, a.key))::int as twin
              from unnest(p_callers, p_keys, p_quotes, p_methods, v)
                   with ordinality as a (caller, key, quote, method, verdict, ord)) x
      left join lateral (select * from orders.quote r where r.cell = p_cell and r.id = x.quote offset 0) q on true
      left join lateral (select r.id from ledger.account r
                          where r.cell = p_cell and r.code = 'wallet' and r.owner = x.caller
                            and r.currency = q.currency offset 0) b on true;

    -- 3. Offers as they are now, and the lines that stock is judged by.
    with line as (
        select l.n, l.line_no, l.offer_id, l.stock_id, l.quantity, l.unit_price_minor
          from orders.quote_lines(p_cell, p_quotes) l
         where v[l.n] is null
    ), wrong as (
        select distinct on (l.n) l.n, l.offer_id, f.unit_price_minor, coalesce(f.buyable, false) as buyable
          from line l
          left join catalog.offer_fact f on f.cell = p_cell and f.offer_id = l.offer_id
         where f.buyable is not true or f.unit_price_minor <> l.unit_price_minor
         order by l.n, f.buyable is true, l.line_no
    ), per_stock as (
        select l.n, l.stock_id, min(l.offer_id) as offer_id, sum(l.quantity)::bigint as quantity
          from line l
         where not exists (select from wrong w where w.n = l.n)
         group by l.n, l.stock_id
    ), ranked as (
        select p.*, dense_rank() over (order by p.stock_id)::int as pos from per_stock p
    )
    select (select array_agg(r.n order by r.n, r.pos) from ranked r),
           (select array_agg(r.pos order by r.n, r.pos) from ranked r),
           (select array_agg(r.offer_id order by r.n, r.pos) from ranked r),
           (select array_agg(r.quantity order by r.n, r.pos) from ranked r),
           (select array_agg(d.stock_id order by d.stock_id) from (select distinct stock_id from ranked) d),
           (select jsonb_object_agg(w.n, case when w.buyable
               then jsonb_build_object('offer_id', w.offer_id, 'unit_price_minor', w.unit_price_minor)
               else jsonb_build_object('offer_id', w.offer_id) end) from wrong w)
      into l_n, l_pos, l_offer, l_qty, s_ids, wrongs;
    if wrongs is not null then
        for i in 1 .. n loop
            continue when not wrongs ? i::text;
            details[i] := wrongs -> i::text;
            v[i] := case when details[i] ? 'unit_price_minor' then 'price_changed' else 'offer_unavailable' end;
        end loop;
    end if;

    -- 4. Lock stock, then wallets, each in id order.
    select array_agg(s.available order by s.stock_id) into s_left from inventory.lock_many(p_cell, s_ids) s;
    select array_agg(b.account_id order by b.account_id), array_agg(b.balance order by b.account_id)
      into w_ids, w_left
      from ledger.lock_many(p_cell, array(select distinct a.wallet from unnest(wallet, v) as a (wallet, verdict)
                                           where a.verdict is null and a.wallet is not null)) b;

    -- Placed under another key? Only now: who placed it held the lock on its stock that we have waited for.
    for i in
        select a.ord
          from unnest(p_quotes, v) with ordinality as a (quote, verdict, ord)
         cross join lateral (select from orders.order_group r where r.cell = p_cell and r.id = a.quote offset 0) g
         where a.verdict is null or a.verdict in ('quote_expired', 'offer_unavailable', 'price_changed')
    loop
        v[i] := 'quote_placed';
        details[i] := null;
    end loop;

    -- 5. Nothing short and nobody asks twice: all that is left is placed.
    select coalesce(bool_or(t.quantity > s_left[t.pos]), false) into short
      from (select l.pos, sum(l.quantity) as quantity from unnest(l_pos, l_qty) as l (pos, quantity) group by l.pos) t;
    short := short
        or exists (select from unnest(wallet, paid, v) as a (wallet, paid, verdict)
                    where a.verdict is null and a.wallet is not null
                    group by a.wallet
                   having sum(a.paid) > coalesce(w_left[array_position(w_ids, a.wallet)], 0))
        or exists (select from unnest(twin) with ordinality as a (twin, ord) where a.twin < a.ord);

    if not short then
        for i in 1 .. n loop
            if v[i] is null then v[i] := 'ok'; end if;
        end loop;
    else
        <<command>>
        for i in 1 .. n loop
            while l_n[first_l] < i loop first_l := first_l + 1; end loop;
            last_l := first_l - 1;
            while l_n[last_l + 1] = i loop last_l := last_l + 1; end loop;
            continue when v[i] is not null;
            if v[twin[i]] = 'ok' and twin[i] < i then
                -- The same key is the same command, told twice; another key came too late for this quote.
                if p_keys[i] = p_keys[twin[i]] and p_callers[i] = p_callers[twin[i]] then
                    v[i] := 'placed';
                    again[i] := true;
                else
                    v[i] := 'quote_placed';
                end if;
                continue;
            end if;
            for j in first_l .. last_l loop
                if l_qty[j] > s_left[l_pos[j]] then
                    v[i] := 'sold_out';
                    details[i] := jsonb_build_object('offer_id', l_offer[j], 'available', s_left[l_pos[j]]);
                    continue command;
                end if;
            end loop;
            if wallet[i] is not null then
                w := array_position(w_ids, wallet[i]);
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
            v[i] := 'ok';
            -- Later commands that shared the refused first one of their kind now look to this one.
            for j in i + 1 .. n loop
                if p_quotes[j] = p_quotes[i] then twin[j] := i; end if;
            end loop;
        end loop;
    end if;

    -- 6. Write what was accepted; a refused command leaves no key, so that it is judged anew.
    if 'ok' = any (v) then
        perform orders.write_groups(p_cell, p_now, array_agg(a.quote order by a.quote),
                                    array_agg(a.method order by a.quote))
           from unnest(p_quotes, p_methods, v) as a (quote, method, verdict)
          where a.verdict = 'ok';
    end if;
    if exists (select from unnest(v) x where x not in ('ok', 'placed', 'key_conflict')) then
        delete from kit.idempotency_key k
         using unnest(p_callers, p_keys, v) as a (caller, key, verdict)
         where k.cell = p_cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
           and a.verdict not in ('ok', 'placed', 'key_conflict')
           and not exists (select from unnest(p_callers, p_keys, v) as o (caller, key, verdict)
                            where o.caller = a.caller and o.key = a.key and o.verdict in ('ok', 'placed'));
    end if;
    return query
        select i, case v[i] when 'ok' then 'placed' else v[i] end, again[i],
               case when v[i] in ('ok', 'placed') then p_quotes[i] end, details[i]
          from generate_series(1, n) i;
end $$;
