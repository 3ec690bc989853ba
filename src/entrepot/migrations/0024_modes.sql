-- Import modes: for what the platform is registered, who buyers are at customs, the tax that it collects, and goes back.

-- For which schemes (IOSS, OSS, UK ...) the platform is registered, and so collects the tax of what it sells by them.
create table trade.registration (
    scheme     text        collate "C" not null,
    valid_from date        not null,
    valid_to   date,
    number     text        not null,
    said_by    uuid        not null,
    said_at    timestamptz not null,
    primary key (scheme, valid_from),
    check (valid_to > valid_from)
);

-- Where sellers are established, as far as it was said: who sells within a union from outside is not its own taxpayer.
create table trade.establishment (
    seller_id uuid        primary key,
    country   text        collate "C" not null check (country ~ '^[A-Z]{2}$'),
    said_by   text        collate "C" not null default 'operator' check (said_by in ('operator', 'seller')),
    said_at   timestamptz not null
);

-- People who have said who they are at customs, and in which cell: what they may bring in a year is counted in one place,
-- whatever accounts they have.
create table trade.person (
    id         uuid     primary key,
    counted_in smallint not null
);

-- Who a buyer is at customs in a country. The number is sealed; the person is known by its digest with our secret.
create table orders.identity (
    cell      smallint    not null,
    buyer_id  uuid        not null,
    country   text        collate "C" not null,
    person_id uuid        not null,  -- trade.person
    name      text        not null,
    ending    text        not null,
    sealed    bytea       not null,
    said_at   timestamptz not null,
    primary key (cell, buyer_id, country)
);
create index identity_person on orders.identity (cell, person_id);

-- Tax that a scheme had collected and that went back, by rate: with an order that was canceled, or with a part. The next
-- return has it, as a correction of the period that the order was paid in.
create table orders.tax_back (
    cell       smallint    not null,
    cause_id   uuid        not null,  -- the order, or the part
    rate_bp    int         not null,
    order_id   uuid        not null,
    base_minor bigint      not null check (base_minor >= 0),
    tax_minor  bigint      not null check (tax_minor >= 0),
    at         timestamptz not null,
    primary key (cell, cause_id, rate_bp)
);
create index tax_back_order on orders.tax_back (cell, order_id);

-- Returns of the taxes that the platform collected, as they were filed. They are the house's, and lie beside the cells.
create schema customs;
create table customs.tax_return (
    id        uuid        primary key,
    scheme    text        collate "C" not null,
    number    text        not null,  -- of the registration, on the period's last day
    first_day date        not null,
    last_day  date        not null,
    due_on    date        not null,
    content   jsonb       not null,  -- customs.Content: its lines, and what the account moved in each cell and currency
    filed_at  timestamptz not null,
    filed_by  uuid        not null,
    paid_at   timestamptz,
    paid_by   uuid,
    reference text        not null default '',  -- of the payment
    unique (scheme, first_day),
    check (num_nulls(paid_at, paid_by) in (0, 2))
);

-- What brokers and carriers ask for duty, import tax and clearance that they have paid for us. The invoice is the house's;
-- its lines are where their orders are. A line that fits what buyers paid for its order is settled at once, another
-- waits for somebody to accept or to reject it.
create table customs.broker_invoice (
    id          uuid        primary key,
    broker      text        not null,
    number      text        collate "C" not null,
    currency    text        collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    issued_on   date        not null,
    recorded_at timestamptz not null,
    recorded_by uuid        not null,
    paid_at     timestamptz,
    paid_by     uuid,
    reference   text        not null default '',  -- of the payment
    unique (broker, number),
    check (num_nulls(paid_at, paid_by) in (0, 2))
);
create table customs.broker_line (
    cell          smallint not null,
    id            uuid     not null,
    invoice_id    uuid     not null,
    no            smallint not null,
    told          text     not null,  -- what the broker calls it: an order, or a tracking number
    order_id      uuid,               -- null: nobody knows of which it is
    asked_minor   bigint   not null check (asked_minor <> 0),  -- below zero: given back
    settled_minor bigint   not null default 0,  -- of what buyers paid for the order's border; the rest is a difference
    status        text     collate "C" not null check (status in ('settled', 'open', 'rejected')),
    reason        text     collate "C" not null default '' check (reason in (
        '', 'unknown', 'currency', 'nothing_paid', 'settled_before', 'differs')),
    decided_at    timestamptz,
    decided_by    uuid,
    note          text     not null default '',
    primary key (cell, id),
    check ((reason = '') <= (status = 'settled'))
);
create index broker_line_invoice on customs.broker_line (cell, invoice_id, no);
create index broker_line_order on customs.broker_line (cell, order_id) where order_id is not null;
