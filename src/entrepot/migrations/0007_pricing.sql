-- Prices beyond the offer's own: shipping services and promotions, with who pays for a discount.
create schema pricing;

create table pricing.shipping_service (
    market      text   collate "C" not null references sellers.market,
    code        text   collate "C" not null,
    name        text   not null,
    base_minor  bigint not null check (base_minor >= 0),  -- per order (one seller and ship-from)
    item_minor  bigint not null check (item_minor >= 0),  -- per line
    transit_s   int    not null check (transit_s > 0),
    position    int    not null,
    -- Over a border: DDP, duty and tax are paid with the order; DAP, whoever brings it asks for them at the door.
    incoterm        text   collate "C" not null default 'DAP' check (incoterm in ('DAP', 'DDP')),
    clearance_minor bigint not null default 0 check (clearance_minor >= 0),  -- per order that pays duty or tax
    carried         text   collate "C" not null default 'courier' check (carried in ('post', 'courier')),
    slotted         boolean not null default false,  -- who buys by it chooses a time slot; from its first slot on
    primary key (market, code)
);

-- When what is bought by a service may come. Each order (one seller and ship-from) takes a place, which is one of the
-- quota `slot:<id>`; after `closes_at`, the cut-off, and while it is closed, none is taken. Its times never change.
create table pricing.slot (
    id        bigint      primary key generated always as identity,
    market    text        collate "C" not null,
    service   text        collate "C" not null,
    starts_at timestamptz not null,
    ends_at   timestamptz not null,
    closes_at timestamptz not null,
    capacity  bigint      not null check (capacity > 0),
    closed_at timestamptz,  -- by the operator
    unique (market, service, starts_at, ends_at),
    foreign key (market, service) references pricing.shipping_service (market, code),
    check (closes_at <= starts_at and starts_at < ends_at)
);

create table pricing.promotion (
    code          text        collate "C" primary key,
    market        text        collate "C" not null references sellers.market,
    percent_bp    int         check (percent_bp between 1 and 10000),
    amount_minor  bigint      check (amount_minor > 0),
    minimum_minor bigint      not null default 0 check (minimum_minor >= 0),
    funding_party text        collate "C" not null check (funding_party in ('operator', 'seller')),
    valid_from    timestamptz not null,
    valid_to      timestamptz not null,
    max_uses      bigint      check (max_uses > 0),      -- purchases, by everybody
    max_per_buyer bigint      check (max_per_buyer > 0), -- purchases, by each buyer
    budget_minor  bigint      check (budget_minor > 0),  -- what it may take off in all
    check ((percent_bp is null) <> (amount_minor is null)),
    check (valid_to > valid_from)
);

-- What may be used so many times: a promotion by everybody, by one buyer, its budget. The row is made before the first
-- use, so that the first use locks like the thousandth; at any time `used` is the sum of the uses that were not given
-- back.
create table pricing.quota (
    cell    smallint not null,
    id      bigint   not null generated always as identity,
    name    text     collate "C" not null,
    owner   uuid     not null default '00000000-0000-0000-0000-000000000000',  -- whose; nil: everybody's
    granted bigint   not null,
    used    bigint   not null default 0,
    closed  boolean  not null default false,  -- nothing more of it is given, whatever is left
    primary key (cell, id),
    check (name <> ''),
    constraint quota_within_limit check (used between 0 and granted)
) with (fillfactor = 50);
-- Only who says that a name is meant takes it; who gives ids takes the key, whatever the statistics say: planned for a
-- table that was all but empty, one statement once read every limit to find forty.
create unique index quota_name on pricing.quota (cell, name, owner) where name <> '';

create table pricing.quota_use (
    cell          smallint    not null,
    cause_id      uuid        not null,  -- the order group
    quota_id      bigint      not null,
    amount        bigint      not null check (amount > 0),
    at            timestamptz not null,
    given_back_at timestamptz,
    returned      bigint      not null default 0 check (returned between 0 and amount),  -- given back before, of a part
    primary key (cell, cause_id, quota_id),
    foreign key (cell, quota_id) references pricing.quota (cell, id)
);

-- Opens quotas that are not there yet, and says what each has left at a glance: only who holds the lock knows. The order
-- of the answer is the order asked.
create function pricing.open_quotas(p_cell smallint, p_names text[], p_owners uuid[], p_granted bigint[])
returns table (quota_id bigint, available bigint) language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off as $$
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

-- What is left, at a glance: only who holds the lock knows.
create view pricing.quota_left as
select q.cell, q.id as quota_id, case when q.closed then 0 else q.granted - q.used end as available
  from pricing.quota q;

-- Locks quotas in id order and says what each has left, and what it is called.
create function pricing.lock_quotas(p_cell smallint, p_quotas bigint[])
returns table (quota_id bigint, available bigint, name text) language sql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
    select q.id, case when q.closed then 0 else q.granted - q.used end, q.name
      from pricing.quota q
     where q.cell = p_cell and q.id = any (p_quotas)
     order by q.id
       for no key update;
$$;

-- Writes uses of quotas that the caller has locked and judged; each cause uses a quota once.
create function pricing.use_quotas(
    p_cell smallint, p_now timestamptz, p_quotas bigint[], p_amounts bigint[], p_causes uuid[]
) returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
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

-- Locks, in id order, the quotas that causes have used and not given back; those causes.
create function pricing.lock_quotas_of(p_cell smallint, p_causes uuid[])
returns setof uuid language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
begin
    perform pricing.lock_quotas(p_cell, array(select u.quota_id from pricing.quota_use u
                                               where u.cell = p_cell and u.cause_id = any (p_causes)
                                                 and u.given_back_at is null));
    return query
        select distinct u.cause_id from pricing.quota_use u
         where u.cell = p_cell and u.cause_id = any (p_causes) and u.given_back_at is null;
end $$;

-- Gives back what causes have used, once; the caller holds the locks of lock_quotas_of.
create function pricing.give_back_quotas(p_cell smallint, p_now timestamptz, p_causes uuid[])
returns void language plpgsql
set search_path = pg_catalog set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off set plan_cache_mode = force_generic_plan as $$
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

-- Gives back a part of what a cause has used of a quota, as far as it has not been given back; the caller holds the lock.
create function pricing.return_quota(p_cell smallint, p_cause uuid, p_quota bigint, p_amount bigint)
returns void language plpgsql set search_path = pg_catalog as $$
begin
    update pricing.quota_use u set returned = u.returned + p_amount
     where u.cell = p_cell and u.cause_id = p_cause and u.quota_id = p_quota and u.given_back_at is null;
    if found then
        update pricing.quota q set used = q.used - p_amount where q.cell = p_cell and q.id = p_quota;
    end if;
end $$;
