-- One row per workflow and version of its definition; version is a hash of the content.
create table if not exists workflow_versions (
    workflow_id varchar not null,
    version varchar not null,
    number integer,
    definition varchar,
    workflow_name varchar,
    first_seen_at timestamptz
);

alter table workflow_versions add column if not exists watches boolean
