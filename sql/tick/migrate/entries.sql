-- Lets the goals of customers whose executions of $workflow_id are about to move, as `moves` says, be those of $version.
update entries
set version = $version, properties = executions.trigger_properties
from executions, moves
where
    executions.workflow_id = $workflow_id
    and executions.status in ('running', 'paused')
    and executions.version = moves.version
    and executions.branch = moves.branch
    and coalesce(executions.step, 'end') = moves.step
    and executions.customer_id = entries.customer_id
    and executions.workflow_id = entries.workflow_id
