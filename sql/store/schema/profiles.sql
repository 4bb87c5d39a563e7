-- One row per customer ever seen; known says whether a customer row was loaded or an event introduced the customer,
-- from_file whether the former. E-mail and time zone are attributes.
create table profiles (
    customer_id varchar not null,
    created_at timestamptz,
    known boolean,
    from_file boolean
)
