-- One row per logged outcome of a step: what was done, skipped or suppressed, and when.
create table steps (
    execution_id varchar not null,
    workflow_id varchar not null,
    customer_id varchar not null,
    entered_at timestamptz,
    branch varchar,
    step varchar not null,
    action_type varchar,
    "at" timestamptz not null,
    outcome varchar,
    tick_id bigint,
    processed_at timestamptz,
    version varchar
)
