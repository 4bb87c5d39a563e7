-- One row per goal hit of a workflow.
select workflow_id, customer_id, entered_at, "at"
from goal_hits
where workflow_id = $workflow_id
