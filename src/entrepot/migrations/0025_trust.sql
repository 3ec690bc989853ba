-- Trust: who did what (kit.audit), what needs a second person (approvals), what buyers say (reviews), which orders somebody
-- has to look at (orders: fraud), and sessions that were ended.

-- One line for each act of an operator or of a seller's staff that changed something. Only ids say who it was.
create table kit.audit_line (
    cell      smallint    not null,
    id        uuid        not null,
    at        timestamptz not null,
    user_id   uuid        not null,
    role      text        collate "C" not null,
    seller_id uuid,
    route     text        collate "C" not null,  -- method and address with {names}
    address   text        collate "C" not null,
    said      jsonb       not null,  -- the body, without what says who a person is, and cut
    before    jsonb       not null,  -- what was overwritten
    told      text[]      not null,  -- the events that came of it
    names     text[]      collate "C" not null,  -- the ids in the address and of the events
    origin    text        collate "C" not null,  -- the network address
    primary key (cell, id)
);
create index audit_line_user on kit.audit_line (cell, user_id, id);
create index audit_line_seller on kit.audit_line (cell, seller_id, id) where seller_id is not null;
create index audit_line_names on kit.audit_line using gin (names);

create function kit.refuse_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'what is written here stays as it is' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_line_stays before update or delete or truncate on kit.audit_line
    for each statement execute function kit.refuse_change();

-- What one operator does not do alone.
create schema approvals;

-- What one may do alone in 24 hours. An action without a row needs nobody; one with some rows, in another currency, always
-- somebody. XXX is the currency of what has no amount.
create table approvals.alone (
    action      text        collate "C" not null,
    currency    text        collate "C" not null,
    limit_minor bigint      not null check (limit_minor >= 0),
    set_at      timestamptz not null,
    set_by      uuid        not null,
    primary key (action, currency)
);

-- What was done alone, and the limit that it was within.
create table approvals.done_alone (
    id           uuid        primary key,
    user_id      uuid        not null,
    action       text        collate "C" not null,
    currency     text        collate "C" not null,
    amount_minor bigint      not null check (amount_minor between 0 and limit_minor),
    limit_minor  bigint      not null,
    at           timestamptz not null
);
create index done_alone_user on approvals.done_alone (user_id, action, currency, at);

-- What somebody has asked for; `args` are the action's. It is done by the transaction that approves it.
create table approvals.request (
    id           uuid        primary key,
    action       text        collate "C" not null,
    args         jsonb       not null,
    currency     text        collate "C" not null,
    amount_minor bigint      not null,
    asked_by     uuid        not null,
    asked_at     timestamptz not null,
    expires_at   timestamptz not null check (expires_at > asked_at),
    status       text        collate "C" not null default 'waiting' check (status in ('waiting', 'approved', 'refused')),
    decided_by   uuid,
    decided_at   timestamptz,
    note         text        not null default '',
    check (status <> 'approved' or (decided_by <> asked_by and decided_at < expires_at)),
    check ((status = 'waiting') = (decided_at is null)),
    check ((decided_by is null) = (decided_at is null))
);
create index request_waiting on approvals.request (id) where status = 'waiting';
