-- The ledger: immutable transfers between accounts of one currency, in minor units, at once or in two phases.
-- balance = credits - debits; available = balance - held. It knows no word of business but a `code`.
create schema ledger;

create table ledger.account (
    cell       smallint    not null,
    id         bigint      not null generated always as identity,
    code       text        collate "C" not null,
    owner      uuid        not null default '00000000-0000-0000-0000-000000000000',  -- nil: the house
    currency   text        collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    limited    boolean     not null,  -- what is available may not go below zero
    striped    boolean     not null,  -- balance spread over rows, one per writer, summed on read
    created_at timestamptz not null,
    primary key (cell, id) include (currency),  -- a transfer asks for nothing else
    unique (cell, code, owner, currency) include (id),  -- a purchase finds its wallet without reading the row
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
    held       bigint   not null default 0,  -- promised to go out; of a stripe it may be negative: ended at another one
    primary key (cell, account_id, stripe),
    foreign key (cell, account_id) references ledger.account (cell, id),
    constraint balance_within_limit check (not limited or credits >= debits + held),
    constraint balance_held check (stripe > 0 or held >= 0)
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
-- No foreign keys to account: each would lock the same few hot rows (escrow) for every transfer. change_many, through
-- which every balance goes, counts instead that every account it names was there (docs/adr/0004).
-- Statements read by account and time. Payments into escrow are the hot ones and are read by order instead.
create index transfer_debit on ledger.transfer (cell, debit, at) where code not in ('pay', 'fund');
create index transfer_credit on ledger.transfer (cell, credit, at) where code not in ('pay', 'fund');

-- The first phase: so much of the debit account's money is promised to the credit account and to nobody else. Settling
-- makes the transfer of the hold's own name, of all of it or less, so that it can be settled once at most.
create table ledger.hold (
    cell     smallint    not null,
    cause_id uuid        not null,
    code     text        collate "C" not null,
    debit    bigint      not null,
    credit   bigint      not null,
    amount   bigint      not null check (amount > 0),
    at       timestamptz not null,
    status   text        collate "C" not null default 'held' check (status in ('held', 'settled', 'voided', 'expired')),
    due_at   timestamptz,  -- when it expires; null: never, or it has ended
    ended_at timestamptz,
    primary key (cell, cause_id, code),
    check (debit <> credit),
    check (due_at > at),
    check ((status = 'held') = (ended_at is null) and (status = 'held' or due_at is null))
) with (fillfactor = 50);  -- a row changes once, and stays in its page
create index hold_due on ledger.hold (cell, due_at) where due_at is not null;
-- Without the cell, so that a name is looked for by its key only, whatever the statistics say.
create index hold_debit on ledger.hold (debit, at);

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

-- What is available in the accounts that have one row, at a glance: only who holds the lock knows.
create view ledger.row_balance as
select b.cell, b.account_id, b.credits - b.debits - b.held as balance
  from ledger.balance b
 where b.stripe = 0;

-- Locks the accounts that have one row, in id order, and says what is available in each.
create function ledger.lock_many(p_cell smallint, p_accounts bigint[])
returns table (account_id bigint, balance bigint, limited boolean) language sql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
    select b.account_id, b.credits - b.debits - b.held, b.limited
      from ledger.balance b
     where b.cell = p_cell and b.account_id = any (p_accounts) and b.stripe = 0
     order by b.account_id
       for no key update;
$$;

-- Days that are closed: nothing is dated into them any more, and what is wrong in one is corrected by new transfers.
-- Days are UTC's and are closed in their order. What each code's accounts moved, and what they held at its end, is kept.
create table ledger.closed_day (
    cell      smallint    not null,
    day       date        not null,
    transfers bigint      not null,
    closed_at timestamptz not null,
    primary key (cell, day)
);
create table ledger.day_total (
    cell     smallint not null,
    day      date     not null,
    currency text     collate "C" not null,
    code     text     collate "C" not null,
    debits   bigint   not null,
    credits  bigint   not null,
    balance  bigint   not null,
    primary key (cell, day, currency, code),
    foreign key (cell, day) references ledger.closed_day (cell, day)
);
-- Transfers lie about in the order of their time.
create index transfer_at on ledger.transfer using brin (at) with (pages_per_range = 32, autosummarize = on);

-- Whoever writes with a date takes part in its day, until the end of the transaction. Raises for a day that is closed, as
-- a serialization failure: who began before midnight is run again, and then writes into today.
create function ledger.take_day(p_cell smallint, p_at timestamptz) returns void language plpgsql
set search_path = pg_catalog as $$
declare
    of_day date := (p_at at time zone 'UTC')::date;
begin
    perform pg_advisory_xact_lock_shared(1000000 + p_cell, of_day - date '2000-01-01');
    if exists (select from ledger.closed_day c where c.cell = p_cell and c.day >= of_day) then
        raise exception 'the books of % are closed', of_day using errcode = 'serialization_failure';
    end if;
end $$;

-- Moves `p_moved` from each debit to its credit account, and changes what is held of the debit account by `p_held`. Says
-- whether each account with a limit had what it gave before anything came in. Under the settings of its callers.
create function ledger.change_many(
    p_cell smallint, p_debits bigint[], p_credits bigint[], p_moved bigint[], p_held bigint[]
) returns boolean language plpgsql set search_path = pg_catalog as $$
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

-- Writes transfers that were judged by a caller that holds the locks of lock_many.
create function ledger.write_many(
    p_cell smallint, p_now timestamptz, p_causes uuid[], p_codes text[], p_debits bigint[], p_credits bigint[],
    p_amounts bigint[]
) returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    perform ledger.take_day(p_cell, p_now);
    insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at)
    select p_cell, t.cause_id, t.code, t.debit, t.credit, t.amount, p_now
      from unnest(p_causes, p_codes, p_debits, p_credits, p_amounts) as t (cause_id, code, debit, credit, amount)
     order by t.cause_id, t.code;
    perform ledger.change_many(p_cell, p_debits, p_credits, p_amounts, array_fill(0::bigint, array[cardinality(p_debits)]));
end $$;

-- Carries out commands that all stand. Raises an integrity constraint violation, for the tables judge: names are their
-- keys, limits their checks; and no_data_found where no such hold is there to end. Waits for others who take the same
-- names, then for holds by code and name, and last, as it is what others wait for, for accounts by id. Says whether each
-- account with a limit had what it gave before anything came in. Under the settings of its caller.
create function ledger.carry_out(
    p_cell smallint, p_now timestamptz, p_kinds text[], p_causes uuid[], p_codes text[], p_debits bigint[],
    p_credits bigint[], p_amounts bigint[], p_dues timestamptz[]
) returns boolean language plpgsql set search_path = pg_catalog as $$
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

-- Here and below a name is looked up by a subquery with `limit 1`: it is found by its key, whatever the statistics say.

-- Judges commands one after another, each against what its predecessors left; those of one link where its first one
-- stands. Locks what they are about: holds by code and name, then accounts by id. Under the settings of its caller.
create function ledger.judge_many(
    p_cell smallint, p_now timestamptz, p_kinds text[], p_causes uuid[], p_codes text[], p_debits bigint[],
    p_credits bigint[], p_amounts bigint[], p_dues timestamptz[], p_links int[]
) returns text[] language plpgsql set search_path = pg_catalog as $$
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

-- Whether the accounts of posts and holds are there, and of one currency each two. This and the next are under the
-- settings of their caller.
create function ledger.of_one_currency(p_cell smallint, p_kinds text[], p_debits bigint[], p_credits bigint[])
returns boolean language plpgsql set search_path = pg_catalog as $$
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

-- Whether nothing of what is held was posted (or settled), nor the other way round: names of these two are kept apart; and
-- nothing of it was voided, for then the order would matter. Asked under the locks of the accounts: of two that take one
-- name, the second sees the first.
create function ledger.are_apart(p_cell smallint, p_kinds text[], p_causes uuid[], p_codes text[])
returns boolean language plpgsql set search_path = pg_catalog as $$
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

-- Judges and writes transfers in one phase or two. A command is to
--   post    `amount` from `debit` to `credit`;
--   hold    the same, until it is settled, voided or, with `due`, expires;
--   settle  the hold of this name: `amount` of it moves (null: all) and the rest is free again;
--   void    the hold of this name: all of it is free again.
-- Commands of one link stand or fall together, judged where the first of them stands; null is alone. Verdicts, in the
-- order in which they are tried:
--   post, hold     amount_not_positive, same_account, unknown_account, currency_mismatch, exists (the same was done
--                  before: no effect), conflict (the name stands for something else), due_already,
--                  insufficient_funds; posted, held
--   settle, void   amount_not_positive, unknown_hold, exists, conflict (settled with another amount), hold_settled,
--                  hold_voided, hold_expired (its time has passed), exceeds_hold; settled, voided
--   any            link_failed: another one of its link was refused
-- What is refused leaves everything as it was and does not harm its neighbors. All of it is dated p_now, whose day must
-- be open. Locks: holds by name, then accounts by id.
create function ledger.apply_many(
    p_cell smallint, p_now timestamptz, p_kinds text[], p_causes uuid[], p_codes text[], p_debits bigint[],
    p_credits bigint[], p_amounts bigint[], p_dues timestamptz[], p_links int[]
) returns text[] language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
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

-- Ends holds whose time has passed, a batch of them; says which.
create function ledger.expire_many(p_cell smallint, p_now timestamptz, p_limit int)
returns table (cause_id uuid, code text) language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_material = off set plan_cache_mode = force_generic_plan as $$
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

-- The accounts of a code in which money is available, and how much, at a glance: whom a payout run may pay.
create function ledger.positive(p_cell smallint, p_code text)
returns table (owner uuid, account_id bigint, currency text, balance bigint) language plpgsql stable
set search_path = pg_catalog as $$
begin
    return query
    select a.owner, a.id, a.currency, b.credits - b.debits - b.held
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id and b.stripe = 0
     where a.cell = p_cell and a.code = p_code and b.credits > b.debits + b.held
     order by a.id;
end $$;

-- Closes the days up to `p_through`, at most `p_limit` of them; how many. What each code's accounts hold at the end of a day
-- is what they held the day before and what the day's transfers moved: older ones are not read again. Waits for whoever
-- still writes with the date of one of these days.
create function ledger.close_days(p_cell smallint, p_now timestamptz, p_through date, p_limit int) returns int language plpgsql
set search_path = pg_catalog as $$
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
