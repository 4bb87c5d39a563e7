-- One row per customer and schedule by a date attribute: the value it was armed for, and when it fires (null: it has).
create table schedule_alarms (
    customer_id varchar not null,
    key varchar not null,
    value varchar,
    "at" timestamptz
)
