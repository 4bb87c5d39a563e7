-- One row per workflow with paused executions.
select distinct workflow_id from old.executions where status = 'paused'
