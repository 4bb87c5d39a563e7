-- One row per reason not to write to a customer: unsubscribe, complaint, hard_bounce or erasure; and to whom it was written.
create table if not exists suppressions (
    customer_id varchar not null,
    reason varchar not null,
    "at" timestamptz,
    source varchar
);

alter table suppressions add column if not exists address varchar
