-- One row per execution that the tick has decided on and that was there before: the step that held it.
select execution_id, held_by
from executions
semi join decided_executions using (execution_id)
