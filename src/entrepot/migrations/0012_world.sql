-- The scripted world: how far an import has got. A row moves in the transaction of the step that it counts.
create schema world;

create table world.progress (
    name  text collate "C" primary key,
    until date not null,  -- the window that is imported ends before this day
    day   date not null,  -- the day under way; once it is over, the first day of the next one
    step  int  not null check (step >= 0)  -- steps of that day that are done
);
