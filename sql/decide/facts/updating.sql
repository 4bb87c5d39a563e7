-- One row per event that updates its customer's profile, or may make the customer known: few, and asked several times.
create or replace temp table fact_updating as
select event_id, customer_id, ts, "at", acts, type, name, value, properties, attributes
from fact_events
where attributes <> '{}' or type = 'attribute_change' or introduces(type, name, attributes)
