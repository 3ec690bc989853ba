-- The installation itself: what is switched off for a while, and how much it holds.
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

-- What a rehearsal of a peak has measured. Nothing follows from it by itself: a campaign takes its rate over when it is told to.
create table platform.rehearsal (
    id             uuid        primary key,
    at             timestamptz not null,
    capacity_per_s int         not null check (capacity_per_s >= 0),  -- orders placed in a second before the first limit
    admit_per_s    int         not null check (admit_per_s between 0 and capacity_per_s),  -- of them, those to let in
    forecast_per_s int         check (forecast_per_s > 0),
    verdict        text        collate "C" not null check (verdict in ('go', 'no_go', 'measured')),
    bottleneck     text        collate "C" not null
);
