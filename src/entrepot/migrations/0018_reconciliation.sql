-- What the bank and the payment provider say of our money, beside what the books say, and where they differ. All of it is the
-- house's, and lies beside the cells.
create schema reconciliation;

-- A statement of one of the house's bank accounts (ISO 20022 camt.053), taken in once: by the bank's name for it.
create table reconciliation.statement (
    id            uuid        primary key,
    currency      text        collate "C" not null,
    ending        text        collate "C" not null,  -- of the account's IBAN
    name          text        collate "C" not null,
    first_day     date        not null,
    last_day      date        not null,
    opening_minor bigint,
    closing_minor bigint,
    entries       int         not null,
    digest        bytea       not null,  -- of what was told: the same name must not stand for something else
    imported_at   timestamptz not null,
    imported_by   uuid        not null,  -- nil: by the command
    unique (currency, ending, name)
);

create table reconciliation.entry (
    statement_id uuid    not null references reconciliation.statement,
    number       int     not null,
    day          date    not null,
    currency     text    collate "C" not null,
    amount_minor bigint  not null check (amount_minor <> 0),  -- negative: it left the account
    reference    text    collate "C" not null,  -- the payer's own for it, else what the payment says it is for
    is_return    boolean not null,
    primary key (statement_id, number)
);
create index entry_day on reconciliation.entry (day);

-- What the provider says it did for us, and paid us for it.
create table reconciliation.report (
    id          uuid        primary key,
    provider    text        collate "C" not null,
    name        text        collate "C" not null,
    first_day   date        not null,
    last_day    date        not null,
    lines       int         not null,
    digest      bytea       not null,
    imported_at timestamptz not null,
    imported_by uuid        not null,
    unique (provider, name)
);

create table reconciliation.report_line (
    report_id    uuid        not null references reconciliation.report,
    number       int         not null,
    kind         text        collate "C" not null check (kind in (
        'payment', 'refund', 'dispute', 'dispute_back', 'settlement')),
    id           text        collate "C" not null,  -- the provider's
    reference    text        collate "C" not null,  -- ours
    currency     text        collate "C" not null,
    amount_minor bigint      not null check (amount_minor >= (kind <> 'dispute_back')::int),
    fee_minor    bigint      not null check (fee_minor >= 0 or kind = 'dispute_back'),  -- less: it comes back
    settlement   text        collate "C" not null,  -- by which this was paid to us
    at           timestamptz not null,
    primary key (report_id, number)
);
create index report_line_at on reconciliation.report_line (at);

-- What a provider may keep of each payment, as agreed.
create table reconciliation.provider_fee (
    provider    text        collate "C" not null,
    currency    text        collate "C" not null,
    valid_from  timestamptz not null,
    fee_bp      int         not null check (fee_bp between 0 and 10000),
    fixed_minor bigint      not null check (fixed_minor >= 0),
    source      text        not null,
    primary key (provider, currency, valid_from)
);

-- Where they differ: found once, and open until a person says what it was, or until it is no longer so (cleared).
create table reconciliation.discrepancy (
    id             uuid        not null unique,
    kind           text        collate "C" not null,
    subject        text        collate "C" not null,  -- a payment, refund or payout of ours, or theirs by their name
    day            date        not null,
    currency       text        collate "C" not null,
    expected_minor bigint,
    found_minor    bigint,
    status         text        collate "C" not null default 'open' check (status in ('open', 'resolved', 'cleared')),
    found_at       timestamptz not null,
    ended_at       timestamptz,
    ended_by       uuid,
    note           text,
    primary key (kind, subject),
    check ((status = 'open') = (ended_at is null)),
    check ((status = 'resolved') = (ended_by is not null) and (status = 'resolved') = (note is not null))
);
create index discrepancy_open on reconciliation.discrepancy (id) where status = 'open';
create index discrepancy_day on reconciliation.discrepancy (day);
