-- One row per good event of a batch, in its order.
select
    event_id,
    customer_id,
    ts,
    type,
    name,
    value,
    properties::varchar as properties,
    attributes::varchar as attributes,
    received_at
from good
