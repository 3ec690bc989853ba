-- The scripted world: how far an import has got. A row moves in the transaction of the step that it counts.
create schema world;

create table world.progress (
    name  text collate "C" primary key,
    until date not null,  -- the window that is imported ends before this day
    day   date not null,  -- the day under way; once it is over, the first day of the next one
    step  int  not null check (step >= 0)  -- steps of that day that are done
);

-- What each web process says of itself twice a second, in the database of a rehearsal; empty everywhere else.
create table world.rehearsal_sample (
    pid      int         not null,
    at       timestamptz not null,
    cpu_s    float8      not null,  -- that the process has used so far, user and system
    late_ms  float8      not null,  -- the longest that its event loop let somebody wait since the last sample
    in_use   float8      not null,  -- share of the connections at work, of the fullest pool
    batches  bigint      not null,  -- so far
    commands bigint      not null,  -- in them
    primary key (pid, at)
);
