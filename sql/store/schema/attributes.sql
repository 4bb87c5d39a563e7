-- One row per customer and attribute: its value as JSON text (null = removed), and when it was set (null = before all time).
create table attributes (
    customer_id varchar not null,
    attribute varchar not null,
    value varchar,
    set_at timestamptz
)
