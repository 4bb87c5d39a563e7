-- Resumes the workflows that are active ($active) again; one without executions in flight isn't paused any more, either.
delete from paused
where
    workflow_id in (select value from json_each($active))
    or workflow_id not in (select workflow_id from in_flight)
returning workflow_id
