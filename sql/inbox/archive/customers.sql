-- One row per good customer of a batch.
select
    customer_id,
    email,
    created_at,
    attributes::varchar as attributes,
    tags,
    timezone
from good
order by customer_id
