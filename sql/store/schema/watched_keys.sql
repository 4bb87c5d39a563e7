-- One row per amount or schedule that a tick kept track of; numbers are never used again.
create table if not exists watched_keys (
    number integer not null,
    kind varchar not null,
    key varchar not null,
    tracked boolean not null
);
