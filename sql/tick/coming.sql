-- One row per customer with events that were loaded earlier and act in the tick.
select distinct customer_id
from stored_events
where ts > getvariable('tick_previous') and ts <= getvariable('tick_now')
