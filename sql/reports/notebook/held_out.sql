-- One row per workflow that has held somebody out.
select distinct workflow_id
from executions
where status = 'held_out'
order by workflow_id
