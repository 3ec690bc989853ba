-- Borders: what goods are called at customs, what they cost there, and the law of each country. All of it is dated and
-- names its source; nothing here belongs to a cell.
create schema trade;

-- What was read: a file, or a pack of facts that ships with the program. The same digest again changes nothing.
create table trade.source (
    name        text        collate "C" primary key,
    title       text        not null,
    digest      text        not null,  -- SHA-256 of what was read, and of how it is read
    imported_at timestamptz not null,
    read        int         not null,
    unread      jsonb       not null   -- {reason: [how many, examples]}
);

-- The codes of a nomenclature: HS (6 digits), US (8), EU (up to 10).
create table trade.code (
    nomenclature text    collate "C" not null,
    code         text    collate "C" not null check (code ~ '^[0-9]{2,10}$'),
    valid_from   date    not null,
    valid_to     date,
    leaf         boolean not null,
    source       text    collate "C" not null,
    primary key (nomenclature, code, valid_from),
    check (valid_to > valid_from)
);

create table trade.code_text (
    nomenclature text collate "C" not null,
    code         text collate "C" not null,
    language     text collate "C" not null,
    text         text not null,
    source       text collate "C" not null,
    primary key (nomenclature, code, language)
);

-- What a tariff takes: `expression` as trade.expressions writes it. `program` is mfn, or what is taken instead of that:
-- a preference, or column_2.
create table trade.duty_rate (
    tariff     text collate "C" not null,
    code       text collate "C" not null check (code ~ '^[0-9]{6,10}$'),
    heading    text collate "C" not null generated always as (substr(code, 1, 6)) stored,  -- what all countries share
    program    text collate "C" not null,
    valid_from date not null,
    valid_to   date,
    expression text not null,  -- empty where the line is there and was not read: what may be of it is refused
    line       int  not null,  -- of the source, counted from 1; the heading is line 1 where there is one
    source     text collate "C" not null,
    primary key (tariff, heading, code, program, valid_from),
    check (valid_to > valid_from)
);

-- The law of a country, one fact a row: facts of one kind have the fields of the type of that name in trade.types.
create table trade.law (
    country    text   collate "C" not null check (country ~ '^[A-Z]{2}$'),
    kind       text   collate "C" not null,
    valid_from date   not null,
    valid_to   date,
    facts      jsonb  not null,
    citation   text   not null,
    source     text   collate "C" not null,
    check (valid_to > valid_from)
);
create index law_country on trade.law (country, kind);

-- So many units of a currency are one euro, by one source or another.
create table trade.euro_rate (
    currency text    collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    day      date    not null,
    rate     numeric not null check (rate > 0),
    source   text    collate "C" not null,
    primary key (currency, day, source)
);

-- The index that codes are found by (trade.words): in which of them a word is, and what it weighs there.
create table trade.word (
    language text       collate "C" not null,
    word     text       collate "C" not null,
    codes    int[]      not null,
    weights  smallint[] not null,
    source   text       collate "C" not null,
    primary key (word, language)
);

-- What a variant of the catalog is called at customs, and what its duty may depend on.
create table trade.item (
    variant_id          bigint      primary key references catalog.variant,
    hs_code             text        collate "C" not null check (hs_code ~ '^[0-9]{6}$'),
    tariff_codes        jsonb       not null,  -- {tariff: its own code}
    country_of_origin   text        collate "C" not null check (country_of_origin ~ '^[A-Z]{2}$'),
    customs_description text        not null,
    weight_g            int         not null check (weight_g > 0),  -- of one unit of the variant, net
    volume_ml           int         check (volume_ml > 0),
    said_by             uuid,                 -- the seller; null: the operator
    updated_at          timestamptz not null
);
