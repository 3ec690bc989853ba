CREATE SCHEMA accounts;

CREATE SCHEMA catalog;

CREATE SCHEMA inventory;

CREATE SCHEMA kit;

CREATE SCHEMA ledger;

CREATE SCHEMA logistics;

CREATE SCHEMA orders;

CREATE SCHEMA payments;

CREATE SCHEMA pricing;

CREATE SCHEMA sellers;

CREATE SCHEMA world;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

COMMENT ON EXTENSION unaccent IS 'text search dictionary that removes accents';

CREATE FUNCTION catalog.asked(p_text text) RETURNS tsquery
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    select (nullif(plainto_tsquery('simple'::regconfig, catalog.plain(p_text))::text, '') || ':*')::tsquery
$$;

CREATE FUNCTION catalog.list_many(p_markets text[], p_products bigint[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
    with recursive asked as (
        select distinct a.market, a.product_id from unnest(p_markets, p_products) as a (market, product_id)
    ), up as (
        select a.market, p.category_id, a.product_id
          from asked a
          join catalog.product p on p.id = a.product_id
        union
        select u.market, c.parent_id, u.product_id
          from up u
          join catalog.category c on c.id = u.category_id
         where c.parent_id is not null
    )
    insert into catalog.listed (market, category_id, product_id)
    select market, category_id, product_id from up
    union all
    select market, 0, product_id from asked
     order by 1, 2, 3
    on conflict do nothing;
$$;

CREATE FUNCTION catalog.plain(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
    select regexp_replace(
        lower(public.unaccent('public.unaccent'::regdictionary, p_text)),
        '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])', ' \1 ', 'g')
$$;

CREATE FUNCTION catalog."similar"(p_text text, p_limit integer) RETURNS TABLE(product_id bigint, likeness real)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    SET "pg_trgm.word_similarity_threshold" TO '0.45'
    AS $$
    select p.id, public.word_similarity(p_text, p.title)
      from catalog.product p
     where p_text operator(public.<%) p.title
     order by 2 desc, 1
     limit p_limit
$$;

CREATE FUNCTION catalog.words(p_text text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
    select to_tsvector('simple'::regconfig, catalog.plain(p_text))
$$;

CREATE FUNCTION inventory.lock_many(p_cell smallint, p_stocks bigint[]) RETURNS TABLE(stock_id bigint, available bigint)
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select s.id, s.on_hand - s.held - s.allocated
      from inventory.stock s
     where s.cell = p_cell and s.id = any (p_stocks)
     order by s.id
       for no key update;
$$;

CREATE FUNCTION inventory.move_many(p_cell smallint, p_now timestamp with time zone, p_kind text, p_stocks bigint[], p_quantities bigint[], p_causes uuid[], p_costs bigint[] DEFAULT NULL::bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    d_on_hand   int := case p_kind when 'receive' then 1 when 'return' then 1 when 'ship' then -1 else 0 end;
    d_held      int := case p_kind when 'hold' then 1 when 'confirm' then -1 when 'expire' then -1 else 0 end;
    d_allocated int := case p_kind when 'allocate' then 1 when 'confirm' then 1 when 'give_back' then -1
                                   when 'ship' then -1 else 0 end;
begin
    insert into inventory.movement (cell, stock_id, kind, on_hand_delta, held_delta, allocated_delta, cost_delta,
                                    cause_id, at)
    select p_cell, m.stock_id, p_kind, d_on_hand * m.quantity, d_held * m.quantity, d_allocated * m.quantity,
           coalesce(m.cost, 0), m.cause_id, p_now
      from unnest(p_stocks, p_quantities, p_causes, p_costs) as m (stock_id, quantity, cause_id, cost);
    update inventory.stock s
       set on_hand = s.on_hand + d_on_hand * m.quantity,
           held = s.held + d_held * m.quantity,
           allocated = s.allocated + d_allocated * m.quantity,
           cost_minor = s.cost_minor + m.cost
      from (select l.stock_id, sum(l.quantity)::bigint as quantity, coalesce(sum(l.cost), 0)::bigint as cost
              from unnest(p_stocks, p_quantities, p_costs) as l (stock_id, quantity, cost)
             group by l.stock_id order by l.stock_id) m
     where s.cell = p_cell and s.id = m.stock_id;
end $$;

CREATE FUNCTION inventory.ship_costs(p_cell smallint, p_stocks bigint[], p_quantities bigint[]) RETURNS TABLE(ord integer, cost_delta bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select l.ord::int,
           -(div(s.cost_minor::numeric * l.upto, s.on_hand)
             - div(s.cost_minor::numeric * (l.upto - l.quantity), s.on_hand))::bigint
      from (select u.stock_id, u.quantity, u.ord,
                   sum(u.quantity) over (partition by u.stock_id order by u.ord) as upto
              from unnest(p_stocks, p_quantities) with ordinality as u (stock_id, quantity, ord)) l
      join inventory.stock s on s.cell = p_cell and s.id = l.stock_id
     order by l.ord;
$$;

CREATE FUNCTION kit.emit_many(p_cell smallint, p_now timestamp with time zone, p_kinds text[], p_keys uuid[], p_data jsonb[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
    insert into kit.event (cell, kind, key, at, data)
    select p_cell, e.kind, e.key, p_now, e.data
      from unnest(p_kinds, p_keys, p_data) as e (kind, key, data);
$$;

CREATE FUNCTION ledger.lock_many(p_cell smallint, p_accounts bigint[]) RETURNS TABLE(account_id bigint, balance bigint)
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select b.account_id, b.credits - b.debits
      from ledger.balance b
     where b.cell = p_cell and b.account_id = any (p_accounts) and b.stripe = 0
     order by b.account_id
       for no key update;
$$;

CREATE FUNCTION ledger.lock_positive(p_cell smallint, p_code text) RETURNS TABLE(owner uuid, account_id bigint, currency text, balance bigint)
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
    select a.owner, a.id, a.currency, b.credits - b.debits
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id and b.stripe = 0
     where a.cell = p_cell and a.code = p_code and b.credits > b.debits
     order by a.id
       for no key update of b;
$$;

CREATE FUNCTION ledger.open_many(p_cell smallint, p_now timestamp with time zone, p_codes text[], p_owners uuid[], p_currencies text[], p_limited boolean, p_striped boolean) RETURNS TABLE(id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    with made as (
        insert into ledger.account (cell, code, owner, currency, limited, striped, created_at)
        select distinct on (a.code, a.owner, a.currency) p_cell, a.code, a.owner, a.currency, p_limited, p_striped, p_now
          from unnest(p_codes, p_owners, p_currencies) as a (code, owner, currency)
         order by a.code, a.owner, a.currency
        on conflict do nothing
        returning account.id
    )
    insert into ledger.balance (cell, account_id, stripe, limited)
    select p_cell, m.id, 0, p_limited from made m where not p_striped;
    return query
        select l.id
          from unnest(p_codes, p_owners, p_currencies) with ordinality as a (code, owner, currency, ord)
          left join ledger.account l
            on l.cell = p_cell and l.code = a.code and l.owner = a.owner and l.currency = a.currency
         order by a.ord;
end $$;

CREATE FUNCTION ledger.post_many(p_cell smallint, p_now timestamp with time zone, p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[], p_amounts bigint[]) RETURNS TABLE(ord integer, verdict text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
declare
    n         int := cardinality(p_causes);
    v         text[];
    lim_ids   bigint[];
    lim_left  bigint[];
    first_of  int[];
    short     boolean;
begin
    if n = 0 then return; end if;
    perform ledger.lock_many(p_cell, p_debits || p_credits);

    select array_agg(x.verdict order by x.ord), array_agg(x.first_of order by x.ord)
      into v, first_of
      from (select t.ord,
                   min(t.ord) over (partition by t.cause_id, t.code)::int as first_of,
                   case when t.amount is null or t.amount <= 0 then 'amount_not_positive'
                        when t.debit = t.credit then 'same_account'
                        when d.id is null or c.id is null then 'unknown_account'
                        when d.currency <> c.currency then 'currency_mismatch'
                        when o.cause_id is null then null
                        when (o.debit, o.credit, o.amount) = (t.debit, t.credit, t.amount) then 'exists'
                        else 'conflict' end as verdict
              from unnest(p_causes, p_codes, p_debits, p_credits, p_amounts)
                   with ordinality as t (cause_id, code, debit, credit, amount, ord)
              left join ledger.account d on d.cell = p_cell and d.id = t.debit
              left join ledger.account c on c.cell = p_cell and c.id = t.credit
              left join ledger.transfer o on o.cell = p_cell and o.cause_id = t.cause_id and o.code = t.code) x;

    select array_agg(b.account_id order by b.account_id), array_agg(b.credits - b.debits order by b.account_id)
      into lim_ids, lim_left
      from ledger.balance b
     where b.cell = p_cell and b.account_id = any (p_debits || p_credits) and b.stripe = 0 and b.limited;

    -- Set-based when nothing is short, whatever the order of arrival; else one after another.
    select coalesce(bool_or(s.total > lim_left[array_position(lim_ids, s.debit)]), false) into short
      from (select t.debit, sum(t.amount) as total
              from unnest(p_debits, p_amounts, v) as t (debit, amount, verdict)
             where t.verdict is null and t.debit = any (lim_ids) group by t.debit) s;

    for i in 1 .. n loop
        continue when v[i] is not null;
        if first_of[i] < i and v[first_of[i]] = 'posted' then
            v[i] := case when (p_debits[i], p_credits[i], p_amounts[i])
                            = (p_debits[first_of[i]], p_credits[first_of[i]], p_amounts[first_of[i]])
                         then 'exists' else 'conflict' end;
            continue;
        elsif first_of[i] < i then
            -- The first of this name was refused: this one is judged on its own and becomes the first.
            for j in i .. n loop
                if first_of[j] = first_of[i] and j <> i then first_of[j] := i; end if;
            end loop;
            first_of[i] := i;
        end if;
        if short then
            declare
                d int := array_position(lim_ids, p_debits[i]);
                c int := array_position(lim_ids, p_credits[i]);
            begin
                if d is not null and lim_left[d] < p_amounts[i] then
                    v[i] := 'insufficient_funds';
                    continue;
                end if;
                if d is not null then lim_left[d] := lim_left[d] - p_amounts[i]; end if;
                if c is not null then lim_left[c] := lim_left[c] + p_amounts[i]; end if;
            end;
        end if;
        v[i] := 'posted';
    end loop;

    if 'posted' = all (v) then
        perform ledger.write_many(p_cell, p_now, p_causes, p_codes, p_debits, p_credits, p_amounts);
    elsif 'posted' = any (v) then
        perform ledger.write_many(p_cell, p_now, array_agg(t.cause_id), array_agg(t.code), array_agg(t.debit),
                                  array_agg(t.credit), array_agg(t.amount))
           from unnest(p_causes, p_codes, p_debits, p_credits, p_amounts, v)
                as t (cause_id, code, debit, credit, amount, verdict)
          where t.verdict = 'posted';
    end if;
    return query select i, v[i] from generate_subscripts(v, 1) i;
end $$;

CREATE FUNCTION ledger.write_many(p_cell smallint, p_now timestamp with time zone, p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[], p_amounts bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    plain   int;
    striped int;
begin
    insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
    select p_cell, t.cause_id, t.code, t.debit, t.credit, t.amount, p_now
      from unnest(p_causes, p_codes, p_debits, p_credits, p_amounts) as t (cause_id, code, debit, credit, amount)
     order by t.cause_id, t.code;

    -- Looked up account by account (offset 0 keeps that order): with the statistics of a young table the planner would
    -- rather go through all balances and sum the transfers again for each. The rows are locked, so their ctid stands.
    update ledger.balance b
       set debits = b.debits + s.debits, credits = b.credits + s.credits
      from (select e.account_id, sum(e.debits)::bigint as debits, sum(e.credits)::bigint as credits
              from (select t.debit, t.amount, 0::bigint from unnest(p_debits, p_amounts) as t (debit, amount)
                    union all
                    select t.credit, 0, t.amount from unnest(p_credits, p_amounts) as t (credit, amount)
                   ) as e (account_id, debits, credits)
             group by e.account_id
             order by e.account_id) s
     cross join lateral (select r.ctid as row from ledger.balance r
                          where r.cell = p_cell and r.account_id = s.account_id and r.stripe = 0 offset 0) l
     where b.ctid = l.row;
    get diagnostics plain = row_count;

    -- 16 stripes: writers are server processes, each keeping its own connections.
    insert into ledger.balance as b (cell, account_id, stripe, limited, debits, credits)
    select p_cell, s.account_id, pg_backend_pid() % 16 + 1, false, s.debits, s.credits
      from (select e.account_id, sum(e.debits)::bigint as debits, sum(e.credits)::bigint as credits
              from (select t.debit, t.amount, 0::bigint from unnest(p_debits, p_amounts) as t (debit, amount)
                    union all
                    select t.credit, 0, t.amount from unnest(p_credits, p_amounts) as t (credit, amount)
                   ) as e (account_id, debits, credits)
             group by e.account_id) s
     cross join lateral (select x.striped from ledger.account x
                          where x.cell = p_cell and x.id = s.account_id offset 0) a
     where a.striped
     order by s.account_id
    on conflict (cell, account_id, stripe)
    do update set debits = b.debits + excluded.debits, credits = b.credits + excluded.credits;
    get diagnostics striped = row_count;
    if plain + striped <> (select count(distinct u) from unnest(p_debits || p_credits) u) then
        raise exception 'a transfer names an account that is not there';
    end if;
end $$;

CREATE FUNCTION orders.escrow_many(p_cell smallint, p_now timestamp with time zone, p_groups uuid[], p_source text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

CREATE FUNCTION orders.place_many(p_cell smallint, p_now timestamp with time zone, p_callers uuid[], p_keys text[], p_hashes bytea[], p_quotes uuid[], p_methods text[]) RETURNS TABLE(ord integer, verdict text, replayed boolean, group_id uuid, detail jsonb)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

CREATE FUNCTION orders.quote_lines(p_cell smallint, p_quotes uuid[]) RETURNS TABLE(n integer, quote_id uuid, line_no smallint, order_id uuid, offer_id bigint, variant_id bigint, stock_id bigint, quantity bigint, unit_price_minor bigint, price_per integer, rounding_minor bigint, gross_minor bigint, discount_minor bigint, shipping_minor bigint, commission_bp integer, commission_minor bigint)
    LANGUAGE sql STABLE
    AS $$
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

CREATE FUNCTION orders.quote_orders(p_cell smallint, p_quotes uuid[]) RETURNS TABLE(n integer, quote_id uuid, order_no smallint, order_id uuid, seller_id uuid, own boolean, location_id bigint, items_minor bigint, shipping_minor bigint, seller_discount_minor bigint, operator_discount_minor bigint, commission_minor bigint, payment_fee_minor bigint, paid_minor bigint, buyer_id uuid, market text, currency text)
    LANGUAGE sql STABLE
    AS $$
    select a.n::int, q.id, i::smallint, q.order_ids[i], q.order_sellers[i], q.order_owns[i], q.order_locations[i],
           q.order_items[i], q.order_shipping[i], q.order_seller_discounts[i], q.order_operator_discounts[i],
           q.order_commissions[i], q.order_payment_fees[i],
           q.order_items[i] + q.order_shipping[i] - q.order_seller_discounts[i] - q.order_operator_discounts[i],
           q.buyer_id, q.market, q.currency
      from unnest(p_quotes) with ordinality as a (id, n)
     cross join lateral (select * from orders.quote r where r.cell = p_cell and r.id = a.id offset 0) q
     cross join lateral generate_series(1, cardinality(q.order_ids)) i
$$;

CREATE FUNCTION orders.write_groups(p_cell smallint, p_now timestamp with time zone, p_quotes uuid[], p_methods text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

CREATE FUNCTION payments.record_many(p_cell smallint, p_now timestamp with time zone, p_groups uuid[], p_buyers uuid[], p_methods text[], p_currencies text[], p_amounts bigint[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
    insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, due_at,
                                  created_at, captured_at)
    select p_cell, p.group_id, p.group_id, p.buyer_id, p.method, p.currency, p.amount,
           case p.method when 'wallet' then 'captured' else 'created' end,
           case p.method when 'wallet' then null else p_now end,
           p_now,
           case p.method when 'wallet' then p_now end
      from unnest(p_groups, p_buyers, p_methods, p_currencies, p_amounts)
           as p (group_id, buyer_id, method, currency, amount);
$$;

CREATE TABLE accounts.address (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    recipient text NOT NULL,
    line1 text NOT NULL,
    line2 text DEFAULT ''::text NOT NULL,
    city text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    postal_code text NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT address_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
);

CREATE TABLE accounts.login (
    email text NOT NULL COLLATE pg_catalog."C",
    cell smallint NOT NULL,
    user_id uuid NOT NULL,
    password_hash text NOT NULL,
    CONSTRAINT login_email_check CHECK ((email = lower(email)))
);

CREATE TABLE accounts.login_attempt (
    id bigint NOT NULL,
    who bytea NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE accounts.login_attempt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.login_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE accounts.person (
    cell smallint NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL
);

CREATE TABLE accounts."user" (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    role text NOT NULL COLLATE pg_catalog."C",
    seller_id uuid,
    created_at timestamp with time zone NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT user_check CHECK (((role = 'seller'::text) = (seller_id IS NOT NULL))),
    CONSTRAINT user_role_check CHECK ((role = ANY (ARRAY['buyer'::text, 'seller'::text, 'operator'::text])))
);

CREATE TABLE catalog.category (
    id bigint NOT NULL,
    parent_id bigint,
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    CONSTRAINT category_id_check CHECK ((id > 0))
);

ALTER TABLE catalog.category ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME catalog.category_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE catalog.listed (
    market text NOT NULL COLLATE pg_catalog."C",
    category_id bigint NOT NULL,
    product_id bigint NOT NULL
);

CREATE TABLE catalog.offer (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    seller_id uuid NOT NULL,
    product_id bigint NOT NULL,
    variant_id bigint NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    location_id bigint NOT NULL,
    stock_id bigint NOT NULL,
    unit_price_minor bigint NOT NULL,
    price_per integer NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'active'::text NOT NULL COLLATE pg_catalog."C",
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT offer_price_per_check CHECK ((price_per > 0)),
    CONSTRAINT offer_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text]))),
    CONSTRAINT offer_unit_price_minor_check CHECK ((unit_price_minor >= 0))
)
WITH (fillfactor='80');

CREATE TABLE sellers.seller (
    id uuid NOT NULL,
    cell smallint NOT NULL,
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    commission_bp integer,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT seller_commission_bp_check CHECK (((commission_bp >= 0) AND (commission_bp <= 10000))),
    CONSTRAINT seller_kind_check CHECK ((kind = ANY (ARRAY['third_party'::text, 'own'::text]))),
    CONSTRAINT seller_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);

CREATE VIEW catalog.offer_fact AS
 SELECT o.cell,
    o.id AS offer_id,
    o.unit_price_minor,
    ((o.status = 'active'::text) AND (s.status = 'active'::text)) AS buyable
   FROM (catalog.offer o
     JOIN sellers.seller s ON ((s.id = o.seller_id)));

ALTER TABLE catalog.offer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME catalog.offer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE catalog.product (
    id bigint NOT NULL,
    slug text NOT NULL COLLATE pg_catalog."C",
    title text NOT NULL,
    brand text DEFAULT ''::text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    category_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    words tsvector GENERATED ALWAYS AS (catalog.words(((title || ' '::text) || brand))) STORED NOT NULL
);

ALTER TABLE catalog.product ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME catalog.product_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE catalog.variant (
    id bigint NOT NULL,
    product_id bigint NOT NULL,
    sku text NOT NULL COLLATE pg_catalog."C",
    gtin text COLLATE pg_catalog."C",
    title text DEFAULT ''::text NOT NULL,
    unit text DEFAULT 'each'::text NOT NULL COLLATE pg_catalog."C",
    price_per integer DEFAULT 1 NOT NULL,
    CONSTRAINT variant_price_per_check CHECK ((price_per > 0))
);

ALTER TABLE catalog.variant ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME catalog.variant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE inventory.movement (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    stock_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    on_hand_delta bigint DEFAULT 0 NOT NULL,
    held_delta bigint DEFAULT 0 NOT NULL,
    allocated_delta bigint DEFAULT 0 NOT NULL,
    cost_delta bigint DEFAULT 0 NOT NULL,
    cause_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT movement_kind_check CHECK ((kind = ANY (ARRAY['receive'::text, 'hold'::text, 'allocate'::text, 'confirm'::text, 'give_back'::text, 'expire'::text, 'ship'::text, 'return'::text])))
);

ALTER TABLE inventory.movement ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.movement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE inventory.stock (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    seller_id uuid NOT NULL,
    variant_id bigint NOT NULL,
    location_id bigint NOT NULL,
    on_hand bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    allocated bigint DEFAULT 0 NOT NULL,
    cost_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT stock_allocated_check CHECK ((allocated >= 0)),
    CONSTRAINT stock_cost_minor_check CHECK ((cost_minor >= 0)),
    CONSTRAINT stock_held_check CHECK ((held >= 0)),
    CONSTRAINT stock_not_oversold CHECK ((on_hand >= (held + allocated)))
)
WITH (fillfactor='50');

ALTER TABLE inventory.stock ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME inventory.stock_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE kit.cell (
    cell smallint NOT NULL,
    CONSTRAINT cell_cell_check CHECK ((cell >= 0))
);

CREATE TABLE kit.cursor (
    cell smallint NOT NULL,
    consumer text NOT NULL COLLATE pg_catalog."C",
    xid xid8 DEFAULT '0'::xid8 NOT NULL,
    id bigint DEFAULT 0 NOT NULL
);

CREATE TABLE kit.event (
    cell smallint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    version smallint DEFAULT 1 NOT NULL,
    key uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    data jsonb NOT NULL
);

ALTER TABLE kit.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME kit.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE kit.idempotency_key (
    cell smallint NOT NULL,
    caller uuid NOT NULL,
    route text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    body_hash bytea NOT NULL,
    ref uuid,
    status smallint NOT NULL,
    answer bytea,
    at timestamp with time zone NOT NULL
);

CREATE TABLE kit.secret (
    name text NOT NULL COLLATE pg_catalog."C",
    ciphertext bytea NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE ledger.account (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    owner uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    limited boolean NOT NULL,
    striped boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT account_check CHECK ((NOT (limited AND striped))),
    CONSTRAINT account_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

ALTER TABLE ledger.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ledger.balance (
    cell smallint NOT NULL,
    account_id bigint NOT NULL,
    stripe smallint NOT NULL,
    limited boolean NOT NULL,
    debits bigint DEFAULT 0 NOT NULL,
    credits bigint DEFAULT 0 NOT NULL,
    CONSTRAINT balance_credits_check CHECK ((credits >= 0)),
    CONSTRAINT balance_debits_check CHECK ((debits >= 0)),
    CONSTRAINT balance_within_limit CHECK (((NOT limited) OR (credits >= debits)))
)
WITH (fillfactor='50');

CREATE TABLE ledger.transfer (
    cell smallint NOT NULL,
    cause_id uuid NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT transfer_amount_check CHECK ((amount > 0)),
    CONSTRAINT transfer_check CHECK ((debit <> credit))
);

CREATE TABLE logistics.fulfillment_order (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    location_id bigint NOT NULL,
    address_id uuid,
    status text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT fulfillment_order_status_check CHECK ((status = ANY (ARRAY['open'::text, 'shipped'::text, 'canceled'::text])))
);

CREATE TABLE logistics.location (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    seller_id uuid,
    country text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE logistics.location ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME logistics.location_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE logistics.shipment (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    fulfillment_order_id uuid NOT NULL,
    carrier text NOT NULL COLLATE pg_catalog."C",
    tracking_number text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    shipped_at timestamp with time zone NOT NULL,
    delivered_at timestamp with time zone,
    CONSTRAINT shipment_status_check CHECK ((status = ANY (ARRAY['in_transit'::text, 'out_for_delivery'::text, 'delivered'::text])))
);

CREATE TABLE logistics.tracking_event (
    cell smallint NOT NULL,
    shipment_id uuid NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    place text DEFAULT ''::text NOT NULL
);

CREATE TABLE orders.cart (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    address_id uuid,
    shipping_code text COLLATE pg_catalog."C",
    promotion_code text COLLATE pg_catalog."C",
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE orders.cart_line (
    cell smallint NOT NULL,
    cart_id uuid NOT NULL,
    offer_id bigint NOT NULL,
    quantity bigint NOT NULL,
    CONSTRAINT cart_line_quantity_check CHECK (((quantity >= 1) AND (quantity <= 1000000)))
);

CREATE TABLE orders.discount_line (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    funding_party text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    CONSTRAINT discount_line_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT discount_line_funding_party_check CHECK ((funding_party = ANY (ARRAY['operator'::text, 'seller'::text])))
);

CREATE TABLE orders."order" (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    group_cell smallint CONSTRAINT order_group_cell_not_null1 NOT NULL,
    group_id uuid CONSTRAINT order_group_id_not_null1 NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    own boolean NOT NULL,
    location_id bigint NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    items_minor bigint NOT NULL,
    shipping_minor bigint NOT NULL,
    seller_discount_minor bigint NOT NULL,
    operator_discount_minor bigint NOT NULL,
    paid_minor bigint NOT NULL,
    commission_minor bigint NOT NULL,
    payment_fee_minor bigint NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    shipped_at timestamp with time zone,
    delivered_at timestamp with time zone,
    ended_at timestamp with time zone,
    release_due_at timestamp with time zone,
    CONSTRAINT order_check CHECK ((paid_minor = (((items_minor + shipping_minor) - seller_discount_minor) - operator_discount_minor))),
    CONSTRAINT order_commission_minor_check CHECK ((commission_minor >= 0)),
    CONSTRAINT order_operator_discount_minor_check CHECK ((operator_discount_minor >= 0)),
    CONSTRAINT order_paid_minor_check CHECK ((paid_minor >= 0)),
    CONSTRAINT order_payment_fee_minor_check CHECK ((payment_fee_minor >= 0)),
    CONSTRAINT order_seller_discount_minor_check CHECK ((seller_discount_minor >= 0)),
    CONSTRAINT order_shipping_minor_check CHECK ((shipping_minor >= 0)),
    CONSTRAINT order_status_check CHECK ((status = ANY (ARRAY['awaiting_payment'::text, 'paid'::text, 'shipped'::text, 'delivered'::text, 'completed'::text, 'canceled'::text, 'expired'::text, 'refunded'::text])))
)
WITH (fillfactor='70');

CREATE TABLE orders.order_group (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    address_id uuid,
    paid_minor bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    pay_by timestamp with time zone,
    placed_at timestamp with time zone NOT NULL,
    CONSTRAINT order_group_paid_minor_check CHECK ((paid_minor >= 0)),
    CONSTRAINT order_group_status_check CHECK ((status = ANY (ARRAY['awaiting_payment'::text, 'placed'::text, 'expired'::text])))
);

CREATE TABLE orders.order_line (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    offer_id bigint NOT NULL,
    variant_id bigint NOT NULL,
    stock_id bigint NOT NULL,
    quantity bigint NOT NULL,
    unit_price_minor bigint NOT NULL,
    price_per integer NOT NULL,
    rounding_minor bigint NOT NULL,
    gross_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    shipping_minor bigint NOT NULL,
    commission_bp integer NOT NULL,
    commission_minor bigint NOT NULL,
    CONSTRAINT order_line_check CHECK (((discount_minor >= 0) AND (discount_minor <= gross_minor))),
    CONSTRAINT order_line_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE orders.quote (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    cart_id uuid,
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    address_id uuid,
    shipping_code text NOT NULL COLLATE pg_catalog."C",
    paid_minor bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    pay_by_s integer NOT NULL,
    order_ids uuid[] NOT NULL,
    order_sellers uuid[] NOT NULL,
    order_owns boolean[] NOT NULL,
    order_locations bigint[] NOT NULL,
    order_items bigint[] NOT NULL,
    order_shipping bigint[] NOT NULL,
    order_seller_discounts bigint[] NOT NULL,
    order_operator_discounts bigint[] NOT NULL,
    order_commissions bigint[] NOT NULL,
    order_payment_fees bigint[] NOT NULL,
    line_orders smallint[] NOT NULL,
    line_offers bigint[] NOT NULL,
    line_variants bigint[] NOT NULL,
    line_stocks bigint[] NOT NULL,
    line_quantities bigint[] NOT NULL,
    line_prices bigint[] NOT NULL,
    line_prices_per integer[] NOT NULL,
    line_roundings bigint[] NOT NULL,
    line_grosses bigint[] NOT NULL,
    line_shippings bigint[] NOT NULL,
    line_commission_bps integer[] NOT NULL,
    line_commissions bigint[] NOT NULL,
    discount_lines smallint[] NOT NULL,
    discount_kinds text[] NOT NULL,
    discount_parties text[] NOT NULL,
    discount_amounts bigint[] NOT NULL,
    CONSTRAINT quote_paid_minor_check CHECK ((paid_minor >= 0))
)
WITH (toast_tuple_target='8160');

CREATE TABLE payments.payment (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    group_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    method text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    refunded_minor bigint DEFAULT 0 NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    redirect_url text,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    captured_at timestamp with time zone,
    CONSTRAINT payment_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT payment_check CHECK (((refunded_minor >= 0) AND (refunded_minor <= amount_minor))),
    CONSTRAINT payment_method_check CHECK ((method = ANY (ARRAY['wallet'::text, 'sandbox'::text]))),
    CONSTRAINT payment_status_check CHECK ((status = ANY (ARRAY['created'::text, 'pending'::text, 'captured'::text, 'canceling'::text, 'failed'::text, 'returning'::text, 'returned'::text])))
)
WITH (fillfactor='80');

CREATE TABLE payments.payout (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT payout_amount_minor_check CHECK ((amount_minor > 0))
);

CREATE TABLE payments.payout_run (
    cell smallint NOT NULL,
    period integer NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE payments.refund (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    order_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT refund_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT refund_status_check CHECK ((status = ANY (ARRAY['created'::text, 'done'::text, 'failed'::text])))
);

CREATE TABLE payments.webhook (
    gateway text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    received_at timestamp with time zone NOT NULL
);

CREATE TABLE pricing.promotion (
    code text NOT NULL COLLATE pg_catalog."C",
    market text NOT NULL COLLATE pg_catalog."C",
    percent_bp integer,
    amount_minor bigint,
    minimum_minor bigint DEFAULT 0 NOT NULL,
    funding_party text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone NOT NULL,
    CONSTRAINT promotion_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT promotion_check CHECK (((percent_bp IS NULL) <> (amount_minor IS NULL))),
    CONSTRAINT promotion_check1 CHECK ((valid_to > valid_from)),
    CONSTRAINT promotion_funding_party_check CHECK ((funding_party = ANY (ARRAY['operator'::text, 'seller'::text]))),
    CONSTRAINT promotion_minimum_minor_check CHECK ((minimum_minor >= 0)),
    CONSTRAINT promotion_percent_bp_check CHECK (((percent_bp >= 1) AND (percent_bp <= 10000)))
);

CREATE TABLE pricing.shipping_service (
    market text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    base_minor bigint NOT NULL,
    item_minor bigint NOT NULL,
    transit_s integer NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT shipping_service_base_minor_check CHECK ((base_minor >= 0)),
    CONSTRAINT shipping_service_item_minor_check CHECK ((item_minor >= 0)),
    CONSTRAINT shipping_service_transit_s_check CHECK ((transit_s > 0))
);

CREATE TABLE public.entrepot_migration (
    name text NOT NULL COLLATE pg_catalog."C",
    sha256 text NOT NULL
);

CREATE TABLE sellers.market (
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT market_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

CREATE TABLE sellers.market_terms (
    market text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    commission_bp integer NOT NULL,
    payment_fee_bp integer NOT NULL,
    quote_ttl_s integer NOT NULL,
    payment_ttl_s integer NOT NULL,
    confirm_after_s integer NOT NULL,
    untracked_after_s integer NOT NULL,
    source text NOT NULL,
    CONSTRAINT market_terms_check CHECK ((valid_to > valid_from)),
    CONSTRAINT market_terms_commission_bp_check CHECK (((commission_bp >= 0) AND (commission_bp <= 10000))),
    CONSTRAINT market_terms_confirm_after_s_check CHECK ((confirm_after_s > 0)),
    CONSTRAINT market_terms_payment_fee_bp_check CHECK (((payment_fee_bp >= 0) AND (payment_fee_bp <= 10000))),
    CONSTRAINT market_terms_payment_ttl_s_check CHECK ((payment_ttl_s > 0)),
    CONSTRAINT market_terms_quote_ttl_s_check CHECK ((quote_ttl_s > 0)),
    CONSTRAINT market_terms_untracked_after_s_check CHECK ((untracked_after_s > 0))
);

CREATE TABLE world.progress (
    name text NOT NULL COLLATE pg_catalog."C",
    until date NOT NULL,
    day date NOT NULL,
    step integer NOT NULL,
    CONSTRAINT progress_step_check CHECK ((step >= 0))
);

ALTER TABLE ONLY accounts.address
    ADD CONSTRAINT address_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY accounts.login_attempt
    ADD CONSTRAINT login_attempt_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.login
    ADD CONSTRAINT login_pkey PRIMARY KEY (email);

ALTER TABLE ONLY accounts.login
    ADD CONSTRAINT login_user_id_key UNIQUE (user_id);

ALTER TABLE ONLY accounts.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (cell, user_id);

ALTER TABLE ONLY accounts."user"
    ADD CONSTRAINT user_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY catalog.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.category
    ADD CONSTRAINT category_slug_key UNIQUE (slug);

ALTER TABLE ONLY catalog.listed
    ADD CONSTRAINT listed_pkey PRIMARY KEY (market, category_id, product_id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_cell_seller_id_variant_id_market_location_id_key UNIQUE (cell, seller_id, variant_id, market, location_id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY catalog.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.product
    ADD CONSTRAINT product_slug_key UNIQUE (slug);

ALTER TABLE ONLY catalog.variant
    ADD CONSTRAINT variant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.variant
    ADD CONSTRAINT variant_sku_key UNIQUE (sku);

ALTER TABLE ONLY inventory.movement
    ADD CONSTRAINT movement_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_cell_seller_id_variant_id_location_id_key UNIQUE (cell, seller_id, variant_id, location_id);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY kit.cell
    ADD CONSTRAINT cell_pkey PRIMARY KEY (cell);

ALTER TABLE ONLY kit.cursor
    ADD CONSTRAINT cursor_pkey PRIMARY KEY (cell, consumer);

ALTER TABLE ONLY kit.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (cell, xid, id);

ALTER TABLE ONLY kit.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (cell, caller, route, key);

ALTER TABLE ONLY kit.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (name);

ALTER TABLE ONLY ledger.account
    ADD CONSTRAINT account_cell_code_owner_currency_key UNIQUE (cell, code, owner, currency);

ALTER TABLE ONLY ledger.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY ledger.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (cell, account_id, stripe);

ALTER TABLE ONLY ledger.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (cell, cause_id, code);

ALTER TABLE ONLY logistics.fulfillment_order
    ADD CONSTRAINT fulfillment_order_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY logistics.location
    ADD CONSTRAINT location_cell_code_key UNIQUE (cell, code);

ALTER TABLE ONLY logistics.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY logistics.shipment
    ADD CONSTRAINT shipment_cell_fulfillment_order_id_key UNIQUE (cell, fulfillment_order_id);

ALTER TABLE ONLY logistics.shipment
    ADD CONSTRAINT shipment_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY logistics.tracking_event
    ADD CONSTRAINT tracking_event_pkey PRIMARY KEY (cell, shipment_id, at, status);

ALTER TABLE ONLY orders.cart_line
    ADD CONSTRAINT cart_line_pkey PRIMARY KEY (cell, cart_id, offer_id);

ALTER TABLE ONLY orders.cart
    ADD CONSTRAINT cart_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.discount_line
    ADD CONSTRAINT discount_line_pkey PRIMARY KEY (cell, order_id, line_no, kind);

ALTER TABLE ONLY orders.order_group
    ADD CONSTRAINT order_group_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.order_line
    ADD CONSTRAINT order_line_pkey PRIMARY KEY (cell, order_id, line_no);

ALTER TABLE ONLY orders."order"
    ADD CONSTRAINT order_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.quote
    ADD CONSTRAINT quote_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.payout
    ADD CONSTRAINT payout_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.payout_run
    ADD CONSTRAINT payout_run_pkey PRIMARY KEY (cell, period);

ALTER TABLE ONLY payments.refund
    ADD CONSTRAINT refund_cell_order_id_key UNIQUE (cell, order_id);

ALTER TABLE ONLY payments.refund
    ADD CONSTRAINT refund_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (gateway, event_id);

ALTER TABLE ONLY pricing.promotion
    ADD CONSTRAINT promotion_pkey PRIMARY KEY (code);

ALTER TABLE ONLY pricing.shipping_service
    ADD CONSTRAINT shipping_service_pkey PRIMARY KEY (market, code);

ALTER TABLE ONLY public.entrepot_migration
    ADD CONSTRAINT entrepot_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY sellers.market
    ADD CONSTRAINT market_pkey PRIMARY KEY (code);

ALTER TABLE ONLY sellers.market_terms
    ADD CONSTRAINT market_terms_pkey PRIMARY KEY (market, valid_from);

ALTER TABLE ONLY sellers.seller
    ADD CONSTRAINT seller_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sellers.seller
    ADD CONSTRAINT seller_slug_key UNIQUE (slug);

ALTER TABLE ONLY world.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (name);

CREATE INDEX address_user ON accounts.address USING btree (cell, user_id);

CREATE INDEX login_attempt_at ON accounts.login_attempt USING btree (at);

CREATE INDEX login_attempt_who ON accounts.login_attempt USING btree (who, at);

CREATE INDEX category_parent ON catalog.category USING btree (parent_id);

CREATE INDEX offer_product ON catalog.offer USING btree (product_id, market, unit_price_minor) INCLUDE (cell, seller_id, stock_id, price_per, unit) WHERE (status = 'active'::text);

CREATE INDEX offer_seller ON catalog.offer USING btree (cell, seller_id, id);

CREATE INDEX product_category ON catalog.product USING btree (category_id, id);

CREATE INDEX product_title_trgm ON catalog.product USING gin (title public.gin_trgm_ops);

CREATE INDEX product_words ON catalog.product USING gin (words);

CREATE INDEX variant_product ON catalog.variant USING btree (product_id);

CREATE INDEX idempotency_key_at ON kit.idempotency_key USING brin (at);

CREATE INDEX transfer_credit ON ledger.transfer USING btree (cell, credit, at) WHERE (code <> ALL (ARRAY['pay'::text, 'fund'::text]));

CREATE INDEX transfer_debit ON ledger.transfer USING btree (cell, debit, at) WHERE (code <> ALL (ARRAY['pay'::text, 'fund'::text]));

CREATE UNIQUE INDEX shipment_tracking ON logistics.shipment USING btree (cell, carrier, tracking_number);

CREATE INDEX cart_buyer ON orders.cart USING btree (cell, buyer_id);

CREATE INDEX order_group_buyer ON orders.order_group USING btree (cell, buyer_id, id);

CREATE INDEX order_group_id ON orders."order" USING btree (cell, group_id);

CREATE INDEX order_group_pay_by ON orders.order_group USING btree (cell, pay_by) WHERE (status = 'awaiting_payment'::text);

CREATE INDEX order_release_due ON orders."order" USING btree (cell, release_due_at) WHERE (release_due_at IS NOT NULL);

CREATE INDEX order_seller ON orders."order" USING btree (cell, seller_id, id);

CREATE INDEX quote_expiry ON orders.quote USING btree (expires_at);

CREATE INDEX payment_due ON payments.payment USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE UNIQUE INDEX payment_external ON payments.payment USING btree (method, external_id) WHERE (external_id IS NOT NULL);

CREATE INDEX payout_seller ON payments.payout USING btree (cell, seller_id, id);

CREATE INDEX refund_due ON payments.refund USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX refund_payment ON payments.refund USING btree (cell, payment_id);

CREATE INDEX webhook_received ON payments.webhook USING brin (received_at);

ALTER TABLE ONLY accounts.address
    ADD CONSTRAINT address_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY accounts.login
    ADD CONSTRAINT login_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY accounts.person
    ADD CONSTRAINT person_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY catalog.category
    ADD CONSTRAINT category_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES catalog.category(id);

ALTER TABLE ONLY catalog.listed
    ADD CONSTRAINT listed_product_id_fkey FOREIGN KEY (product_id) REFERENCES catalog.product(id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_product_id_fkey FOREIGN KEY (product_id) REFERENCES catalog.product(id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_variant_id_fkey FOREIGN KEY (variant_id) REFERENCES catalog.variant(id);

ALTER TABLE ONLY catalog.product
    ADD CONSTRAINT product_category_id_fkey FOREIGN KEY (category_id) REFERENCES catalog.category(id);

ALTER TABLE ONLY catalog.variant
    ADD CONSTRAINT variant_product_id_fkey FOREIGN KEY (product_id) REFERENCES catalog.product(id);

ALTER TABLE ONLY inventory.movement
    ADD CONSTRAINT movement_cell_stock_id_fkey FOREIGN KEY (cell, stock_id) REFERENCES inventory.stock(cell, id);

ALTER TABLE ONLY ledger.balance
    ADD CONSTRAINT balance_cell_account_id_fkey FOREIGN KEY (cell, account_id) REFERENCES ledger.account(cell, id);

ALTER TABLE ONLY logistics.shipment
    ADD CONSTRAINT shipment_cell_fulfillment_order_id_fkey FOREIGN KEY (cell, fulfillment_order_id) REFERENCES logistics.fulfillment_order(cell, id);

ALTER TABLE ONLY logistics.tracking_event
    ADD CONSTRAINT tracking_event_cell_shipment_id_fkey FOREIGN KEY (cell, shipment_id) REFERENCES logistics.shipment(cell, id);

ALTER TABLE ONLY orders.cart_line
    ADD CONSTRAINT cart_line_cell_cart_id_fkey FOREIGN KEY (cell, cart_id) REFERENCES orders.cart(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY orders.cart
    ADD CONSTRAINT cart_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY orders.discount_line
    ADD CONSTRAINT discount_line_cell_order_id_line_no_fkey FOREIGN KEY (cell, order_id, line_no) REFERENCES orders.order_line(cell, order_id, line_no);

ALTER TABLE ONLY orders.order_line
    ADD CONSTRAINT order_line_cell_order_id_fkey FOREIGN KEY (cell, order_id) REFERENCES orders."order"(cell, id);

ALTER TABLE ONLY payments.refund
    ADD CONSTRAINT refund_cell_payment_id_fkey FOREIGN KEY (cell, payment_id) REFERENCES payments.payment(cell, id);

ALTER TABLE ONLY pricing.promotion
    ADD CONSTRAINT promotion_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY pricing.shipping_service
    ADD CONSTRAINT shipping_service_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY sellers.market_terms
    ADD CONSTRAINT market_terms_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);
