-- The way of an order: cart, quote, order group, orders, lines.
create schema orders;

create table orders.cart (
    cell            smallint    not null,
    id              uuid        not null,
    buyer_id        uuid        not null,
    market          text        collate "C" not null references sellers.market,
    address_id      uuid,
    shipping_code   text        collate "C",
    promotion_code  text        collate "C",
    slot_id         bigint,  -- of the shipping service
    updated_at      timestamptz not null,
    primary key (cell, id)
);
create index cart_buyer on orders.cart (cell, buyer_id);

create table orders.cart_line (
    cell     smallint not null,
    cart_id  uuid     not null,
    offer_id bigint   not null,
    quantity bigint   not null check (quantity between 1 and 1000000),
    offer_cell smallint,  -- where it is sold; null: in the cart's cell
    primary key (cell, cart_id, offer_id),
    foreign key (cell, cart_id) references orders.cart (cell, id) on delete cascade
);

-- A quote is one row of parallel arrays: one probe reads it, one insert stores it. `order_*` have one element per
-- order (seller and ship-from), `line_*` one per line, `discount_*` one per discount. Placing it makes the order
-- group of the same id, so a quote is placed at most once. Up to 60 lines or so stay in the row uncompressed, for
-- placing takes every element by its subscript.
--
-- What is sold in another cell than the buyer's stands there, in a row of the same id with the orders and lines of that
-- cell and their sum (docs/adr/0012). The buyer's own row knows the sum of all and what is sold elsewhere.
create table orders.quote (
    cell                     smallint    not null,
    id                       uuid        not null,
    buyer_id                 uuid        not null,
    cart_id                  uuid,
    market                   text        collate "C" not null,
    currency                 text        collate "C" not null,
    address_id               uuid,
    shipping_code            text        collate "C" not null,
    paid_minor               bigint      not null check (paid_minor >= 0),
    created_at               timestamptz not null,
    expires_at               timestamptz not null,
    pay_by_s                 int         not null,
    group_cell               smallint,    -- the buyer's, in the other cells' rows; null: this one
    other_cells              smallint[],  -- in the buyer's row: the other cells, ascending; null: none
    order_ids                uuid[]      not null,
    order_sellers            uuid[]      not null,
    order_owns               boolean[]   not null,
    order_locations          bigint[]    not null,
    order_items              bigint[]    not null,
    order_shipping           bigint[]    not null,
    order_seller_discounts   bigint[]    not null,
    order_operator_discounts bigint[]    not null,
    order_commissions        bigint[]    not null,
    order_payment_fees       bigint[]    not null,
    order_duties             bigint[]    not null default '{}',  -- what is paid now for the border (DDP); '{}': nothing
    order_withheld           bigint[]    not null default '{}',  -- tax in the prices that we owe; '{}': none
    order_fee_rules          bigint[]    not null default '{}',  -- by which rule the payment fee is; '{}': the terms
    order_fee_taxes          bigint[]    not null default '{}',  -- on commission and payment fee; '{}': no tax at all
    order_fee_tax_kinds      text[]      not null default '{}',
    order_fee_tax_bps        int[]       not null default '{}',
    line_orders              smallint[]  not null,
    line_offers              bigint[]    not null,
    line_variants            bigint[]    not null,
    line_stocks              bigint[]    not null,
    line_quantities          bigint[]    not null,
    line_prices              bigint[]    not null,
    line_prices_per          int[]       not null,
    line_roundings           bigint[]    not null,
    line_grosses             bigint[]    not null,
    line_shippings           bigint[]    not null,
    line_commission_bps      int[]       not null,
    line_commissions         bigint[]    not null,
    line_fee_rules           bigint[]    not null default '{}',  -- by which rule the commission is; '{}': the terms
    line_bundles             smallint[]  not null default '{}',  -- which bundle a line is of; 0: none; '{}': all none
    bundle_prices            bigint[]    not null default '{}',  -- of one of each bundle
    discount_lines           smallint[]  not null,
    discount_kinds           text[]      not null,
    discount_parties         text[]      not null,
    discount_amounts         bigint[]    not null,
    quota_ids                bigint[]    not null,  -- what placing it uses up, and how much of each
    quota_amounts            bigint[]    not null,
    away_orders              uuid[],      -- the orders sold in other cells, and what is paid for each, with duties
    away_paid                bigint[],
    slot_id                  bigint,  -- when it is delivered: each order takes a place of it; null: whenever
    primary key (cell, id)
) with (toast_tuple_target = 8160);
-- Not led by the cell: while the table is young the planner would take it to look up a quote by its id.
create index quote_expiry on orders.quote (expires_at);

create table orders.order_group (
    cell       smallint    not null,
    id         uuid        not null,  -- the quote's
    buyer_id   uuid        not null,
    market     text        collate "C" not null,
    currency   text        collate "C" not null,
    address_id uuid,
    paid_minor bigint      not null check (paid_minor >= 0),
    status     text        collate "C" not null check (status in (
        'awaiting_payment', 'placed', 'expired', 'canceled')),
    pay_by     timestamptz,
    placed_at  timestamptz not null,
    other_cells smallint[],  -- where more of its orders are, ascending; null: all are here
    primary key (cell, id)
);
-- Orders that were sold in another cell, in that of their buyer, who asks for them by their id.
create table orders.away_order (
    cell       smallint not null,
    id         uuid     not null,
    order_cell smallint not null check (order_cell <> cell),
    primary key (cell, id)
);
create index order_group_buyer on orders.order_group (cell, buyer_id, id);
create index order_group_pay_by on orders.order_group (cell, pay_by) where status = 'awaiting_payment';

-- One seller's part from one ship-from location. paid + operator_discount lies in escrow until it is released. What was
-- paid for the border beside it (DDP: duty, import tax, clearance) lies in the account `duties` and is no seller's.
create table orders.order (
    cell                    smallint    not null,
    id                      uuid        not null,
    group_cell              smallint    not null,
    group_id                uuid        not null,
    buyer_id                uuid        not null,
    seller_id               uuid        not null,
    own                     boolean     not null,  -- the operator sells on its own account
    location_id             bigint      not null,
    market                  text        collate "C" not null,
    currency                text        collate "C" not null,
    status                  text        collate "C" not null check (status in (
        'awaiting_payment', 'paid', 'shipped', 'delivered', 'completed', 'canceled', 'expired', 'refunded')),
    items_minor             bigint      not null,
    shipping_minor          bigint      not null check (shipping_minor >= 0),
    seller_discount_minor   bigint      not null check (seller_discount_minor >= 0),
    operator_discount_minor bigint      not null check (operator_discount_minor >= 0),
    paid_minor              bigint      not null check (paid_minor >= 0),
    commission_minor        bigint      not null check (commission_minor >= 0),
    payment_fee_minor       bigint      not null check (payment_fee_minor >= 0),
    duties_minor            bigint      not null default 0 check (duties_minor >= 0),
    withheld_minor          bigint      not null default 0,  -- tax in what is paid that we owe, kept from the seller
    fee_tax_minor           bigint      not null default 0 check (fee_tax_minor >= 0),  -- on commission and payment fee
    fee_tax_bp              int,     -- the tax of the sale, whatever the law becomes; null: no law was known
    fee_tax_kind            text     collate "C" check (fee_tax_kind in ('standard', 'reverse_charge', 'outside')),
    fee_rule_id             bigint,  -- the rule of the payment fee; null: the market's terms
    placed_at               timestamptz not null,
    shipped_at              timestamptz,
    delivered_at            timestamptz,
    ended_at                timestamptz,  -- completed, canceled, expired or refunded
    release_due_at          timestamptz,  -- when the timer confirms in the buyer's place
    slot_id                 bigint,  -- when it is delivered; null: whenever
    primary key (cell, id),
    check (paid_minor = items_minor + shipping_minor - seller_discount_minor - operator_discount_minor),
    check (withheld_minor between 0 and paid_minor)
) with (fillfactor = 70);
create index order_group_id on orders.order (cell, group_id);
create index order_seller on orders.order (cell, seller_id, id);
-- What was sold in a month is found without reading all years: rows lie in the order in which they came.
create index order_placed on orders.order using brin (placed_at) with (autosummarize);
create index order_slot on orders.order (cell, slot_id) where slot_id is not null;
create index order_release_due on orders.order (cell, release_due_at) where release_due_at is not null;

create table orders.order_line (
    cell                    smallint not null,
    order_id                uuid     not null,
    line_no                 smallint not null,
    bundle_no               smallint not null default 0,  -- lines of one number are one bundle's; 0: of none
    offer_id                bigint   not null,            -- what was bought: of a component the bundle's
    variant_id              bigint   not null,
    stock_id                bigint   not null,
    quantity                bigint   not null check (quantity > 0),
    unit_price_minor        bigint   not null,
    price_per               int      not null,
    rounding_minor          bigint   not null,
    gross_minor             bigint   not null,
    discount_minor          bigint   not null check (discount_minor between 0 and gross_minor),
    shipping_minor          bigint   not null,
    commission_bp           int      not null,  -- the rate of the sale, whatever is agreed later
    commission_minor        bigint   not null,
    fee_rule_id             bigint,  -- the rule of the commission; null: the seller's or the market's terms
    cost_minor              bigint   not null default 0 check (cost_minor >= 0),  -- of own goods, when they were sent
    primary key (cell, order_id, line_no),
    foreign key (cell, order_id) references orders.order (cell, id)
);

create table orders.discount_line (
    cell          smallint not null,
    order_id      uuid     not null,
    line_no       smallint not null,
    kind          text     collate "C" not null,
    funding_party text     collate "C" not null check (funding_party in ('operator', 'seller')),
    amount_minor  bigint   not null check (amount_minor > 0),
    primary key (cell, order_id, line_no, kind),
    foreign key (cell, order_id, line_no) references orders.order_line (cell, order_id, line_no)
);

-- What the border takes of an order that crosses one, as its buyer was told when it was quoted: paid with the order (DDP)
-- or to whoever brings the goods (DAP). It stays with the order as it was, whatever the law becomes.
create table orders.border (
    cell         smallint    not null,
    order_id     uuid        not null,
    quote_id     uuid        not null,
    from_country text        collate "C" not null,
    to_country   text        collate "C" not null,
    currency     text        collate "C" not null,
    duty_minor   bigint      not null check (duty_minor >= 0),
    tax_minor    bigint      not null check (tax_minor >= 0),
    incoterm     text        collate "C" not null check (incoterm in ('DAP', 'DDP')),
    fee_minor    bigint      not null check (fee_minor >= 0),  -- for the clearance
    line_nos     smallint[]  not null,  -- the order's lines, and the duty and tax of each
    line_charges bigint[]    not null,
    why          text[]      not null,  -- of what is only an estimate
    trace        jsonb       not null,  -- {steps: [trade.Step]}
    -- By which mode it is let in. With a scheme the platform collects the tax when it sells, whoever pays the duty: of
    -- each line the tax, what it is of and its rate. Of a yearly quota it takes so much for each line.
    mode          text       not null default '',
    scheme        text       collate "C" not null default '',
    line_taxes    bigint[]   not null default '{}',
    line_bases    bigint[]   not null default '{}',
    line_rates_bp int[]      not null default '{}',
    -- The taxes are in the prices: the platform owes them, and keeps them from the seller. Then it may cross no border.
    withheld_minor bigint    not null default 0 check (withheld_minor >= 0),
    -- What of it, paid for what is not sent, the buyer's bank keeps: the operator's loss until the order is canceled.
    charged_back_minor bigint not null default 0 check (charged_back_minor >= 0),
    quota_id      bigint,     -- in the buyer's cell
    line_quotas   bigint[]   not null default '{}',
    primary key (cell, order_id)
);
create index border_quote on orders.border (cell, quote_id);

-- An order whose seller is paid in another currency than it was sold in: the rates that were locked when it was quoted.
-- What its seller has of it, with its parts, is `net_minor` of the order's currency; it is paid as what that is at these
-- rates in `settles_in`, less the spread.
create table orders.exchange (
    cell             smallint not null,
    order_id         uuid     not null,
    quote_id         uuid     not null,
    currency         text     collate "C" not null,
    settles_in       text     collate "C" not null,
    day              date     not null,              -- of the rates
    per_euro         numeric  not null check (per_euro > 0),          -- of `currency`
    settles_per_euro numeric  not null check (settles_per_euro > 0),  -- of `settles_in`
    source           text     not null,
    spread_bp        int      not null check (spread_bp between 0 and 5000),
    net_minor        bigint   not null default 0,
    primary key (cell, order_id),
    check (currency <> settles_in)
) with (fillfactor = 80);
create index exchange_quote on orders.exchange (cell, quote_id);

-- A part of an order that goes its own way: so many units of its lines, or an amount of a line, with their frozen shares
-- of the order's amounts. What is disputed or returned is frozen: it lies in escrow, whatever becomes of the order, until
-- it ends; then `back_minor` of what was paid for it goes back to the buyer with its shares of discount, commission and
-- fee, and the rest is released. What is canceled or refunded ends at once, and all of it goes back. Of an order that was
-- released before, the part was recalled from its seller.
create table orders.part (
    cell                         smallint    not null,
    id                           uuid        not null,
    order_id                     uuid        not null,
    no                           smallint    not null,  -- in the order in which they were taken
    kind                         text        collate "C" not null check (kind in (
        'disputed', 'returned', 'canceled', 'refunded', 'charged_back')),
    party                        text        collate "C" not null check (party in ('buyer', 'seller')),  -- who took it
    reason                       text        not null,
    recalled                     boolean     not null,
    paid_minor                   bigint      not null check (paid_minor >= 0),
    operator_discount_minor      bigint      not null check (operator_discount_minor >= 0),
    commission_minor             bigint      not null check (commission_minor >= 0),
    payment_fee_minor            bigint      not null check (payment_fee_minor >= 0),
    fee_tax_minor                bigint      not null default 0 check (fee_tax_minor >= 0),
    withheld_minor               bigint      not null default 0 check (withheld_minor between 0 and paid_minor),
    back_minor                   bigint      check (back_minor between 0 and paid_minor),
    back_operator_discount_minor bigint      check (back_operator_discount_minor between 0 and operator_discount_minor),
    back_commission_minor        bigint      check (back_commission_minor between 0 and commission_minor),
    back_payment_fee_minor       bigint      check (back_payment_fee_minor between 0 and payment_fee_minor),
    back_fee_tax_minor           bigint      check (back_fee_tax_minor between 0 and fee_tax_minor),
    back_withheld_minor          bigint      check (back_withheld_minor between 0 and withheld_minor),
    frozen_at                    timestamptz not null,
    ended_at                     timestamptz,
    duties_minor                 bigint      not null default 0 check (duties_minor >= 0),  -- given back: not sent
    of_part                      uuid,  -- taken of what this part, which ended, left its seller: of no line that is left
    primary key (cell, id),
    unique (cell, order_id, no),
    foreign key (cell, order_id) references orders.order (cell, id),
    check (of_part is null or kind = 'charged_back' and recalled),
    check (num_nulls(back_minor, back_operator_discount_minor, back_commission_minor, back_payment_fee_minor,
                     back_fee_tax_minor, back_withheld_minor, ended_at) in (0, 7))
);

-- What a part has of a line: of what the parts before it have left, the share of its units, rounded down. A unit is in
-- one part at most, and for good. Without units it is an amount that the buyer got back and kept the goods.
create table orders.part_line (
    cell                    smallint not null,
    part_id                 uuid     not null,
    order_id                uuid     not null,
    line_no                 smallint not null,
    quantity                bigint   not null check (quantity >= 0),
    paid_minor              bigint   not null check (paid_minor >= 0),
    operator_discount_minor bigint   not null check (operator_discount_minor >= 0),
    commission_minor        bigint   not null check (commission_minor >= 0),
    payment_fee_minor       bigint   not null check (payment_fee_minor >= 0),
    fee_tax_minor           bigint   not null default 0 check (fee_tax_minor >= 0),
    withheld_minor          bigint   not null default 0 check (withheld_minor between 0 and paid_minor),
    restocked               bigint   check (restocked between 0 and quantity),  -- came back on stock; null: nobody has looked
    primary key (cell, part_id, line_no),
    foreign key (cell, part_id) references orders.part (cell, id),
    foreign key (cell, order_id, line_no) references orders.order_line (cell, order_id, line_no),
    check (quantity > 0 or paid_minor > 0)
);
create index part_line_order on orders.part_line (cell, order_id);
