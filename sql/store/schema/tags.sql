-- One row per customer and tag the customer has now.
create table tags (
    customer_id varchar not null,
    tag varchar not null
)
