-- One row per batch of events from number $first to $last, to the end if that is null.
select batch_id, archive, content_hash
from batches
where kind = 'events' and batch_id between $first and coalesce($last, batch_id)
order by batch_id
