-- Resumes the paused executions of workflows that are active ($active) again.
update executions
set status = 'running', tick_id = $tick_id
where status = 'paused' and list_contains($active::varchar[], workflow_id)
