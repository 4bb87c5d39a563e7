-- One row, if any message or webhook request waits to be handed over.
select 'message' as kind from messages where status = 'pending'
union all
select 'webhook' from webhooks where status = 'pending'
limit 1
