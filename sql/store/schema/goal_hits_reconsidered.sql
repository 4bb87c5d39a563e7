-- One row per fact that reached a reconsidered goal, of entries that were reconsidered.
create table goal_hits_reconsidered (
    execution_id varchar not null,
    workflow_id varchar not null,
    customer_id varchar not null,
    entered_at timestamptz not null,
    "at" timestamptz not null,
    event_id varchar
)
