-- One row per migration of a workflow's executions in flight to another of its versions, after the tick it came after.
create table if not exists migrations (
    after_tick bigint not null,
    number integer not null,
    "at" timestamptz,
    workflow_id varchar not null,
    version varchar not null,
    executions bigint
);
