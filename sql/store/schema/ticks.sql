-- One row per tick: the half-open interval (previous, now] it covered and what it did.
create table if not exists ticks (
    tick_id bigint not null,
    previous timestamptz,
    now timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    events bigint,
    facts bigint,
    steps bigint,
    executions bigint,
    messages bigint,
    webhooks bigint,
    waves bigint,
    basis varchar
);
