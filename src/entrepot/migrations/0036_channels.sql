-- Goods that their seller sells elsewhere too: what a shop out there is told of stock, and what it has sold.
create schema channels;

-- A shop out there. It is told of `buffer` units fewer than there are, for what it has not heard of yet.
create table channels.channel (
    cell      smallint    not null,
    id        uuid        not null,
    seller_id uuid        not null,
    name      text        not null,
    buffer    bigint      not null check (buffer >= 0),
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (cell, id),
    unique (cell, seller_id, name)
);

-- Variants of which it is told of another number fewer.
create table channels.buffer (
    cell       smallint not null,
    channel_id uuid     not null,
    variant_id bigint   not null,
    units      bigint   not null check (units >= 0),
    primary key (cell, channel_id, variant_id),
    foreign key (cell, channel_id) references channels.channel (cell, id)
);

-- What it has sold, by its own number of it: asked for once, with these units of these variants. `taken` from stock, or
-- refused (`oversold`), with what was left of each then; `sent`, or `canceled`.
create table channels.sale (
    cell       smallint    not null,
    id         uuid        not null,
    channel_id uuid        not null,
    number     text        collate "C" not null,
    variants   bigint[]    not null,
    quantities bigint[]    not null,
    left_over  bigint[],
    status     text        collate "C" not null check (status in ('taken', 'oversold', 'sent', 'canceled')),
    at         timestamptz not null,
    ended_at   timestamptz,
    primary key (cell, id),
    unique (cell, channel_id, number),
    foreign key (cell, channel_id) references channels.channel (cell, id),
    check ((status = 'oversold') <= (left_over is not null)),
    check ((status in ('sent', 'canceled')) = (ended_at is not null))
);
create index sale_latest on channels.sale (cell, channel_id, id);
create index sale_oversold on channels.sale (cell, channel_id, id) where status = 'oversold';

-- From where it was taken.
create table channels.taken (
    cell     smallint not null,
    sale_id  uuid     not null,
    stock_id bigint   not null,
    quantity bigint   not null check (quantity > 0),
    primary key (cell, sale_id, stock_id),
    foreign key (cell, sale_id) references channels.sale (cell, id)
);
