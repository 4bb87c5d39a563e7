-- One row per accepted message of a workflow, whatever became of it.
select workflow_id, version, branch, step, customer_id, "at"
from messages
where workflow_id = $workflow_id
