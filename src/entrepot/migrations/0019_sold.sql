-- May it be sold: what a product is, what the law of a country says about such things, who may sell them all the same,
-- and to whom nothing is sent. Nothing of trade belongs to a cell.

-- What is prohibited, needs a permit or an age: dated, with its source and an explanation in each language. A mark is
-- the beginning of an HS code (two, four or six digits) or a trait. Facts of one name in one country are one rule.
create table trade.restriction (
    country    text     collate "C" not null check (country ~ '^[A-Z]{2}$'),
    mark       text     collate "C" not null check (mark ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[a-z][a-z_]{0,39})$'),
    name       text     collate "C" not null,
    effect     text     collate "C" not null check (effect in ('prohibited', 'permit', 'age', 'contact')),
    age        smallint check (age between 1 and 99),
    proof      text     collate "C" not null check (proof in ('stated', 'birth_date')),
    not_from   text[]   not null,  -- it does not hold for what is sent from these countries
    within     text[]   not null,  -- of a contact: where it may be
    text       jsonb    not null,  -- {language: why}
    citation   text     not null,
    valid_from date     not null,
    valid_to   date,
    source     text     collate "C" not null,
    primary key (country, mark, name, valid_from, source),
    check ((age is not null) = (effect = 'age')),
    check ((within <> '{}') = (effect = 'contact') and (mark = 'goods') = (effect = 'contact')),
    check (valid_to > valid_from)
);
create index restriction_source on trade.restriction (source);

-- What a variant, or all that lies in a category, is: battery, food, alcohol ... What the operator (null) says holds for
-- all, what a seller says for its own offers: so nobody can keep another from selling.
create table trade.trait (
    variant_id bigint not null references catalog.variant,
    trait      text   collate "C" not null check (trait ~ '^[a-z][a-z_]{0,39}$'),
    said_by    uuid,
    unique nulls not distinct (variant_id, trait, said_by)
);
create table trade.category_trait (
    category_id bigint not null references catalog.category,
    trait       text   collate "C" not null check (trait ~ '^[a-z][a-z_]{0,39}$'),
    primary key (category_id, trait)
);

-- Whom the operator has shown a permit: the seller sells under the rule of this name.
create table trade.permit (
    seller_id  uuid        not null references sellers.seller,
    country    text        collate "C" not null,
    name       text        collate "C" not null,
    number     text        not null,
    valid_to   date,  -- the first day on which it is none
    granted_by uuid        not null,
    granted_at timestamptz not null,
    primary key (seller_id, country, name)
);

-- Who answers for a seller's goods in a country (the EU's "responsible person"), as buyers there are shown.
create table trade.contact (
    seller_id  uuid        not null references sellers.seller,
    country    text        collate "C" not null check (country ~ '^[A-Z]{2}$'),
    name       text        not null,
    address    text        not null,
    electronic text        not null,  -- an e-mail address, or a page's
    said_at    timestamptz not null,
    primary key (seller_id, country)
);

-- What rules may name a variant by. Rules of all goods have the mark `goods`, which is in no row.
create view trade.mark as
select i.variant_id, substr(i.hs_code, 1, d.digits) as mark, null::uuid as said_by
  from trade.item i cross join (values (2), (4), (6)) as d (digits)
union all
select t.variant_id, t.trait, t.said_by from trade.trait t
union all
select v.id, t.trait, null
  from catalog.variant v
  join catalog.product p on p.id = v.product_id
  join catalog.category c on c.id = p.category_id
  join trade.category_trait t on t.category_id = any (c.above);

-- The age that a buyer has given, and how: 'birth_date' is worth more than 'stated'. The date itself is not kept.
create table orders.age_given (
    cell     smallint    not null,
    buyer_id uuid        not null,
    age      smallint    not null check (age between 1 and 99),
    proof    text        collate "C" not null check (proof in ('stated', 'birth_date')),
    given_at timestamptz not null,
    primary key (cell, buyer_id, proof)
);

-- To whom nothing is sent: names of lists that the operator brings in, each list as a whole. `plain` is the name as it
-- is compared (trade.parties), `words` are its words; a name in other spellings is a row each.
create table trade.denied_party (
    list  text   collate "C" not null,
    ref   text   collate "C" not null,
    name  text   not null,
    plain text   not null,
    words text[] not null,
    primary key (list, ref, plain)
);
create index denied_party_words on trade.denied_party using gin (words);
create index denied_party_plain on trade.denied_party using gin (plain public.gin_trgm_ops);

-- Whom names may mean: it is the same, all words of a listed name of two or more are in it, or it is spelled almost the
-- same. The last sees Latin letters only: trigrams have no others under the locale C.
do $$ begin perform public.similarity('', ''); end $$;  -- loads the library, which declares the setting used below
create function trade.screen_many(p_plains text[]) returns table (ord int, list text, ref text, name text)
language sql stable set search_path = pg_catalog set pg_trgm.similarity_threshold = 0.75 as $$
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

-- Orders that keep their goods and their money until the operator has looked: one row for each listed name that their
-- buyer or recipient may be (party), for each rule that finds them odd (fraud), or for what somebody says (hand; list is
-- 'operator'). What was decided stays.
create table orders.hold (
    cell       smallint    not null,
    order_id   uuid        not null,
    list       text        collate "C" not null,
    ref        text        collate "C" not null,
    name       text        not null,  -- as it is listed, or why somebody holds it
    held_at    timestamptz not null,
    decision   text        collate "C" check (decision in ('released', 'rejected')),  -- null: it is held
    decided_at timestamptz,
    decided_by uuid,
    note       text        not null default '',
    kind         text        collate "C" not null default 'party' check (kind in ('party', 'fraud', 'hand')),
    due_at       timestamptz,  -- when it is decided by itself, if nobody has; null: it waits
    due_decision text        collate "C" check (due_decision in ('released', 'rejected')),
    primary key (cell, order_id, kind, list, ref),
    foreign key (cell, order_id) references orders.order (cell, id),
    check (num_nulls(decision, decided_at, decided_by) in (0, 3)),
    check ((due_at is null) = (due_decision is null))
);
create index hold_open on orders.hold (cell, order_id) where decision is null;
create index hold_due on orders.hold (cell, due_at) where decision is null and due_at is not null;
