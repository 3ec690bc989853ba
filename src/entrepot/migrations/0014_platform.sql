-- The installation itself: what is switched off for a while.
create schema platform;

create table platform.switch_off (
    id       uuid        primary key,
    name     text        collate "C" not null,
    user_id  uuid        not null,  -- who did it; nil: by the command
    why      text        not null,
    at       timestamptz not null,
    until    timestamptz not null check (until > at),  -- then it is on again, whoever is looking
    ended_at timestamptz,  -- turned on, turned off anew, or noted by the worker
    ended_by uuid
);
create unique index switch_off_name on platform.switch_off (name) where ended_at is null;
