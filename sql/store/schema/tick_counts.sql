-- One row per tick and reason: how many events were not processed because of it.
create table if not exists tick_counts (
    tick_id bigint not null,
    reason varchar not null,
    n bigint
);
