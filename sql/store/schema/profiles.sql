-- One row per customer ever seen; known says whether a customer row was loaded.
create table if not exists profiles (
    customer_id varchar not null,
    email varchar,
    created_at timestamptz,
    timezone varchar,
    known boolean
);
