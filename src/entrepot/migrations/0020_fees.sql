-- What sellers pay to sell here: ordered rules of commission and payment fee, shops, and to whom they pay it. All terms
-- are dated and shared by all cells; what was charged stands with the order, or in the seller's cell.
create schema fees;

-- The first rule, by position, that fits a line (or, of a payment fee, an order) says what it costs. A rule is never
-- changed: it ends, and another begins.
create table fees.rule (
    id                bigint      primary key generated always as identity,
    kind              text        collate "C" not null check (kind in ('commission', 'payment_fee')),
    position          int         not null check (position > 0),
    name              text        not null,
    market            text        collate "C" references sellers.market,  -- null, here and below: any
    seller_id         uuid        references sellers.seller,
    category_id       bigint      references catalog.category,  -- and all that lie in it
    volume_from_minor bigint      check (volume_from_minor > 0),  -- of what was released to the seller in the month before
    valid_from        timestamptz not null,
    valid_to          timestamptz,
    over_minor        bigint[]    not null,  -- of what is over each of these, up to the next, so many basis points
    rates_bp          int[]       not null,
    fixed_minor       bigint      not null default 0 check (fixed_minor >= 0),  -- for each unit
    min_minor         bigint      not null default 0 check (min_minor >= 0),
    max_minor         bigint      check (max_minor >= min_minor),
    source            text        not null,
    check (valid_to >= valid_from),
    check (kind = 'commission' or category_id is null),
    check (cardinality(over_minor) = cardinality(rates_bp) and over_minor[1] = 0 and 0 <= all (rates_bp)
           and 10000 >= all (rates_bp)),
    -- An amount is of a currency, and so of a market.
    check (market is not null
           or num_nonnulls(volume_from_minor, max_minor) = 0 and cardinality(over_minor) = 1
              and fixed_minor + min_minor = 0)
);
create index rule_position on fees.rule (kind, position, id);

-- Who charges fees in a currency from a time on, and numbers the invoices: a legal person of the operator's.
create table fees.entity (
    currency   text        collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    valid_from timestamptz not null,
    code       text        collate "C" not null check (code ~ '^[A-Z0-9]{2,12}$'),  -- its numbers begin with it
    name       text        not null,
    address    text        not null,
    country    text        collate "C" not null check (country ~ '^[A-Z]{2}$'),
    tax_id     text        not null,
    primary key (currency, valid_from)
);

-- To whom a seller's fees are invoiced from a time on. With a tax id it is a business registered for VAT.
create table fees.billing (
    seller_id  uuid        not null references sellers.seller,
    valid_from timestamptz not null,
    name       text        not null,
    address    text        not null,
    country    text        collate "C" not null check (country ~ '^[A-Z]{2}$'),
    tax_id     text        not null,
    primary key (seller_id, valid_from)
);

-- What was released to sellers in a month, less what was called back; and the months that are counted, in each cell.
create table fees.volume (
    seller_id     uuid   not null references sellers.seller,
    currency      text   collate "C" not null,
    month         date   not null,
    sold_minor    bigint not null check (sold_minor >= 0),
    primary key (seller_id, currency, month)
);
create table fees.counted (
    cell  smallint not null,
    month date     not null,
    primary key (cell, month)
);

-- What a shop in a market costs from a time on: for all sellers (seller nil), or for one otherwise. The deposit stays the
-- seller's, in an account of its own.
create table fees.shop_terms (
    market            text        collate "C" not null references sellers.market,
    seller_id         uuid        not null,
    valid_from        timestamptz not null,
    opening_fee_minor bigint      not null check (opening_fee_minor >= 0),
    monthly_fee_minor bigint      not null check (monthly_fee_minor >= 0),
    waived_from_minor bigint      check (waived_from_minor > 0),  -- sold so much in the month before: no monthly fee
    deposit_minor     bigint      not null check (deposit_minor >= 0),
    deposit_kept_s    bigint      not null check (deposit_kept_s >= 0),  -- closed -> what is left of it is given back
    source            text        not null,
    primary key (market, seller_id, valid_from)
);

-- A seller's shop in a market. `due_on` is the first day of the next month to be charged or, of one that is closed, the
-- day on which what is left of its deposit goes back.
create table fees.shop (
    cell          smallint    not null,
    id            uuid        not null,
    seller_id     uuid        not null,
    market        text        collate "C" not null,
    currency      text        collate "C" not null,
    deposit_minor bigint      not null check (deposit_minor >= 0),  -- what of it is still held
    opened_at     timestamptz not null,
    closed_at     timestamptz,
    due_on        date,
    primary key (cell, id),
    check (due_on is not null or closed_at is not null)
);
create unique index shop_open on fees.shop (cell, seller_id, market) where closed_at is null;
create index shop_due on fees.shop (cell, due_on) where due_on is not null;

-- What a shop was charged, or what became of its deposit: the transfer of the charge's id and kind, and that of its tax.
create table fees.charge (
    cell      smallint    not null,
    id        uuid        not null,
    shop_id   uuid        not null,
    seller_id uuid        not null,
    kind      text        collate "C" not null check (kind in (
        'opening_fee', 'monthly_fee', 'deposit', 'deposit_deduction', 'deposit_back')),
    month     date,  -- the first day of the month that is charged
    currency  text        collate "C" not null,
    net_minor bigint      not null check (net_minor >= 0),  -- 0: a month that is waived
    tax_minor bigint      not null check (tax_minor >= 0),
    tax_bp    int,
    tax_kind  text        collate "C" check (tax_kind in ('standard', 'reverse_charge', 'outside')),
    reason    text        not null,  -- why less than the terms say, or what was deducted for
    case_ref  text        not null,  -- of a deduction: the case that decided it
    user_id   uuid,
    at        timestamptz not null,
    primary key (cell, id),
    foreign key (cell, shop_id) references fees.shop (cell, id),
    check ((kind = 'monthly_fee') = (month is not null)),
    check ((kind = 'deposit_deduction') = (case_ref <> ''))
);
create unique index charge_month on fees.charge (cell, shop_id, month) where month is not null;
create unique index charge_once on fees.charge (cell, shop_id, kind) where kind in ('opening_fee', 'deposit', 'deposit_back');
create index charge_seller on fees.charge (cell, seller_id, id);

-- Invoices of fees, and credit notes. They state what the ledger says of a month that is over, or what the operator gives
-- back of one of them; nothing ever changes one.
create schema invoices;

-- Numbers without a gap: of each issuer, kind and year the last one that was given. Its row is locked from then until the
-- documents are committed.
create table invoices.series (
    entity text collate "C" not null,
    kind   text collate "C" not null check (kind in ('invoice', 'credit_note')),
    year   int  not null,
    last   int  not null check (last >= 0),
    primary key (entity, kind, year)
);

create table invoices.invoice (
    cell        smallint    not null,
    id          uuid        not null,
    kind        text        collate "C" not null check (kind in ('invoice', 'credit_note')),
    entity      text        collate "C" not null,
    year        int         not null,
    serial      int         not null check (serial > 0),
    seller_id   uuid        not null,
    currency    text        collate "C" not null,
    month       date        not null,  -- what it is of; of a credit note by hand, what it corrects was of
    net_minor   bigint      not null check (net_minor >= 0),
    tax_minor   bigint      not null check (tax_minor >= 0),
    issuer      jsonb       not null,  -- name, address, country and tax id of both, as they were
    recipient   jsonb       not null,
    corrects_id uuid,                  -- of a credit note by hand: the invoice; null: made of the month
    reason      text        not null,
    user_id     uuid,
    issued_at   timestamptz not null,
    primary key (cell, id),
    unique (cell, entity, kind, year, serial),
    check ((corrects_id is null) = (user_id is null))
);
create unique index invoice_month on invoices.invoice (cell, seller_id, currency, month, kind) where corrects_id is null;
create index invoice_seller on invoices.invoice (cell, seller_id, id);
create index invoice_corrected on invoices.invoice (cell, corrects_id) where corrects_id is not null;

create table invoices.line (
    cell       smallint not null,
    invoice_id uuid     not null,
    no         smallint not null,
    kind       text     collate "C" not null check (kind in (
        'commission', 'payment_fee', 'opening_fee', 'monthly_fee', 'usage_fee')),
    tax_kind   text     collate "C" not null,  -- '': no law was known
    tax_bp     int      not null,
    net_minor  bigint   not null check (net_minor > 0 or kind = 'usage_fee'),
    of_month   date     not null,  -- when what it takes back was charged; of use, when that was
    of_line    smallint,           -- of a credit note by hand: the invoice's line
    name       text     not null default '',  -- of use: of what, the unit, how much, and what one costs
    unit       text     not null default '',
    quantity   bigint,
    unit_price text     not null default '',
    check ((quantity is not null) <= (kind = 'usage_fee')),
    primary key (cell, invoice_id, no),
    foreign key (cell, invoice_id) references invoices.invoice (cell, id)
);

-- Tax by its kind and rate: the sum of what each sale was taxed.
create table invoices.tax (
    cell       smallint not null,
    invoice_id uuid     not null,
    tax_kind   text     collate "C" not null,
    tax_bp     int      not null,
    net_minor  bigint   not null check (net_minor >= 0),
    tax_minor  bigint   not null check (tax_minor >= 0),
    primary key (cell, invoice_id, tax_kind, tax_bp),
    foreign key (cell, invoice_id) references invoices.invoice (cell, id)
);

-- Months of which all invoices of a cell and currency are issued.
create table invoices.issued (
    cell     smallint    not null,
    currency text        collate "C" not null,
    month    date        not null,
    at       timestamptz not null,
    primary key (cell, currency, month)
);
