-- One row per workflow and version that executions run, or are paused on.
select workflow_id, version from in_flight order by workflow_id, version
