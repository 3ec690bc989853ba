CREATE SCHEMA accounts;

CREATE SCHEMA approvals;

CREATE SCHEMA bonded;

CREATE SCHEMA campaigns;

CREATE SCHEMA catalog;

CREATE SCHEMA channels;

CREATE SCHEMA chargebacks;

CREATE SCHEMA credit;

CREATE SCHEMA customs;

CREATE SCHEMA disputes;

CREATE SCHEMA exchange;

CREATE SCHEMA fees;

CREATE SCHEMA fraud;

CREATE SCHEMA inventory;

CREATE SCHEMA invoices;

CREATE SCHEMA kit;

CREATE SCHEMA ledger;

CREATE SCHEMA logistics;

CREATE SCHEMA metering;

CREATE SCHEMA notify;

CREATE SCHEMA orders;

CREATE SCHEMA payments;

CREATE SCHEMA platform;

CREATE SCHEMA pricing;

CREATE SCHEMA reconciliation;

CREATE SCHEMA reviews;

CREATE SCHEMA sellers;

CREATE SCHEMA statements;

CREATE SCHEMA trade;

CREATE SCHEMA webhooks;

CREATE SCHEMA world;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

COMMENT ON EXTENSION unaccent IS 'text search dictionary that removes accents';

CREATE FUNCTION bonded.enter_many(p_cell smallint, p_now timestamp with time zone, p_kind text, p_cause uuid, p_items bigint[], p_quantities bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    perform 1 from bonded.item i where i.cell = p_cell and i.id = any (p_items) order by i.id for no key update;
    insert into bonded.entry (cell, cause_id, item_id, kind, quantity_milli, at)
    select p_cell, p_cause, e.item_id, p_kind, sum(e.quantity), p_now
      from unnest(p_items, p_quantities) as e (item_id, quantity)
     group by e.item_id;
    update bonded.item i
       set quantity_milli = i.quantity_milli + e.quantity,
           received_milli = i.received_milli
                            + case when p_kind in ('receive', 'return', 'found') then e.quantity else 0 end,
           released_milli = i.released_milli - case when p_kind in ('release', 'revoke') then e.quantity else 0 end
      from (select u.item_id, sum(u.quantity)::bigint as quantity
              from unnest(p_items, p_quantities) as u (item_id, quantity) group by u.item_id) e
     where i.cell = p_cell and i.id = e.item_id;
end $$;

CREATE FUNCTION catalog.asked(p_text text) RETURNS tsquery
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    select (nullif(plainto_tsquery('simple'::regconfig, catalog.plain(p_text))::text, '') || ':*')::tsquery
$$;

CREATE FUNCTION catalog.list_many(p_markets text[], p_products bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    insert into catalog.listed (market, category_id, product_id)
    select u.market, u.category_id, u.product_id
      from (select a.market, unnest(c.above) as category_id, a.product_id
              from unnest(p_markets, p_products) as a (market, product_id)
              join catalog.product p on p.id = a.product_id
              join catalog.category c on c.id = p.category_id
            union
            select a.market, 0, a.product_id from unnest(p_markets, p_products) as a (market, product_id)) u
     order by 1, 2, 3
    on conflict do nothing;
end $$;

CREATE FUNCTION catalog.plain(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
    select regexp_replace(
        lower(public.unaccent('public.unaccent'::regdictionary, p_text)),
        '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])', ' \1 ', 'g')
$$;

CREATE FUNCTION catalog.price_holds(p_cell smallint, p_offer bigint, p_minor bigint) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    select exists (select from catalog.following f
                    where f.cell = p_cell and f.offer_id = p_offer and f.before_minor = p_minor)
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

CREATE FUNCTION inventory.bundles_left(p_cell smallint, p_bundle bigint) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    select min((s.on_hand - s.held - s.allocated) / c.quantity)
      from catalog.component c
      join catalog.offer o on o.cell = c.cell and o.id = c.offer_id
      join inventory.stock s on s.cell = o.cell and s.id = o.stock_id
     where c.cell = p_cell and c.bundle_id = p_bundle
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
    d_on_hand   int := case p_kind when 'receive' then 1 when 'return' then 1 when 'adjust' then 1
                                   when 'set_aside' then 1 when 'ship' then -1 else 0 end;
    d_held      int := case p_kind when 'hold' then 1 when 'confirm' then -1 when 'expire' then -1 else 0 end;
    d_allocated int := case p_kind when 'allocate' then 1 when 'confirm' then 1 when 'give_back' then -1
                                   when 'ship' then -1 else 0 end;
    ids   bigint[];
    qs    bigint[];
    cs    bigint[];
    moved int;
begin
    insert into inventory.movement (cell, stock_id, kind, on_hand_delta, held_delta, allocated_delta, cost_delta,
                                    cause_id, at)
    select p_cell, m.stock_id, p_kind, d_on_hand * m.quantity, d_held * m.quantity, d_allocated * m.quantity,
           coalesce(m.cost, 0), m.cause_id, p_now
      from unnest(p_stocks, p_quantities, p_causes, p_costs) as m (stock_id, quantity, cause_id, cost);
    -- Found by the index, in id order; the sums by bisection.
    select array_agg(m.stock_id order by m.stock_id), array_agg(m.quantity order by m.stock_id),
           array_agg(m.cost order by m.stock_id)
      into ids, qs, cs
      from (select l.stock_id, sum(l.quantity)::bigint as quantity, coalesce(sum(l.cost), 0)::bigint as cost
              from unnest(p_stocks, p_quantities, p_costs) as l (stock_id, quantity, cost)
             group by l.stock_id) m;
    update inventory.stock s
       set on_hand = s.on_hand + d_on_hand * qs[width_bucket(s.id, ids)],
           held = s.held + d_held * qs[width_bucket(s.id, ids)],
           allocated = s.allocated + d_allocated * qs[width_bucket(s.id, ids)],
           cost_minor = s.cost_minor + cs[width_bucket(s.id, ids)],
           version = s.version + 1
     where s.cell = p_cell and s.id = any (ids);
    get diagnostics moved = row_count;
    if moved <> cardinality(ids) then
        raise exception 'a movement names a stock that is not there';
    end if;
end $$;

CREATE FUNCTION inventory.ship_costs(p_cell smallint, p_stocks bigint[], p_quantities bigint[]) RETURNS TABLE(ord integer, cost_delta bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select l.ord::int,
           -(div(s.cost_minor::numeric * l.upto, s.on_hand)
             - div(s.cost_minor::numeric * (l.upto - l.quantity), s.on_hand))::bigint
      from (select u.stock_id, u.quantity, u.ord,
                   sum(u.quantity) over (partition by u.stock_id order by u.ord) as upto
              from unnest(p_stocks, p_quantities) with ordinality as u (stock_id, quantity, ord)) l
      join inventory.stock s on s.cell = p_cell and s.id = l.stock_id
     order by l.ord;
end $$;

CREATE FUNCTION kit.emit_many(p_cell smallint, p_now timestamp with time zone, p_kinds text[], p_keys uuid[], p_data jsonb[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    insert into kit.event (cell, kind, key, at, data)
    select p_cell, e.kind, e.key, p_now, e.data
      from unnest(p_kinds, p_keys, p_data) as e (kind, key, data);
end $$;

CREATE FUNCTION kit.horizon(p_cell smallint, p_xid xid8, p_id bigint) RETURNS TABLE(xid xid8, id bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
begin
    return query
    select e.xid, e.id
      from kit.event e
     where e.cell = p_cell and (e.xid, e.id) > (p_xid, p_id) and e.xid < pg_snapshot_xmin(pg_current_snapshot())
     order by e.xid desc, e.id desc
     limit 1;
end $$;

CREATE FUNCTION kit.news(p_cell smallint, p_readers text[], p_kinds text[], p_most integer) RETURNS TABLE(reader text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    here kit.cursor;
    last record;
begin
    for reader in select distinct r.name from unnest(p_readers) as r (name) order by r.name loop
        select c.* into here from kit.cursor c where c.cell = p_cell and c.consumer = reader for update skip locked;
        if here is null then
            if not exists (select from kit.cursor c where c.cell = p_cell and c.consumer = reader) then
                return next;
            end if;
            continue;
        end if;
        select h.xid, h.id into last from kit.horizon(p_cell, here.xid, here.id) h;
        continue when last is null;
        if exists (select from kit.event e
                    where e.cell = p_cell and (e.xid, e.id) > (here.xid, here.id) and (e.xid, e.id) <= (last.xid, last.id)
                    order by e.xid, e.id offset p_most) then
            return next;
        elsif exists (select from kit.event e
                        join unnest(p_readers, p_kinds) as r (name, kind) on r.name = reader and r.kind = e.kind
                       where e.cell = p_cell and (e.xid, e.id) > (here.xid, here.id)
                         and (e.xid, e.id) <= (last.xid, last.id)) then
            return next;
        else
            update kit.cursor c set xid = last.xid, id = last.id where c.cell = p_cell and c.consumer = reader;
        end if;
    end loop;
end $$;

CREATE FUNCTION kit.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    raise exception 'what is written here stays as it is' using errcode = 'insufficient_privilege';
end $$;

CREATE FUNCTION kit.renumber_events(p_cell smallint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    before bigint;
begin
    select coalesce(max(e.id), 0) into before from kit.event e where e.cell = p_cell and e.xid = '2';
    update kit.cursor c
       set xid = '2', id = before + (select count(*) from kit.event e
                                      where e.cell = p_cell and e.xid > '2' and (e.xid, e.id) <= (c.xid, c.id))
     where c.cell = p_cell and c.xid > '2';
    update kit.event e
       set xid = '2', id = before + n.number
      from (select o.xid, o.id, row_number() over (order by o.xid, o.id) as number
              from kit.event o
             where o.cell = p_cell and o.xid > '2') n
     where e.cell = p_cell and e.xid = n.xid and e.id = n.id;
end $$;

CREATE FUNCTION ledger.apply_many(p_cell smallint, p_now timestamp with time zone, p_kinds text[], p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[], p_amounts bigint[], p_dues timestamp with time zone[], p_links integer[]) RETURNS text[]
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
    stands text[] := array['posted', 'held', 'settled', 'voided'];
    fits   boolean;
    v      text[];
begin
    if cardinality(p_kinds) = 0 then return '{}'; end if;
    perform ledger.take_day(p_cell, p_now);
    if ledger.of_one_currency(p_cell, p_kinds, p_debits, p_credits) then
        begin
            fits := ledger.carry_out(p_cell, p_now, p_kinds, p_causes, p_codes, p_debits, p_credits, p_amounts, p_dues);
            if not (fits and ledger.are_apart(p_cell, p_kinds, p_causes, p_codes)) then
                raise exception 'not in any order' using errcode = 'integrity_constraint_violation';
            end if;
            return array(select case x.kind when 'post' then 'posted' when 'hold' then 'held' when 'settle' then 'settled'
                                else 'voided' end from (select unnest(p_kinds) as kind) x);
        exception when integrity_constraint_violation or no_data_found then
            -- Something is wrong with some of it: all is as it was, and is judged.
        end;
    end if;
    v := ledger.judge_many(p_cell, p_now, p_kinds, p_causes, p_codes, p_debits, p_credits, p_amounts, p_dues, p_links);
    if stands && v then
        begin
            perform ledger.carry_out(p_cell, p_now, array_agg(q.kind), array_agg(q.cause_id), array_agg(q.code),
                                     array_agg(q.debit), array_agg(q.credit), array_agg(q.amount), array_agg(q.due))
               from unnest(p_kinds, p_causes, p_codes, p_debits, p_credits, p_amounts, p_dues, v)
                    as q (kind, cause_id, code, debit, credit, amount, due, verdict)
              where q.verdict = any (stands);
        exception when unique_violation or no_data_found then
            -- A name that somebody took meanwhile, or a hold that came after holds were locked and was ended by somebody:
            -- the caller's transaction is to be tried again, and finds how things are.
            raise exception 'a name was taken meanwhile' using errcode = 'serialization_failure';
        end;
    end if;
    return v;
end $$;

CREATE FUNCTION ledger.are_apart(p_cell smallint, p_kinds text[], p_causes uuid[], p_codes text[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    made record;
begin
    select array_agg(q.cause_id) filter (where q.kind = 'hold') as held,
           array_agg(distinct q.code) filter (where q.kind = 'hold') as held_codes,
           array_agg(q.cause_id) filter (where q.kind = 'post') as posted,
           array_agg(distinct q.code) filter (where q.kind = 'post') as posted_codes
      into made
      from (select unnest(p_kinds) as kind, unnest(p_causes) as cause_id, unnest(p_codes) as code) q;
    return not exists (select from ledger.transfer t where t.cell = p_cell and t.cause_id = any (made.held)
                                                       and t.code = any (made.held_codes))
       and not exists (select from ledger.hold h where h.cell = p_cell and h.cause_id = any (made.posted)
                                                   and h.code = any (made.posted_codes))
       and not ('void' = any (p_kinds)
                and exists (select from ledger.hold h where h.cell = p_cell and h.cause_id = any (made.held)
                                                        and h.code = any (made.held_codes) and h.status = 'voided'));
end $$;

CREATE FUNCTION ledger.carry_out(p_cell smallint, p_now timestamp with time zone, p_kinds text[], p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[], p_amounts bigint[], p_dues timestamp with time zone[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    debits  bigint[];
    credits bigint[];
    moved   bigint[];
    held    bigint[];
    -- The holds of one code that end, and how much of each goes: null is all.
    of_code text;
    causes  uuid[];
    goes    bigint[];
begin
    if array['post', 'hold'] && p_kinds then
        with asked as materialized (
            select unnest(p_kinds) as kind, unnest(p_causes) as cause_id, unnest(p_codes) as code,
                   unnest(p_debits) as debit, unnest(p_credits) as credit, unnest(p_amounts) as amount,
                   unnest(p_dues) as due
        ), hold as (
            insert into ledger.hold (cell, cause_id, code, debit, credit, amount, at, due_at)
            select p_cell, q.cause_id, q.code, q.debit, q.credit, q.amount, p_now, q.due
              from asked q where q.kind = 'hold' order by q.code, q.cause_id
        ), post as (
            insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
            select p_cell, q.cause_id, q.code, q.debit, q.credit, q.amount, p_now
              from asked q where q.kind = 'post' order by q.code, q.cause_id
        )
        select array_agg(q.debit), array_agg(q.credit), array_agg(case q.kind when 'post' then q.amount else 0 end),
               array_agg(case q.kind when 'hold' then q.amount else 0 end)
          into debits, credits, moved, held
          from asked q
         where q.kind in ('post', 'hold');
    end if;
    -- Of what is voided nothing moves.
    for of_code, causes, goes in
        select q.code, array_agg(q.cause_id order by q.cause_id) as causes,
               array_agg(case q.kind when 'settle' then q.amount else 0 end order by q.cause_id) as amounts
          from (select unnest(p_kinds) as kind, unnest(p_causes) as cause_id, unnest(p_codes) as code,
                       unnest(p_amounts) as amount) q
         where q.kind in ('settle', 'void') and coalesce(q.amount, 1) > 0
         group by q.code
         order by q.code
    loop
        with done as (
            update ledger.hold h
               set status = case goes[width_bucket(h.cause_id, causes)] when 0 then 'voided'
                            else 'settled' end, due_at = null, ended_at = p_now
             where h.cell = p_cell and h.cause_id = any (causes) and h.code = of_code and h.status = 'held'
               and (h.due_at is null or h.due_at > p_now)
               and coalesce(goes[width_bucket(h.cause_id, causes)], 0) <= h.amount
            returning h.cause_id, h.debit, h.credit, h.amount,
                      coalesce(goes[width_bucket(h.cause_id, causes)], h.amount) as gone
        ), made as (
            insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
            select p_cell, d.cause_id, of_code, d.debit, d.credit, d.gone, p_now from done d where d.gone > 0
        )
        select debits || array_agg(d.debit), credits || array_agg(d.credit), moved || array_agg(d.gone),
               held || array_agg(-d.amount)
          into debits, credits, moved, held
          from done d;
    end loop;
    if cardinality(debits) is distinct from cardinality(p_kinds) then
        raise exception 'a hold is not there, has ended or is less' using errcode = 'no_data_found';
    end if;
    return ledger.change_many(p_cell, debits, credits, moved, held);
end $$;

CREATE FUNCTION ledger.change_many(p_cell smallint, p_debits bigint[], p_credits bigint[], p_moved bigint[], p_held bigint[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    ids     bigint[];  -- the accounts in id order: rows are found by the index in one order, the sums by bisection
    ds      bigint[];
    cs      bigint[];
    hs      bigint[];
    gs      bigint[];  -- what became available by commands of which that is all
    plain   int;
    fit     boolean;
    striped int;
begin
    select array_agg(s.account_id), array_agg(s.debits), array_agg(s.credits), array_agg(s.held), array_agg(s.gained)
      into ids, ds, cs, hs, gs
      from (select e.account_id, sum(e.debits)::bigint as debits, sum(e.credits)::bigint as credits,
                   sum(e.held)::bigint as held, sum(e.gained)::bigint as gained
              from (select t.debit, t.moved, 0::bigint, t.held, greatest(-t.moved - t.held, 0)
                      from (select unnest(p_debits) as debit, unnest(p_moved) as moved, unnest(p_held) as held) t
                     where t.moved <> 0 or t.held <> 0
                    union all
                    select t.credit, 0, t.moved, 0, t.moved
                      from (select unnest(p_credits) as credit, unnest(p_moved) as moved) t
                     where t.moved <> 0
                   ) as e (account_id, debits, credits, held, gained)
             group by e.account_id
             order by e.account_id) s;
    with changed as (
        update ledger.balance b
           set debits = b.debits + ds[width_bucket(b.account_id, ids)],
               credits = b.credits + cs[width_bucket(b.account_id, ids)],
               held = b.held + hs[width_bucket(b.account_id, ids)]
         where b.cell = p_cell and b.account_id = any (ids) and b.stripe = 0
        returning not b.limited or b.credits - b.debits - b.held >= gs[width_bucket(b.account_id, ids)] as fits
    )
    select count(*), coalesce(bool_and(c.fits), true) into plain, fit from changed c;
    if plain = cardinality(ids) then return fit; end if;

    -- 16 stripes: writers are server processes, each keeping its own connections.
    insert into ledger.balance as b (cell, account_id, stripe, limited, debits, credits, held)
    select p_cell, a.id, pg_backend_pid() % 16 + 1, false, ds[width_bucket(a.id, ids)], cs[width_bucket(a.id, ids)],
           hs[width_bucket(a.id, ids)]
      from ledger.account a
     where a.cell = p_cell and a.id = any (ids) and a.striped
     order by a.id
    on conflict (cell, account_id, stripe)
    do update set debits = b.debits + excluded.debits, credits = b.credits + excluded.credits,
                  held = b.held + excluded.held;
    get diagnostics striped = row_count;
    if plain + striped <> cardinality(ids) then
        raise exception 'a transfer names an account that is not there' using errcode = 'foreign_key_violation';
    end if;
    return fit;
end $$;

CREATE FUNCTION ledger.close_days(p_cell smallint, p_now timestamp with time zone, p_through date, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    before_day date;
    first_day  date;
    last_day   date;
begin
    if exists (select from ledger.closed_day c where c.cell = p_cell and c.day >= p_through) then return 0; end if;
    perform pg_advisory_xact_lock(1000000 + p_cell, -1);  -- one who closes at a time
    select max(c.day) into before_day from ledger.closed_day c where c.cell = p_cell;
    -- The first one is that of the first transfer; a cell without any begins with a day of the last p_limit.
    select coalesce(before_day + 1, (min(t.at) at time zone 'UTC')::date,
                    greatest(p_through, (p_now at time zone 'UTC')::date - p_limit)) into first_day
      from ledger.transfer t where before_day is null and t.cell = p_cell;
    last_day := least(p_through, first_day + p_limit - 1);
    if last_day < first_day then return 0; end if;
    for i in first_day - date '2000-01-01' .. last_day - date '2000-01-01' loop
        perform pg_advisory_xact_lock(1000000 + p_cell, i);
    end loop;

    with days as (
        select first_day + i as day from generate_series(0, last_day - first_day) i
    ), flow as materialized (
        select (t.at at time zone 'UTC')::date as day, d.currency, d.code as debit, c.code as credit,
               count(*) as transfers, sum(t.amount) as amount
          from ledger.transfer t
          join ledger.account d on d.cell = t.cell and d.id = t.debit
          join ledger.account c on c.cell = t.cell and c.id = t.credit
         where t.cell = p_cell and t.at >= first_day::timestamp at time zone 'UTC'
           and t.at < (last_day + 1)::timestamp at time zone 'UTC'
         group by 1, 2, 3, 4
    ), closed as (
        insert into ledger.closed_day (cell, day, transfers, closed_at)
        select p_cell, g.day, coalesce(sum(f.transfers), 0), p_now
          from days g left join flow f on f.day = g.day group by g.day
    ), moved as (
        select e.day, e.currency, e.code, sum(e.debits) as debits, sum(e.credits) as credits
          from (select f.day, f.currency, f.debit, f.amount, 0 from flow f
                union all
                select f.day, f.currency, f.credit, 0, f.amount from flow f) as e (day, currency, code, debits, credits)
         group by e.day, e.currency, e.code
    ), opening as (
        select o.currency, o.code, sum(o.balance) as balance
          from (select b.currency, b.code, b.balance from ledger.day_total b
                 where b.cell = p_cell and b.day = before_day
                union all
                select m.currency, m.code, 0 from moved m) o
         group by o.currency, o.code
    )
    insert into ledger.day_total (cell, day, currency, code, debits, credits, balance)
    select p_cell, g.day, o.currency, o.code, coalesce(m.debits, 0), coalesce(m.credits, 0),
           o.balance + sum(coalesce(m.credits - m.debits, 0)) over (partition by o.currency, o.code order by g.day)
      from days g
     cross join opening o
      left join moved m on m.day = g.day and m.currency = o.currency and m.code = o.code;
    return last_day - first_day + 1;
end $$;

CREATE FUNCTION ledger.expire_many(p_cell smallint, p_now timestamp with time zone, p_limit integer) RETURNS TABLE(cause_id uuid, code text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
declare
    causes  uuid[];
    codes   text[];
    debits  bigint[];
    credits bigint[];
    held    bigint[];
begin
    with due as (
        select h.cause_id, h.code, h.debit, h.credit, h.amount
          from ledger.hold h
         where h.cell = p_cell and h.due_at <= p_now
         order by h.due_at
         limit p_limit
           for no key update skip locked
    )
    select array_agg(e.cause_id), array_agg(e.code), array_agg(e.debit), array_agg(e.credit), array_agg(-e.amount)
      into causes, codes, debits, credits, held
      from due e;
    if causes is null then return; end if;
    perform ledger.lock_many(p_cell, debits);
    for i in 1 .. cardinality(causes) loop
        update ledger.hold h set status = 'expired', due_at = null, ended_at = p_now
         where h.cell = p_cell and h.cause_id = causes[i] and h.code = codes[i];
    end loop;
    perform ledger.change_many(p_cell, debits, credits, array_fill(0::bigint, array[cardinality(held)]), held);
    return query select * from unnest(causes, codes);
end $$;

CREATE FUNCTION ledger.judge_many(p_cell smallint, p_now timestamp with time zone, p_kinds text[], p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[], p_amounts bigint[], p_dues timestamp with time zone[], p_links integer[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    v         text[] := array_fill(null::text, array[cardinality(p_kinds)]);
    -- The accounts of the holds that are to end; those with a limit in id order, and what each has left.
    named     bigint[];
    limited   bigint[];
    lefts     bigint[];
    -- By command: the order of judging, the first command of the same name, and what is wrong with its accounts.
    queue     int[];
    firsts    int[];
    wrong     text[];
    -- By name: what it stands for (null: nothing), between which accounts, what was held, what moved.
    state     text[];
    debit     bigint[];
    credit    bigint[];
    held      bigint[];
    moved     bigint[];
    due       timestamptz[];
    -- Of the link that is judged: whether one of it was refused, and how things were when it began.
    link      int;
    failed    boolean;
    was_state text[];
    was_left  bigint[];
    i         int;
    n         int;
    slot      int;
    amount    bigint;
    given     bigint;  -- by how much less the debit account has available, and the credit account more
    got       bigint;
begin
    if not p_kinds <@ array['post', 'hold', 'settle', 'void'] then
        raise exception 'a command is to post, hold, settle or void';
    end if;
    select array_agg(x.debit) || array_agg(x.credit) into named
      from (select q.cause_id, q.code
              from unnest(p_kinds, p_causes, p_codes) as q (kind, cause_id, code)
             where q.kind in ('settle', 'void')
             order by q.code, q.cause_id) q
     cross join lateral (select h.debit, h.credit from ledger.hold h
                          where h.cell = p_cell and h.cause_id = q.cause_id and h.code = q.code
                            for no key update) x;
    select array_agg(l.account_id order by l.account_id) filter (where l.limited),
           array_agg(l.balance order by l.account_id) filter (where l.limited)
      into limited, lefts
      from ledger.lock_many(p_cell, p_debits || p_credits || named) l;
    select array_agg(x.ord order by x.place, x.ord), array_agg(x.first order by x.ord),
           array_agg(x.wrong order by x.ord), array_agg(x.state order by x.ord), array_agg(x.debit order by x.ord),
           array_agg(x.credit order by x.ord), array_agg(x.held order by x.ord), array_agg(x.moved order by x.ord),
           array_agg(x.due_at order by x.ord)
      into queue, firsts, wrong, state, debit, credit, held, moved, due
      from (select q.ord::int, min(q.ord) over (partition by q.cause_id, q.code)::int as first,
                   case when q.link is null then q.ord else min(q.ord) over (partition by q.link) end as place,
                   case when a.id is null or b.id is null then 'unknown_account'
                        when a.currency <> b.currency then 'currency_mismatch' end as wrong,
                   coalesce(h.status, case when t.cause_id is not null then 'posted' end) as state,
                   coalesce(h.debit, t.debit) as debit, coalesce(h.credit, t.credit) as credit, h.amount as held,
                   t.amount as moved, h.due_at
              from unnest(p_causes, p_codes, p_debits, p_credits, p_links)
                   with ordinality as q (cause_id, code, debit, credit, link, ord)
              left join lateral (select a.id, a.currency from ledger.account a
                                  where a.cell = p_cell and a.id = q.debit limit 1) a on true
              left join lateral (select b.id, b.currency from ledger.account b
                                  where b.cell = p_cell and b.id = q.credit limit 1) b on true
              left join lateral (select * from ledger.hold h
                                  where h.cell = p_cell and h.cause_id = q.cause_id and h.code = q.code limit 1) h on true
              left join lateral (select * from ledger.transfer t
                                  where t.cell = p_cell and t.cause_id = q.cause_id and t.code = q.code limit 1) t
                on true) x;

    foreach i in array queue loop
        if p_links[i] is null or p_links[i] is distinct from link then
            link := p_links[i];
            failed := false;
            was_state := state;
            was_left := lefts;
        end if;
        continue when failed;
        n := firsts[i];
        amount := p_amounts[i];
        slot := width_bucket(p_debits[i], limited);
        v[i] := case
            when p_kinds[i] in ('post', 'hold') then case
                when amount is null or amount <= 0 then 'amount_not_positive'
                when p_debits[i] = p_credits[i] then 'same_account'
                when wrong[i] is not null then wrong[i]
                when state[n] is null then case
                    when p_dues[i] <= p_now then 'due_already'
                    when limited[slot] = p_debits[i] and lefts[slot] < amount then 'insufficient_funds'
                    when p_kinds[i] = 'post' then 'posted'
                    else 'held' end
                when (p_kinds[i] = 'post') = (state[n] = 'posted') and debit[n] = p_debits[i]
                     and credit[n] = p_credits[i] and amount = case p_kinds[i] when 'post' then moved[n] else held[n] end
                    then 'exists'
                else 'conflict' end
            when amount <= 0 then 'amount_not_positive'
            when state[n] is null or state[n] = 'posted' then 'unknown_hold'
            when p_kinds[i] = 'void' and state[n] = 'voided' then 'exists'
            when p_kinds[i] = 'settle' and state[n] = 'settled' and moved[n] = coalesce(amount, held[n]) then 'exists'
            when p_kinds[i] = 'settle' and state[n] = 'settled' then 'conflict'
            when state[n] <> 'held' then 'hold_' || state[n]
            when due[n] <= p_now then 'hold_expired'
            when p_kinds[i] = 'void' then 'voided'
            when amount > held[n] then 'exceeds_hold'
            else 'settled' end;

        case v[i]
            when 'posted', 'held' then
                debit[n] := p_debits[i];
                credit[n] := p_credits[i];
                held[n] := amount;
                due[n] := p_dues[i];
                given := amount;
                got := case v[i] when 'posted' then amount else 0 end;
            when 'settled' then
                got := coalesce(amount, held[n]);
                given := got - held[n];
            when 'voided' then
                got := 0;
                given := -held[n];
            else
                failed := link is not null and v[i] <> 'exists';
                if failed then
                    state := was_state;
                    lefts := was_left;
                    for j in 1 .. cardinality(v) loop
                        if p_links[j] = link and j <> i then v[j] := 'link_failed'; end if;
                    end loop;
                end if;
                continue;
        end case;
        state[n] := v[i];
        moved[n] := got;
        slot := width_bucket(debit[n], limited);
        if limited[slot] = debit[n] then lefts[slot] := lefts[slot] - given; end if;
        slot := width_bucket(credit[n], limited);
        if limited[slot] = credit[n] then lefts[slot] := lefts[slot] + got; end if;
    end loop;
    return v;
end $$;

CREATE FUNCTION ledger.lock_many(p_cell smallint, p_accounts bigint[]) RETURNS TABLE(account_id bigint, balance bigint, limited boolean)
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select b.account_id, b.credits - b.debits - b.held, b.limited
      from ledger.balance b
     where b.cell = p_cell and b.account_id = any (p_accounts) and b.stripe = 0
     order by b.account_id
       for no key update;
$$;

CREATE FUNCTION ledger.of_one_currency(p_cell smallint, p_kinds text[], p_debits bigint[], p_credits bigint[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    same boolean;
begin
    -- Mostly all of them are of one currency, which the index alone says.
    select count(*) = (select count(distinct x) from unnest(p_debits || p_credits) x)
           and min(a.currency) is not distinct from max(a.currency) into same
      from ledger.account a
     where a.cell = p_cell and a.id = any (p_debits || p_credits);
    return same or not exists (
        select from (select unnest(p_kinds) as kind, unnest(p_debits) as debit, unnest(p_credits) as credit) q
          left join lateral (select a.currency from ledger.account a
                              where a.cell = p_cell and a.id = q.debit limit 1) a on true
          left join lateral (select b.currency from ledger.account b
                              where b.cell = p_cell and b.id = q.credit limit 1) b on true
         where q.kind in ('post', 'hold') and (a.currency = b.currency) is not true);
end $$;

CREATE FUNCTION ledger.open_many(p_cell smallint, p_now timestamp with time zone, p_codes text[], p_owners uuid[], p_currencies text[], p_limited boolean, p_striped boolean) RETURNS TABLE(id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    with made as (
        insert into ledger.account (cell, code, owner, currency, limited, striped, created_at)
        select distinct on (a.code, a.owner, a.currency)
               p_cell, a.code, a.owner, a.currency, p_limited, p_striped, p_now
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

CREATE FUNCTION ledger.positive(p_cell smallint, p_code text) RETURNS TABLE(owner uuid, account_id bigint, currency text, balance bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
begin
    return query
    select a.owner, a.id, a.currency, b.credits - b.debits - b.held
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id and b.stripe = 0
     where a.cell = p_cell and a.code = p_code and b.credits > b.debits + b.held
     order by a.id;
end $$;

CREATE FUNCTION ledger.take_day(p_cell smallint, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
    of_day date := (p_at at time zone 'UTC')::date;
begin
    perform pg_advisory_xact_lock_shared(1000000 + p_cell, of_day - date '2000-01-01');
    if exists (select from ledger.closed_day c where c.cell = p_cell and c.day >= of_day) then
        raise exception 'the books of % are closed', of_day using errcode = 'serialization_failure';
    end if;
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
begin
    perform ledger.take_day(p_cell, p_now);
    insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
    select p_cell, t.cause_id, t.code, t.debit, t.credit, t.amount, p_now
      from unnest(p_causes, p_codes, p_debits, p_credits, p_amounts) as t (cause_id, code, debit, credit, amount)
     order by t.cause_id, t.code;
    perform ledger.change_many(p_cell, p_debits, p_credits, p_amounts, array_fill(0::bigint, array[cardinality(p_debits)]));
end $$;

CREATE FUNCTION logistics.advance_many(p_cell smallint, p_stages text[], p_carriers text[], p_tracking_numbers text[], p_statuses text[], p_ats timestamp with time zone[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    return query
    with told as (
        select s.id, max(array_position(p_stages, e.status)) as rank,
               min(e.at) filter (where e.status = 'delivered') as delivered_at
          from unnest(p_carriers, p_tracking_numbers, p_statuses, p_ats) as e (carrier, tracking_number, status, at)
          join logistics.shipment s
            on s.cell = p_cell and s.carrier = e.carrier and s.tracking_number = e.tracking_number
         group by s.id
    ), locked as (
        select s.id, t.rank, t.delivered_at
          from told t
          join logistics.shipment s on s.cell = p_cell and s.id = t.id
         order by s.id
           for no key update of s
    ), moved as (
        update logistics.shipment s
           set status = p_stages[l.rank], delivered_at = coalesce(s.delivered_at, l.delivered_at)
          from locked l
         where s.cell = p_cell and s.id = l.id and array_position(p_stages, s.status) < l.rank
        returning s.fulfillment_order_id, s.status
    )
    select m.fulfillment_order_id from moved m where m.status = 'delivered';
end $$;

CREATE FUNCTION logistics.request_many(p_cell smallint, p_now timestamp with time zone, p_orders uuid[], p_sellers uuid[], p_locations bigint[], p_addresses uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    insert into logistics.fulfillment_order (cell, id, seller_id, location_id, address_id, status, created_at)
    select p_cell, r.id, r.seller_id, r.location_id, r.address_id, 'open', p_now
      from unnest(p_orders, p_sellers, p_locations, p_addresses) as r (id, seller_id, location_id, address_id)
     order by r.id
    on conflict do nothing;
end $$;

CREATE FUNCTION orders.claim_groups(p_cell smallint, p_now timestamp with time zone, p_quotes uuid[], p_methods text[]) RETURNS SETOF uuid
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

CREATE FUNCTION orders.escrow_many(p_cell smallint, p_now timestamp with time zone, p_groups uuid[], p_payers bigint[], p_spans boolean) RETURNS void
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

CREATE FUNCTION orders.give_back_quotas(p_cell smallint, p_now timestamp with time zone, p_groups uuid[]) RETURNS TABLE(group_id uuid, other_cells smallint[])
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

CREATE FUNCTION orders.lock_all(p_cell smallint, p_stocks bigint[], p_quotas bigint[], p_wallets bigint[], OUT s_left bigint[], OUT q_left bigint[], OUT q_names text[], OUT w_left bigint[]) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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

CREATE FUNCTION orders.quote_lines(p_cell smallint, p_quotes uuid[]) RETURNS TABLE(n integer, quote_id uuid, line_no smallint, bundle_no smallint, order_id uuid, offer_id bigint, variant_id bigint, stock_id bigint, quantity bigint, unit_price_minor bigint, price_per integer, rounding_minor bigint, gross_minor bigint, discount_minor bigint, shipping_minor bigint, commission_bp integer, commission_minor bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

CREATE FUNCTION orders.take_many(p_cell smallint, p_now timestamp with time zone, p_quotes uuid[], p_wallets bigint[], p_spans boolean DEFAULT false) RETURNS void
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

CREATE FUNCTION orders.write_orders(p_cell smallint, p_now timestamp with time zone, p_quotes uuid[], p_methods text[]) RETURNS void
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

CREATE FUNCTION payments.record_many(p_cell smallint, p_now timestamp with time zone, p_groups uuid[], p_buyers uuid[], p_methods text[], p_currencies text[], p_amounts bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, due_at,
                                  created_at, captured_at)
    select p_cell, p.group_id, p.group_id, p.buyer_id, p.method, p.currency, p.amount,
           case when p.method in ('wallet', 'installments') then 'captured' else 'created' end,
           case when p.method not in ('wallet', 'installments') then p_now end,
           p_now,
           case when p.method in ('wallet', 'installments') then p_now end
      from unnest(p_groups, p_buyers, p_methods, p_currencies, p_amounts)
           as p (group_id, buyer_id, method, currency, amount);
end $$;

CREATE FUNCTION pricing.give_back_quotas(p_cell smallint, p_now timestamp with time zone, p_causes uuid[]) RETURNS void
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
    ids  bigint[];
    sums bigint[];
begin
    with given as (
        update pricing.quota_use u set given_back_at = p_now
         where u.cell = p_cell and u.cause_id = any (p_causes) and u.given_back_at is null
        returning u.quota_id, u.amount - u.returned as amount
    )
    select array_agg(a.quota_id order by a.quota_id), array_agg(a.amount order by a.quota_id)
      into ids, sums
      from (select g.quota_id, sum(g.amount)::bigint as amount from given g group by g.quota_id) a;
    update pricing.quota q
       set used = q.used - sums[width_bucket(q.id, ids)]
     where q.cell = p_cell and q.id = any (ids);
end $$;

CREATE FUNCTION pricing.lock_quotas(p_cell smallint, p_quotas bigint[]) RETURNS TABLE(quota_id bigint, available bigint, name text)
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select q.id, case when q.closed then 0 else q.granted - q.used end, q.name
      from pricing.quota q
     where q.cell = p_cell and q.id = any (p_quotas)
     order by q.id
       for no key update;
$$;

CREATE FUNCTION pricing.lock_quotas_of(p_cell smallint, p_causes uuid[]) RETURNS SETOF uuid
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
    perform pricing.lock_quotas(p_cell, array(select u.quota_id from pricing.quota_use u
                                               where u.cell = p_cell and u.cause_id = any (p_causes)
                                                 and u.given_back_at is null));
    return query
        select distinct u.cause_id from pricing.quota_use u
         where u.cell = p_cell and u.cause_id = any (p_causes) and u.given_back_at is null;
end $$;

CREATE FUNCTION pricing.open_quotas(p_cell smallint, p_names text[], p_owners uuid[], p_granted bigint[]) RETURNS TABLE(quota_id bigint, available bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
begin
    insert into pricing.quota (cell, name, owner, granted)
    select p_cell, a.name, a.owner, a.granted
      from unnest(p_names, p_owners, p_granted) as a (name, owner, granted)
     order by a.name, a.owner
    on conflict do nothing;
    return query
        select q.id, q.granted - q.used
          from unnest(p_names, p_owners) with ordinality as a (name, owner, ord)
         cross join lateral (select r.id, r.granted, r.used from pricing.quota r
                              where r.cell = p_cell and r.name = a.name and r.owner = a.owner and r.name <> ''
                             offset 0) q
         order by a.ord;
end $$;

CREATE FUNCTION pricing.return_quota(p_cell smallint, p_cause uuid, p_quota bigint, p_amount bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    update pricing.quota_use u set returned = u.returned + p_amount
     where u.cell = p_cell and u.cause_id = p_cause and u.quota_id = p_quota and u.given_back_at is null;
    if found then
        update pricing.quota q set used = q.used - p_amount where q.cell = p_cell and q.id = p_quota;
    end if;
end $$;

CREATE FUNCTION pricing.use_quotas(p_cell smallint, p_now timestamp with time zone, p_quotas bigint[], p_amounts bigint[], p_causes uuid[]) RETURNS void
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
    ids  bigint[];
    sums bigint[];
begin
    insert into pricing.quota_use (cell, cause_id, quota_id, amount, at)
    select p_cell, u.cause_id, u.quota_id, u.amount, p_now
      from unnest(p_quotas, p_amounts, p_causes) as u (quota_id, amount, cause_id);
    select array_agg(a.quota_id order by a.quota_id), array_agg(a.amount order by a.quota_id)
      into ids, sums
      from (select u.quota_id, sum(u.amount)::bigint as amount
              from unnest(p_quotas, p_amounts) as u (quota_id, amount)
             group by u.quota_id) a;
    -- By their ids and not by a join, which reads every limit for each when it was planned for a table all but empty.
    update pricing.quota q
       set used = q.used + sums[width_bucket(q.id, ids)]
     where q.cell = p_cell and q.id = any (ids);
end $$;

CREATE FUNCTION trade.screen_many(p_plains text[]) RETURNS TABLE(ord integer, list text, ref text, name text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    SET "pg_trgm.similarity_threshold" TO '0.75'
    AS $$
    select distinct on (n.ord, p.list, p.ref) n.ord::int, p.list, p.ref, p.name
      from unnest(p_plains) with ordinality as n (plain, ord)
     cross join lateral (select d.list, d.ref, d.name from trade.denied_party d
                          where d.words <@ string_to_array(n.plain, ' ') and (cardinality(d.words) > 1 or d.plain = n.plain)
                          union all
                         select d.list, d.ref, d.name from trade.denied_party d
                          where d.plain operator(public.%) n.plain) p
     where n.plain <> ''
     order by n.ord, p.list, p.ref
$$;

CREATE TABLE accounts.address (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    recipient text NOT NULL,
    line1 text NOT NULL,
    line2 text DEFAULT ''::text NOT NULL,
    city text DEFAULT ''::text NOT NULL,
    district text DEFAULT ''::text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    postal_code text DEFAULT ''::text NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    phone text DEFAULT ''::text NOT NULL,
    tax_id text DEFAULT ''::text NOT NULL,
    is_default boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT address_check CHECK ((NOT (is_default AND (removed_at IS NOT NULL)))),
    CONSTRAINT address_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
);

CREATE TABLE accounts.guest (
    cell smallint NOT NULL,
    user_id uuid NOT NULL,
    email text COLLATE pg_catalog."C",
    CONSTRAINT guest_email_check CHECK ((email = lower(email)))
);

CREATE TABLE accounts.guest_link (
    cell smallint NOT NULL,
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    hash bytea NOT NULL,
    made_at timestamp with time zone NOT NULL
);

CREATE TABLE accounts.login (
    email text NOT NULL COLLATE pg_catalog."C",
    cell smallint NOT NULL,
    user_id uuid NOT NULL,
    password_hash text NOT NULL,
    proven_at timestamp with time zone,
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
    generation integer DEFAULT 0 NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT user_check CHECK (((role = 'seller'::text) = (seller_id IS NOT NULL))),
    CONSTRAINT user_role_check CHECK ((role = ANY (ARRAY['buyer'::text, 'seller'::text, 'operator'::text])))
);

CREATE TABLE approvals.alone (
    action text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    limit_minor bigint NOT NULL,
    set_at timestamp with time zone NOT NULL,
    set_by uuid NOT NULL,
    CONSTRAINT alone_limit_minor_check CHECK ((limit_minor >= 0))
);

CREATE TABLE approvals.done_alone (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    limit_minor bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT done_alone_check CHECK (((amount_minor >= 0) AND (amount_minor <= limit_minor)))
);

CREATE TABLE approvals.request (
    id uuid NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    args jsonb NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    asked_by uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    status text DEFAULT 'waiting'::text NOT NULL COLLATE pg_catalog."C",
    decided_by uuid,
    decided_at timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    CONSTRAINT request_check CHECK ((expires_at > asked_at)),
    CONSTRAINT request_check1 CHECK (((status <> 'approved'::text) OR ((decided_by <> asked_by) AND (decided_at < expires_at)))),
    CONSTRAINT request_check2 CHECK (((status = 'waiting'::text) = (decided_at IS NULL))),
    CONSTRAINT request_check3 CHECK (((decided_by IS NULL) = (decided_at IS NULL))),
    CONSTRAINT request_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'approved'::text, 'refused'::text])))
);

CREATE TABLE bonded.book (
    cell smallint NOT NULL,
    location_id bigint NOT NULL,
    number text NOT NULL COLLATE pg_catalog."C",
    office text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    opened_by uuid NOT NULL
);

CREATE TABLE bonded.entry (
    cell smallint NOT NULL,
    cause_id uuid NOT NULL,
    item_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    quantity_milli bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT entry_check CHECK (((quantity_milli < 0) = (kind = ANY (ARRAY['release'::text, 'write_off'::text])))),
    CONSTRAINT entry_kind_check CHECK ((kind = ANY (ARRAY['receive'::text, 'release'::text, 'revoke'::text, 'return'::text, 'write_off'::text, 'found'::text])))
);

CREATE TABLE bonded.good (
    cell smallint NOT NULL,
    location_id bigint NOT NULL,
    seller_id uuid NOT NULL,
    variant_id bigint NOT NULL,
    item_id bigint NOT NULL,
    per_unit_milli bigint NOT NULL,
    CONSTRAINT good_per_unit_milli_check CHECK (((per_unit_milli >= 1) AND (per_unit_milli <= 1000000000)))
);

CREATE TABLE bonded.item (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    location_id bigint NOT NULL,
    seller_id uuid NOT NULL,
    record_no text NOT NULL COLLATE pg_catalog."C",
    hs_code text NOT NULL COLLATE pg_catalog."C",
    country_of_origin text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    unit_value_minor bigint NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    quantity_milli bigint DEFAULT 0 NOT NULL,
    received_milli bigint DEFAULT 0 NOT NULL,
    released_milli bigint DEFAULT 0 NOT NULL,
    asked_milli bigint DEFAULT 0 NOT NULL,
    added_at timestamp with time zone NOT NULL,
    CONSTRAINT item_asked_milli_check CHECK ((asked_milli >= 0)),
    CONSTRAINT item_country_of_origin_check CHECK ((country_of_origin ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT item_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT item_hs_code_check CHECK ((hs_code ~ '^[0-9]{6,10}$'::text)),
    CONSTRAINT item_not_overdrawn CHECK ((quantity_milli >= asked_milli)),
    CONSTRAINT item_quantity_milli_check CHECK ((quantity_milli >= 0)),
    CONSTRAINT item_unit_value_minor_check CHECK ((unit_value_minor >= 0))
);

ALTER TABLE bonded.item ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME bonded.item_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE bonded.receipt (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    location_id bigint NOT NULL,
    seller_id uuid NOT NULL,
    declaration_no text NOT NULL COLLATE pg_catalog."C",
    received_at timestamp with time zone NOT NULL,
    received_by uuid NOT NULL
);

CREATE TABLE bonded.release (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    carrier text NOT NULL COLLATE pg_catalog."C",
    tracking_number text NOT NULL COLLATE pg_catalog."C",
    asked_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT release_check CHECK (((ended_at IS NULL) = (status = ANY (ARRAY['asked'::text, 'released'::text])))),
    CONSTRAINT release_status_check CHECK ((status = ANY (ARRAY['asked'::text, 'released'::text, 'dropped'::text, 'revoked'::text])))
)
WITH (fillfactor='80');

CREATE TABLE bonded.release_line (
    cell smallint NOT NULL,
    release_id uuid NOT NULL,
    item_id bigint NOT NULL,
    quantity_milli bigint NOT NULL,
    CONSTRAINT release_line_quantity_milli_check CHECK ((quantity_milli > 0))
);

CREATE TABLE campaigns.campaign (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT campaign_check CHECK ((ends_at >= starts_at))
);

CREATE TABLE campaigns.line (
    cell smallint NOT NULL,
    campaign_id uuid NOT NULL,
    admit_per_s integer,
    given bigint DEFAULT 0 NOT NULL,
    served bigint DEFAULT 0 NOT NULL,
    served_at timestamp with time zone NOT NULL,
    CONSTRAINT line_admit_per_s_check CHECK ((admit_per_s > 0)),
    CONSTRAINT line_check CHECK ((served <= given))
)
WITH (fillfactor='50');

CREATE TABLE campaigns.offer (
    cell smallint NOT NULL,
    campaign_id uuid NOT NULL,
    offer_id bigint NOT NULL,
    shelf_offer_id bigint NOT NULL,
    stock_id bigint NOT NULL,
    units bigint NOT NULL,
    max_per_buyer bigint NOT NULL,
    settled boolean DEFAULT false NOT NULL,
    CONSTRAINT offer_max_per_buyer_check CHECK ((max_per_buyer > 0)),
    CONSTRAINT offer_units_check CHECK ((units > 0))
);

CREATE TABLE catalog.category (
    id bigint NOT NULL,
    parent_id bigint,
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    above bigint[] NOT NULL,
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

CREATE TABLE catalog.component (
    cell smallint NOT NULL,
    bundle_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    quantity bigint NOT NULL,
    CONSTRAINT component_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE catalog.following (
    cell smallint NOT NULL,
    offer_id bigint NOT NULL,
    follows bigint NOT NULL,
    of_minor bigint NOT NULL,
    of_currency text NOT NULL COLLATE pg_catalog."C",
    rate_day date,
    was_paused boolean DEFAULT false NOT NULL,
    before_minor bigint,
    looked_on date DEFAULT '-infinity'::date NOT NULL
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
    stock_id bigint,
    unit_price_minor bigint NOT NULL,
    price_per integer NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'active'::text NOT NULL COLLATE pg_catalog."C",
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT offer_price_per_check CHECK ((price_per > 0)),
    CONSTRAINT offer_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'campaign'::text]))),
    CONSTRAINT offer_unit_price_minor_check CHECK ((unit_price_minor >= 0))
)
WITH (fillfactor='80');

CREATE TABLE sellers.suspended (
    cell smallint NOT NULL,
    seller_id uuid NOT NULL
);

CREATE VIEW catalog.offer_fact AS
 SELECT o.cell,
    o.id AS offer_id,
    o.unit_price_minor,
    ((o.status <> 'paused'::text) AND (s.seller_id IS NULL)) AS buyable
   FROM (catalog.offer o
     LEFT JOIN sellers.suspended s ON (((s.cell = o.cell) AND (s.seller_id = o.seller_id))));

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
    language text DEFAULT 'en'::text NOT NULL COLLATE pg_catalog."C",
    category_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    words tsvector GENERATED ALWAYS AS (catalog.words(((title || ' '::text) || brand))) STORED NOT NULL
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

CREATE VIEW catalog.offer_title AS
 SELECT o.cell,
    o.id AS offer_id,
        CASE v.title
            WHEN ''::text THEN p.title
            ELSE ((p.title || ', '::text) || v.title)
        END AS title,
    p.slug
   FROM ((catalog.offer o
     JOIN catalog.variant v ON ((v.id = o.variant_id)))
     JOIN catalog.product p ON ((p.id = o.product_id)));

ALTER TABLE catalog.product ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME catalog.product_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE catalog.translation (
    product_id bigint NOT NULL,
    language text NOT NULL COLLATE pg_catalog."C",
    title text NOT NULL,
    description text NOT NULL,
    of text NOT NULL COLLATE pg_catalog."C",
    said_by uuid,
    machine boolean DEFAULT false NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    words tsvector GENERATED ALWAYS AS (catalog.words(title)) STORED NOT NULL,
    CONSTRAINT translation_language_check CHECK ((language ~ '^[a-z]{2,3}$'::text))
);

ALTER TABLE catalog.variant ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME catalog.variant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE channels.buffer (
    cell smallint NOT NULL,
    channel_id uuid NOT NULL,
    variant_id bigint NOT NULL,
    units bigint NOT NULL,
    CONSTRAINT buffer_units_check CHECK ((units >= 0))
);

CREATE TABLE channels.channel (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    name text NOT NULL,
    buffer bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT channel_buffer_check CHECK ((buffer >= 0))
);

CREATE TABLE channels.sale (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    channel_id uuid NOT NULL,
    number text NOT NULL COLLATE pg_catalog."C",
    variants bigint[] NOT NULL,
    quantities bigint[] NOT NULL,
    left_over bigint[],
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT sale_check CHECK (((status = 'oversold'::text) <= (left_over IS NOT NULL))),
    CONSTRAINT sale_check1 CHECK (((status = ANY (ARRAY['sent'::text, 'canceled'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT sale_status_check CHECK ((status = ANY (ARRAY['taken'::text, 'oversold'::text, 'sent'::text, 'canceled'::text])))
);

CREATE TABLE channels.taken (
    cell smallint NOT NULL,
    sale_id uuid NOT NULL,
    stock_id bigint NOT NULL,
    quantity bigint NOT NULL,
    CONSTRAINT taken_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE chargebacks."case" (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    withdrawn_minor bigint DEFAULT 0 NOT NULL,
    over_minor bigint DEFAULT 0 NOT NULL,
    fee_minor bigint DEFAULT 0 NOT NULL,
    returned_minor bigint DEFAULT 0 NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    closed_at timestamp with time zone,
    CONSTRAINT case_check CHECK (((over_minor >= 0) AND (over_minor <= withdrawn_minor))),
    CONSTRAINT case_check1 CHECK (((returned_minor >= 0) AND (returned_minor <= withdrawn_minor))),
    CONSTRAINT case_check2 CHECK (((closed_at IS NOT NULL) = (status = 'closed'::text))),
    CONSTRAINT case_fee_minor_check CHECK ((fee_minor >= 0)),
    CONSTRAINT case_status_check CHECK ((status = ANY (ARRAY['heard'::text, 'taken'::text, 'closed'::text]))),
    CONSTRAINT case_withdrawn_minor_check CHECK ((withdrawn_minor >= 0))
);

CREATE TABLE chargebacks.evidence (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    party text NOT NULL COLLATE pg_catalog."C",
    seller_id uuid,
    text text NOT NULL,
    file_name text DEFAULT ''::text NOT NULL,
    file_type text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    file bytea,
    at timestamp with time zone NOT NULL,
    CONSTRAINT evidence_check CHECK (((file IS NOT NULL) = (file_type <> ''::text))),
    CONSTRAINT evidence_check1 CHECK (((seller_id IS NOT NULL) = (party = 'seller'::text))),
    CONSTRAINT evidence_party_check CHECK ((party = ANY (ARRAY['seller'::text, 'operator'::text])))
);

CREATE TABLE chargebacks.late (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    returned_minor bigint NOT NULL,
    fee_back_minor bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT late_check CHECK (((returned_minor + fee_back_minor) > 0)),
    CONSTRAINT late_fee_back_minor_check CHECK ((fee_back_minor >= 0)),
    CONSTRAINT late_returned_minor_check CHECK ((returned_minor >= 0))
);

CREATE TABLE chargebacks.liability (
    id bigint NOT NULL,
    market text COLLATE pg_catalog."C",
    seller_id uuid,
    reason text COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    liable text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    CONSTRAINT liability_liable_check CHECK ((liable = ANY (ARRAY['seller'::text, 'operator'::text])))
);

ALTER TABLE chargebacks.liability ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME chargebacks.liability_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE chargebacks.part (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    share_id uuid NOT NULL,
    taken_minor bigint NOT NULL,
    is_dispute boolean NOT NULL,
    CONSTRAINT part_taken_minor_check CHECK ((taken_minor > 0))
);

CREATE TABLE chargebacks.share (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    case_cell smallint NOT NULL,
    order_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    liable text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    charged_minor bigint DEFAULT 0 NOT NULL,
    lost_minor bigint,
    fee_back_minor bigint DEFAULT 0 NOT NULL,
    from_parts_minor bigint,
    due_at timestamp with time zone,
    at timestamp with time zone NOT NULL,
    CONSTRAINT share_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT share_check CHECK (((charged_minor >= 0) AND (charged_minor <= fee_minor))),
    CONSTRAINT share_check1 CHECK (((lost_minor >= 0) AND (lost_minor <= amount_minor))),
    CONSTRAINT share_check2 CHECK (((fee_back_minor >= 0) AND (fee_back_minor <= fee_minor))),
    CONSTRAINT share_check3 CHECK (((from_parts_minor >= 0) AND (from_parts_minor <= lost_minor))),
    CONSTRAINT share_check4 CHECK (((from_parts_minor IS NOT NULL) = (status = 'ended'::text))),
    CONSTRAINT share_check5 CHECK (((status <> 'ended'::text) OR (lost_minor IS NOT NULL))),
    CONSTRAINT share_fee_minor_check CHECK ((fee_minor >= 0)),
    CONSTRAINT share_liable_check CHECK ((liable = ANY (ARRAY['seller'::text, 'operator'::text]))),
    CONSTRAINT share_status_check CHECK ((status = ANY (ARRAY['told'::text, 'taken'::text, 'ended'::text])))
);

CREATE TABLE credit.collection (
    cell smallint NOT NULL,
    payment_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    whole boolean NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);

CREATE TABLE credit.installment (
    cell smallint NOT NULL,
    plan_id uuid NOT NULL,
    no smallint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    principal_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    cut_principal_minor bigint DEFAULT 0 NOT NULL,
    cut_fee_minor bigint DEFAULT 0 NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    payment_id uuid,
    paid_at timestamp with time zone,
    late_at timestamp with time zone,
    late_fee_minor bigint DEFAULT 0 NOT NULL,
    late_payment_id uuid,
    CONSTRAINT installment_check CHECK ((((status = 'paid'::text) = (payment_id IS NOT NULL)) AND ((status = 'paid'::text) = (paid_at IS NOT NULL)))),
    CONSTRAINT installment_check1 CHECK (((status <> 'void'::text) OR (((principal_minor + fee_minor) + late_fee_minor) = 0))),
    CONSTRAINT installment_check2 CHECK (((late_at IS NOT NULL) OR (late_fee_minor = 0))),
    CONSTRAINT installment_cut_fee_minor_check CHECK ((cut_fee_minor >= 0)),
    CONSTRAINT installment_cut_principal_minor_check CHECK ((cut_principal_minor >= 0)),
    CONSTRAINT installment_fee_minor_check CHECK ((fee_minor >= 0)),
    CONSTRAINT installment_late_fee_minor_check CHECK ((late_fee_minor >= 0)),
    CONSTRAINT installment_principal_minor_check CHECK ((principal_minor >= 0)),
    CONSTRAINT installment_status_check CHECK ((status = ANY (ARRAY['open'::text, 'paid'::text, 'void'::text])))
)
WITH (fillfactor='80');

CREATE TABLE credit.line (
    cell smallint NOT NULL,
    buyer_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    limit_minor bigint NOT NULL,
    exposure_minor bigint NOT NULL,
    CONSTRAINT exposure_within_limit CHECK (((exposure_minor >= 0) AND (exposure_minor <= limit_minor)))
);

CREATE TABLE credit.plan (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    months smallint NOT NULL,
    bearer text NOT NULL COLLATE pg_catalog."C",
    principal_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    grace_s integer NOT NULL,
    retry_s integer NOT NULL,
    late_fee_minor bigint NOT NULL,
    late_fee_max_bp integer NOT NULL,
    default_after_s integer NOT NULL,
    back_principal_minor bigint DEFAULT 0 NOT NULL,
    back_fee_minor bigint DEFAULT 0 NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    defaulted_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT plan_check CHECK (((back_principal_minor >= 0) AND (back_principal_minor <= principal_minor))),
    CONSTRAINT plan_check1 CHECK (((back_fee_minor >= 0) AND (back_fee_minor <= fee_minor))),
    CONSTRAINT plan_check2 CHECK (((status = ANY (ARRAY['paid'::text, 'canceled'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT plan_check3 CHECK (((status = 'open'::text) OR (due_at IS NULL))),
    CONSTRAINT plan_fee_minor_check CHECK ((fee_minor >= 0)),
    CONSTRAINT plan_principal_minor_check CHECK ((principal_minor > 0)),
    CONSTRAINT plan_status_check CHECK ((status = ANY (ARRAY['open'::text, 'paid'::text, 'canceled'::text, 'defaulted'::text])))
)
WITH (fillfactor='80');

CREATE TABLE credit.plan_terms (
    market text NOT NULL COLLATE pg_catalog."C",
    months smallint NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    offered boolean NOT NULL,
    fee_bp integer NOT NULL,
    bearer text NOT NULL COLLATE pg_catalog."C",
    minimum_minor bigint NOT NULL,
    source text NOT NULL,
    CONSTRAINT plan_terms_bearer_check CHECK ((bearer = ANY (ARRAY['buyer'::text, 'seller'::text, 'platform'::text]))),
    CONSTRAINT plan_terms_check CHECK ((minimum_minor >= months)),
    CONSTRAINT plan_terms_fee_bp_check CHECK (((fee_bp >= 0) AND (fee_bp <= 10000))),
    CONSTRAINT plan_terms_months_check CHECK ((months = ANY (ARRAY[3, 6, 12, 24])))
);

CREATE TABLE credit.terms (
    market text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    grace_s integer NOT NULL,
    retry_s integer NOT NULL,
    late_fee_minor bigint NOT NULL,
    late_fee_max_bp integer NOT NULL,
    default_after_s integer NOT NULL,
    scores integer[] NOT NULL,
    limits_minor bigint[] NOT NULL,
    source text NOT NULL,
    CONSTRAINT terms_check CHECK ((default_after_s > grace_s)),
    CONSTRAINT terms_check1 CHECK ((cardinality(limits_minor) = cardinality(scores))),
    CONSTRAINT terms_grace_s_check CHECK ((grace_s >= 0)),
    CONSTRAINT terms_late_fee_max_bp_check CHECK (((late_fee_max_bp >= 0) AND (late_fee_max_bp <= 10000))),
    CONSTRAINT terms_late_fee_minor_check CHECK ((late_fee_minor >= 0)),
    CONSTRAINT terms_retry_s_check CHECK ((retry_s > 0)),
    CONSTRAINT terms_scores_check CHECK ((cardinality(scores) > 0))
);

CREATE TABLE customs.broker_invoice (
    id uuid NOT NULL,
    broker text NOT NULL,
    number text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    issued_on date NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    recorded_by uuid NOT NULL,
    paid_at timestamp with time zone,
    paid_by uuid,
    reference text DEFAULT ''::text NOT NULL,
    CONSTRAINT broker_invoice_check CHECK ((num_nulls(paid_at, paid_by) = ANY (ARRAY[0, 2]))),
    CONSTRAINT broker_invoice_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

CREATE TABLE customs.broker_line (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    no smallint NOT NULL,
    told text NOT NULL,
    order_id uuid,
    asked_minor bigint NOT NULL,
    settled_minor bigint DEFAULT 0 NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    decided_at timestamp with time zone,
    decided_by uuid,
    note text DEFAULT ''::text NOT NULL,
    CONSTRAINT broker_line_asked_minor_check CHECK ((asked_minor <> 0)),
    CONSTRAINT broker_line_check CHECK (((reason = ''::text) <= (status = 'settled'::text))),
    CONSTRAINT broker_line_reason_check CHECK ((reason = ANY (ARRAY[''::text, 'unknown'::text, 'currency'::text, 'nothing_paid'::text, 'settled_before'::text, 'differs'::text]))),
    CONSTRAINT broker_line_status_check CHECK ((status = ANY (ARRAY['settled'::text, 'open'::text, 'rejected'::text])))
);

CREATE TABLE customs.declaration (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    no smallint NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    problems jsonb DEFAULT '{}'::jsonb NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    citation text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    made_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT declaration_check CHECK (((due_at IS NOT NULL) = (status = ANY (ARRAY['asked'::text, 'revoking'::text])))),
    CONSTRAINT declaration_status_check CHECK ((status = ANY (ARRAY['open'::text, 'asked'::text, 'released'::text, 'rejected'::text, 'revoking'::text, 'ended'::text])))
)
WITH (fillfactor='70');

CREATE TABLE customs.message (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    content jsonb NOT NULL,
    said_by uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CONSTRAINT message_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'parcel'::text])))
);

CREATE TABLE customs.tax_return (
    id uuid NOT NULL,
    scheme text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    due_on date NOT NULL,
    content jsonb NOT NULL,
    filed_at timestamp with time zone NOT NULL,
    filed_by uuid NOT NULL,
    paid_at timestamp with time zone,
    paid_by uuid,
    reference text DEFAULT ''::text NOT NULL,
    CONSTRAINT tax_return_check CHECK ((num_nulls(paid_at, paid_by) = ANY (ARRAY[0, 2])))
);

CREATE TABLE disputes.dispute (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    claimed_minor bigint NOT NULL,
    offered_minor bigint,
    granted_minor bigint,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    closed_at timestamp with time zone,
    CONSTRAINT dispute_check CHECK (((offered_minor >= 0) AND (offered_minor <= claimed_minor))),
    CONSTRAINT dispute_check1 CHECK (((granted_minor >= 0) AND (granted_minor <= claimed_minor))),
    CONSTRAINT dispute_check2 CHECK (((due_at IS NOT NULL) = (status = ANY (ARRAY['returning'::text, 'sent_back'::text, 'replaced'::text, 'opened'::text, 'answered'::text, 'decided'::text])))),
    CONSTRAINT dispute_check3 CHECK (((granted_minor IS NOT NULL) = (status = ANY (ARRAY['decided'::text, 'appealed'::text, 'closed'::text])))),
    CONSTRAINT dispute_check4 CHECK (((closed_at IS NOT NULL) = (status = 'closed'::text))),
    CONSTRAINT dispute_claimed_minor_check CHECK ((claimed_minor > 0)),
    CONSTRAINT dispute_kind_check CHECK ((kind = ANY (ARRAY['not_received'::text, 'not_as_described'::text, 'wrong_or_damaged'::text, 'unwanted'::text]))),
    CONSTRAINT dispute_status_check CHECK ((status = ANY (ARRAY['returning'::text, 'sent_back'::text, 'replaced'::text, 'opened'::text, 'answered'::text, 'escalated'::text, 'decided'::text, 'appealed'::text, 'at_bank'::text, 'closed'::text])))
)
WITH (fillfactor='70');

CREATE TABLE disputes.replacement (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    offer_id bigint NOT NULL,
    variant_id bigint NOT NULL,
    stock_id bigint NOT NULL,
    quantity bigint NOT NULL,
    back_minor bigint NOT NULL,
    status text DEFAULT 'held'::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT replacement_back_minor_check CHECK ((back_minor >= 0)),
    CONSTRAINT replacement_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT replacement_status_check CHECK ((status = ANY (ARRAY['held'::text, 'sent'::text, 'freed'::text])))
);

CREATE TABLE disputes.step (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    party text NOT NULL COLLATE pg_catalog."C",
    act text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint,
    text text NOT NULL,
    file_name text DEFAULT ''::text NOT NULL,
    file_type text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    file bytea,
    at timestamp with time zone NOT NULL,
    CONSTRAINT step_check CHECK (((file IS NOT NULL) = (file_type <> ''::text))),
    CONSTRAINT step_party_check CHECK ((party = ANY (ARRAY['buyer'::text, 'seller'::text, 'operator'::text, 'timer'::text])))
);

CREATE TABLE exchange.terms (
    market text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    spread_bp integer NOT NULL,
    max_age_d integer NOT NULL,
    converts boolean NOT NULL,
    source text NOT NULL,
    CONSTRAINT terms_max_age_d_check CHECK (((max_age_d >= 1) AND (max_age_d <= 31))),
    CONSTRAINT terms_spread_bp_check CHECK (((spread_bp >= 0) AND (spread_bp <= 5000)))
);

CREATE TABLE fees.billing (
    seller_id uuid NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    tax_id text NOT NULL,
    CONSTRAINT billing_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
);

CREATE TABLE fees.charge (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    shop_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    month date,
    currency text NOT NULL COLLATE pg_catalog."C",
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    tax_bp integer,
    tax_kind text COLLATE pg_catalog."C",
    reason text NOT NULL,
    case_ref text NOT NULL,
    user_id uuid,
    at timestamp with time zone NOT NULL,
    CONSTRAINT charge_check CHECK (((kind = 'monthly_fee'::text) = (month IS NOT NULL))),
    CONSTRAINT charge_check1 CHECK (((kind = 'deposit_deduction'::text) = (case_ref <> ''::text))),
    CONSTRAINT charge_kind_check CHECK ((kind = ANY (ARRAY['opening_fee'::text, 'monthly_fee'::text, 'deposit'::text, 'deposit_deduction'::text, 'deposit_back'::text]))),
    CONSTRAINT charge_net_minor_check CHECK ((net_minor >= 0)),
    CONSTRAINT charge_tax_kind_check CHECK ((tax_kind = ANY (ARRAY['standard'::text, 'reverse_charge'::text, 'outside'::text]))),
    CONSTRAINT charge_tax_minor_check CHECK ((tax_minor >= 0))
);

CREATE TABLE fees.counted (
    cell smallint NOT NULL,
    month date NOT NULL
);

CREATE TABLE fees.entity (
    currency text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    address text NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    tax_id text NOT NULL,
    CONSTRAINT entity_code_check CHECK ((code ~ '^[A-Z0-9]{2,12}$'::text)),
    CONSTRAINT entity_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT entity_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

CREATE TABLE fees.rule (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    "position" integer NOT NULL,
    name text NOT NULL,
    market text COLLATE pg_catalog."C",
    seller_id uuid,
    category_id bigint,
    volume_from_minor bigint,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    over_minor bigint[] NOT NULL,
    rates_bp integer[] NOT NULL,
    fixed_minor bigint DEFAULT 0 NOT NULL,
    min_minor bigint DEFAULT 0 NOT NULL,
    max_minor bigint,
    source text NOT NULL,
    CONSTRAINT rule_check CHECK ((max_minor >= min_minor)),
    CONSTRAINT rule_check1 CHECK ((valid_to >= valid_from)),
    CONSTRAINT rule_check2 CHECK (((kind = 'commission'::text) OR (category_id IS NULL))),
    CONSTRAINT rule_check3 CHECK (((cardinality(over_minor) = cardinality(rates_bp)) AND (over_minor[1] = 0) AND (0 <= ALL (rates_bp)) AND (10000 >= ALL (rates_bp)))),
    CONSTRAINT rule_check4 CHECK (((market IS NOT NULL) OR ((num_nonnulls(volume_from_minor, max_minor) = 0) AND (cardinality(over_minor) = 1) AND ((fixed_minor + min_minor) = 0)))),
    CONSTRAINT rule_fixed_minor_check CHECK ((fixed_minor >= 0)),
    CONSTRAINT rule_kind_check CHECK ((kind = ANY (ARRAY['commission'::text, 'payment_fee'::text]))),
    CONSTRAINT rule_min_minor_check CHECK ((min_minor >= 0)),
    CONSTRAINT rule_position_check CHECK (("position" > 0)),
    CONSTRAINT rule_volume_from_minor_check CHECK ((volume_from_minor > 0))
);

ALTER TABLE fees.rule ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME fees.rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE fees.shop (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    deposit_minor bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    due_on date,
    CONSTRAINT shop_check CHECK (((due_on IS NOT NULL) OR (closed_at IS NOT NULL))),
    CONSTRAINT shop_deposit_minor_check CHECK ((deposit_minor >= 0))
);

CREATE TABLE fees.shop_terms (
    market text NOT NULL COLLATE pg_catalog."C",
    seller_id uuid NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    opening_fee_minor bigint NOT NULL,
    monthly_fee_minor bigint NOT NULL,
    waived_from_minor bigint,
    deposit_minor bigint NOT NULL,
    deposit_kept_s bigint NOT NULL,
    source text NOT NULL,
    CONSTRAINT shop_terms_deposit_kept_s_check CHECK ((deposit_kept_s >= 0)),
    CONSTRAINT shop_terms_deposit_minor_check CHECK ((deposit_minor >= 0)),
    CONSTRAINT shop_terms_monthly_fee_minor_check CHECK ((monthly_fee_minor >= 0)),
    CONSTRAINT shop_terms_opening_fee_minor_check CHECK ((opening_fee_minor >= 0)),
    CONSTRAINT shop_terms_waived_from_minor_check CHECK ((waived_from_minor > 0))
);

CREATE TABLE fees.volume (
    seller_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    sold_minor bigint NOT NULL,
    CONSTRAINT volume_sold_minor_check CHECK ((sold_minor >= 0))
);

CREATE TABLE fraud.hook (
    id uuid NOT NULL,
    url text NOT NULL,
    secret bytea NOT NULL,
    fails text NOT NULL COLLATE pg_catalog."C",
    answer_within_s integer NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    set_by uuid NOT NULL,
    CONSTRAINT hook_answer_within_s_check CHECK ((answer_within_s > 0)),
    CONSTRAINT hook_fails_check CHECK ((fails = ANY (ARRAY['open'::text, 'closed'::text])))
);

CREATE TABLE fraud.question (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    next_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    answer text COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT question_answer_check CHECK ((answer = ANY (ARRAY['allow'::text, 'hold'::text, 'silent'::text]))),
    CONSTRAINT question_check CHECK (((answer IS NULL) = (answered_at IS NULL)))
);

CREATE TABLE fraud.rule (
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    count integer NOT NULL,
    within_s integer NOT NULL,
    hold_s integer NOT NULL,
    then_ text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    source text NOT NULL,
    CONSTRAINT rule_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT rule_check CHECK ((valid_to > valid_from)),
    CONSTRAINT rule_count_check CHECK ((count > 0)),
    CONSTRAINT rule_hold_s_check CHECK ((hold_s > 0)),
    CONSTRAINT rule_kind_check CHECK ((kind = ANY (ARRAY['new_account'::text, 'guest'::text, 'buyer'::text, 'address'::text, 'country'::text, 'failed_payments'::text]))),
    CONSTRAINT rule_then__check CHECK ((then_ = ANY (ARRAY['released'::text, 'rejected'::text]))),
    CONSTRAINT rule_within_s_check CHECK ((within_s > 0))
);

CREATE TABLE inventory.adjustment (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    stock_id bigint NOT NULL,
    on_hand_delta bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    user_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT adjustment_on_hand_delta_check CHECK ((on_hand_delta <> 0)),
    CONSTRAINT adjustment_reason_check CHECK ((reason = ANY (ARRAY['counted'::text, 'damaged'::text, 'expired'::text, 'lost'::text, 'found'::text])))
);

CREATE TABLE inventory.stock (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    seller_id uuid NOT NULL,
    variant_id bigint NOT NULL,
    location_id bigint NOT NULL,
    aside_id uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    on_hand bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    allocated bigint DEFAULT 0 NOT NULL,
    cost_minor bigint DEFAULT 0 NOT NULL,
    currency text COLLATE pg_catalog."C",
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT stock_allocated_check CHECK ((allocated >= 0)),
    CONSTRAINT stock_cost_minor_check CHECK ((cost_minor >= 0)),
    CONSTRAINT stock_held_check CHECK ((held >= 0)),
    CONSTRAINT stock_not_oversold CHECK ((on_hand >= (held + allocated)))
)
WITH (fillfactor='50');

CREATE VIEW inventory.availability AS
 SELECT cell,
    id AS stock_id,
    ((on_hand - held) - allocated) AS available,
    on_hand,
    version
   FROM inventory.stock s;

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
    CONSTRAINT movement_kind_check CHECK ((kind = ANY (ARRAY['receive'::text, 'hold'::text, 'allocate'::text, 'confirm'::text, 'give_back'::text, 'expire'::text, 'ship'::text, 'return'::text, 'adjust'::text, 'set_aside'::text])))
);

ALTER TABLE inventory.movement ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.movement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE inventory.stock ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME inventory.stock_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE invoices.invoice (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    entity text NOT NULL COLLATE pg_catalog."C",
    year integer NOT NULL,
    serial integer NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    issuer jsonb NOT NULL,
    recipient jsonb NOT NULL,
    corrects_id uuid,
    reason text NOT NULL,
    user_id uuid,
    issued_at timestamp with time zone NOT NULL,
    CONSTRAINT invoice_check CHECK (((corrects_id IS NULL) = (user_id IS NULL))),
    CONSTRAINT invoice_kind_check CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text]))),
    CONSTRAINT invoice_net_minor_check CHECK ((net_minor >= 0)),
    CONSTRAINT invoice_serial_check CHECK ((serial > 0)),
    CONSTRAINT invoice_tax_minor_check CHECK ((tax_minor >= 0))
);

CREATE TABLE invoices.issued (
    cell smallint NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE invoices.line (
    cell smallint NOT NULL,
    invoice_id uuid NOT NULL,
    no smallint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    tax_kind text NOT NULL COLLATE pg_catalog."C",
    tax_bp integer NOT NULL,
    net_minor bigint NOT NULL,
    of_month date NOT NULL,
    of_line smallint,
    name text DEFAULT ''::text NOT NULL,
    unit text DEFAULT ''::text NOT NULL,
    quantity bigint,
    unit_price text DEFAULT ''::text NOT NULL,
    CONSTRAINT line_check CHECK (((net_minor > 0) OR (kind = 'usage_fee'::text))),
    CONSTRAINT line_check1 CHECK (((quantity IS NOT NULL) <= (kind = 'usage_fee'::text))),
    CONSTRAINT line_kind_check CHECK ((kind = ANY (ARRAY['commission'::text, 'payment_fee'::text, 'opening_fee'::text, 'monthly_fee'::text, 'usage_fee'::text])))
);

CREATE TABLE invoices.series (
    entity text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    year integer NOT NULL,
    last integer NOT NULL,
    CONSTRAINT series_kind_check CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text]))),
    CONSTRAINT series_last_check CHECK ((last >= 0))
);

CREATE TABLE invoices.tax (
    cell smallint NOT NULL,
    invoice_id uuid NOT NULL,
    tax_kind text NOT NULL COLLATE pg_catalog."C",
    tax_bp integer NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    CONSTRAINT tax_net_minor_check CHECK ((net_minor >= 0)),
    CONSTRAINT tax_tax_minor_check CHECK ((tax_minor >= 0))
);

CREATE TABLE kit.audit_line (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL COLLATE pg_catalog."C",
    seller_id uuid,
    route text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    said jsonb NOT NULL,
    before jsonb NOT NULL,
    told text[] NOT NULL,
    names text[] NOT NULL COLLATE pg_catalog."C",
    origin text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE kit.cell (
    cell smallint NOT NULL,
    open boolean DEFAULT true NOT NULL,
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

ALTER TABLE kit.event ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
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
    held bigint DEFAULT 0 NOT NULL,
    CONSTRAINT balance_credits_check CHECK ((credits >= 0)),
    CONSTRAINT balance_debits_check CHECK ((debits >= 0)),
    CONSTRAINT balance_held CHECK (((stripe > 0) OR (held >= 0))),
    CONSTRAINT balance_within_limit CHECK (((NOT limited) OR (credits >= (debits + held))))
)
WITH (fillfactor='50');

CREATE TABLE ledger.closed_day (
    cell smallint NOT NULL,
    day date NOT NULL,
    transfers bigint NOT NULL,
    closed_at timestamp with time zone NOT NULL
);

CREATE TABLE ledger.day_total (
    cell smallint NOT NULL,
    day date NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    debits bigint NOT NULL,
    credits bigint NOT NULL,
    balance bigint NOT NULL
);

CREATE TABLE ledger.hold (
    cell smallint NOT NULL,
    cause_id uuid NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    status text DEFAULT 'held'::text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT hold_amount_check CHECK ((amount > 0)),
    CONSTRAINT hold_check CHECK ((debit <> credit)),
    CONSTRAINT hold_check1 CHECK ((due_at > at)),
    CONSTRAINT hold_check2 CHECK ((((status = 'held'::text) = (ended_at IS NULL)) AND ((status = 'held'::text) OR (due_at IS NULL)))),
    CONSTRAINT hold_status_check CHECK ((status = ANY (ARRAY['held'::text, 'settled'::text, 'voided'::text, 'expired'::text])))
)
WITH (fillfactor='50');

CREATE VIEW ledger.row_balance AS
 SELECT cell,
    account_id,
    ((credits - debits) - held) AS balance
   FROM ledger.balance b
  WHERE (stripe = 0);

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
    country text NOT NULL COLLATE pg_catalog."C",
    bonded boolean DEFAULT false NOT NULL,
    line1 text DEFAULT ''::text NOT NULL,
    postal_code text DEFAULT ''::text NOT NULL,
    city text DEFAULT ''::text NOT NULL
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

CREATE TABLE metering.account (
    cell smallint NOT NULL,
    seller_id uuid NOT NULL,
    open_month date NOT NULL
);

CREATE TABLE metering.bill (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    month date NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    tax_bp integer,
    tax_kind text COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    CONSTRAINT bill_net_minor_check CHECK ((net_minor >= 0)),
    CONSTRAINT bill_tax_kind_check CHECK ((tax_kind = ANY (ARRAY['standard'::text, 'reverse_charge'::text, 'outside'::text]))),
    CONSTRAINT bill_tax_minor_check CHECK ((tax_minor >= 0))
);

CREATE TABLE metering.event (
    cell smallint NOT NULL,
    seller_id uuid NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    meter text NOT NULL COLLATE pg_catalog."C",
    filter text NOT NULL COLLATE pg_catalog."C",
    market text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    quantity bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    properties jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL,
    month date NOT NULL,
    CONSTRAINT event_check CHECK ((at <= received_at)),
    CONSTRAINT event_quantity_check CHECK ((quantity >= 0))
);

CREATE TABLE metering.line (
    cell smallint NOT NULL,
    bill_id uuid NOT NULL,
    no smallint NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    filter text NOT NULL COLLATE pg_catalog."C",
    use_month date NOT NULL,
    rate_filter text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    over bigint NOT NULL,
    quantity bigint NOT NULL,
    rate_micro bigint NOT NULL,
    net_minor bigint NOT NULL,
    CONSTRAINT line_net_minor_check CHECK ((net_minor >= 0)),
    CONSTRAINT line_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT line_rate_micro_check CHECK ((rate_micro >= 0))
);

CREATE TABLE metering.meter (
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    unit text NOT NULL,
    combine text NOT NULL COLLATE pg_catalog."C",
    filter_by text NOT NULL COLLATE pg_catalog."C",
    added_at timestamp with time zone NOT NULL,
    CONSTRAINT meter_code_check CHECK ((code ~ '^[a-z][a-z0-9_]{1,39}$'::text)),
    CONSTRAINT meter_combine_check CHECK ((combine = ANY (ARRAY['sum'::text, 'count'::text, 'max'::text])))
);

CREATE TABLE metering.rate (
    meter text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    filter text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    over bigint[] NOT NULL,
    rates_micro bigint[] NOT NULL,
    source text NOT NULL,
    CONSTRAINT rate_check CHECK (((cardinality(over) = cardinality(rates_micro)) AND (over[1] = 0) AND (0 <= ALL (rates_micro)))),
    CONSTRAINT rate_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

CREATE TABLE notify.digest (
    day date NOT NULL
);

CREATE TABLE notify.message (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel text NOT NULL COLLATE pg_catalog."C",
    party text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    subject_id uuid NOT NULL,
    data jsonb NOT NULL,
    language text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'due'::text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT message_channel_check CHECK ((channel = ANY (ARRAY['mail'::text, 'sms'::text]))),
    CONSTRAINT message_check CHECK (((sent_at IS NOT NULL) = (status = 'sent'::text))),
    CONSTRAINT message_party_check CHECK ((party = ANY (ARRAY['buyer'::text, 'seller'::text, 'operator'::text]))),
    CONSTRAINT message_status_check CHECK ((status = ANY (ARRAY['due'::text, 'sent'::text, 'dropped'::text, 'failed'::text])))
)
WITH (fillfactor='80');

CREATE TABLE notify.preference (
    cell smallint NOT NULL,
    user_id uuid NOT NULL,
    language text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    phone text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    muted text[] DEFAULT '{}'::text[] NOT NULL
);

CREATE TABLE orders.age_given (
    cell smallint NOT NULL,
    buyer_id uuid NOT NULL,
    age smallint NOT NULL,
    proof text NOT NULL COLLATE pg_catalog."C",
    given_at timestamp with time zone NOT NULL,
    CONSTRAINT age_given_age_check CHECK (((age >= 1) AND (age <= 99))),
    CONSTRAINT age_given_proof_check CHECK ((proof = ANY (ARRAY['stated'::text, 'birth_date'::text])))
);

CREATE TABLE orders.away_order (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    order_cell smallint NOT NULL,
    CONSTRAINT away_order_check CHECK ((order_cell <> cell))
);

CREATE TABLE orders.border (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    quote_id uuid NOT NULL,
    from_country text NOT NULL COLLATE pg_catalog."C",
    to_country text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    duty_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    incoterm text NOT NULL COLLATE pg_catalog."C",
    fee_minor bigint NOT NULL,
    line_nos smallint[] NOT NULL,
    line_charges bigint[] NOT NULL,
    why text[] NOT NULL,
    trace jsonb NOT NULL,
    mode text DEFAULT ''::text NOT NULL,
    scheme text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    line_taxes bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    line_bases bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    line_rates_bp integer[] DEFAULT '{}'::integer[] NOT NULL,
    withheld_minor bigint DEFAULT 0 NOT NULL,
    charged_back_minor bigint DEFAULT 0 NOT NULL,
    quota_id bigint,
    line_quotas bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT border_charged_back_minor_check CHECK ((charged_back_minor >= 0)),
    CONSTRAINT border_duty_minor_check CHECK ((duty_minor >= 0)),
    CONSTRAINT border_fee_minor_check CHECK ((fee_minor >= 0)),
    CONSTRAINT border_incoterm_check CHECK ((incoterm = ANY (ARRAY['DAP'::text, 'DDP'::text]))),
    CONSTRAINT border_tax_minor_check CHECK ((tax_minor >= 0)),
    CONSTRAINT border_withheld_minor_check CHECK ((withheld_minor >= 0))
);

CREATE TABLE orders.cart (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    address_id uuid,
    shipping_code text COLLATE pg_catalog."C",
    promotion_code text COLLATE pg_catalog."C",
    slot_id bigint,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE orders.cart_line (
    cell smallint NOT NULL,
    cart_id uuid NOT NULL,
    offer_id bigint NOT NULL,
    quantity bigint NOT NULL,
    offer_cell smallint,
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

CREATE TABLE orders.exchange (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    quote_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    settles_in text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    per_euro numeric NOT NULL,
    settles_per_euro numeric NOT NULL,
    source text NOT NULL,
    spread_bp integer NOT NULL,
    net_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT exchange_check CHECK ((currency <> settles_in)),
    CONSTRAINT exchange_per_euro_check CHECK ((per_euro > (0)::numeric)),
    CONSTRAINT exchange_settles_per_euro_check CHECK ((settles_per_euro > (0)::numeric)),
    CONSTRAINT exchange_spread_bp_check CHECK (((spread_bp >= 0) AND (spread_bp <= 5000)))
)
WITH (fillfactor='80');

CREATE TABLE orders.hold (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    list text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    held_at timestamp with time zone NOT NULL,
    decision text COLLATE pg_catalog."C",
    decided_at timestamp with time zone,
    decided_by uuid,
    note text DEFAULT ''::text NOT NULL,
    kind text DEFAULT 'party'::text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone,
    due_decision text COLLATE pg_catalog."C",
    CONSTRAINT hold_check CHECK ((num_nulls(decision, decided_at, decided_by) = ANY (ARRAY[0, 3]))),
    CONSTRAINT hold_check1 CHECK (((due_at IS NULL) = (due_decision IS NULL))),
    CONSTRAINT hold_decision_check CHECK ((decision = ANY (ARRAY['released'::text, 'rejected'::text]))),
    CONSTRAINT hold_due_decision_check CHECK ((due_decision = ANY (ARRAY['released'::text, 'rejected'::text]))),
    CONSTRAINT hold_kind_check CHECK ((kind = ANY (ARRAY['party'::text, 'fraud'::text, 'hand'::text])))
);

CREATE TABLE orders.identity (
    cell smallint NOT NULL,
    buyer_id uuid NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    person_id uuid NOT NULL,
    name text NOT NULL,
    ending text NOT NULL,
    sealed bytea NOT NULL,
    said_at timestamp with time zone NOT NULL
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
    duties_minor bigint DEFAULT 0 NOT NULL,
    withheld_minor bigint DEFAULT 0 NOT NULL,
    fee_tax_minor bigint DEFAULT 0 NOT NULL,
    fee_tax_bp integer,
    fee_tax_kind text COLLATE pg_catalog."C",
    fee_rule_id bigint,
    placed_at timestamp with time zone NOT NULL,
    shipped_at timestamp with time zone,
    delivered_at timestamp with time zone,
    ended_at timestamp with time zone,
    release_due_at timestamp with time zone,
    slot_id bigint,
    CONSTRAINT order_check CHECK ((paid_minor = (((items_minor + shipping_minor) - seller_discount_minor) - operator_discount_minor))),
    CONSTRAINT order_check1 CHECK (((withheld_minor >= 0) AND (withheld_minor <= paid_minor))),
    CONSTRAINT order_commission_minor_check CHECK ((commission_minor >= 0)),
    CONSTRAINT order_duties_minor_check CHECK ((duties_minor >= 0)),
    CONSTRAINT order_fee_tax_kind_check CHECK ((fee_tax_kind = ANY (ARRAY['standard'::text, 'reverse_charge'::text, 'outside'::text]))),
    CONSTRAINT order_fee_tax_minor_check CHECK ((fee_tax_minor >= 0)),
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
    other_cells smallint[],
    CONSTRAINT order_group_paid_minor_check CHECK ((paid_minor >= 0)),
    CONSTRAINT order_group_status_check CHECK ((status = ANY (ARRAY['awaiting_payment'::text, 'placed'::text, 'expired'::text, 'canceled'::text])))
);

CREATE TABLE orders.order_line (
    cell smallint NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    bundle_no smallint DEFAULT 0 NOT NULL,
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
    fee_rule_id bigint,
    cost_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT order_line_check CHECK (((discount_minor >= 0) AND (discount_minor <= gross_minor))),
    CONSTRAINT order_line_cost_minor_check CHECK ((cost_minor >= 0)),
    CONSTRAINT order_line_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE orders.part (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    no smallint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    party text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    recalled boolean NOT NULL,
    paid_minor bigint NOT NULL,
    operator_discount_minor bigint NOT NULL,
    commission_minor bigint NOT NULL,
    payment_fee_minor bigint NOT NULL,
    fee_tax_minor bigint DEFAULT 0 NOT NULL,
    withheld_minor bigint DEFAULT 0 NOT NULL,
    back_minor bigint,
    back_operator_discount_minor bigint,
    back_commission_minor bigint,
    back_payment_fee_minor bigint,
    back_fee_tax_minor bigint,
    back_withheld_minor bigint,
    frozen_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    duties_minor bigint DEFAULT 0 NOT NULL,
    of_part uuid,
    CONSTRAINT part_check CHECK (((withheld_minor >= 0) AND (withheld_minor <= paid_minor))),
    CONSTRAINT part_check1 CHECK (((back_minor >= 0) AND (back_minor <= paid_minor))),
    CONSTRAINT part_check2 CHECK (((back_operator_discount_minor >= 0) AND (back_operator_discount_minor <= operator_discount_minor))),
    CONSTRAINT part_check3 CHECK (((back_commission_minor >= 0) AND (back_commission_minor <= commission_minor))),
    CONSTRAINT part_check4 CHECK (((back_payment_fee_minor >= 0) AND (back_payment_fee_minor <= payment_fee_minor))),
    CONSTRAINT part_check5 CHECK (((back_fee_tax_minor >= 0) AND (back_fee_tax_minor <= fee_tax_minor))),
    CONSTRAINT part_check6 CHECK (((back_withheld_minor >= 0) AND (back_withheld_minor <= withheld_minor))),
    CONSTRAINT part_check7 CHECK (((of_part IS NULL) OR ((kind = 'charged_back'::text) AND recalled))),
    CONSTRAINT part_check8 CHECK ((num_nulls(back_minor, back_operator_discount_minor, back_commission_minor, back_payment_fee_minor, back_fee_tax_minor, back_withheld_minor, ended_at) = ANY (ARRAY[0, 7]))),
    CONSTRAINT part_commission_minor_check CHECK ((commission_minor >= 0)),
    CONSTRAINT part_duties_minor_check CHECK ((duties_minor >= 0)),
    CONSTRAINT part_fee_tax_minor_check CHECK ((fee_tax_minor >= 0)),
    CONSTRAINT part_kind_check CHECK ((kind = ANY (ARRAY['disputed'::text, 'returned'::text, 'canceled'::text, 'refunded'::text, 'charged_back'::text]))),
    CONSTRAINT part_operator_discount_minor_check CHECK ((operator_discount_minor >= 0)),
    CONSTRAINT part_paid_minor_check CHECK ((paid_minor >= 0)),
    CONSTRAINT part_party_check CHECK ((party = ANY (ARRAY['buyer'::text, 'seller'::text]))),
    CONSTRAINT part_payment_fee_minor_check CHECK ((payment_fee_minor >= 0))
);

CREATE TABLE orders.part_line (
    cell smallint NOT NULL,
    part_id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    quantity bigint NOT NULL,
    paid_minor bigint NOT NULL,
    operator_discount_minor bigint NOT NULL,
    commission_minor bigint NOT NULL,
    payment_fee_minor bigint NOT NULL,
    fee_tax_minor bigint DEFAULT 0 NOT NULL,
    withheld_minor bigint DEFAULT 0 NOT NULL,
    restocked bigint,
    CONSTRAINT part_line_check CHECK (((withheld_minor >= 0) AND (withheld_minor <= paid_minor))),
    CONSTRAINT part_line_check1 CHECK (((restocked >= 0) AND (restocked <= quantity))),
    CONSTRAINT part_line_check2 CHECK (((quantity > 0) OR (paid_minor > 0))),
    CONSTRAINT part_line_commission_minor_check CHECK ((commission_minor >= 0)),
    CONSTRAINT part_line_fee_tax_minor_check CHECK ((fee_tax_minor >= 0)),
    CONSTRAINT part_line_operator_discount_minor_check CHECK ((operator_discount_minor >= 0)),
    CONSTRAINT part_line_paid_minor_check CHECK ((paid_minor >= 0)),
    CONSTRAINT part_line_payment_fee_minor_check CHECK ((payment_fee_minor >= 0)),
    CONSTRAINT part_line_quantity_check CHECK ((quantity >= 0))
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
    group_cell smallint,
    other_cells smallint[],
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
    order_duties bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    order_withheld bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    order_fee_rules bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    order_fee_taxes bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    order_fee_tax_kinds text[] DEFAULT '{}'::text[] NOT NULL,
    order_fee_tax_bps integer[] DEFAULT '{}'::integer[] NOT NULL,
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
    line_fee_rules bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    line_bundles smallint[] DEFAULT '{}'::smallint[] NOT NULL,
    bundle_prices bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    discount_lines smallint[] NOT NULL,
    discount_kinds text[] NOT NULL,
    discount_parties text[] NOT NULL,
    discount_amounts bigint[] NOT NULL,
    quota_ids bigint[] NOT NULL,
    quota_amounts bigint[] NOT NULL,
    away_orders uuid[],
    away_paid bigint[],
    slot_id bigint,
    CONSTRAINT quote_paid_minor_check CHECK ((paid_minor >= 0))
)
WITH (toast_tuple_target='8160');

CREATE TABLE orders.tax_back (
    cell smallint NOT NULL,
    cause_id uuid NOT NULL,
    rate_bp integer NOT NULL,
    order_id uuid NOT NULL,
    base_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT tax_back_base_minor_check CHECK ((base_minor >= 0)),
    CONSTRAINT tax_back_tax_minor_check CHECK ((tax_minor >= 0))
);

CREATE TABLE payments.bank_account (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    owner uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL,
    ending text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    added_by uuid NOT NULL
);

CREATE TABLE payments.bank_file (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    day date NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    account_id uuid NOT NULL,
    payouts integer NOT NULL,
    total_minor bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT bank_file_payouts_check CHECK ((payouts > 0)),
    CONSTRAINT bank_file_total_minor_check CHECK ((total_minor > 0))
);

CREATE TABLE payments.chargeback (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    method text NOT NULL COLLATE pg_catalog."C",
    external_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint DEFAULT 0 NOT NULL,
    withdrawn_minor bigint DEFAULT 0 NOT NULL,
    returned_minor bigint DEFAULT 0 NOT NULL,
    fee_taken_minor bigint DEFAULT 0 NOT NULL,
    fee_minor bigint DEFAULT 0 NOT NULL,
    taken_at timestamp with time zone,
    returned_at timestamp with time zone,
    decided_at timestamp with time zone,
    evidence_by timestamp with time zone,
    evidence text,
    sent_at timestamp with time zone,
    refusal text COLLATE pg_catalog."C",
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    heard_at timestamp with time zone NOT NULL,
    CONSTRAINT chargeback_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT chargeback_check CHECK (((returned_minor >= 0) AND (returned_minor <= withdrawn_minor))),
    CONSTRAINT chargeback_check1 CHECK (((sent_at IS NULL) OR (evidence IS NOT NULL))),
    CONSTRAINT chargeback_fee_minor_check CHECK ((fee_minor >= 0)),
    CONSTRAINT chargeback_fee_taken_minor_check CHECK ((fee_taken_minor >= 0)),
    CONSTRAINT chargeback_status_check CHECK ((status = ANY (ARRAY['heard'::text, 'inquiry'::text, 'open'::text, 'review'::text, 'won'::text, 'lost'::text]))),
    CONSTRAINT chargeback_withdrawn_minor_check CHECK ((withdrawn_minor >= 0))
);

CREATE TABLE payments.connected_account (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    account text COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    added_by uuid NOT NULL,
    CONSTRAINT connected_account_account_check CHECK ((account ~ '^acct_[A-Za-z0-9]{1,59}$'::text))
);

CREATE TABLE payments.listing (
    method text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL
);

CREATE TABLE payments.payment (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    group_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    method text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    refunded_minor bigint DEFAULT 0 NOT NULL,
    charged_back_minor bigint DEFAULT 0 NOT NULL,
    taken_over_minor bigint DEFAULT 0 NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    redirect_url text,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    captured_at timestamp with time zone,
    CONSTRAINT payment_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT payment_charged_back_minor_check CHECK ((charged_back_minor >= 0)),
    CONSTRAINT payment_check CHECK (((refunded_minor >= 0) AND (refunded_minor <= amount_minor))),
    CONSTRAINT payment_check1 CHECK (((refunded_minor + charged_back_minor) <= amount_minor)),
    CONSTRAINT payment_method_check CHECK ((method = ANY (ARRAY['wallet'::text, 'sandbox'::text, 'stripe'::text, 'installments'::text]))),
    CONSTRAINT payment_status_check CHECK ((status = ANY (ARRAY['created'::text, 'pending'::text, 'captured'::text, 'canceling'::text, 'failed'::text, 'returning'::text, 'returned'::text]))),
    CONSTRAINT payment_taken_over_minor_check CHECK ((taken_over_minor >= 0))
)
WITH (fillfactor='80');

CREATE TABLE payments.payout (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    file_id uuid,
    account_id uuid,
    destination text COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    attempts integer DEFAULT 0 NOT NULL,
    CONSTRAINT payout_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT payout_check CHECK (((status = 'sent'::text) OR (due_at IS NULL))),
    CONSTRAINT payout_check1 CHECK (((file_id IS NULL) = (account_id IS NULL))),
    CONSTRAINT payout_check2 CHECK (((file_id IS NULL) OR (destination IS NULL))),
    CONSTRAINT payout_check3 CHECK (((destination IS NULL) OR ((external_id IS NULL) = (status = 'sent'::text)) OR (status = 'returned'::text))),
    CONSTRAINT payout_check4 CHECK (((status <> 'sent'::text) OR ((file_id IS NULL) = (due_at IS NOT NULL)))),
    CONSTRAINT payout_status_check CHECK ((status = ANY (ARRAY['sent'::text, 'settled'::text, 'returned'::text])))
);

CREATE TABLE payments.payout_run (
    cell smallint NOT NULL,
    day date NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE payments.payout_terms (
    currency text NOT NULL COLLATE pg_catalog."C",
    seller_id uuid NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    every text NOT NULL COLLATE pg_catalog."C",
    on_day smallint NOT NULL,
    minimum_minor bigint NOT NULL,
    source text NOT NULL,
    CONSTRAINT payout_terms_check CHECK (((on_day >= 1) AND (on_day <=
CASE every
    WHEN 'day'::text THEN 1
    WHEN 'month'::text THEN 28
    ELSE 7
END))),
    CONSTRAINT payout_terms_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT payout_terms_every_check CHECK ((every = ANY (ARRAY['day'::text, 'week'::text, 'two_weeks'::text, 'month'::text]))),
    CONSTRAINT payout_terms_minimum_minor_check CHECK ((minimum_minor > 0))
);

CREATE TABLE payments.refund (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    order_id uuid NOT NULL,
    cause_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    refusal text COLLATE pg_catalog."C",
    covered_minor bigint DEFAULT 0 NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT refund_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT refund_check CHECK (((covered_minor >= 0) AND (covered_minor <= amount_minor))),
    CONSTRAINT refund_status_check CHECK ((status = ANY (ARRAY['created'::text, 'done'::text, 'failed'::text, 'credited'::text, 'charged_back'::text])))
);

CREATE TABLE payments.reserve_terms (
    seller_id uuid NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    reserve_bp integer NOT NULL,
    hold_s integer NOT NULL,
    source text NOT NULL,
    CONSTRAINT reserve_terms_hold_s_check CHECK ((hold_s > 0)),
    CONSTRAINT reserve_terms_reserve_bp_check CHECK (((reserve_bp >= 0) AND (reserve_bp <= 10000)))
);

CREATE TABLE payments.taken (
    cell smallint NOT NULL,
    chargeback_id uuid NOT NULL,
    order_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    paid_minor bigint NOT NULL,
    taken_minor bigint NOT NULL,
    CONSTRAINT taken_check CHECK (((taken_minor >= 0) AND (taken_minor <= paid_minor)))
);

CREATE TABLE payments.webhook (
    gateway text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    received_at timestamp with time zone NOT NULL
);

CREATE TABLE payments.write_off (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    seller_id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    reason text NOT NULL,
    user_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT write_off_amount_minor_check CHECK ((amount_minor > 0))
);

CREATE TABLE platform.rehearsal (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    capacity_per_s integer NOT NULL,
    admit_per_s integer NOT NULL,
    forecast_per_s integer,
    verdict text NOT NULL COLLATE pg_catalog."C",
    bottleneck text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT rehearsal_capacity_per_s_check CHECK ((capacity_per_s >= 0)),
    CONSTRAINT rehearsal_check CHECK (((admit_per_s >= 0) AND (admit_per_s <= capacity_per_s))),
    CONSTRAINT rehearsal_forecast_per_s_check CHECK ((forecast_per_s > 0)),
    CONSTRAINT rehearsal_verdict_check CHECK ((verdict = ANY (ARRAY['go'::text, 'no_go'::text, 'measured'::text])))
);

CREATE TABLE platform.switch_off (
    id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    user_id uuid NOT NULL,
    why text NOT NULL,
    at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_by uuid,
    CONSTRAINT switch_off_check CHECK ((until > at))
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
    max_uses bigint,
    max_per_buyer bigint,
    budget_minor bigint,
    CONSTRAINT promotion_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT promotion_budget_minor_check CHECK ((budget_minor > 0)),
    CONSTRAINT promotion_check CHECK (((percent_bp IS NULL) <> (amount_minor IS NULL))),
    CONSTRAINT promotion_check1 CHECK ((valid_to > valid_from)),
    CONSTRAINT promotion_funding_party_check CHECK ((funding_party = ANY (ARRAY['operator'::text, 'seller'::text]))),
    CONSTRAINT promotion_max_per_buyer_check CHECK ((max_per_buyer > 0)),
    CONSTRAINT promotion_max_uses_check CHECK ((max_uses > 0)),
    CONSTRAINT promotion_minimum_minor_check CHECK ((minimum_minor >= 0)),
    CONSTRAINT promotion_percent_bp_check CHECK (((percent_bp >= 1) AND (percent_bp <= 10000)))
);

CREATE TABLE pricing.quota (
    cell smallint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    owner uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    granted bigint NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    closed boolean DEFAULT false NOT NULL,
    CONSTRAINT quota_name_check CHECK ((name <> ''::text)),
    CONSTRAINT quota_within_limit CHECK (((used >= 0) AND (used <= granted)))
)
WITH (fillfactor='50');

ALTER TABLE pricing.quota ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pricing.quota_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW pricing.quota_left AS
 SELECT cell,
    id AS quota_id,
        CASE
            WHEN closed THEN (0)::bigint
            ELSE (granted - used)
        END AS available
   FROM pricing.quota q;

CREATE TABLE pricing.quota_use (
    cell smallint NOT NULL,
    cause_id uuid NOT NULL,
    quota_id bigint NOT NULL,
    amount bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    given_back_at timestamp with time zone,
    returned bigint DEFAULT 0 NOT NULL,
    CONSTRAINT quota_use_amount_check CHECK ((amount > 0)),
    CONSTRAINT quota_use_check CHECK (((returned >= 0) AND (returned <= amount)))
);

CREATE TABLE pricing.shipping_service (
    market text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    base_minor bigint NOT NULL,
    item_minor bigint NOT NULL,
    transit_s integer NOT NULL,
    "position" integer NOT NULL,
    incoterm text DEFAULT 'DAP'::text NOT NULL COLLATE pg_catalog."C",
    clearance_minor bigint DEFAULT 0 NOT NULL,
    carried text DEFAULT 'courier'::text NOT NULL COLLATE pg_catalog."C",
    slotted boolean DEFAULT false NOT NULL,
    CONSTRAINT shipping_service_base_minor_check CHECK ((base_minor >= 0)),
    CONSTRAINT shipping_service_carried_check CHECK ((carried = ANY (ARRAY['post'::text, 'courier'::text]))),
    CONSTRAINT shipping_service_clearance_minor_check CHECK ((clearance_minor >= 0)),
    CONSTRAINT shipping_service_incoterm_check CHECK ((incoterm = ANY (ARRAY['DAP'::text, 'DDP'::text]))),
    CONSTRAINT shipping_service_item_minor_check CHECK ((item_minor >= 0)),
    CONSTRAINT shipping_service_transit_s_check CHECK ((transit_s > 0))
);

CREATE TABLE pricing.slot (
    id bigint NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    service text NOT NULL COLLATE pg_catalog."C",
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    closes_at timestamp with time zone NOT NULL,
    capacity bigint NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT slot_capacity_check CHECK ((capacity > 0)),
    CONSTRAINT slot_check CHECK (((closes_at <= starts_at) AND (starts_at < ends_at)))
);

ALTER TABLE pricing.slot ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pricing.slot_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.entrepot_migration (
    name text NOT NULL COLLATE pg_catalog."C",
    sha256 text NOT NULL
);

CREATE TABLE reconciliation.discrepancy (
    id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    expected_minor bigint,
    found_minor bigint,
    status text DEFAULT 'open'::text NOT NULL COLLATE pg_catalog."C",
    found_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_by uuid,
    note text,
    CONSTRAINT discrepancy_check CHECK (((status = 'open'::text) = (ended_at IS NULL))),
    CONSTRAINT discrepancy_check1 CHECK ((((status = 'resolved'::text) = (ended_by IS NOT NULL)) AND ((status = 'resolved'::text) = (note IS NOT NULL)))),
    CONSTRAINT discrepancy_status_check CHECK ((status = ANY (ARRAY['open'::text, 'resolved'::text, 'cleared'::text])))
);

CREATE TABLE reconciliation.entry (
    statement_id uuid NOT NULL,
    number integer NOT NULL,
    day date NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    reference text NOT NULL COLLATE pg_catalog."C",
    is_return boolean NOT NULL,
    CONSTRAINT entry_amount_minor_check CHECK ((amount_minor <> 0))
);

CREATE TABLE reconciliation.provider_fee (
    provider text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    valid_from timestamp with time zone NOT NULL,
    fee_bp integer NOT NULL,
    fixed_minor bigint NOT NULL,
    source text NOT NULL,
    CONSTRAINT provider_fee_fee_bp_check CHECK (((fee_bp >= 0) AND (fee_bp <= 10000))),
    CONSTRAINT provider_fee_fixed_minor_check CHECK ((fixed_minor >= 0))
);

CREATE TABLE reconciliation.report (
    id uuid NOT NULL,
    provider text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    first_day date NOT NULL,
    last_day date NOT NULL,
    lines integer NOT NULL,
    digest bytea NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    imported_by uuid NOT NULL
);

CREATE TABLE reconciliation.report_line (
    report_id uuid NOT NULL,
    number integer NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    reference text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    settlement text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    CONSTRAINT report_line_check CHECK ((amount_minor >= ((kind <> 'dispute_back'::text))::integer)),
    CONSTRAINT report_line_check1 CHECK (((fee_minor >= 0) OR (kind = 'dispute_back'::text))),
    CONSTRAINT report_line_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text, 'dispute'::text, 'dispute_back'::text, 'settlement'::text])))
);

CREATE TABLE reconciliation.statement (
    id uuid NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    ending text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    first_day date NOT NULL,
    last_day date NOT NULL,
    opening_minor bigint,
    closing_minor bigint,
    entries integer NOT NULL,
    digest bytea NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    imported_by uuid NOT NULL
);

CREATE TABLE reviews.product_rating (
    cell smallint NOT NULL,
    product_id bigint NOT NULL,
    n1 bigint NOT NULL,
    n2 bigint NOT NULL,
    n3 bigint NOT NULL,
    n4 bigint NOT NULL,
    n5 bigint NOT NULL
);

CREATE TABLE reviews.report (
    cell smallint NOT NULL,
    review_id uuid NOT NULL,
    user_id uuid NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL,
    at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT report_reason_check CHECK ((reason = ANY (ARRAY['insult'::text, 'advertising'::text, 'personal_data'::text, 'not_about_it'::text, 'other'::text])))
);

CREATE TABLE reviews.review (
    cell smallint NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_no smallint NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    product_id bigint NOT NULL,
    market text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    stars smallint NOT NULL,
    seller_stars smallint,
    text text NOT NULL,
    written_at timestamp with time zone NOT NULL,
    edited_at timestamp with time zone,
    answer text DEFAULT ''::text NOT NULL,
    answered_at timestamp with time zone,
    hidden_at timestamp with time zone,
    hidden_by uuid,
    hidden_why text DEFAULT ''::text NOT NULL,
    counted smallint,
    counted_seller smallint,
    CONSTRAINT review_seller_stars_check CHECK (((seller_stars >= 1) AND (seller_stars <= 5))),
    CONSTRAINT review_stars_check CHECK (((stars >= 1) AND (stars <= 5)))
);

CREATE TABLE reviews.seller_rating (
    cell smallint NOT NULL,
    seller_id uuid NOT NULL,
    n1 bigint NOT NULL,
    n2 bigint NOT NULL,
    n3 bigint NOT NULL,
    n4 bigint NOT NULL,
    n5 bigint NOT NULL
);

CREATE TABLE sellers.calendar (
    market text NOT NULL COLLATE pg_catalog."C",
    weekend smallint[] NOT NULL,
    source text NOT NULL
);

CREATE TABLE sellers.day_off (
    market text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    name text NOT NULL
);

CREATE TABLE sellers.identity (
    seller_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    sealed bytea NOT NULL,
    said_by uuid NOT NULL
);

CREATE TABLE sellers.market (
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    country text COLLATE pg_catalog."C",
    prices_with_tax boolean DEFAULT true NOT NULL,
    payments text[] DEFAULT '{}'::text[] NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT market_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
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
    dispute_within_s integer NOT NULL,
    answer_within_s integer NOT NULL,
    appeal_within_s integer NOT NULL,
    return_within_s integer NOT NULL,
    send_back_within_s integer NOT NULL,
    CONSTRAINT market_terms_answer_within_s_check CHECK ((answer_within_s > 0)),
    CONSTRAINT market_terms_appeal_within_s_check CHECK ((appeal_within_s > 0)),
    CONSTRAINT market_terms_check CHECK ((valid_to > valid_from)),
    CONSTRAINT market_terms_commission_bp_check CHECK (((commission_bp >= 0) AND (commission_bp <= 10000))),
    CONSTRAINT market_terms_confirm_after_s_check CHECK ((confirm_after_s >= 0)),
    CONSTRAINT market_terms_dispute_within_s_check CHECK ((dispute_within_s >= 0)),
    CONSTRAINT market_terms_payment_fee_bp_check CHECK (((payment_fee_bp >= 0) AND (payment_fee_bp <= 10000))),
    CONSTRAINT market_terms_payment_ttl_s_check CHECK ((payment_ttl_s > 0)),
    CONSTRAINT market_terms_quote_ttl_s_check CHECK ((quote_ttl_s > 0)),
    CONSTRAINT market_terms_return_within_s_check CHECK ((return_within_s >= 0)),
    CONSTRAINT market_terms_send_back_within_s_check CHECK ((send_back_within_s > 0)),
    CONSTRAINT market_terms_untracked_after_s_check CHECK ((untracked_after_s > 0))
);

CREATE TABLE sellers.seller (
    id uuid NOT NULL,
    cell smallint NOT NULL,
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    commission_bp integer,
    created_at timestamp with time zone NOT NULL,
    settles_in text COLLATE pg_catalog."C",
    CONSTRAINT seller_commission_bp_check CHECK (((commission_bp >= 0) AND (commission_bp <= 10000))),
    CONSTRAINT seller_kind_check CHECK ((kind = ANY (ARRAY['third_party'::text, 'own'::text]))),
    CONSTRAINT seller_settles_in_check CHECK ((settles_in ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT seller_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);

CREATE TABLE statements.zone (
    currency text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    zone text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    CONSTRAINT zone_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT zone_valid_from_check CHECK ((EXTRACT(day FROM valid_from) = (1)::numeric))
);

CREATE TABLE trade.category_trait (
    category_id bigint NOT NULL,
    trait text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT category_trait_trait_check CHECK ((trait ~ '^[a-z][a-z_]{0,39}$'::text))
);

CREATE TABLE trade.code (
    nomenclature text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    valid_to date,
    leaf boolean NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT code_check CHECK ((valid_to > valid_from)),
    CONSTRAINT code_code_check CHECK ((code ~ '^[0-9]{2,10}$'::text))
);

CREATE TABLE trade.code_text (
    nomenclature text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE trade.contact (
    seller_id uuid NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    address text NOT NULL,
    electronic text NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CONSTRAINT contact_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
);

CREATE TABLE trade.denied_party (
    list text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    plain text NOT NULL,
    words text[] NOT NULL
);

CREATE TABLE trade.duty_rate (
    tariff text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    heading text GENERATED ALWAYS AS (substr(code, 1, 6)) STORED NOT NULL COLLATE pg_catalog."C",
    program text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    valid_to date,
    expression text NOT NULL,
    line integer NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT duty_rate_check CHECK ((valid_to > valid_from)),
    CONSTRAINT duty_rate_code_check CHECK ((code ~ '^[0-9]{6,10}$'::text))
);

CREATE TABLE trade.establishment (
    seller_id uuid NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    said_by text DEFAULT 'operator'::text NOT NULL COLLATE pg_catalog."C",
    said_at timestamp with time zone NOT NULL,
    CONSTRAINT establishment_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT establishment_said_by_check CHECK ((said_by = ANY (ARRAY['operator'::text, 'seller'::text])))
);

CREATE TABLE trade.euro_rate (
    currency text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    rate numeric NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT euro_rate_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT euro_rate_rate_check CHECK ((rate > (0)::numeric))
);

CREATE TABLE trade.item (
    variant_id bigint NOT NULL,
    hs_code text NOT NULL COLLATE pg_catalog."C",
    tariff_codes jsonb NOT NULL,
    country_of_origin text NOT NULL COLLATE pg_catalog."C",
    customs_description text NOT NULL,
    weight_g integer NOT NULL,
    volume_ml integer,
    said_by uuid,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT item_country_of_origin_check CHECK ((country_of_origin ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT item_hs_code_check CHECK ((hs_code ~ '^[0-9]{6}$'::text)),
    CONSTRAINT item_volume_ml_check CHECK ((volume_ml > 0)),
    CONSTRAINT item_weight_g_check CHECK ((weight_g > 0))
);

CREATE TABLE trade.law (
    country text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    valid_to date,
    facts jsonb NOT NULL,
    citation text NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT law_check CHECK ((valid_to > valid_from)),
    CONSTRAINT law_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
);

CREATE TABLE trade.trait (
    variant_id bigint NOT NULL,
    trait text NOT NULL COLLATE pg_catalog."C",
    said_by uuid,
    CONSTRAINT trait_trait_check CHECK ((trait ~ '^[a-z][a-z_]{0,39}$'::text))
);

CREATE VIEW trade.mark AS
 SELECT i.variant_id,
    substr(i.hs_code, 1, d.digits) AS mark,
    NULL::uuid AS said_by
   FROM (trade.item i
     CROSS JOIN ( VALUES (2), (4), (6)) d(digits))
UNION ALL
 SELECT t.variant_id,
    t.trait AS mark,
    t.said_by
   FROM trade.trait t
UNION ALL
 SELECT v.id AS variant_id,
    t.trait AS mark,
    NULL::uuid AS said_by
   FROM (((catalog.variant v
     JOIN catalog.product p ON ((p.id = v.product_id)))
     JOIN catalog.category c ON ((c.id = p.category_id)))
     JOIN trade.category_trait t ON ((t.category_id = ANY (c.above))));

CREATE TABLE trade.permit (
    seller_id uuid NOT NULL,
    country text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL,
    valid_to date,
    granted_by uuid NOT NULL,
    granted_at timestamp with time zone NOT NULL
);

CREATE TABLE trade.person (
    id uuid NOT NULL,
    counted_in smallint NOT NULL
);

CREATE TABLE trade.registration (
    scheme text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    valid_to date,
    number text NOT NULL,
    said_by uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    CONSTRAINT registration_check CHECK ((valid_to > valid_from))
);

CREATE TABLE trade.restriction (
    country text NOT NULL COLLATE pg_catalog."C",
    mark text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    effect text NOT NULL COLLATE pg_catalog."C",
    age smallint,
    proof text NOT NULL COLLATE pg_catalog."C",
    not_from text[] NOT NULL,
    within text[] NOT NULL,
    text jsonb NOT NULL,
    citation text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    source text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT restriction_age_check CHECK (((age >= 1) AND (age <= 99))),
    CONSTRAINT restriction_check CHECK (((age IS NOT NULL) = (effect = 'age'::text))),
    CONSTRAINT restriction_check1 CHECK ((((within <> '{}'::text[]) = (effect = 'contact'::text)) AND ((mark = 'goods'::text) = (effect = 'contact'::text)))),
    CONSTRAINT restriction_check2 CHECK ((valid_to > valid_from)),
    CONSTRAINT restriction_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT restriction_effect_check CHECK ((effect = ANY (ARRAY['prohibited'::text, 'permit'::text, 'age'::text, 'contact'::text]))),
    CONSTRAINT restriction_mark_check CHECK ((mark ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[a-z][a-z_]{0,39})$'::text)),
    CONSTRAINT restriction_proof_check CHECK ((proof = ANY (ARRAY['stated'::text, 'birth_date'::text])))
);

CREATE TABLE trade.source (
    name text NOT NULL COLLATE pg_catalog."C",
    title text NOT NULL,
    digest text NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    read integer NOT NULL,
    unread jsonb NOT NULL
);

CREATE TABLE trade.word (
    language text NOT NULL COLLATE pg_catalog."C",
    word text NOT NULL COLLATE pg_catalog."C",
    codes integer[] NOT NULL,
    weights smallint[] NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE webhooks.delivery (
    cell smallint NOT NULL,
    endpoint_id uuid NOT NULL,
    id uuid NOT NULL,
    no bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    subject_id uuid NOT NULL,
    body text NOT NULL,
    at timestamp with time zone NOT NULL,
    status text DEFAULT 'due'::text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    tried_at timestamp with time zone,
    sent_at timestamp with time zone,
    answer text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT delivery_check CHECK (((sent_at IS NOT NULL) = (status = 'sent'::text))),
    CONSTRAINT delivery_status_check CHECK ((status = ANY (ARRAY['due'::text, 'sent'::text, 'failed'::text])))
)
WITH (fillfactor='80');

ALTER TABLE webhooks.delivery ALTER COLUMN no ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME webhooks.delivery_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE webhooks.endpoint (
    id uuid NOT NULL,
    owner_id uuid NOT NULL,
    url text NOT NULL COLLATE pg_catalog."C",
    types text[] NOT NULL COLLATE pg_catalog."C",
    secret bytea NOT NULL,
    old_secret bytea,
    old_until timestamp with time zone,
    status text DEFAULT 'on'::text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    fails integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    next_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    since timestamp with time zone NOT NULL,
    CONSTRAINT endpoint_check CHECK (((old_secret IS NULL) = (old_until IS NULL))),
    CONSTRAINT endpoint_check1 CHECK (((fails > 0) = (failing_since IS NOT NULL))),
    CONSTRAINT endpoint_check2 CHECK (((status = 'on'::text) = (reason = ''::text))),
    CONSTRAINT endpoint_fails_check CHECK ((fails >= 0)),
    CONSTRAINT endpoint_reason_check CHECK ((reason = ANY (ARRAY[''::text, 'owner'::text, 'failing'::text, 'gone'::text]))),
    CONSTRAINT endpoint_status_check CHECK ((status = ANY (ARRAY['on'::text, 'off'::text, 'removed'::text]))),
    CONSTRAINT endpoint_types_check CHECK ((cardinality(types) > 0))
);

CREATE TABLE world.progress (
    name text NOT NULL COLLATE pg_catalog."C",
    until date NOT NULL,
    day date NOT NULL,
    step integer NOT NULL,
    CONSTRAINT progress_step_check CHECK ((step >= 0))
);

CREATE TABLE world.rehearsal_sample (
    pid integer NOT NULL,
    at timestamp with time zone NOT NULL,
    cpu_s double precision NOT NULL,
    late_ms double precision NOT NULL,
    in_use double precision NOT NULL,
    batches bigint NOT NULL,
    commands bigint NOT NULL
);

ALTER TABLE ONLY accounts.address
    ADD CONSTRAINT address_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY accounts.guest_link
    ADD CONSTRAINT guest_link_pkey PRIMARY KEY (cell, group_id);

ALTER TABLE ONLY accounts.guest
    ADD CONSTRAINT guest_pkey PRIMARY KEY (cell, user_id);

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

ALTER TABLE ONLY approvals.alone
    ADD CONSTRAINT alone_pkey PRIMARY KEY (action, currency);

ALTER TABLE ONLY approvals.done_alone
    ADD CONSTRAINT done_alone_pkey PRIMARY KEY (id);

ALTER TABLE ONLY approvals.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bonded.book
    ADD CONSTRAINT book_pkey PRIMARY KEY (cell, location_id);

ALTER TABLE ONLY bonded.entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (cell, cause_id, item_id, kind);

ALTER TABLE ONLY bonded.good
    ADD CONSTRAINT good_pkey PRIMARY KEY (cell, location_id, seller_id, variant_id);

ALTER TABLE ONLY bonded.item
    ADD CONSTRAINT item_cell_location_id_seller_id_record_no_key UNIQUE (cell, location_id, seller_id, record_no);

ALTER TABLE ONLY bonded.item
    ADD CONSTRAINT item_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY bonded.receipt
    ADD CONSTRAINT receipt_cell_location_id_declaration_no_seller_id_key UNIQUE (cell, location_id, declaration_no, seller_id);

ALTER TABLE ONLY bonded.receipt
    ADD CONSTRAINT receipt_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY bonded.release_line
    ADD CONSTRAINT release_line_pkey PRIMARY KEY (cell, release_id, item_id);

ALTER TABLE ONLY bonded.release
    ADD CONSTRAINT release_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY campaigns.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY campaigns.line
    ADD CONSTRAINT line_pkey PRIMARY KEY (cell, campaign_id);

ALTER TABLE ONLY campaigns.offer
    ADD CONSTRAINT offer_pkey PRIMARY KEY (cell, campaign_id, offer_id);

ALTER TABLE ONLY catalog.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.category
    ADD CONSTRAINT category_slug_key UNIQUE (slug);

ALTER TABLE ONLY catalog.component
    ADD CONSTRAINT component_pkey PRIMARY KEY (cell, bundle_id, offer_id);

ALTER TABLE ONLY catalog.following
    ADD CONSTRAINT following_pkey PRIMARY KEY (cell, offer_id);

ALTER TABLE ONLY catalog.listed
    ADD CONSTRAINT listed_pkey PRIMARY KEY (market, category_id, product_id);

ALTER TABLE ONLY catalog.offer
    ADD CONSTRAINT offer_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY catalog.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.product
    ADD CONSTRAINT product_slug_key UNIQUE (slug);

ALTER TABLE ONLY catalog.translation
    ADD CONSTRAINT translation_pkey PRIMARY KEY (product_id, language);

ALTER TABLE ONLY catalog.variant
    ADD CONSTRAINT variant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.variant
    ADD CONSTRAINT variant_sku_key UNIQUE (sku);

ALTER TABLE ONLY channels.buffer
    ADD CONSTRAINT buffer_pkey PRIMARY KEY (cell, channel_id, variant_id);

ALTER TABLE ONLY channels.channel
    ADD CONSTRAINT channel_cell_seller_id_name_key UNIQUE (cell, seller_id, name);

ALTER TABLE ONLY channels.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY channels.sale
    ADD CONSTRAINT sale_cell_channel_id_number_key UNIQUE (cell, channel_id, number);

ALTER TABLE ONLY channels.sale
    ADD CONSTRAINT sale_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY channels.taken
    ADD CONSTRAINT taken_pkey PRIMARY KEY (cell, sale_id, stock_id);

ALTER TABLE ONLY chargebacks."case"
    ADD CONSTRAINT case_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY chargebacks.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY chargebacks.late
    ADD CONSTRAINT late_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY chargebacks.liability
    ADD CONSTRAINT liability_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chargebacks.part
    ADD CONSTRAINT part_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY chargebacks.share
    ADD CONSTRAINT share_cell_case_id_order_id_key UNIQUE (cell, case_id, order_id);

ALTER TABLE ONLY chargebacks.share
    ADD CONSTRAINT share_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY credit.collection
    ADD CONSTRAINT collection_pkey PRIMARY KEY (cell, payment_id);

ALTER TABLE ONLY credit.installment
    ADD CONSTRAINT installment_pkey PRIMARY KEY (cell, plan_id, no);

ALTER TABLE ONLY credit.line
    ADD CONSTRAINT line_pkey PRIMARY KEY (cell, buyer_id, currency);

ALTER TABLE ONLY credit.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY credit.plan_terms
    ADD CONSTRAINT plan_terms_pkey PRIMARY KEY (market, months, valid_from);

ALTER TABLE ONLY credit.terms
    ADD CONSTRAINT terms_pkey PRIMARY KEY (market, valid_from);

ALTER TABLE ONLY customs.broker_invoice
    ADD CONSTRAINT broker_invoice_broker_number_key UNIQUE (broker, number);

ALTER TABLE ONLY customs.broker_invoice
    ADD CONSTRAINT broker_invoice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY customs.broker_line
    ADD CONSTRAINT broker_line_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY customs.declaration
    ADD CONSTRAINT declaration_pkey PRIMARY KEY (cell, order_id, no);

ALTER TABLE ONLY customs.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (cell, order_id, kind);

ALTER TABLE ONLY customs.tax_return
    ADD CONSTRAINT tax_return_pkey PRIMARY KEY (id);

ALTER TABLE ONLY customs.tax_return
    ADD CONSTRAINT tax_return_scheme_first_day_key UNIQUE (scheme, first_day);

ALTER TABLE ONLY disputes.dispute
    ADD CONSTRAINT dispute_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY disputes.replacement
    ADD CONSTRAINT replacement_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY disputes.step
    ADD CONSTRAINT step_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY exchange.terms
    ADD CONSTRAINT terms_pkey PRIMARY KEY (market, valid_from);

ALTER TABLE ONLY fees.billing
    ADD CONSTRAINT billing_pkey PRIMARY KEY (seller_id, valid_from);

ALTER TABLE ONLY fees.charge
    ADD CONSTRAINT charge_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY fees.counted
    ADD CONSTRAINT counted_pkey PRIMARY KEY (cell, month);

ALTER TABLE ONLY fees.entity
    ADD CONSTRAINT entity_pkey PRIMARY KEY (currency, valid_from);

ALTER TABLE ONLY fees.rule
    ADD CONSTRAINT rule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY fees.shop
    ADD CONSTRAINT shop_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY fees.shop_terms
    ADD CONSTRAINT shop_terms_pkey PRIMARY KEY (market, seller_id, valid_from);

ALTER TABLE ONLY fees.volume
    ADD CONSTRAINT volume_pkey PRIMARY KEY (seller_id, currency, month);

ALTER TABLE ONLY fraud.hook
    ADD CONSTRAINT hook_pkey PRIMARY KEY (id);

ALTER TABLE ONLY fraud.question
    ADD CONSTRAINT question_pkey PRIMARY KEY (cell, order_id);

ALTER TABLE ONLY fraud.rule
    ADD CONSTRAINT rule_pkey PRIMARY KEY (name, valid_from);

ALTER TABLE ONLY inventory.adjustment
    ADD CONSTRAINT adjustment_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY inventory.movement
    ADD CONSTRAINT movement_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_cell_seller_id_variant_id_location_id_aside_id_key UNIQUE (cell, seller_id, variant_id, location_id, aside_id);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY invoices.invoice
    ADD CONSTRAINT invoice_cell_entity_kind_year_serial_key UNIQUE (cell, entity, kind, year, serial);

ALTER TABLE ONLY invoices.invoice
    ADD CONSTRAINT invoice_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY invoices.issued
    ADD CONSTRAINT issued_pkey PRIMARY KEY (cell, currency, month);

ALTER TABLE ONLY invoices.line
    ADD CONSTRAINT line_pkey PRIMARY KEY (cell, invoice_id, no);

ALTER TABLE ONLY invoices.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (entity, kind, year);

ALTER TABLE ONLY invoices.tax
    ADD CONSTRAINT tax_pkey PRIMARY KEY (cell, invoice_id, tax_kind, tax_bp);

ALTER TABLE ONLY kit.audit_line
    ADD CONSTRAINT audit_line_pkey PRIMARY KEY (cell, id);

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
    ADD CONSTRAINT account_cell_code_owner_currency_id_key UNIQUE (cell, code, owner, currency) INCLUDE (id);

ALTER TABLE ONLY ledger.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (cell, id) INCLUDE (currency);

ALTER TABLE ONLY ledger.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (cell, account_id, stripe);

ALTER TABLE ONLY ledger.closed_day
    ADD CONSTRAINT closed_day_pkey PRIMARY KEY (cell, day);

ALTER TABLE ONLY ledger.day_total
    ADD CONSTRAINT day_total_pkey PRIMARY KEY (cell, day, currency, code);

ALTER TABLE ONLY ledger.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (cell, cause_id, code);

ALTER TABLE ONLY ledger.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (cell, cause_id, code);

ALTER TABLE ONLY logistics.fulfillment_order
    ADD CONSTRAINT fulfillment_order_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY logistics.location
    ADD CONSTRAINT location_code UNIQUE NULLS NOT DISTINCT (cell, seller_id, code);

ALTER TABLE ONLY logistics.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY logistics.shipment
    ADD CONSTRAINT shipment_cell_fulfillment_order_id_key UNIQUE (cell, fulfillment_order_id);

ALTER TABLE ONLY logistics.shipment
    ADD CONSTRAINT shipment_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY logistics.tracking_event
    ADD CONSTRAINT tracking_event_pkey PRIMARY KEY (cell, shipment_id, at, status);

ALTER TABLE ONLY metering.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (cell, seller_id);

ALTER TABLE ONLY metering.bill
    ADD CONSTRAINT bill_cell_seller_id_month_currency_key UNIQUE (cell, seller_id, month, currency);

ALTER TABLE ONLY metering.bill
    ADD CONSTRAINT bill_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY metering.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (cell, seller_id, event_id);

ALTER TABLE ONLY metering.line
    ADD CONSTRAINT line_cell_bill_id_meter_filter_use_month_rate_filter_valid__key UNIQUE (cell, bill_id, meter, filter, use_month, rate_filter, valid_from, over);

ALTER TABLE ONLY metering.line
    ADD CONSTRAINT line_pkey PRIMARY KEY (cell, bill_id, no);

ALTER TABLE ONLY metering.meter
    ADD CONSTRAINT meter_pkey PRIMARY KEY (code);

ALTER TABLE ONLY metering.rate
    ADD CONSTRAINT rate_pkey PRIMARY KEY (meter, currency, filter, valid_from);

ALTER TABLE ONLY notify.digest
    ADD CONSTRAINT digest_pkey PRIMARY KEY (day);

ALTER TABLE ONLY notify.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY notify.preference
    ADD CONSTRAINT preference_pkey PRIMARY KEY (cell, user_id);

ALTER TABLE ONLY orders.age_given
    ADD CONSTRAINT age_given_pkey PRIMARY KEY (cell, buyer_id, proof);

ALTER TABLE ONLY orders.away_order
    ADD CONSTRAINT away_order_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.border
    ADD CONSTRAINT border_pkey PRIMARY KEY (cell, order_id);

ALTER TABLE ONLY orders.cart_line
    ADD CONSTRAINT cart_line_pkey PRIMARY KEY (cell, cart_id, offer_id);

ALTER TABLE ONLY orders.cart
    ADD CONSTRAINT cart_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.discount_line
    ADD CONSTRAINT discount_line_pkey PRIMARY KEY (cell, order_id, line_no, kind);

ALTER TABLE ONLY orders.exchange
    ADD CONSTRAINT exchange_pkey PRIMARY KEY (cell, order_id);

ALTER TABLE ONLY orders.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (cell, order_id, kind, list, ref);

ALTER TABLE ONLY orders.identity
    ADD CONSTRAINT identity_pkey PRIMARY KEY (cell, buyer_id, country);

ALTER TABLE ONLY orders.order_group
    ADD CONSTRAINT order_group_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.order_line
    ADD CONSTRAINT order_line_pkey PRIMARY KEY (cell, order_id, line_no);

ALTER TABLE ONLY orders."order"
    ADD CONSTRAINT order_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.part
    ADD CONSTRAINT part_cell_order_id_no_key UNIQUE (cell, order_id, no);

ALTER TABLE ONLY orders.part_line
    ADD CONSTRAINT part_line_pkey PRIMARY KEY (cell, part_id, line_no);

ALTER TABLE ONLY orders.part
    ADD CONSTRAINT part_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.quote
    ADD CONSTRAINT quote_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY orders.tax_back
    ADD CONSTRAINT tax_back_pkey PRIMARY KEY (cell, cause_id, rate_bp);

ALTER TABLE ONLY payments.bank_account
    ADD CONSTRAINT bank_account_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.bank_file
    ADD CONSTRAINT bank_file_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.chargeback
    ADD CONSTRAINT chargeback_cell_method_external_id_key UNIQUE (cell, method, external_id);

ALTER TABLE ONLY payments.chargeback
    ADD CONSTRAINT chargeback_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.connected_account
    ADD CONSTRAINT connected_account_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.listing
    ADD CONSTRAINT listing_pkey PRIMARY KEY (method);

ALTER TABLE ONLY payments.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.payout
    ADD CONSTRAINT payout_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.payout_run
    ADD CONSTRAINT payout_run_pkey PRIMARY KEY (cell, day);

ALTER TABLE ONLY payments.payout_terms
    ADD CONSTRAINT payout_terms_pkey PRIMARY KEY (currency, seller_id, valid_from);

ALTER TABLE ONLY payments.refund
    ADD CONSTRAINT refund_cell_cause_id_key UNIQUE (cell, cause_id);

ALTER TABLE ONLY payments.refund
    ADD CONSTRAINT refund_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY payments.reserve_terms
    ADD CONSTRAINT reserve_terms_pkey PRIMARY KEY (seller_id, valid_from);

ALTER TABLE ONLY payments.taken
    ADD CONSTRAINT taken_pkey PRIMARY KEY (cell, chargeback_id, order_id);

ALTER TABLE ONLY payments.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (gateway, event_id);

ALTER TABLE ONLY payments.write_off
    ADD CONSTRAINT write_off_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY platform.rehearsal
    ADD CONSTRAINT rehearsal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY platform.switch_off
    ADD CONSTRAINT switch_off_pkey PRIMARY KEY (id);

ALTER TABLE ONLY pricing.promotion
    ADD CONSTRAINT promotion_pkey PRIMARY KEY (code);

ALTER TABLE ONLY pricing.quota
    ADD CONSTRAINT quota_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY pricing.quota_use
    ADD CONSTRAINT quota_use_pkey PRIMARY KEY (cell, cause_id, quota_id);

ALTER TABLE ONLY pricing.shipping_service
    ADD CONSTRAINT shipping_service_pkey PRIMARY KEY (market, code);

ALTER TABLE ONLY pricing.slot
    ADD CONSTRAINT slot_market_service_starts_at_ends_at_key UNIQUE (market, service, starts_at, ends_at);

ALTER TABLE ONLY pricing.slot
    ADD CONSTRAINT slot_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.entrepot_migration
    ADD CONSTRAINT entrepot_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY reconciliation.discrepancy
    ADD CONSTRAINT discrepancy_id_key UNIQUE (id);

ALTER TABLE ONLY reconciliation.discrepancy
    ADD CONSTRAINT discrepancy_pkey PRIMARY KEY (kind, subject);

ALTER TABLE ONLY reconciliation.entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (statement_id, number);

ALTER TABLE ONLY reconciliation.provider_fee
    ADD CONSTRAINT provider_fee_pkey PRIMARY KEY (provider, currency, valid_from);

ALTER TABLE ONLY reconciliation.report_line
    ADD CONSTRAINT report_line_pkey PRIMARY KEY (report_id, number);

ALTER TABLE ONLY reconciliation.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (id);

ALTER TABLE ONLY reconciliation.report
    ADD CONSTRAINT report_provider_name_key UNIQUE (provider, name);

ALTER TABLE ONLY reconciliation.statement
    ADD CONSTRAINT statement_currency_ending_name_key UNIQUE (currency, ending, name);

ALTER TABLE ONLY reconciliation.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY reviews.product_rating
    ADD CONSTRAINT product_rating_pkey PRIMARY KEY (cell, product_id);

ALTER TABLE ONLY reviews.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (cell, review_id, user_id);

ALTER TABLE ONLY reviews.review
    ADD CONSTRAINT review_cell_order_id_line_no_key UNIQUE (cell, order_id, line_no);

ALTER TABLE ONLY reviews.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (cell, id);

ALTER TABLE ONLY reviews.seller_rating
    ADD CONSTRAINT seller_rating_pkey PRIMARY KEY (cell, seller_id);

ALTER TABLE ONLY sellers.calendar
    ADD CONSTRAINT calendar_pkey PRIMARY KEY (market);

ALTER TABLE ONLY sellers.day_off
    ADD CONSTRAINT day_off_pkey PRIMARY KEY (market, day);

ALTER TABLE ONLY sellers.identity
    ADD CONSTRAINT identity_pkey PRIMARY KEY (seller_id, id);

ALTER TABLE ONLY sellers.market
    ADD CONSTRAINT market_pkey PRIMARY KEY (code);

ALTER TABLE ONLY sellers.market_terms
    ADD CONSTRAINT market_terms_pkey PRIMARY KEY (market, valid_from);

ALTER TABLE ONLY sellers.seller
    ADD CONSTRAINT seller_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sellers.seller
    ADD CONSTRAINT seller_slug_key UNIQUE (slug);

ALTER TABLE ONLY sellers.suspended
    ADD CONSTRAINT suspended_pkey PRIMARY KEY (cell, seller_id);

ALTER TABLE ONLY statements.zone
    ADD CONSTRAINT zone_pkey PRIMARY KEY (currency, valid_from);

ALTER TABLE ONLY trade.category_trait
    ADD CONSTRAINT category_trait_pkey PRIMARY KEY (category_id, trait);

ALTER TABLE ONLY trade.code
    ADD CONSTRAINT code_pkey PRIMARY KEY (nomenclature, code, valid_from);

ALTER TABLE ONLY trade.code_text
    ADD CONSTRAINT code_text_pkey PRIMARY KEY (nomenclature, code, language);

ALTER TABLE ONLY trade.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (seller_id, country);

ALTER TABLE ONLY trade.denied_party
    ADD CONSTRAINT denied_party_pkey PRIMARY KEY (list, ref, plain);

ALTER TABLE ONLY trade.duty_rate
    ADD CONSTRAINT duty_rate_pkey PRIMARY KEY (tariff, heading, code, program, valid_from);

ALTER TABLE ONLY trade.establishment
    ADD CONSTRAINT establishment_pkey PRIMARY KEY (seller_id);

ALTER TABLE ONLY trade.euro_rate
    ADD CONSTRAINT euro_rate_pkey PRIMARY KEY (currency, day, source);

ALTER TABLE ONLY trade.item
    ADD CONSTRAINT item_pkey PRIMARY KEY (variant_id);

ALTER TABLE ONLY trade.permit
    ADD CONSTRAINT permit_pkey PRIMARY KEY (seller_id, country, name);

ALTER TABLE ONLY trade.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);

ALTER TABLE ONLY trade.registration
    ADD CONSTRAINT registration_pkey PRIMARY KEY (scheme, valid_from);

ALTER TABLE ONLY trade.restriction
    ADD CONSTRAINT restriction_pkey PRIMARY KEY (country, mark, name, valid_from, source);

ALTER TABLE ONLY trade.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (name);

ALTER TABLE ONLY trade.trait
    ADD CONSTRAINT trait_variant_id_trait_said_by_key UNIQUE NULLS NOT DISTINCT (variant_id, trait, said_by);

ALTER TABLE ONLY trade.word
    ADD CONSTRAINT word_pkey PRIMARY KEY (word, language);

ALTER TABLE ONLY webhooks.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (cell, endpoint_id, id);

ALTER TABLE ONLY webhooks.endpoint
    ADD CONSTRAINT endpoint_pkey PRIMARY KEY (id);

ALTER TABLE ONLY world.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (name);

ALTER TABLE ONLY world.rehearsal_sample
    ADD CONSTRAINT rehearsal_sample_pkey PRIMARY KEY (pid, at);

CREATE UNIQUE INDEX address_default ON accounts.address USING btree (cell, user_id) WHERE is_default;

CREATE INDEX address_place ON accounts.address USING btree (cell, country, postal_code, lower(line1));

CREATE INDEX address_removed ON accounts.address USING btree (cell, removed_at) WHERE (removed_at IS NOT NULL);

CREATE INDEX address_user ON accounts.address USING btree (cell, user_id) WHERE (removed_at IS NULL);

CREATE INDEX guest_cart ON accounts.guest USING btree (cell, user_id) WHERE (email IS NULL);

CREATE INDEX guest_email ON accounts.guest USING btree (cell, email) WHERE (email IS NOT NULL);

CREATE INDEX guest_link_user ON accounts.guest_link USING btree (cell, user_id);

CREATE INDEX login_attempt_at ON accounts.login_attempt USING btree (at);

CREATE INDEX login_attempt_who ON accounts.login_attempt USING btree (who, at);

CREATE INDEX user_ended ON accounts."user" USING btree (cell, ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX user_staff ON accounts."user" USING btree (cell, role, seller_id) WHERE (role <> 'buyer'::text);

CREATE INDEX done_alone_user ON approvals.done_alone USING btree (user_id, action, currency, at);

CREATE INDEX request_waiting ON approvals.request USING btree (id) WHERE (status = 'waiting'::text);

CREATE INDEX entry_item ON bonded.entry USING btree (cell, item_id);

CREATE INDEX good_item ON bonded.good USING btree (cell, item_id);

CREATE UNIQUE INDEX release_order ON bonded.release USING btree (cell, order_id) WHERE (ended_at IS NULL);

CREATE INDEX campaign_ends ON campaigns.campaign USING btree (cell, ends_at);

CREATE INDEX offer_unsettled ON campaigns.offer USING btree (cell, campaign_id) WHERE (NOT settled);

CREATE INDEX category_parent ON catalog.category USING btree (parent_id);

CREATE INDEX following_looked ON catalog.following USING btree (cell, looked_on);

CREATE INDEX following_source ON catalog.following USING btree (cell, follows);

CREATE UNIQUE INDEX offer_once ON catalog.offer USING btree (cell, seller_id, variant_id, market, location_id) WHERE (status <> 'campaign'::text);

CREATE INDEX offer_product ON catalog.offer USING btree (product_id, market, unit_price_minor) INCLUDE (cell, seller_id, variant_id, location_id, stock_id, price_per, unit) WHERE (status = 'active'::text);

CREATE INDEX offer_seller ON catalog.offer USING btree (cell, seller_id, id);

CREATE INDEX product_category ON catalog.product USING btree (category_id, id);

CREATE INDEX product_title_trgm ON catalog.product USING gin (title public.gin_trgm_ops);

CREATE INDEX product_words ON catalog.product USING gin (words);

CREATE INDEX translation_machine ON catalog.translation USING btree (product_id, language) WHERE machine;

CREATE INDEX translation_words ON catalog.translation USING gin (words);

CREATE INDEX variant_product ON catalog.variant USING btree (product_id);

CREATE INDEX sale_latest ON channels.sale USING btree (cell, channel_id, id);

CREATE INDEX sale_oversold ON channels.sale USING btree (cell, channel_id, id) WHERE (status = 'oversold'::text);

CREATE INDEX evidence_case ON chargebacks.evidence USING btree (cell, case_id, id);

CREATE INDEX late_case ON chargebacks.late USING btree (cell, case_id);

CREATE INDEX part_share ON chargebacks.part USING btree (cell, share_id);

CREATE INDEX share_due ON chargebacks.share USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX share_order ON chargebacks.share USING btree (cell, order_id);

CREATE INDEX share_seller ON chargebacks.share USING btree (cell, seller_id, id);

CREATE UNIQUE INDEX collection_open ON credit.collection USING btree (cell, plan_id) WHERE (ended_at IS NULL);

CREATE INDEX collection_plan ON credit.collection USING btree (cell, plan_id);

CREATE INDEX plan_buyer ON credit.plan USING btree (cell, buyer_id, id);

CREATE INDEX plan_due ON credit.plan USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX plan_owed ON credit.plan USING btree (cell, id) WHERE (status = ANY (ARRAY['open'::text, 'defaulted'::text]));

CREATE INDEX broker_line_invoice ON customs.broker_line USING btree (cell, invoice_id, no);

CREATE INDEX broker_line_order ON customs.broker_line USING btree (cell, order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX declaration_due ON customs.declaration USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE UNIQUE INDEX declaration_id ON customs.declaration USING btree (cell, id);

CREATE INDEX declaration_open ON customs.declaration USING btree (cell, order_id) WHERE (status = ANY (ARRAY['open'::text, 'asked'::text, 'rejected'::text, 'revoking'::text]));

CREATE INDEX dispute_buyer ON disputes.dispute USING btree (cell, buyer_id);

CREATE INDEX dispute_due ON disputes.dispute USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX dispute_order ON disputes.dispute USING btree (cell, order_id);

CREATE INDEX dispute_seller ON disputes.dispute USING btree (cell, seller_id, id);

CREATE INDEX dispute_to_decide ON disputes.dispute USING btree (cell, id) WHERE (status = ANY (ARRAY['escalated'::text, 'appealed'::text]));

CREATE INDEX step_dispute ON disputes.step USING btree (cell, dispute_id, id);

CREATE UNIQUE INDEX charge_month ON fees.charge USING btree (cell, shop_id, month) WHERE (month IS NOT NULL);

CREATE UNIQUE INDEX charge_once ON fees.charge USING btree (cell, shop_id, kind) WHERE (kind = ANY (ARRAY['opening_fee'::text, 'deposit'::text, 'deposit_back'::text]));

CREATE INDEX charge_seller ON fees.charge USING btree (cell, seller_id, id);

CREATE INDEX rule_position ON fees.rule USING btree (kind, "position", id);

CREATE INDEX shop_due ON fees.shop USING btree (cell, due_on) WHERE (due_on IS NOT NULL);

CREATE UNIQUE INDEX shop_open ON fees.shop USING btree (cell, seller_id, market) WHERE (closed_at IS NULL);

CREATE INDEX question_next ON fraud.question USING btree (cell, next_at) WHERE (answer IS NULL);

CREATE INDEX adjustment_stock ON inventory.adjustment USING btree (cell, stock_id, id);

CREATE INDEX invoice_corrected ON invoices.invoice USING btree (cell, corrects_id) WHERE (corrects_id IS NOT NULL);

CREATE UNIQUE INDEX invoice_month ON invoices.invoice USING btree (cell, seller_id, currency, month, kind) WHERE (corrects_id IS NULL);

CREATE INDEX invoice_seller ON invoices.invoice USING btree (cell, seller_id, id);

CREATE INDEX audit_line_names ON kit.audit_line USING gin (names);

CREATE INDEX audit_line_seller ON kit.audit_line USING btree (cell, seller_id, id) WHERE (seller_id IS NOT NULL);

CREATE INDEX audit_line_user ON kit.audit_line USING btree (cell, user_id, id);

CREATE INDEX idempotency_key_at ON kit.idempotency_key USING brin (at);

CREATE INDEX account_striped ON ledger.account USING btree (cell, id) WHERE striped;

CREATE INDEX hold_debit ON ledger.hold USING btree (debit, at);

CREATE INDEX hold_due ON ledger.hold USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX transfer_at ON ledger.transfer USING brin (at) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX transfer_credit ON ledger.transfer USING btree (cell, credit, at) WHERE (code <> ALL (ARRAY['pay'::text, 'fund'::text]));

CREATE INDEX transfer_debit ON ledger.transfer USING btree (cell, debit, at) WHERE (code <> ALL (ARRAY['pay'::text, 'fund'::text]));

CREATE UNIQUE INDEX shipment_tracking ON logistics.shipment USING btree (cell, carrier, tracking_number);

CREATE INDEX account_open ON metering.account USING btree (cell, open_month);

CREATE INDEX event_month ON metering.event USING btree (cell, month, seller_id, event_id);

CREATE INDEX message_due ON notify.message USING btree (cell, channel, due_at) WHERE (status = 'due'::text);

CREATE INDEX message_sent ON notify.message USING btree (cell, user_id, sent_at) WHERE (status = 'sent'::text);

CREATE INDEX message_status ON notify.message USING btree (cell, status, id);

CREATE INDEX message_user ON notify.message USING btree (cell, user_id, id);

CREATE INDEX border_quote ON orders.border USING btree (cell, quote_id);

CREATE INDEX cart_buyer ON orders.cart USING btree (cell, buyer_id);

CREATE INDEX exchange_quote ON orders.exchange USING btree (cell, quote_id);

CREATE INDEX hold_due ON orders.hold USING btree (cell, due_at) WHERE ((decision IS NULL) AND (due_at IS NOT NULL));

CREATE INDEX hold_open ON orders.hold USING btree (cell, order_id) WHERE (decision IS NULL);

CREATE INDEX identity_person ON orders.identity USING btree (cell, person_id);

CREATE INDEX order_group_buyer ON orders.order_group USING btree (cell, buyer_id, id);

CREATE INDEX order_group_id ON orders."order" USING btree (cell, group_id);

CREATE INDEX order_group_pay_by ON orders.order_group USING btree (cell, pay_by) WHERE (status = 'awaiting_payment'::text);

CREATE INDEX order_placed ON orders."order" USING brin (placed_at) WITH (autosummarize='true');

CREATE INDEX order_release_due ON orders."order" USING btree (cell, release_due_at) WHERE (release_due_at IS NOT NULL);

CREATE INDEX order_seller ON orders."order" USING btree (cell, seller_id, id);

CREATE INDEX order_slot ON orders."order" USING btree (cell, slot_id) WHERE (slot_id IS NOT NULL);

CREATE INDEX part_line_order ON orders.part_line USING btree (cell, order_id);

CREATE INDEX quote_expiry ON orders.quote USING btree (expires_at);

CREATE INDEX tax_back_order ON orders.tax_back USING btree (cell, order_id);

CREATE INDEX bank_account_owner ON payments.bank_account USING btree (cell, owner, currency, id);

CREATE INDEX chargeback_due ON payments.chargeback USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX chargeback_payment ON payments.chargeback USING btree (cell, payment_id);

CREATE INDEX connected_account_seller ON payments.connected_account USING btree (cell, seller_id, id);

CREATE INDEX payment_due ON payments.payment USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE UNIQUE INDEX payment_external ON payments.payment USING btree (cell, method, external_id) WHERE (external_id IS NOT NULL);

CREATE INDEX payment_failed ON payments.payment USING btree (cell, buyer_id, created_at) WHERE (status = 'failed'::text);

CREATE INDEX payout_due ON payments.payout USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX payout_file ON payments.payout USING btree (cell, file_id, id) WHERE (file_id IS NOT NULL);

CREATE INDEX payout_seller ON payments.payout USING btree (cell, seller_id, id);

CREATE INDEX payout_sent ON payments.payout USING btree (cell, id) WHERE (status = 'sent'::text);

CREATE INDEX refund_due ON payments.refund USING btree (cell, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX refund_failed ON payments.refund USING btree (cell, id) WHERE (status = 'failed'::text);

CREATE INDEX refund_payment ON payments.refund USING btree (cell, payment_id);

CREATE INDEX taken_payment ON payments.taken USING btree (cell, payment_id);

CREATE INDEX webhook_received ON payments.webhook USING brin (received_at);

CREATE UNIQUE INDEX switch_off_name ON platform.switch_off USING btree (name) WHERE (ended_at IS NULL);

CREATE UNIQUE INDEX quota_name ON pricing.quota USING btree (cell, name, owner) WHERE (name <> ''::text);

CREATE INDEX discrepancy_day ON reconciliation.discrepancy USING btree (day);

CREATE INDEX discrepancy_open ON reconciliation.discrepancy USING btree (id) WHERE (status = 'open'::text);

CREATE INDEX entry_day ON reconciliation.entry USING btree (day);

CREATE INDEX report_line_at ON reconciliation.report_line USING btree (at);

CREATE INDEX report_open ON reviews.report USING btree (cell, review_id) WHERE (closed_at IS NULL);

CREATE INDEX review_buyer ON reviews.review USING btree (cell, buyer_id);

CREATE INDEX review_product ON reviews.review USING btree (cell, product_id, id) WHERE (hidden_at IS NULL);

CREATE INDEX review_seller ON reviews.review USING btree (cell, seller_id, id) WHERE (hidden_at IS NULL);

CREATE INDEX review_uncounted ON reviews.review USING btree (cell, id) WHERE ((counted IS DISTINCT FROM
CASE
    WHEN (hidden_at IS NULL) THEN stars
    ELSE NULL::smallint
END) OR (counted_seller IS DISTINCT FROM
CASE
    WHEN (hidden_at IS NULL) THEN seller_stars
    ELSE NULL::smallint
END));

CREATE INDEX denied_party_plain ON trade.denied_party USING gin (plain public.gin_trgm_ops);

CREATE INDEX denied_party_words ON trade.denied_party USING gin (words);

CREATE INDEX law_country ON trade.law USING btree (country, kind);

CREATE INDEX restriction_source ON trade.restriction USING btree (source);

CREATE INDEX delivery_due ON webhooks.delivery USING btree (cell, endpoint_id, due_at) WHERE (status = 'due'::text);

CREATE INDEX delivery_first ON webhooks.delivery USING btree (cell, endpoint_id, subject_id, no) WHERE (status = 'due'::text);

CREATE INDEX delivery_id ON webhooks.delivery USING btree (cell, id);

CREATE INDEX endpoint_on ON webhooks.endpoint USING btree (id) WHERE (status = 'on'::text);

CREATE INDEX endpoint_owner ON webhooks.endpoint USING btree (owner_id) WHERE (status <> 'removed'::text);

CREATE TRIGGER audit_line_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON kit.audit_line FOR EACH STATEMENT EXECUTE FUNCTION kit.refuse_change();

ALTER TABLE ONLY accounts.address
    ADD CONSTRAINT address_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY accounts.guest
    ADD CONSTRAINT guest_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY accounts.guest_link
    ADD CONSTRAINT guest_link_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY accounts.person
    ADD CONSTRAINT person_cell_user_id_fkey FOREIGN KEY (cell, user_id) REFERENCES accounts."user"(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY bonded.entry
    ADD CONSTRAINT entry_cell_item_id_fkey FOREIGN KEY (cell, item_id) REFERENCES bonded.item(cell, id);

ALTER TABLE ONLY bonded.good
    ADD CONSTRAINT good_cell_item_id_fkey FOREIGN KEY (cell, item_id) REFERENCES bonded.item(cell, id);

ALTER TABLE ONLY bonded.item
    ADD CONSTRAINT item_cell_location_id_fkey FOREIGN KEY (cell, location_id) REFERENCES bonded.book(cell, location_id);

ALTER TABLE ONLY bonded.release_line
    ADD CONSTRAINT release_line_cell_item_id_fkey FOREIGN KEY (cell, item_id) REFERENCES bonded.item(cell, id);

ALTER TABLE ONLY bonded.release_line
    ADD CONSTRAINT release_line_cell_release_id_fkey FOREIGN KEY (cell, release_id) REFERENCES bonded.release(cell, id);

ALTER TABLE ONLY campaigns.campaign
    ADD CONSTRAINT campaign_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY campaigns.line
    ADD CONSTRAINT line_cell_campaign_id_fkey FOREIGN KEY (cell, campaign_id) REFERENCES campaigns.campaign(cell, id);

ALTER TABLE ONLY campaigns.offer
    ADD CONSTRAINT offer_cell_campaign_id_fkey FOREIGN KEY (cell, campaign_id) REFERENCES campaigns.campaign(cell, id);

ALTER TABLE ONLY catalog.category
    ADD CONSTRAINT category_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES catalog.category(id);

ALTER TABLE ONLY catalog.component
    ADD CONSTRAINT component_cell_bundle_id_fkey FOREIGN KEY (cell, bundle_id) REFERENCES catalog.offer(cell, id);

ALTER TABLE ONLY catalog.component
    ADD CONSTRAINT component_cell_offer_id_fkey FOREIGN KEY (cell, offer_id) REFERENCES catalog.offer(cell, id);

ALTER TABLE ONLY catalog.following
    ADD CONSTRAINT following_cell_follows_fkey FOREIGN KEY (cell, follows) REFERENCES catalog.offer(cell, id);

ALTER TABLE ONLY catalog.following
    ADD CONSTRAINT following_cell_offer_id_fkey FOREIGN KEY (cell, offer_id) REFERENCES catalog.offer(cell, id);

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

ALTER TABLE ONLY catalog.translation
    ADD CONSTRAINT translation_product_id_fkey FOREIGN KEY (product_id) REFERENCES catalog.product(id);

ALTER TABLE ONLY catalog.variant
    ADD CONSTRAINT variant_product_id_fkey FOREIGN KEY (product_id) REFERENCES catalog.product(id);

ALTER TABLE ONLY channels.buffer
    ADD CONSTRAINT buffer_cell_channel_id_fkey FOREIGN KEY (cell, channel_id) REFERENCES channels.channel(cell, id);

ALTER TABLE ONLY channels.sale
    ADD CONSTRAINT sale_cell_channel_id_fkey FOREIGN KEY (cell, channel_id) REFERENCES channels.channel(cell, id);

ALTER TABLE ONLY channels.taken
    ADD CONSTRAINT taken_cell_sale_id_fkey FOREIGN KEY (cell, sale_id) REFERENCES channels.sale(cell, id);

ALTER TABLE ONLY chargebacks.late
    ADD CONSTRAINT late_cell_case_id_fkey FOREIGN KEY (cell, case_id) REFERENCES chargebacks."case"(cell, id);

ALTER TABLE ONLY chargebacks.liability
    ADD CONSTRAINT liability_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY chargebacks.liability
    ADD CONSTRAINT liability_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY chargebacks.part
    ADD CONSTRAINT part_cell_share_id_fkey FOREIGN KEY (cell, share_id) REFERENCES chargebacks.share(cell, id);

ALTER TABLE ONLY credit.collection
    ADD CONSTRAINT collection_cell_plan_id_fkey FOREIGN KEY (cell, plan_id) REFERENCES credit.plan(cell, id);

ALTER TABLE ONLY credit.installment
    ADD CONSTRAINT installment_cell_plan_id_fkey FOREIGN KEY (cell, plan_id) REFERENCES credit.plan(cell, id);

ALTER TABLE ONLY credit.plan_terms
    ADD CONSTRAINT plan_terms_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY credit.terms
    ADD CONSTRAINT terms_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY disputes.dispute
    ADD CONSTRAINT dispute_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY disputes.replacement
    ADD CONSTRAINT replacement_cell_id_fkey FOREIGN KEY (cell, id) REFERENCES disputes.dispute(cell, id);

ALTER TABLE ONLY disputes.step
    ADD CONSTRAINT step_cell_dispute_id_fkey FOREIGN KEY (cell, dispute_id) REFERENCES disputes.dispute(cell, id);

ALTER TABLE ONLY exchange.terms
    ADD CONSTRAINT terms_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY fees.billing
    ADD CONSTRAINT billing_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY fees.charge
    ADD CONSTRAINT charge_cell_shop_id_fkey FOREIGN KEY (cell, shop_id) REFERENCES fees.shop(cell, id);

ALTER TABLE ONLY fees.rule
    ADD CONSTRAINT rule_category_id_fkey FOREIGN KEY (category_id) REFERENCES catalog.category(id);

ALTER TABLE ONLY fees.rule
    ADD CONSTRAINT rule_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY fees.rule
    ADD CONSTRAINT rule_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY fees.shop_terms
    ADD CONSTRAINT shop_terms_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY fees.volume
    ADD CONSTRAINT volume_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY fraud.question
    ADD CONSTRAINT question_cell_order_id_fkey FOREIGN KEY (cell, order_id) REFERENCES orders."order"(cell, id);

ALTER TABLE ONLY fraud.question
    ADD CONSTRAINT question_hook_id_fkey FOREIGN KEY (hook_id) REFERENCES fraud.hook(id);

ALTER TABLE ONLY inventory.adjustment
    ADD CONSTRAINT adjustment_cell_stock_id_fkey FOREIGN KEY (cell, stock_id) REFERENCES inventory.stock(cell, id);

ALTER TABLE ONLY invoices.line
    ADD CONSTRAINT line_cell_invoice_id_fkey FOREIGN KEY (cell, invoice_id) REFERENCES invoices.invoice(cell, id);

ALTER TABLE ONLY invoices.tax
    ADD CONSTRAINT tax_cell_invoice_id_fkey FOREIGN KEY (cell, invoice_id) REFERENCES invoices.invoice(cell, id);

ALTER TABLE ONLY ledger.balance
    ADD CONSTRAINT balance_cell_account_id_fkey FOREIGN KEY (cell, account_id) REFERENCES ledger.account(cell, id);

ALTER TABLE ONLY ledger.day_total
    ADD CONSTRAINT day_total_cell_day_fkey FOREIGN KEY (cell, day) REFERENCES ledger.closed_day(cell, day);

ALTER TABLE ONLY logistics.shipment
    ADD CONSTRAINT shipment_cell_fulfillment_order_id_fkey FOREIGN KEY (cell, fulfillment_order_id) REFERENCES logistics.fulfillment_order(cell, id);

ALTER TABLE ONLY logistics.tracking_event
    ADD CONSTRAINT tracking_event_cell_shipment_id_fkey FOREIGN KEY (cell, shipment_id) REFERENCES logistics.shipment(cell, id);

ALTER TABLE ONLY metering.line
    ADD CONSTRAINT line_cell_bill_id_fkey FOREIGN KEY (cell, bill_id) REFERENCES metering.bill(cell, id);

ALTER TABLE ONLY metering.rate
    ADD CONSTRAINT rate_meter_fkey FOREIGN KEY (meter) REFERENCES metering.meter(code);

ALTER TABLE ONLY orders.cart_line
    ADD CONSTRAINT cart_line_cell_cart_id_fkey FOREIGN KEY (cell, cart_id) REFERENCES orders.cart(cell, id) ON DELETE CASCADE;

ALTER TABLE ONLY orders.cart
    ADD CONSTRAINT cart_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY orders.discount_line
    ADD CONSTRAINT discount_line_cell_order_id_line_no_fkey FOREIGN KEY (cell, order_id, line_no) REFERENCES orders.order_line(cell, order_id, line_no);

ALTER TABLE ONLY orders.hold
    ADD CONSTRAINT hold_cell_order_id_fkey FOREIGN KEY (cell, order_id) REFERENCES orders."order"(cell, id);

ALTER TABLE ONLY orders.order_line
    ADD CONSTRAINT order_line_cell_order_id_fkey FOREIGN KEY (cell, order_id) REFERENCES orders."order"(cell, id);

ALTER TABLE ONLY orders.part
    ADD CONSTRAINT part_cell_order_id_fkey FOREIGN KEY (cell, order_id) REFERENCES orders."order"(cell, id);

ALTER TABLE ONLY orders.part_line
    ADD CONSTRAINT part_line_cell_order_id_line_no_fkey FOREIGN KEY (cell, order_id, line_no) REFERENCES orders.order_line(cell, order_id, line_no);

ALTER TABLE ONLY orders.part_line
    ADD CONSTRAINT part_line_cell_part_id_fkey FOREIGN KEY (cell, part_id) REFERENCES orders.part(cell, id);

ALTER TABLE ONLY payments.chargeback
    ADD CONSTRAINT chargeback_cell_payment_id_fkey FOREIGN KEY (cell, payment_id) REFERENCES payments.payment(cell, id);

ALTER TABLE ONLY payments.payout
    ADD CONSTRAINT payout_cell_account_id_fkey FOREIGN KEY (cell, account_id) REFERENCES payments.bank_account(cell, id);

ALTER TABLE ONLY payments.payout
    ADD CONSTRAINT payout_cell_file_id_fkey FOREIGN KEY (cell, file_id) REFERENCES payments.bank_file(cell, id);

ALTER TABLE ONLY payments.refund
    ADD CONSTRAINT refund_cell_payment_id_fkey FOREIGN KEY (cell, payment_id) REFERENCES payments.payment(cell, id);

ALTER TABLE ONLY payments.reserve_terms
    ADD CONSTRAINT reserve_terms_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY pricing.promotion
    ADD CONSTRAINT promotion_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY pricing.quota_use
    ADD CONSTRAINT quota_use_cell_quota_id_fkey FOREIGN KEY (cell, quota_id) REFERENCES pricing.quota(cell, id);

ALTER TABLE ONLY pricing.shipping_service
    ADD CONSTRAINT shipping_service_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY pricing.slot
    ADD CONSTRAINT slot_market_service_fkey FOREIGN KEY (market, service) REFERENCES pricing.shipping_service(market, code);

ALTER TABLE ONLY reconciliation.entry
    ADD CONSTRAINT entry_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES reconciliation.statement(id);

ALTER TABLE ONLY reconciliation.report_line
    ADD CONSTRAINT report_line_report_id_fkey FOREIGN KEY (report_id) REFERENCES reconciliation.report(id);

ALTER TABLE ONLY reviews.report
    ADD CONSTRAINT report_cell_review_id_fkey FOREIGN KEY (cell, review_id) REFERENCES reviews.review(cell, id);

ALTER TABLE ONLY reviews.review
    ADD CONSTRAINT review_cell_order_id_line_no_fkey FOREIGN KEY (cell, order_id, line_no) REFERENCES orders.order_line(cell, order_id, line_no);

ALTER TABLE ONLY sellers.calendar
    ADD CONSTRAINT calendar_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY sellers.day_off
    ADD CONSTRAINT day_off_market_fkey FOREIGN KEY (market) REFERENCES sellers.calendar(market);

ALTER TABLE ONLY sellers.market_terms
    ADD CONSTRAINT market_terms_market_fkey FOREIGN KEY (market) REFERENCES sellers.market(code);

ALTER TABLE ONLY sellers.suspended
    ADD CONSTRAINT suspended_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY trade.category_trait
    ADD CONSTRAINT category_trait_category_id_fkey FOREIGN KEY (category_id) REFERENCES catalog.category(id);

ALTER TABLE ONLY trade.contact
    ADD CONSTRAINT contact_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY trade.item
    ADD CONSTRAINT item_variant_id_fkey FOREIGN KEY (variant_id) REFERENCES catalog.variant(id);

ALTER TABLE ONLY trade.permit
    ADD CONSTRAINT permit_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES sellers.seller(id);

ALTER TABLE ONLY trade.trait
    ADD CONSTRAINT trait_variant_id_fkey FOREIGN KEY (variant_id) REFERENCES catalog.variant(id);

ALTER TABLE ONLY webhooks.delivery
    ADD CONSTRAINT delivery_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES webhooks.endpoint(id);
