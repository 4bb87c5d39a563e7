-- One row per workflow and version that executions run, or are paused on.
select distinct workflow_id, version from executions where status in ('running', 'paused')
