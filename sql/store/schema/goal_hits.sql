-- One row per fact that reached the goal of a customer's latest entry, held out or not, within the goal's window.
create table goal_hits (
    execution_id varchar not null,
    workflow_id varchar not null,
    customer_id varchar not null,
    entered_at timestamptz not null,
    "at" timestamptz not null,
    event_id varchar,
    tick_id bigint
)
