-- What people are told, and how they want to be told.
create schema notify;

-- One message: of what it tells (`kind`, to a `party`), to whom and by which way. Its id is made of the event and the
-- recipient, so that the key decides what is told once. It has no text and no address: these are looked up when it goes
-- out, so that nothing is left here of somebody who was erased. It lies in the cell of what it is about.
create table notify.message (
    cell       smallint    not null,
    id         uuid        not null,
    user_id    uuid        not null,
    channel    text        collate "C" not null check (channel in ('mail', 'sms')),
    party      text        collate "C" not null check (party in ('buyer', 'seller', 'operator')),
    kind       text        collate "C" not null,
    subject_id uuid        not null,           -- the group, order, dispute, payout: by the kind
    data       jsonb       not null,           -- what the event said: ids, codes and amounts
    language   text        collate "C" not null,
    status     text        collate "C" not null default 'due' check (status in ('due', 'sent', 'dropped', 'failed')),
    at         timestamptz not null,           -- when it is to go out
    due_at     timestamptz not null,           -- when that is tried next
    attempts   int         not null default 0,
    sent_at    timestamptz,
    reason     text        collate "C" not null default '',  -- why it was dropped or has failed, or the last try did
    primary key (cell, id),
    check ((sent_at is not null) = (status = 'sent'))
) with (fillfactor = 80);
create index message_due on notify.message (cell, channel, due_at) where status = 'due';
create index message_user on notify.message (cell, user_id, id);
create index message_sent on notify.message (cell, user_id, sent_at) where status = 'sent';
create index message_status on notify.message (cell, status, id);

-- In the user's cell. Who is not here has said nothing: the market's language, mail, all topics.
create table notify.preference (
    cell     smallint not null,
    user_id  uuid     not null,
    language text     collate "C" not null default '',  -- BCP 47; empty: the market's
    phone    text     collate "C" not null default '',  -- as E.164 writes it; empty: no text messages
    muted    text[]   not null default '{}',            -- topics
    primary key (cell, user_id)
);

-- The days on which it was looked whether there is something for the operator to do.
create table notify.digest (
    day date primary key
);
