-- Use of the operator's services by sellers, and what it costs. What is metered and at which prices is dated and shared by
-- all cells; events and bills stand in their seller's cell.
create schema metering;

create table metering.meter (
    code      text        collate "C" primary key check (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    name      text        not null,
    unit      text        not null,
    combine   text        collate "C" not null check (combine in ('sum', 'count', 'max')),
    filter_by text        collate "C" not null,  -- the property whose values have prices of their own; '': none has
    added_at  timestamptz not null
);

-- What a meter costs from a day (UTC) on, in all markets of a currency. Of what is over each `over`, up to the next, a
-- unit costs so many millionths of a minor unit. A price is never changed: a later one follows it.
create table metering.rate (
    meter       text   collate "C" not null references metering.meter,
    currency    text   collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    filter      text   collate "C" not null,  -- of the events of this value; '': of all that have no price of their own
    valid_from  date   not null,
    over        bigint[] not null,
    rates_micro bigint[] not null,
    source      text   not null,
    primary key (meter, currency, filter, valid_from),
    check (cardinality(over) = cardinality(rates_micro) and over[1] = 0 and 0 <= all (rates_micro))
);

-- Whose use is metered. What comes now of an earlier month goes on the bill of `open_month`, the first that is not made:
-- whoever reports shares the row, whoever bills has it alone, so that each event is on exactly one bill.
create table metering.account (
    cell       smallint not null,
    seller_id  uuid     not null,
    open_month date     not null,
    primary key (cell, seller_id)
);
create index account_open on metering.account (cell, open_month);

-- Use as it was reported. The first report of an id is the event, whatever a later one says.
create table metering.event (
    cell        smallint    not null,
    seller_id   uuid        not null,
    event_id    text        collate "C" not null,
    meter       text        collate "C" not null,
    filter      text        collate "C" not null,  -- of its properties the one that decides the price
    market      text        collate "C" not null,
    currency    text        collate "C" not null,
    quantity    bigint      not null check (quantity >= 0),
    at          timestamptz not null,
    properties  jsonb       not null,
    received_at timestamptz not null,
    month       date        not null,  -- on the bill of which it is: its own, or a later one if it came late
    primary key (cell, seller_id, event_id),
    check (at <= received_at)
);
create index event_month on metering.event (cell, month, seller_id, event_id);  -- of a seller, and of all

-- What a seller's use in a month cost: the transfer usage_fee of this id, and that of the tax.
create table metering.bill (
    cell      smallint    not null,
    id        uuid        not null,
    seller_id uuid        not null,
    month     date        not null,
    currency  text        collate "C" not null,
    net_minor bigint      not null check (net_minor >= 0),
    tax_minor bigint      not null check (tax_minor >= 0),
    tax_bp    int,
    tax_kind  text        collate "C" check (tax_kind in ('standard', 'reverse_charge', 'outside')),
    at        timestamptz not null,
    primary key (cell, id),
    unique (cell, seller_id, month, currency)
);

-- So much of a meter, used in a month (an earlier one, if it was reported late), at one price of one tier.
create table metering.line (
    cell        smallint not null,
    bill_id     uuid     not null,
    no          smallint not null,
    meter       text     collate "C" not null,
    filter      text     collate "C" not null,
    use_month   date     not null,
    rate_filter text     collate "C" not null,  -- with valid_from: by which price
    valid_from  date     not null,
    over        bigint   not null,
    quantity    bigint   not null check (quantity > 0),
    rate_micro  bigint   not null check (rate_micro >= 0),
    net_minor   bigint   not null check (net_minor >= 0),
    primary key (cell, bill_id, no),
    unique (cell, bill_id, meter, filter, use_month, rate_filter, valid_from, over),
    foreign key (cell, bill_id) references metering.bill (cell, id)
);
