-- One row per archived batch of earlier ticks with events after $after (null: since ever) and until $until.
select distinct archive
from batches
anti join new_batches using (archive)
where
    kind = 'events'
    and (earliest is null or earliest <= $until)
    and latest > coalesce($after, '-infinity'::timestamptz)
