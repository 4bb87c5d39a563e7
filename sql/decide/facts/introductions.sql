-- One row per event that makes a customer known who isn't yet; `said`: since when their traits say they are one, as JSON.
select
    event_id,
    customer_id,
    ts,
    "at",
    json_extract(attributes, ['$.createdAt', '$.created_at'])::varchar[] as said
from fact_updating
anti join known_customers using (customer_id)
where introduces(type, name, attributes)
