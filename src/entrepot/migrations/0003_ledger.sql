-- The ledger: immutable transfers between accounts of one currency, in minor units.
-- balance = credits - debits. It knows no word of business but an account's and a transfer's `code`.
create schema ledger;

create table ledger.account (
    cell       smallint    not null,
    id         bigint      not null generated always as identity,
    code       text        collate "C" not null,
    owner      uuid        not null default '00000000-0000-0000-0000-000000000000',  -- nil: the house
    currency   text        collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    limited    boolean     not null,  -- may not go below zero
    striped    boolean     not null,  -- balance spread over rows, one per writer, summed on read
    created_at timestamptz not null,
    primary key (cell, id),
    unique (cell, code, owner, currency),
    check (not (limited and striped))
);

create index account_striped on ledger.account (cell, id) where striped;

-- An account without stripes has the one row 0, made with the account, so that the first time locks like the
-- thousandth. The CHECK is the last net: a verdict refuses before it is reached.
create table ledger.balance (
    cell       smallint not null,
    account_id bigint   not null,
    stripe     smallint not null,
    limited    boolean  not null,
    debits     bigint   not null default 0 check (debits >= 0),
    credits    bigint   not null default 0 check (credits >= 0),
    primary key (cell, account_id, stripe),
    foreign key (cell, account_id) references ledger.account (cell, id),
    constraint balance_within_limit check (not limited or credits >= debits)
) with (fillfactor = 50);

-- A transfer is known by what caused it and what it is: nothing can be paid or released twice.
create table ledger.transfer (
    cell     smallint    not null,
    cause_id uuid        not null,
    code     text        collate "C" not null,
    debit    bigint      not null,
    credit   bigint      not null,
    amount   bigint      not null check (amount > 0),
    at       timestamptz not null,
    primary key (cell, cause_id, code),
    check (debit <> credit)
);
-- No foreign keys to account: each would lock the same few hot rows (escrow) for every transfer. write_many, the only
-- writer, counts instead that every account it names was there (docs/adr/0004).
-- Statements read by account and time. Payments into escrow are the hot ones and are read by order instead.
create index transfer_debit on ledger.transfer (cell, debit, at) where code not in ('pay', 'fund');
create index transfer_credit on ledger.transfer (cell, credit, at) where code not in ('pay', 'fund');

-- Opens accounts that are not there yet; the order of the answer is the order asked.
create function ledger.open_many(
    p_cell smallint, p_now timestamptz, p_codes text[], p_owners uuid[], p_currencies text[],
    p_limited boolean, p_striped boolean
) returns table (id bigint) language plpgsql
set search_path = pg_catalog as $$
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

-- What the accounts that have one row hold, at a glance: only who holds the lock knows.
create view ledger.row_balance as
select b.cell, b.account_id, b.credits - b.debits as balance
  from ledger.balance b
 where b.stripe = 0;

-- Locks the accounts that have one row, in id order, and says what each has.
create function ledger.lock_many(p_cell smallint, p_accounts bigint[])
returns table (account_id bigint, balance bigint) language sql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
    select b.account_id, b.credits - b.debits
      from ledger.balance b
     where b.cell = p_cell and b.account_id = any (p_accounts) and b.stripe = 0
     order by b.account_id
       for no key update;
$$;

-- Writes transfers that were judged, by post_many below or by a caller that holds the locks of lock_many.
create function ledger.write_many(
    p_cell smallint, p_now timestamptz, p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[],
    p_amounts bigint[]
) returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
declare
    ids     bigint[];  -- the accounts in id order: rows are found by the index in one order, the sums by bisection
    ds      bigint[];
    cs      bigint[];
    plain   int;
    striped int;
begin
    insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
    select p_cell, t.cause_id, t.code, t.debit, t.credit, t.amount, p_now
      from unnest(p_causes, p_codes, p_debits, p_credits, p_amounts) as t (cause_id, code, debit, credit, amount)
     order by t.cause_id, t.code;

    select array_agg(s.account_id order by s.account_id), array_agg(s.debits order by s.account_id),
           array_agg(s.credits order by s.account_id)
      into ids, ds, cs
      from (select e.account_id, sum(e.debits)::bigint as debits, sum(e.credits)::bigint as credits
              from (select t.debit, t.amount, 0::bigint from unnest(p_debits, p_amounts) as t (debit, amount)
                    union all
                    select t.credit, 0, t.amount from unnest(p_credits, p_amounts) as t (credit, amount)
                   ) as e (account_id, debits, credits)
             group by e.account_id) s;
    update ledger.balance b
       set debits = b.debits + ds[width_bucket(b.account_id, ids)],
           credits = b.credits + cs[width_bucket(b.account_id, ids)]
     where b.cell = p_cell and b.account_id = any (ids) and b.stripe = 0;
    get diagnostics plain = row_count;

    -- 16 stripes: writers are server processes, each keeping its own connections.
    insert into ledger.balance as b (cell, account_id, stripe, limited, debits, credits)
    select p_cell, a.id, pg_backend_pid() % 16 + 1, false, ds[width_bucket(a.id, ids)], cs[width_bucket(a.id, ids)]
      from ledger.account a
     where a.cell = p_cell and a.id = any (ids) and a.striped
     order by a.id
    on conflict (cell, account_id, stripe)
    do update set debits = b.debits + excluded.debits, credits = b.credits + excluded.credits;
    get diagnostics striped = row_count;
    if plain + striped <> cardinality(ids) then
        raise exception 'a transfer names an account that is not there';
    end if;
end $$;

-- Judges transfers one after another and writes those that pass. Verdicts, in the order they are tried:
--   amount_not_positive, same_account, unknown_account, currency_mismatch,
--   exists (the same transfer is there already: no effect), conflict (another one has its name),
--   insufficient_funds, posted.
-- A refused transfer leaves every balance as it was and does not harm its neighbors.
create function ledger.post_many(
    p_cell smallint, p_now timestamptz, p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[],
    p_amounts bigint[]
) returns table (ord int, verdict text) language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
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

-- Locks the accounts of a code that hold money and says what: what a payout run pays.
create function ledger.lock_positive(p_cell smallint, p_code text)
returns table (owner uuid, account_id bigint, currency text, balance bigint) language plpgsql
set search_path = pg_catalog as $$
begin
    return query
    select a.owner, a.id, a.currency, b.credits - b.debits
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id and b.stripe = 0
     where a.cell = p_cell and a.code = p_code and b.credits > b.debits
     order by a.id
       for no key update of b;
end $$;
