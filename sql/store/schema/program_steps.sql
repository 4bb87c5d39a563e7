-- One row per step of a workflow version's branch; position is its order in the file.
create table if not exists program_steps (
    workflow_id varchar not null,
    version varchar not null,
    branch varchar,
    step varchar not null,
    position integer,
    action_type varchar,
    label varchar
);
