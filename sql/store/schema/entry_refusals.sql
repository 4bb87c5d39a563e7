-- One row per refused entry into a workflow, with the reason.
create table entry_refusals (
    workflow_id varchar not null,
    customer_id varchar not null,
    "at" timestamptz not null,
    reason varchar,
    tick_id bigint
)
