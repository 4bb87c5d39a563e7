-- One row per workflow, version and branch that executions took, held out or not: how many of the others did.
select
    executions.workflow_id,
    executions.version,
    executions.branch,
    workflow_versions.number,
    workflow_versions.first_seen_at,
    count(*) filter (executions.status <> 'held_out') as entered
from executions
join workflow_versions using (workflow_id, version)
group by all
order by executions.workflow_id, workflow_versions.number, executions.branch
