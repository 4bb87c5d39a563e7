-- One row per execution: one customer's pass through one workflow, and where it stands (or stood when it ended); held_by is
-- the step that was logged last, if that is a wait (one is in it until the next step is due) or failed.
create table executions (
    execution_id varchar not null,
    workflow_id varchar not null,
    version varchar,
    customer_id varchar not null,
    entered_at timestamptz not null,
    branch varchar,
    status varchar not null,
    ended_at timestamptz,
    converted_at timestamptz,
    trigger_type varchar,
    trigger_name varchar,
    trigger_event_id varchar,
    trigger_properties varchar,
    step varchar,
    phase varchar,
    due_at timestamptz,
    decision varchar,
    variant varchar,
    tick_id bigint,
    held_by varchar
)
