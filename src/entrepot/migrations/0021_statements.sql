-- Statements of account are read from the ledger; what they need beside it is by which clock a month begins.
create schema statements;

-- By the clock of this zone the months of statements in a currency begin, from a month on. Rows are added, never changed,
-- and only for months to come: a month that has begun stays as it is. Where there is none, UTC.
create table statements.zone (
    currency   text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    valid_from date not null check (extract(day from valid_from) = 1),
    zone       text collate "C" not null,
    source     text not null,
    primary key (currency, valid_from)
);
