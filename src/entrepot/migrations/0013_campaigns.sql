-- Campaigns (flash sales): offers for a time, with a price, goods and a limit per buyer of their own.
create schema campaigns;

create table campaigns.campaign (
    cell      smallint    not null,
    id        uuid        not null,
    market    text        collate "C" not null references sellers.market,
    name      text        not null,
    starts_at timestamptz not null,
    ends_at   timestamptz not null,
    primary key (cell, id),
    check (ends_at >= starts_at)
);
create index campaign_ends on campaigns.campaign (cell, ends_at);

create table campaigns.offer (
    cell           smallint not null,
    campaign_id    uuid     not null,
    offer_id       bigint   not null,  -- of the status `campaign`: what is sold
    shelf_offer_id bigint   not null,  -- the same goods outside of the campaign
    stock_id       bigint   not null,  -- what is set aside
    units          bigint   not null check (units > 0),
    max_per_buyer  bigint   not null check (max_per_buyer > 0),  -- units
    settled        boolean  not null default false,  -- nothing of what was set aside is left there
    primary key (cell, campaign_id, offer_id),
    foreign key (cell, campaign_id) references campaigns.campaign (cell, id)
);
create index offer_unsettled on campaigns.offer (cell, campaign_id) where not settled;

-- The waiting room. `given` positions were given, from 0 on; `served` of them were let in until `served_at`, and since
-- then `admit_per_s` more each second, as long as somebody waits.
create table campaigns.line (
    cell        smallint    not null,
    campaign_id uuid        not null,
    admit_per_s int         check (admit_per_s > 0),  -- null: nobody needs to wait
    given       bigint      not null default 0,
    served      bigint      not null default 0,
    served_at   timestamptz not null,
    primary key (cell, campaign_id),
    foreign key (cell, campaign_id) references campaigns.campaign (cell, id),
    check (served <= given)
) with (fillfactor = 50);
