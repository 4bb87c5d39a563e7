-- Gives the executions in flight of $workflows the status $status.
update executions
set status = $status
where status in ('running', 'paused') and list_contains($workflows::varchar[], workflow_id)
