-- One row per customer and tag the customer has now.
create table if not exists tags (
    customer_id varchar not null,
    tag varchar not null
);
