-- One row per random split of a workflow that somebody came to: who, when, and the arm that was drawn.
select version, branch, step, customer_id, "at", outcome as arm
from steps
where workflow_id = $workflow_id and action_type = 'random_split' and outcome <> 'skipped'
