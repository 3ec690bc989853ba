-- May it be sold: what a product is, what the law of a country says about such things, who may sell them all the same,
-- and to whom nothing is sent. Nothing of trade belongs to a cell.

-- What is prohibited, needs a permit or an age: dated, with its source and an explanation in each language. A mark is
-- the beginning of an HS code (two, four or six digits) or a trait. Facts of one name in one country are one rule.
create table trade.restriction (
    country    text     collate "C" not null check (country ~ '^[A-Z]{2}$'),
    mark       text     collate "C" not null check (mark ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[a-z][a-z_]{0,39})$'),
    name       text     collate "C" not null,
    effect     text     collate "C" not null check (effect in ('prohibited', 'permit', 'age')),
    age        smallint check (age between 1 and 99),
    proof      text     collate "C" not null check (proof in ('stated', 'birth_date')),
    not_from   text[]   not null,  -- it does not hold for what is sent from these countries
    text       jsonb    not null,  -- {language: why}
    citation   text     not null,
    valid_from date     not null,
    valid_to   date,
    source     text     collate "C" not null,
    primary key (country, mark, name, valid_from, source),
    check ((age is not null) = (effect = 'age')),
    check (valid_to > valid_from)
);
create index restriction_source on trade.restriction (source);

-- What a variant, or all that lies in a category, is: battery, food, alcohol ... A seller says it of what it offers,
-- the operator (null) of anything.
create table trade.trait (
    variant_id bigint not null references catalog.variant,
    trait      text   collate "C" not null check (trait ~ '^[a-z][a-z_]{0,39}$'),
    said_by    uuid,
    primary key (variant_id, trait)
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

create view trade.mark as
select i.variant_id, substr(i.hs_code, 1, d.digits) as mark
  from trade.item i cross join (values (2), (4), (6)) as d (digits)
union all
select t.variant_id, t.trait from trade.trait t
union all
select v.id, t.trait
  from catalog.variant v
  join catalog.product p on p.id = v.product_id
  join catalog.category c on c.id = p.category_id
  join trade.category_trait t on t.category_id = any (c.above);

-- What each country's rules say of each variant, whatever the day, the seller and the place it is sent from.
create view trade.barrier as
select m.variant_id, r.country, r.name, r.effect, r.age, r.proof, r.not_from, r.text, r.citation, r.valid_from, r.valid_to
  from trade.mark m
  join trade.restriction r on r.mark = m.mark;

-- The age that a buyer has given, and how: 'birth_date' is worth more than 'stated'. The date itself is not kept.
create table orders.age_given (
    cell     smallint    not null,
    buyer_id uuid        not null,
    age      smallint    not null check (age between 1 and 99),
    proof    text        collate "C" not null check (proof in ('stated', 'birth_date')),
    given_at timestamptz not null,
    primary key (cell, buyer_id, proof)
);
