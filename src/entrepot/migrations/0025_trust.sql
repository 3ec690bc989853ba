-- Trust: who did what (kit.audit), what needs a second person (approvals), what buyers say (reviews), which orders somebody
-- has to look at (orders: fraud), and sessions that were ended.

-- One line for each act of an operator or of a seller's staff that changed something. Only ids say who it was.
create table kit.audit_line (
    cell      smallint    not null,
    id        uuid        not null,
    at        timestamptz not null,
    user_id   uuid        not null,
    role      text        collate "C" not null,
    seller_id uuid,
    route     text        collate "C" not null,  -- method and address with {names}
    address   text        collate "C" not null,
    said      jsonb       not null,  -- the body, without what says who a person is, and cut
    before    jsonb       not null,  -- what was overwritten
    told      text[]      not null,  -- the events that came of it
    names     text[]      collate "C" not null,  -- the ids in the address and of the events
    origin    text        collate "C" not null,  -- the network address
    primary key (cell, id)
);
create index audit_line_user on kit.audit_line (cell, user_id, id);
create index audit_line_seller on kit.audit_line (cell, seller_id, id) where seller_id is not null;
create index audit_line_names on kit.audit_line using gin (names);

create function kit.refuse_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'what is written here stays as it is' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_line_stays before update or delete or truncate on kit.audit_line
    for each statement execute function kit.refuse_change();

-- What one operator does not do alone.
create schema approvals;

-- What one may do alone in 24 hours. An action without a row needs nobody; one with some rows, in another currency, always
-- somebody. XXX is the currency of what has no amount.
create table approvals.alone (
    action      text        collate "C" not null,
    currency    text        collate "C" not null,
    limit_minor bigint      not null check (limit_minor >= 0),
    set_at      timestamptz not null,
    set_by      uuid        not null,
    primary key (action, currency)
);

-- What was done alone, and the limit that it was within.
create table approvals.done_alone (
    id           uuid        primary key,
    user_id      uuid        not null,
    action       text        collate "C" not null,
    currency     text        collate "C" not null,
    amount_minor bigint      not null check (amount_minor between 0 and limit_minor),
    limit_minor  bigint      not null,
    at           timestamptz not null
);
create index done_alone_user on approvals.done_alone (user_id, action, currency, at);

-- What somebody has asked for; `args` are the action's. It is done by the transaction that approves it.
create table approvals.request (
    id           uuid        primary key,
    action       text        collate "C" not null,
    args         jsonb       not null,
    currency     text        collate "C" not null,
    amount_minor bigint      not null,
    asked_by     uuid        not null,
    asked_at     timestamptz not null,
    expires_at   timestamptz not null check (expires_at > asked_at),
    status       text        collate "C" not null default 'waiting' check (status in ('waiting', 'approved', 'refused')),
    decided_by   uuid,
    decided_at   timestamptz,
    note         text        not null default '',
    check (status <> 'approved' or (decided_by <> asked_by and decided_at < expires_at)),
    check ((status = 'waiting') = (decided_at is null)),
    check ((decided_by is null) = (decided_at is null))
);
create index request_waiting on approvals.request (id) where status = 'waiting';

-- Which paid orders somebody has to look at. What is held is in orders.hold.
create schema fraud;

-- A rule holds from a day on and is ended, never changed; see fraud/types.py for the kinds.
create table fraud.rule (
    name         text        collate "C" not null,
    kind         text        collate "C" not null check (kind in (
        'new_account', 'guest', 'buyer', 'address', 'country', 'failed_payments')),
    currency     text        collate "C" not null,
    amount_minor bigint      not null check (amount_minor >= 0),
    count        int         not null check (count > 0),
    within_s     int         not null check (within_s > 0),
    hold_s       int         not null check (hold_s > 0),
    then_        text        collate "C" not null check (then_ in ('released', 'rejected')),
    valid_from   timestamptz not null,
    valid_to     timestamptz check (valid_to > valid_from),
    source       text        not null,
    primary key (name, valid_from)
);

-- The service that is asked about paid orders: the latest row. An empty address asks nobody.
create table fraud.hook (
    id              uuid        primary key,
    url             text        not null,
    secret          bytea       not null,  -- encrypted
    fails           text        collate "C" not null check (fails in ('open', 'closed')),
    answer_within_s int         not null check (answer_within_s > 0),
    valid_from      timestamptz not null,
    set_by          uuid        not null
);

-- What it is asked, in the order's cell; one row an order. `silent`: it had not answered in time.
create table fraud.question (
    cell        smallint    not null,
    order_id    uuid        not null,
    hook_id     uuid        not null references fraud.hook,
    asked_at    timestamptz not null,
    due_at      timestamptz not null,
    next_at     timestamptz not null,
    attempts    int         not null default 0,
    answer      text        collate "C" check (answer in ('allow', 'hold', 'silent')),
    reason      text        not null default '',
    answered_at timestamptz,
    primary key (cell, order_id),
    foreign key (cell, order_id) references orders.order (cell, id),
    check ((answer is null) = (answered_at is null))
);
create index question_next on fraud.question (cell, next_at) where answer is null;

-- Who else lives there, for the rules about an address; and how often somebody failed to pay.
create index address_place on accounts.address (cell, country, postal_code, lower(line1));
create index payment_failed on payments.payment (cell, buyer_id, created_at) where status = 'failed';

-- What buyers say of what they got.
create schema reviews;

-- One for each line of an order. There is no reference to the product: of one that thousands review at once every one of
-- them would touch its row. `counted` says as how many stars it is in the ratings; null: not.
create table reviews.review (
    cell           smallint    not null,
    id             uuid        not null,
    order_id       uuid        not null,
    line_no        smallint    not null,
    buyer_id       uuid        not null,
    seller_id      uuid        not null,
    product_id     bigint      not null,
    market         text        collate "C" not null,
    language       text        collate "C" not null,
    stars          smallint    not null check (stars between 1 and 5),
    seller_stars   smallint    check (seller_stars between 1 and 5),
    text           text        not null,
    written_at     timestamptz not null,
    edited_at      timestamptz,
    answer         text        not null default '',
    answered_at    timestamptz,
    hidden_at      timestamptz,  -- the operator does not show it
    hidden_by      uuid,         -- who looked at it last, and why it is (or is not) hidden
    hidden_why     text        not null default '',
    counted        smallint,
    counted_seller smallint,
    primary key (cell, id),
    unique (cell, order_id, line_no),
    foreign key (cell, order_id, line_no) references orders.order_line (cell, order_id, line_no)
);
create index review_product on reviews.review (cell, product_id, id) where hidden_at is null;
create index review_seller on reviews.review (cell, seller_id, id) where hidden_at is null;
create index review_buyer on reviews.review (cell, buyer_id);
create index review_uncounted on reviews.review (cell, id)
 where counted is distinct from case when hidden_at is null then stars end
    or counted_seller is distinct from case when hidden_at is null then seller_stars end;

-- How many gave one star, two, ... five. No CHECK says that a count is not below zero: it would be asked of what is added,
-- which may be; the auditor compares.
create table reviews.product_rating (
    cell       smallint not null,
    product_id bigint   not null,
    n1         bigint   not null,
    n2         bigint   not null,
    n3         bigint   not null,
    n4         bigint   not null,
    n5         bigint   not null,
    primary key (cell, product_id)
);
create table reviews.seller_rating (
    cell      smallint not null,
    seller_id uuid     not null,
    n1        bigint   not null,
    n2        bigint   not null,
    n3        bigint   not null,
    n4        bigint   not null,
    n5        bigint   not null,
    primary key (cell, seller_id)
);

-- Who finds that a review should not stand there; once for each.
create table reviews.report (
    cell      smallint    not null,
    review_id uuid        not null,
    user_id   uuid        not null,
    reason    text        collate "C" not null check (reason in (
        'insult', 'advertising', 'personal_data', 'not_about_it', 'other')),
    text      text        not null,
    at        timestamptz not null,
    closed_at timestamptz,  -- the operator has looked
    primary key (cell, review_id, user_id),
    foreign key (cell, review_id) references reviews.review (cell, id)
);
create index report_open on reviews.report (cell, review_id) where closed_at is null;
