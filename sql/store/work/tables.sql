-- No rows: beside the tables that people know, those that only a tick needs, empty.
--
-- One row per customer that was brought in: where its document lies, and the document as it was (null: there was none).
create table loaded (customer_id varchar not null, key bigint not null, doc varchar);

-- One row per workflow and customer who ever entered it: the last entry, its version, and where that one's goal refers to the
-- starting fact, the properties of this.
create table entries (
    workflow_id varchar not null,
    version varchar,
    customer_id varchar not null,
    entered_at timestamptz not null,
    properties varchar
);

-- One row per send that counts towards frequency caps, within the longest window.
create table sends (customer_id varchar not null, "at" timestamptz not null, channel varchar, message_class varchar);

-- The executions in flight and the armed schedules of those who were brought in, as they were.
create table executions_before as from executions;
create table schedule_alarms_before as from schedule_alarms;

-- One row per amount or schedule that a tick kept track of; numbers are never used again.
create table watched_keys (number integer not null, kind varchar not null, key varchar not null, tracked boolean not null);

-- What rendering a message needs of its execution, which may have ended.
alter table messages add column trigger_properties varchar
