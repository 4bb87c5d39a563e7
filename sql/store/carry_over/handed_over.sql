-- One row, if any message or webhook request was ever handed over.
select 'message' as kind from old.messages where status in ('sent', 'unknown')
union all
select 'webhook' from old.webhooks where status in ('sent', 'unknown')
limit 1
