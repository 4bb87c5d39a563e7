-- One row per branch of a workflow: how many took it, held-out ones aside.
select branch, count(*) as entered
from executions
where workflow_id = $workflow_id and status <> 'held_out'
group by branch
order by branch
