-- One row per execution of a workflow: whose, since when, of which version, and what became of it.
select workflow_id, customer_id, entered_at, version, status
from executions
where workflow_id = $workflow_id
