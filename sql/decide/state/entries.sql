-- One row per workflow and active customer who ever entered it: the last entry.
select workflow_id, customer_id, max(entered_at) as entered_at
from executions_of_active
group by workflow_id, customer_id
