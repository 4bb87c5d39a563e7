-- One row per bad row of batches that lie together, from the file $bad of the archive; those of version 0.1 lie alone.
insert into quarantine
with
    archived as (
        select null::bigint as batch_id where false
        union all by name
        select * from read_parquet($bad)
    )

select coalesce(batch_id, $batch), file, line, reason, row, $now
from archived
