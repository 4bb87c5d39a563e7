-- One row per goal hit until $until of entries of $workflow_id from $since (null: the first) on.
select execution_id, workflow_id, customer_id, entered_at, "at", event_id
from everybody.goal_hits
where workflow_id = $workflow_id and entered_at >= coalesce($since::timestamptz, '-infinity') and "at" <= $until
order by customer_id, entered_at, "at", event_id
