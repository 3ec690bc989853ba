-- The kit: what every room stands on. Every table of a sale starts with its cell (design.md, idea 3).
create schema kit;

-- The cells that there are. What does not know its cell (a carrier's scan, a gateway's word) is looked up in all.
create table kit.cell (
    cell smallint primary key check (cell >= 0)
);
insert into kit.cell values (0);

-- The event log. Identity order is not commit order: consumers read in (xid, id) order below the
-- oldest transaction still running, so that a late committer is never skipped.
create table kit.event (
    cell    smallint    not null,
    xid     xid8        not null default pg_current_xact_id(),
    id      bigint      not null generated always as identity,
    kind    text        collate "C" not null,
    version smallint    not null default 1,
    key     uuid        not null,
    at      timestamptz not null,
    data    jsonb       not null,
    primary key (cell, xid, id)
);

create table kit.cursor (
    cell     smallint not null,
    consumer text     collate "C" not null,
    xid      xid8     not null default '0',
    id       bigint   not null default 0,
    primary key (cell, consumer)
);

-- One row per write that a caller named; the answer is stored with the effect, a refusal leaves no row.
create table kit.idempotency_key (
    cell      smallint    not null,
    caller    uuid        not null,
    route     text        collate "C" not null,
    key       text        collate "C" not null,
    body_hash bytea       not null,
    ref       uuid,
    status    smallint    not null,
    answer    bytea,
    at        timestamptz not null,
    primary key (cell, caller, route, key)
);
create index idempotency_key_at on kit.idempotency_key using brin (at);

-- Secrets (connector credentials, webhook keys), encrypted by the application before they get here.
create table kit.secret (
    name       text        collate "C" primary key,
    ciphertext bytea       not null,
    updated_at timestamptz not null
);

create function kit.emit_many(p_cell smallint, p_now timestamptz, p_kinds text[], p_keys uuid[], p_data jsonb[])
returns void language sql set search_path = pg_catalog as $$
    insert into kit.event (cell, kind, key, at, data)
    select p_cell, e.kind, e.key, p_now, e.data
      from unnest(p_kinds, p_keys, p_data) as e (kind, key, data);
$$;
