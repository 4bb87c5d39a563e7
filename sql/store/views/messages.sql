-- One row per message that was decided: those that are settled, and those that wait to be handed over.
select * from internal.messages
union all by name
select * from internal.pending_messages
