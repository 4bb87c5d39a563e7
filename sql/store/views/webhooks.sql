-- One row per webhook that was decided: those that are settled, and those that wait to be handed over.
select * from internal.webhooks
union all by name
select * from internal.pending_webhooks
