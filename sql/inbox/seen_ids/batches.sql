-- One row per archived file of events of batches from number $first to $last, to the end if that is null: the last of its
-- batches. Those that aren't part of the state yet count too.
with
    archived as (
        select batch_id, kind, archive, content_hash from batches
        union all
        select batch_id, kind, archive, content_hash from archived_batches
    )

select max(batch_id) as batch_id, archive, arg_max(content_hash, batch_id) as content_hash
from archived
where kind = 'events' and batch_id between $first and coalesce($last, batch_id)
group by archive
order by batch_id
