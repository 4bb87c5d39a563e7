-- One row per archived file of events of batches from number $first to $last, to the end if that is null: the last of its
-- batches. Those that aren't part of the state yet count too.
with
    archived as (
        select batch_id, kind, archive, content_hash from batches
        where batch_id between $first and coalesce($last, 9223372036854775807)
        union all
        select batch_id, kind, archive, content_hash from archived_batches
        where batch_id between $first and coalesce($last, 9223372036854775807)
    )

select max(batch_id) as batch_id, archive, content_hash
from archived
where kind = 'events'
group by archive
order by batch_id
