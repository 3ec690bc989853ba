-- Disputes: what a buyer says is wrong with a part of an order, what is said and shown about it, and the verdict.
create schema disputes;

-- In the order's cell. The part of the order that it freezes has its id.
create table disputes.dispute (
    cell          smallint    not null,
    id            uuid        not null,
    order_id      uuid        not null,
    buyer_id      uuid        not null,
    seller_id     uuid        not null,
    market        text        collate "C" not null references sellers.market,
    currency      text        collate "C" not null,
    kind          text        collate "C" not null check (kind in (
        'not_received', 'not_as_described', 'wrong_or_damaged', 'unwanted')),
    -- Of what is unwanted, which is sent back: returning: the buyer is to send it; sent_back: the seller is to look at it.
    -- opened: the seller is to answer; answered: the buyer is to accept or to escalate; escalated: the operator decides;
    -- decided: final unless somebody appeals in time; appealed: the operator decides again; closed: money has moved.
    -- replaced: something else was sent for what came back, and the buyer is to say whether it is there.
    -- at_bank: the buyer has turned to the bank, which decides instead.
    status        text        collate "C" not null check (status in (
        'returning', 'sent_back', 'replaced', 'opened', 'answered', 'escalated', 'decided', 'appealed', 'at_bank', 'closed')),
    claimed_minor bigint      not null check (claimed_minor > 0),
    offered_minor bigint      check (offered_minor between 0 and claimed_minor),  -- by the seller
    granted_minor bigint      check (granted_minor between 0 and claimed_minor),  -- to the buyer
    opened_at     timestamptz not null,
    due_at        timestamptz,  -- when who is to speak has lost the turn; null: the operator's, or nobody's
    closed_at     timestamptz,
    primary key (cell, id),
    check ((due_at is not null) = (status in ('returning', 'sent_back', 'replaced', 'opened', 'answered', 'decided'))),
    check ((granted_minor is not null) = (status in ('decided', 'appealed', 'closed'))),
    check ((closed_at is not null) = (status = 'closed'))
) with (fillfactor = 70);
create index dispute_order on disputes.dispute (cell, order_id);
create index dispute_seller on disputes.dispute (cell, seller_id, id);
create index dispute_buyer on disputes.dispute (cell, buyer_id);
create index dispute_due on disputes.dispute (cell, due_at) where due_at is not null;
create index dispute_to_decide on disputes.dispute (cell, id) where status in ('escalated', 'appealed');

-- What was done and said, in the order of the ids.
create table disputes.step (
    cell         smallint    not null,
    id           uuid        not null,
    dispute_id   uuid        not null,
    party        text        collate "C" not null check (party in ('buyer', 'seller', 'operator', 'timer')),
    act          text        collate "C" not null,
    amount_minor bigint,
    text         text        not null,
    file_name    text        not null default '',
    file_type    text        collate "C" not null default '',
    file         bytea,
    at           timestamptz not null,
    primary key (cell, id),
    foreign key (cell, dispute_id) references disputes.dispute (cell, id),
    check ((file is not null) = (file_type <> ''))
);
create index step_dispute on disputes.step (cell, dispute_id, id);

-- What a buyer wants instead of the money of a return, under the dispute's id: it is held while the goods travel, and
-- sent when the seller has taken them back. No money moves for it but the difference, when the dispute is closed.
create table disputes.replacement (
    cell       smallint not null,
    id         uuid     not null,
    offer_id   bigint   not null,
    variant_id bigint   not null,
    stock_id   bigint   not null,
    quantity   bigint   not null check (quantity > 0),
    back_minor bigint   not null check (back_minor >= 0),  -- by so much it is cheaper
    status     text     collate "C" not null default 'held' check (status in ('held', 'sent', 'freed')),
    primary key (cell, id),
    foreign key (cell, id) references disputes.dispute (cell, id)
);
