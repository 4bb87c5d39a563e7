-- One row per webhook that was decided: those that are settled, and those that wait to be handed over.
select *, "at" as decided_at
from (from internal.webhooks union all by name from internal.pending_webhooks)
