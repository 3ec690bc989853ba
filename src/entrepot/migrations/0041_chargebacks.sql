-- Chargebacks: what buyers' banks take back of payments, whose loss it is, and what is said to the bank.
create schema chargebacks;

-- What was posted of a dispute that the gateway tells of (payments.chargeback has its id), in the payment's cell.
create table chargebacks.case (
    cell            smallint    not null,
    id              uuid        not null,
    payment_id      uuid        not null,
    currency        text        collate "C" not null,
    withdrawn_minor bigint      not null default 0 check (withdrawn_minor >= 0),
    over_minor      bigint      not null default 0 check (over_minor between 0 and withdrawn_minor),  -- more than was left
    fee_minor       bigint      not null default 0 check (fee_minor >= 0),
    returned_minor  bigint      not null default 0 check (returned_minor between 0 and withdrawn_minor),
    status          text        collate "C" not null check (status in ('heard', 'taken', 'closed')),
    closed_at       timestamptz,
    primary key (cell, id),
    check ((closed_at is not null) = (status = 'closed'))
);

-- What the gateway gave back of a case that was closed, each time: its transfers bear this id.
create table chargebacks.late (
    cell           smallint    not null,
    id             uuid        not null,
    case_id        uuid        not null,
    returned_minor bigint      not null check (returned_minor >= 0),
    fee_back_minor bigint      not null check (fee_back_minor >= 0),
    at             timestamptz not null,
    primary key (cell, id),
    foreign key (cell, case_id) references chargebacks.case (cell, id),
    check (returned_minor + fee_back_minor > 0)
);
create index late_case on chargebacks.late (cell, case_id);

-- What of it falls on an order, in the order's cell: by what was left of each order when it was taken. All shares are
-- what was withdrawn, less what it was over.
create table chargebacks.share (
    cell           smallint    not null,
    id             uuid        not null,  -- also of the part of the order that is frozen for it
    case_id        uuid        not null,
    case_cell      smallint    not null,
    order_id       uuid        not null,
    seller_id      uuid        not null,
    currency       text        collate "C" not null,
    amount_minor   bigint      not null check (amount_minor >= 0),
    fee_minor      bigint      not null check (fee_minor >= 0),  -- of the gateway's fee
    liable         text        collate "C" not null check (liable in ('seller', 'operator')),
    -- told: nothing is done yet; taken: what can be is frozen; ended: the bank has decided.
    status         text        collate "C" not null check (status in ('told', 'taken', 'ended')),
    charged_minor  bigint      not null default 0 check (charged_minor between 0 and fee_minor),  -- of the fee, to the seller
    lost_minor     bigint      check (lost_minor between 0 and amount_minor),  -- what the bank keeps; null: undecided
    fee_back_minor bigint      not null default 0 check (fee_back_minor between 0 and fee_minor),
    from_parts_minor bigint    check (from_parts_minor between 0 and lost_minor),  -- the rest is the operator's loss
    due_at         timestamptz,
    at             timestamptz not null,
    primary key (cell, id),
    unique (cell, case_id, order_id),
    check ((from_parts_minor is not null) = (status = 'ended')),
    check (status <> 'ended' or lost_minor is not null)
);
create index share_due on chargebacks.share (cell, due_at) where due_at is not null;
create index share_order on chargebacks.share (cell, order_id);
create index share_seller on chargebacks.share (cell, seller_id, id);

-- The parts of the order that a share is paid from: its own, those of disputes that the bank took over, and what parts
-- that ended had left the seller.
create table chargebacks.part (
    cell        smallint not null,
    id          uuid     not null,
    share_id    uuid     not null,
    taken_minor bigint   not null check (taken_minor > 0),
    is_dispute  boolean  not null,
    primary key (cell, id),
    foreign key (cell, share_id) references chargebacks.share (cell, id)
);
create index part_share on chargebacks.part (cell, share_id);

-- Whose loss it is, from a time on: the rule that says most about a sale decides, and without one the operator bears it.
create table chargebacks.liability (
    id         bigint      primary key generated always as identity,
    market     text        collate "C" references sellers.market,  -- null, here and below: any
    seller_id  uuid        references sellers.seller,
    reason     text        collate "C",
    valid_from timestamptz not null,
    liable     text        collate "C" not null check (liable in ('seller', 'operator')),
    source     text        not null
);

-- What is said to the bank, in the case's cell: sent together, once.
create table chargebacks.evidence (
    cell      smallint    not null,
    id        uuid        not null,
    case_id   uuid        not null,
    party     text        collate "C" not null check (party in ('seller', 'operator')),
    seller_id uuid,
    text      text        not null,
    file_name text        not null default '',
    file_type text        collate "C" not null default '',
    file      bytea,
    at        timestamptz not null,
    primary key (cell, id),
    check ((file is not null) = (file_type <> '')),
    check ((seller_id is not null) = (party = 'seller'))
);
create index evidence_case on chargebacks.evidence (cell, case_id, id);
