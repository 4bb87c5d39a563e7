-- One row per customer and attribute that no workflow sees: its last update.
select
    customer_id,
    attribute,
    arg_max(value, (ts, event_id, ordinal)) as value,
    max(ts) as set_at
from fact_writes
where not ($every or list_contains($attributes::varchar[], attribute))
group by customer_id, attribute
