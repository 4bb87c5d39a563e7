-- One row per workflow and customer touched who ever entered it: the last entry.
select workflow_id, customer_id, max(entered_at) as entered_at
from touched_executions
group by workflow_id, customer_id
