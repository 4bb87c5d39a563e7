-- One row per customer with events that count in windows: the amounts as of the last tick, by the numbers of their keys.
create table window_amounts (
    customer_id varchar not null,
    keys integer[] not null,
    amounts bigint[] not null
)
