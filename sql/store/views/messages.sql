-- One row per message that was decided: those that are settled, and those that wait to be handed over.
select *, "at" as decided_at
from (from internal.messages union all by name from internal.pending_messages)
