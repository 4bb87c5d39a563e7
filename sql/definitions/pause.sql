-- Pauses the running executions of workflows that aren't active ($active), except of those whose file can't be read.
update executions
set status = 'paused', tick_id = $tick_id
where
    status = 'running'
    and not list_contains($active::varchar[], workflow_id)
    and not list_contains($unreadable::varchar[], workflow_id)
