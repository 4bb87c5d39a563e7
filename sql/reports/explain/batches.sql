-- One row per archived file that has rows and was loaded until an instant, in their order; previous: the start of its tick.
select
    kind,
    archive,
    earliest,
    (select min(previous) from ticks where now = loaded_at) as previous
from batches
where rows > duplicates + quarantined and coalesce(earliest <= $until, true)
order by batch_id
