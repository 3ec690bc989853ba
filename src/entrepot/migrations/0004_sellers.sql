-- Markets (country sites) and the sellers in them. Terms are dated data with their source.
create schema sellers;

create table sellers.market (
    code     text collate "C" primary key,
    name     text not null,
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    language text collate "C" not null,
    country  text collate "C" check (country ~ '^[A-Z]{2}$'),  -- whose law says what is shown here; null: none
    prices_with_tax boolean not null default true,  -- whether a price has the country's own tax in it
    payments text[] not null default '{}',  -- the ways of paying that it offers; '{}': all that the installation has
    time_zone text collate "C" not null default 'UTC'  -- by which its windows of delivery are said
);

create table sellers.market_terms (
    market            text        collate "C" not null references sellers.market,
    valid_from        timestamptz not null,
    valid_to          timestamptz,
    commission_bp     int         not null check (commission_bp between 0 and 10000),
    payment_fee_bp    int         not null check (payment_fee_bp between 0 and 10000),
    quote_ttl_s       int         not null check (quote_ttl_s > 0),
    payment_ttl_s     int         not null check (payment_ttl_s > 0),
    confirm_after_s   int         not null check (confirm_after_s >= 0),  -- delivered -> released without a word; 0: by the scan
    untracked_after_s int         not null check (untracked_after_s > 0),  -- shipped -> released without a scan
    source            text        not null,
    dispute_within_s  int         not null check (dispute_within_s >= 0),  -- completed -> still disputed
    answer_within_s   int         not null check (answer_within_s > 0),  -- a party's time for its next word in a dispute
    appeal_within_s   int         not null check (appeal_within_s > 0),  -- decided -> final
    return_within_s   int         not null check (return_within_s >= 0),  -- delivered -> still sent back unwanted; 0: not taken back
    send_back_within_s int        not null check (send_back_within_s > 0),  -- to send it back, and then to look at it
    primary key (market, valid_from),
    check (valid_to > valid_from)
);

create table sellers.seller (
    id            uuid        primary key,
    cell          smallint    not null,
    slug          text        collate "C" not null unique,
    name          text        not null,
    kind          text        collate "C" not null check (kind in ('third_party', 'own')),
    status        text        collate "C" not null check (status in ('active', 'suspended')),
    commission_bp int         check (commission_bp between 0 and 10000),  -- null: the market's
    created_at    timestamptz not null,
    settles_in    text        collate "C" check (settles_in ~ '^[A-Z]{3}$')  -- what it is paid in; null: what each sale was in
);

-- The sellers that are suspended, in their cells: a sale asks there, where its offers are.
create table sellers.suspended (
    cell      smallint not null,
    seller_id uuid     not null references sellers.seller,
    primary key (cell, seller_id)
);

-- Who a seller is before the law, or the house (seller nil): name, address, tax ids. What is said later is added; what a
-- document of a time says is what was known then.
create table sellers.identity (
    seller_id uuid        not null,
    id        uuid        not null,
    at        timestamptz not null,
    sealed    bytea       not null,  -- encrypted by the application
    said_by   uuid        not null,
    primary key (seller_id, id)
);

-- On which days people of a market work: ISO weekdays that are free, and public holidays. A market without a calendar has
-- no working days; deadlines and payouts there come on any day.
create table sellers.calendar (
    market  text       collate "C" primary key references sellers.market,
    weekend smallint[] not null,
    source  text       not null
);
create table sellers.day_off (
    market text collate "C" not null references sellers.calendar,
    day    date not null,
    name   text not null,
    primary key (market, day)
);
