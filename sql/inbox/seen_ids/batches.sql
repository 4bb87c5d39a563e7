-- One row per batch of events from number $first to $last, to the end if that is null; of those archived
-- but not part of the state yet too.
with
    archived as (
        select batch_id, kind, archive, content_hash from batches
        union all
        select batch_id, kind, archive, content_hash from archived_batches
    )

select batch_id, archive, content_hash
from archived
where kind = 'events' and batch_id between $first and coalesce($last, batch_id)
order by batch_id
