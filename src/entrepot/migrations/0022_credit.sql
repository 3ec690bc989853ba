-- Buying on installments. The funder pays the order now; its buyer owes the funder a schedule.
create schema credit;

-- What may be paid in how many monthly installments in a market, at what price, and who bears it. Terms are added, never
-- changed; the last ones that have begun count, for what is bought from then on.
create table credit.plan_terms (
    market        text        collate "C" not null references sellers.market,
    months        smallint    not null check (months in (3, 6, 12, 24)),
    valid_from    timestamptz not null,
    offered       boolean     not null,
    fee_bp        int         not null check (fee_bp between 0 and 10000),  -- of what is lent, for the whole plan
    bearer        text        collate "C" not null check (bearer in ('buyer', 'seller', 'platform')),
    minimum_minor bigint      not null check (minimum_minor >= months),
    source        text        not null,
    primary key (market, months, valid_from)
);

-- How much may be owed by score, and what comes of not paying in time.
create table credit.terms (
    market           text        collate "C" not null references sellers.market,
    valid_from       timestamptz not null,
    grace_s          int         not null check (grace_s >= 0),          -- due -> late
    retry_s          int         not null check (retry_s > 0),           -- between two askings for what is due
    late_fee_minor   bigint      not null check (late_fee_minor >= 0),   -- once for an installment,
    late_fee_max_bp  int         not null check (late_fee_max_bp between 0 and 10000),  -- and no more of it than this
    default_after_s  int         not null check (default_after_s > grace_s),  -- due -> given up
    scores           int[]       not null check (cardinality(scores) > 0),
    limits_minor     bigint[]    not null check (cardinality(limits_minor) = cardinality(scores)),  -- from each score on
    source           text        not null,
    primary key (market, valid_from)
);

-- What a buyer owes in a currency, and the limit by which that was granted: a purchase locks the row, is judged and takes.
create table credit.line (
    cell           smallint not null,
    buyer_id       uuid     not null,
    currency       text     collate "C" not null,
    limit_minor    bigint   not null,
    exposure_minor bigint   not null,
    primary key (cell, buyer_id, currency),
    constraint exposure_within_limit check (exposure_minor between 0 and limit_minor)
);

-- One purchase on installments; its id is the order group's. The terms are those of the day it was bought.
create table credit.plan (
    cell            smallint    not null,
    id              uuid        not null,
    buyer_id        uuid        not null,
    market          text        collate "C" not null,
    currency        text        collate "C" not null,
    months          smallint    not null,
    bearer          text        collate "C" not null,
    principal_minor bigint      not null check (principal_minor > 0),
    fee_minor       bigint      not null check (fee_minor >= 0),
    grace_s         int         not null,
    retry_s         int         not null,
    late_fee_minor  bigint      not null,
    late_fee_max_bp int         not null,
    default_after_s int         not null,
    -- of what went back to the buyer's funder: what the buyer had paid before, and got
    back_principal_minor bigint not null default 0 check (back_principal_minor between 0 and principal_minor),
    back_fee_minor       bigint not null default 0 check (back_fee_minor between 0 and fee_minor),
    -- open: owed; defaulted: given up, still owed; paid, canceled: nothing is owed (all of it went back before anything was paid)
    status          text        collate "C" not null check (status in ('open', 'paid', 'canceled', 'defaulted')),
    opened_at       timestamptz not null,
    due_at          timestamptz,  -- when the timer looks at it next
    defaulted_at    timestamptz,
    ended_at        timestamptz,
    primary key (cell, id),
    check ((status in ('paid', 'canceled')) = (ended_at is not null)),
    check (status = 'open' or due_at is null)
) with (fillfactor = 80);
create index plan_due on credit.plan (cell, due_at) where due_at is not null;
create index plan_buyer on credit.plan (cell, buyer_id, id);
create index plan_owed on credit.plan (cell, id) where status in ('open', 'defaulted');

create table credit.installment (
    cell                smallint    not null,
    plan_id             uuid        not null,
    no                  smallint    not null,
    due_at              timestamptz not null,
    principal_minor     bigint      not null check (principal_minor >= 0),  -- owed, or paid
    fee_minor           bigint      not null check (fee_minor >= 0),
    cut_principal_minor bigint      not null default 0 check (cut_principal_minor >= 0),  -- need not be paid: goods went back
    cut_fee_minor       bigint      not null default 0 check (cut_fee_minor >= 0),        -- the same, or paid off early
    status              text        collate "C" not null check (status in ('open', 'paid', 'void')),
    payment_id          uuid,  -- what paid it
    paid_at             timestamptz,
    late_at             timestamptz,  -- was not paid in time
    late_fee_minor      bigint      not null default 0 check (late_fee_minor >= 0),
    late_payment_id     uuid,  -- what paid the late fee
    primary key (cell, plan_id, no),
    foreign key (cell, plan_id) references credit.plan (cell, id),
    check ((status = 'paid') = (payment_id is not null) and (status = 'paid') = (paid_at is not null)),
    check (status <> 'void' or principal_minor + fee_minor + late_fee_minor = 0),
    check (late_at is not null or late_fee_minor = 0)
) with (fillfactor = 80);

-- Payments that were asked for: what is due, or all that is owed (`whole`). The payment's own row says what became of it.
create table credit.collection (
    cell       smallint    not null,
    payment_id uuid        not null,
    plan_id    uuid        not null,
    whole      boolean     not null,
    asked_at   timestamptz not null,
    ended_at   timestamptz,  -- paid, or asked for anew; what is captured later counts all the same
    primary key (cell, payment_id),
    foreign key (cell, plan_id) references credit.plan (cell, id)
);
create unique index collection_open on credit.collection (cell, plan_id) where ended_at is null;
create index collection_plan on credit.collection (cell, plan_id);
