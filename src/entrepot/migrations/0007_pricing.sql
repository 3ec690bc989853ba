-- Prices beyond the offer's own: shipping services and promotions, with who pays for a discount.
create schema pricing;

create table pricing.shipping_service (
    market      text   collate "C" not null references sellers.market,
    code        text   collate "C" not null,
    name        text   not null,
    base_minor  bigint not null check (base_minor >= 0),  -- per order (one seller and ship-from)
    item_minor  bigint not null check (item_minor >= 0),  -- per line
    transit_s   int    not null check (transit_s > 0),
    position    int    not null,
    primary key (market, code)
);

create table pricing.promotion (
    code          text        collate "C" primary key,
    market        text        collate "C" not null references sellers.market,
    percent_bp    int         check (percent_bp between 1 and 10000),
    amount_minor  bigint      check (amount_minor > 0),
    minimum_minor bigint      not null default 0 check (minimum_minor >= 0),
    funding_party text        collate "C" not null check (funding_party in ('operator', 'seller')),
    valid_from    timestamptz not null,
    valid_to      timestamptz not null,
    check ((percent_bp is null) <> (amount_minor is null)),
    check (valid_to > valid_from)
);
