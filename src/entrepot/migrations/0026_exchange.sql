-- Currencies: by which terms a market sells to buyers of its currency what is settled, or priced, in another. The rates
-- are trade's (trade.euro_rate); what an order was locked at is its own (orders.exchange). Nothing here is of a cell.
create schema exchange;

create table exchange.terms (
    market     text        collate "C" not null references sellers.market,
    valid_from timestamptz not null,
    spread_bp  int         not null check (spread_bp between 0 and 5000),  -- of what is exchanged; the operator's
    max_age_d  int         not null check (max_age_d between 1 and 31),    -- a rate that is older is none
    converts   boolean     not null,  -- whether offers of other markets may be offered here at a converted price
    source     text        not null,
    primary key (market, valid_from)
);
