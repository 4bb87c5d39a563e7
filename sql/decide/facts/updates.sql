-- One row per profile update of an attribute that workflows see, of events that act or of those that don't ($acts).
select event_id, customer_id, ts, "at", ordinal, attribute, value
from fact_live
where acts = $acts
