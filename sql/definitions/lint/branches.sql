-- One row per workflow and branch that executions have taken since $since.
select workflow_id, branch, count(*) as entries
from executions
where entered_at > $since and branch is not null
group by workflow_id, branch
