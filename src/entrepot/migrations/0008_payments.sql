-- Money that comes in and goes out: payments, refunds, payouts. The ledger says what it did to the books.
create schema payments;

-- The first payment of an order group carries the group's id. One by installments is the funder's; what its buyer then
-- pays are further payments of the group.
create table payments.payment (
    cell           smallint    not null,
    id             uuid        not null,
    group_id       uuid        not null,
    buyer_id       uuid        not null,
    method         text        collate "C" not null check (method in ('wallet', 'sandbox', 'stripe', 'installments')),
    currency       text        collate "C" not null,
    amount_minor   bigint      not null check (amount_minor >= 0),
    refunded_minor bigint      not null default 0 check (refunded_minor between 0 and amount_minor),
    -- What the buyer's bank has taken of it: together never more than was paid. What it took beyond that, because a refund
    -- crossed it, is `taken_over_minor`.
    charged_back_minor bigint  not null default 0 check (charged_back_minor >= 0),
    taken_over_minor   bigint  not null default 0 check (taken_over_minor >= 0),
    -- created: asked of the gateway, or about to be; pending: the gateway knows it; captured: the money is ours;
    -- canceling: nobody waits for it any more; failed: declined, canceled or given up; returning: captured too late,
    -- goes back; returned: went back.
    status         text        collate "C" not null
        check (status in ('created', 'pending', 'captured', 'canceling', 'failed', 'returning', 'returned')),
    external_id    text        collate "C",
    redirect_url   text,
    attempts       int         not null default 0,
    due_at         timestamptz,  -- when the sweeper looks at it next; null when nothing is left to do
    created_at     timestamptz not null,
    captured_at    timestamptz,
    primary key (cell, id),
    check (refunded_minor + charged_back_minor <= amount_minor)
) with (fillfactor = 80);
create index payment_due on payments.payment (cell, due_at) where due_at is not null;
create unique index payment_external on payments.payment (cell, method, external_id) where external_id is not null;

create table payments.refund (
    cell         smallint    not null,
    id           uuid        not null,
    payment_id   uuid        not null,
    order_id     uuid        not null,
    cause_id     uuid        not null,  -- what goes back: the order, or a part of it
    amount_minor bigint      not null check (amount_minor > 0),
    -- failed: the gateway will not do it, `refusal` says why in its word; credited: given into the wallet instead;
    -- charged_back: the buyer's bank has taken that money itself.
    status       text        collate "C" not null
        check (status in ('created', 'done', 'failed', 'credited', 'charged_back')),
    external_id  text        collate "C",
    refusal      text        collate "C",
    covered_minor bigint     not null default 0 check (covered_minor between 0 and amount_minor),  -- the bank has taken
    reason       text        collate "C" not null,
    attempts     int         not null default 0,
    due_at       timestamptz,
    created_at   timestamptz not null,
    primary key (cell, id),
    unique (cell, cause_id),
    foreign key (cell, payment_id) references payments.payment (cell, id)
);
create index refund_due on payments.refund (cell, due_at) where due_at is not null;
create index refund_failed on payments.refund (cell, id) where status = 'failed';
create index refund_payment on payments.refund (cell, payment_id);

-- What a buyer disputes at the bank that gave the card (a chargeback), in the gateway's words. It lies with its payment.
create table payments.chargeback (
    cell            smallint    not null,
    id              uuid        not null,
    payment_id      uuid        not null,
    method          text        collate "C" not null,
    external_id     text        collate "C" not null,
    -- heard: not looked at yet; inquiry: the bank only asks; open: evidence is wanted; review: the bank decides.
    status          text        collate "C" not null check (status in ('heard', 'inquiry', 'open', 'review', 'won', 'lost')),
    reason          text        collate "C" not null default '',
    amount_minor    bigint      not null default 0 check (amount_minor >= 0),
    withdrawn_minor bigint      not null default 0 check (withdrawn_minor >= 0),
    returned_minor  bigint      not null default 0 check (returned_minor between 0 and withdrawn_minor),
    fee_taken_minor bigint      not null default 0 check (fee_taken_minor >= 0),  -- with what it took
    fee_minor       bigint      not null default 0 check (fee_minor >= 0),  -- by now
    taken_at        timestamptz,  -- when we heard that
    returned_at     timestamptz,  -- and of the last of what came back
    decided_at      timestamptz,
    evidence_by     timestamptz,
    evidence        text,  -- what is to be sent to the bank
    sent_at         timestamptz,  -- when the gateway had it
    refusal         text        collate "C",  -- why it would not have it
    attempts        int         not null default 0,
    due_at          timestamptz,
    heard_at        timestamptz not null,
    primary key (cell, id),
    unique (cell, method, external_id),
    foreign key (cell, payment_id) references payments.payment (cell, id),
    check (sent_at is null or evidence is not null)
);
create index chargeback_due on payments.chargeback (cell, due_at) where due_at is not null;
create index chargeback_payment on payments.chargeback (cell, payment_id);

-- What of it falls on each order of the payment, which paid so much of it: that is not given back once more.
create table payments.taken (
    cell          smallint not null,
    chargeback_id uuid     not null,
    order_id      uuid     not null,
    payment_id    uuid     not null,
    paid_minor    bigint   not null,
    taken_minor   bigint   not null check (taken_minor between 0 and paid_minor),
    primary key (cell, chargeback_id, order_id)
);
create index taken_payment on payments.taken (cell, payment_id);

-- When a gateway was last asked what it has that we have not heard of.
create table payments.listing (
    method  text        collate "C" primary key,
    at      timestamptz not null,
    last_at timestamptz not null  -- when it was asked before that; at first the same
);

-- What a gateway told us, each told thing once.
create table payments.webhook (
    gateway     text        collate "C" not null,
    event_id    text        collate "C" not null,
    received_at timestamptz not null,
    primary key (gateway, event_id)
);
create index webhook_received on payments.webhook using brin (received_at);

-- Where money is sent from and to: the house's accounts (owner nil, in cell 0) and the sellers'. The last one that was added
-- for a currency counts; rows are never changed, so that a file for the bank stays what it was.
create table payments.bank_account (
    cell     smallint    not null,
    id       uuid        not null,
    owner    uuid        not null,
    currency text        collate "C" not null,
    sealed   bytea       not null,  -- holder and IBAN, encrypted by the application
    ending   text        collate "C" not null,  -- the IBAN's last four characters, to tell accounts apart
    at       timestamptz not null,
    added_by uuid        not null,
    primary key (cell, id)
);
create index bank_account_owner on payments.bank_account (cell, owner, currency, id);

-- A seller's account at Stripe, which the operator has connected to ours: payouts then go there instead of to a bank. The last
-- row counts; one without an account leads back to the bank.
create table payments.connected_account (
    cell      smallint    not null,
    id        uuid        not null,
    seller_id uuid        not null,
    account   text        collate "C" check (account ~ '^acct_[A-Za-z0-9]{1,59}$'),
    at        timestamptz not null,
    added_by  uuid        not null,
    primary key (cell, id)
);
create index connected_account_seller on payments.connected_account (cell, seller_id, id);

-- What a run of a day sends in one currency from the house's bank account: one ISO 20022 message, written from these rows
-- whenever it is asked for.
create table payments.bank_file (
    cell        smallint    not null,
    id          uuid        not null,
    day         date        not null,
    currency    text        collate "C" not null,
    account_id  uuid        not null,  -- the house's, in cell 0
    payouts     int         not null check (payouts > 0),
    total_minor bigint      not null check (total_minor > 0),
    at          timestamptz not null,
    primary key (cell, id)
);

create table payments.payout (
    cell         smallint    not null,
    id           uuid        not null,
    seller_id    uuid        not null,
    currency     text        collate "C" not null,
    amount_minor bigint      not null check (amount_minor > 0),
    -- sent: the bank was told, and the amount is held in the seller's account; settled: it has left it; returned: the
    -- bank could not deliver it, and the seller has it still, or again.
    status       text        collate "C" not null check (status in ('sent', 'settled', 'returned')),
    due_at       timestamptz,  -- when a bank that has not returned it has delivered it; null: a statement will tell, or has
                               -- by Stripe: when it is asked for, or asked again
    created_at   timestamptz not null,
    file_id      uuid,  -- the file that tells the bank; null: the operator pays by other means
    account_id   uuid,  -- of the seller, where the file sends it
    destination  text        collate "C",  -- its account at Stripe, where a transfer sends it
    external_id  text        collate "C",  -- of that transfer
    attempts     int         not null default 0,
    primary key (cell, id),
    foreign key (cell, file_id) references payments.bank_file (cell, id),
    foreign key (cell, account_id) references payments.bank_account (cell, id),
    check (status = 'sent' or due_at is null),
    check ((file_id is null) = (account_id is null)),
    check (file_id is null or destination is null),
    check (destination is null or (external_id is null) = (status = 'sent') or status = 'returned'),
    check (status <> 'sent' or (file_id is null) = (due_at is not null))
);
create index payout_seller on payments.payout (cell, seller_id, id);
create index payout_due on payments.payout (cell, due_at) where due_at is not null;
create index payout_sent on payments.payout (cell, id) where status = 'sent';
create index payout_file on payments.payout (cell, file_id, id) where file_id is not null;

-- When sellers are paid out, in a currency: all of them (seller nil), or one otherwise. Terms are added, never changed.
create table payments.payout_terms (
    currency      text        collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    seller_id     uuid        not null,
    valid_from    timestamptz not null,
    every         text        collate "C" not null check (every in ('day', 'week', 'two_weeks', 'month')),
    on_day        smallint    not null,  -- of the week (1 is Monday) or of the month
    minimum_minor bigint      not null check (minimum_minor > 0),  -- less than this waits
    source        text        not null,
    primary key (currency, seller_id, valid_from),
    check (on_day between 1 and case every when 'day' then 1 when 'month' then 28 else 7 end)
);

-- What is held back of each release of a seller's, and for how long, against what may have to be given back. Terms are
-- added, never changed.
create table payments.reserve_terms (
    seller_id  uuid        not null references sellers.seller,
    valid_from timestamptz not null,
    reserve_bp int         not null check (reserve_bp between 0 and 10000),  -- of what is left after commission and fee
    hold_s     int         not null check (hold_s > 0),
    source     text        not null,
    primary key (seller_id, valid_from)
);

-- What a seller owed us and will not pay: the operator's loss, bad_debt -> seller.
create table payments.write_off (
    cell         smallint    not null,
    id           uuid        not null,
    seller_id    uuid        not null,
    currency     text        collate "C" not null,
    amount_minor bigint      not null check (amount_minor > 0),
    reason       text        not null,
    user_id      uuid        not null,
    at           timestamptz not null,
    primary key (cell, id)
);

-- Each day's payouts are made once.
create table payments.payout_run (
    cell smallint    not null,
    day  date        not null,
    at   timestamptz not null,
    primary key (cell, day)
);

create function payments.record_many(
    p_cell smallint, p_now timestamptz, p_groups uuid[], p_buyers uuid[], p_methods text[], p_currencies text[],
    p_amounts bigint[]
) returns void language plpgsql set search_path = pg_catalog as $$
begin
    insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, due_at,
                                  created_at, captured_at)
    select p_cell, p.group_id, p.group_id, p.buyer_id, p.method, p.currency, p.amount,
           case when p.method in ('wallet', 'installments') then 'captured' else 'created' end,
           case when p.method not in ('wallet', 'installments') then p_now end,
           p_now,
           case when p.method in ('wallet', 'installments') then p_now end
      from unnest(p_groups, p_buyers, p_methods, p_currencies, p_amounts)
           as p (group_id, buyer_id, method, currency, amount);
end $$;
