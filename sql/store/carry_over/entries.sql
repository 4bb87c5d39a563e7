-- One row per workflow and customer who ever entered it: the last entry.
select workflow_id, customer_id, max(entered_at) as entered_at
from old.executions
group by all
