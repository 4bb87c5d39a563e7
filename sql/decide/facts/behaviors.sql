-- One row per behavioral event that counts in windows, by its name ($names).
select
    event_id,
    customer_id,
    ts,
    "at",
    name,
    value,
    acts,
    true as fresh
from fact_events
where type = 'behavioral' and list_contains($names::varchar[], name)
