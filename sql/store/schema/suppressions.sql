-- One row per reason not to write to a customer: unsubscribe, complaint, hard_bounce or erasure; and to whom it was written.
create table suppressions (
    customer_id varchar not null,
    reason varchar not null,
    "at" timestamptz,
    source varchar,
    address varchar
)
