-- People. `user` is a pseudonym that orders, events and the ledger may name; everything that tells who it is
-- (login, person, address) lies apart and can be erased without touching them.
create schema accounts;

create table accounts.user (
    cell       smallint    not null,
    id         uuid        not null,
    role       text        collate "C" not null check (role in ('buyer', 'seller', 'operator')),
    seller_id  uuid,
    created_at timestamptz not null,
    erased_at  timestamptz,  -- from then on nothing may say again who it was
    generation int         not null default 0,  -- how often all its sessions were ended
    ended_at   timestamptz,  -- when they were last
    primary key (cell, id),
    check ((role = 'seller') = (seller_id is not null))
);
create index user_ended on accounts.user (cell, ended_at) where ended_at is not null;
create index user_staff on accounts.user (cell, role, seller_id) where role <> 'buyer';

-- Log-ins are found before the cell is known, so this one is shared by all cells, and cannot refer into one.
create table accounts.login (
    email         text     collate "C" primary key check (email = lower(email)),
    cell          smallint not null,
    user_id       uuid     not null unique,
    password_hash text     not null,
    proven_at     timestamptz  -- when a link that was sent there was followed
);

create table accounts.person (
    cell    smallint not null,
    user_id uuid     not null,
    name    text     not null,
    primary key (cell, user_id),
    foreign key (cell, user_id) references accounts.user (cell, id) on delete cascade
);

-- A buyer without a password, for as long as that is so: whoever has its session, or the link in a letter about one of
-- its purchases. Several guests may have said one e-mail, and so may an account: nothing is looked up by it until an
-- account has proven that it reads what is sent there.
create table accounts.guest (
    cell    smallint not null,
    user_id uuid     not null,
    email   text     collate "C" check (email = lower(email)),  -- null: there is only a cart so far
    primary key (cell, user_id),
    foreign key (cell, user_id) references accounts.user (cell, id) on delete cascade
);
create index guest_email on accounts.guest (cell, email) where email is not null;
create index guest_cart on accounts.guest (cell, user_id) where email is null;

-- The link that a guest's letters have, by its hash: it opens one purchase.
create table accounts.guest_link (
    cell     smallint    not null,
    group_id uuid        not null,
    user_id  uuid        not null,
    hash     bytea       not null,
    made_at  timestamptz not null,
    primary key (cell, group_id),
    foreign key (cell, user_id) references accounts.user (cell, id) on delete cascade
);
create index guest_link_user on accounts.guest_link (cell, user_id);

create table accounts.address (
    cell        smallint    not null,
    id          uuid        not null,
    user_id     uuid        not null,
    recipient   text        not null,
    line1       text        not null,
    line2       text        not null default '',
    city        text        not null default '',
    district    text        not null default '',
    region      text        not null default '',
    postal_code text        not null default '',
    country     text        collate "C" not null check (country ~ '^[A-Z]{2}$'),
    phone       text        not null default '',  -- as E.164 writes it; empty: none
    tax_id      text        not null default '',  -- of a business that buys, by the country's check digits
    is_default  boolean     not null default false,
    created_at  timestamptz not null,
    removed_at  timestamptz,  -- from then on for nothing new: what was ordered to it still has to find it
    primary key (cell, id),
    foreign key (cell, user_id) references accounts.user (cell, id) on delete cascade,
    check (not (is_default and removed_at is not null))
);
create index address_user on accounts.address (cell, user_id) where removed_at is null;
create unique index address_default on accounts.address (cell, user_id) where is_default;
create index address_removed on accounts.address (cell, removed_at) where removed_at is not null;

-- Log-ins that failed or are being judged, by the hash of the address or e-mail tried: no personal data.
create table accounts.login_attempt (
    id  bigint      primary key generated always as identity,
    who bytea       not null,
    at  timestamptz not null
);
create index login_attempt_who on accounts.login_attempt (who, at);
create index login_attempt_at on accounts.login_attempt (at);
