-- One row per logged outcome of a step, with the version that its execution is on.
select steps.*, executions.version
from old.steps as steps
left join old.executions as executions using (execution_id)
